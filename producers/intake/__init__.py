"""`kept intake`: events over HTTP, checked at once, answered when they are on disk, delivered by the spool."""

from producers.intake.server import run_intake

__all__ = ["run_intake"]
