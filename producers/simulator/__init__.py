"""A small simulated city: invented services whose cases are opened, worked on, paused, chased and completed.

Everything is a function of the catalogue, the hours asked for, the seed and the script of incidents (if there is one),
so that a run can be repeated.
"""

from producers.simulator.city import simulate
from producers.simulator.script import NO_SCRIPT, Script, built_in_scripts, read_script

__all__ = ["NO_SCRIPT", "Script", "built_in_scripts", "read_script", "simulate"]
