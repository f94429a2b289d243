"""A small simulated city: invented services whose cases are opened, worked on, paused, chased and completed.

Everything is a function of the catalogue, the hours asked for and the seed, so that a run can be repeated.
"""

from producers.simulator.city import simulate

__all__ = ["simulate"]
