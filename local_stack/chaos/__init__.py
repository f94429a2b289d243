"""Chaos on the real parts: seeded stories of faults, after each of which the figures must be those of a calm run."""
