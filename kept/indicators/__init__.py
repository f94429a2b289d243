"""Tallies in, indicators out: one module a family, every definition in `definitions`, every value a `Point`."""
