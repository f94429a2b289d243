"""What may happen to whom, and the story of a seed: which faults, when, how the feed is disordered. Pure."""

from __future__ import annotations

from random import Random
from typing import Final, Literal, get_args

from msgspec import Struct

Kind = Literal["kill", "restart", "freeze", "long freeze", "delay", "clock", "fill", "lock"]
Target = Literal["producer", "worker", "broker", "InfluxDB", "SQLite", "Prometheus", "Alertmanager"]
Disorder = Literal["duplicates", "shuffle", "late"]
History = Literal["SQLite", "InfluxDB"]

STEPS: Final = 8
"""Hours of event time in a story."""
SESSION_SECONDS: Final = 3.0
"""The workers' session in the group: short, so that a freeze outlasts it soon."""
PRODUCERS: Final = 2
DISORDERS: Final[tuple[Disorder, ...]] = get_args(Disorder)

MEANINGS: Final[dict[Kind, str]] = {
    "kill": "`kill -9`, and started again after a while, with workers also after their session",
    "restart": "told to end (TERM), and started again",
    "freeze": f"SIGSTOP, and SIGCONT within the session of {SESSION_SECONDS:g} s",
    "long freeze": "SIGSTOP, and SIGCONT when the session is over and the partitions have moved",
    "delay": "SIGSTOP and SIGCONT in turns: half of the time it does not answer",
    "clock": "its wall clock jumps by up to a day and a half, forth or back, and later back to the right time",
    "fill": "the broker is frozen until a producer's spool has reached KEPT_SPOOL_BYTES and refuses events",
    "lock": "another program holds the history file's lock",
}
PROCESS_KINDS: Final[tuple[Kind, ...]] = ("kill", "restart", "freeze", "long freeze", "delay")
PROCESSES: Final[tuple[Target, ...]] = ("producer", "worker", "broker", "InfluxDB", "Prometheus", "Alertmanager")
OWN: Final[tuple[Target, ...]] = ("producer", "worker")
"""Kept's own: what they do is judged, and each has a number."""
ALL: Final[tuple[tuple[Kind, Target], ...]] = (
    *((kind, target) for kind in PROCESS_KINDS for target in PROCESSES),
    ("clock", "producer"),
    ("clock", "worker"),
    ("fill", "producer"),
    ("lock", "SQLite"),
)
"""Every fault there is."""
LONGEST_SECONDS: Final[dict[Kind, tuple[float, float]]] = {
    "kill": (0.0, 1.5),
    "restart": (0.0, 0.5),
    "freeze": (0.3, 2.0),
    "long freeze": (1.4 * SESSION_SECONDS, 1.8 * SESSION_SECONDS),
    "delay": (1.5, 3.0),
    "clock": (1.0, 4.0),
    "fill": (6.0, 6.0),
    "lock": (0.5, 6.0),
}
"""Least and most that it lasts; `fill` ends as soon as the spool is full."""
JUMPS: Final = (-36 * 3600, -3600, -90, 90, 3600, 36 * 3600)
INFLUXDB_SHARE: Final = 0.2
"""Of the stories that could have either history; faults of InfluxDB have it anyway."""
DISORDERED: Final = 0.3
"""Of the stories, for each disorder."""
KILL_OUTLASTS: Final = 0.3
"""Share of killed workers that stay away for longer than their session."""


class Fault(Struct, frozen=True, kw_only=True):
    """`kind` happens to the `number`th `target`, `after` seconds into `step` of the feed, for `seconds`.

    `jump` is by how much the wall clock is moved (s), of the kind `clock` alone.
    """

    kind: Kind
    target: Target
    number: int
    step: int
    after: float
    seconds: float
    jump: int = 0

    def __str__(self) -> str:
        """For the table."""
        whom = f"{self.target} {self.number + 1}" if self.target in OWN else self.target
        how = f" by {self.jump:+,} s" if self.kind == "clock" else f" {self.seconds:.1f} s"
        return f"{self.kind} {whom}{how} (hour {self.step + 1})"


class Story(Struct, frozen=True, kw_only=True):
    """Everything that is chosen for a seed. Without faults and disorders it is the calm run. `hours` of it are told."""

    seed: int
    workers: int = 2
    history: History = "SQLite"
    hours: int = STEPS
    faults: tuple[Fault, ...] = ()
    disorders: tuple[Disorder, ...] = ()

    def kinds(self) -> list[str]:
        """What happens in it, without when and for how long."""
        return sorted({f"{fault.kind} {fault.target}" for fault in self.faults} | set(self.disorders))

    def bursts(self) -> frozenset[int]:
        """Steps that need more events than a spool holds."""
        return frozenset(fault.step for fault in self.faults if fault.kind == "fill")


class Abilities(Struct, frozen=True, kw_only=True):
    """What this machine has beside a broker."""

    influxdb: bool
    alerts: bool
    """Prometheus and Alertmanager."""

    def possible(self) -> list[tuple[Kind, Target]]:
        """Faults that can be done here."""
        absent: set[str] = set()
        if not self.influxdb:
            absent.add("InfluxDB")
        if not self.alerts:
            absent |= {"Prometheus", "Alertmanager"}
        return [(kind, target) for kind, target in ALL if target not in absent]


EVERYTHING: Final = Abilities(influxdb=True, alerts=True)


def choose(seed: int, abilities: Abilities = EVERYTHING) -> Story:
    """The story of `seed`; the same on every machine of the same `abilities`."""
    dice = Random(f"story {seed}")  # noqa: S311 - a test's dice, not a secret
    possible = abilities.possible()
    first = possible[seed % len(possible)]  # in turn, so that seeds in a row meet all of them
    history: History = "InfluxDB" if abilities.influxdb and dice.random() < INFLUXDB_SHARE else "SQLite"
    if first[1] == "InfluxDB" or first[1] == "SQLite":
        history = first[1]
    workers = dice.choice((2, 2, 3))
    stores = {"InfluxDB", "SQLite"} - {history}
    others = [one for one in possible if one != first and one[1] not in stores]
    chosen = [first, *dice.sample(others, dice.choice((0, 1, 1, 2)))]
    dice.shuffle(chosen)
    # Not in the first hour, and not in the last: something must follow each fault.
    steps = sorted(dice.sample(range(1, STEPS - 1), len(chosen)))
    faults = tuple(
        _fault(dice, kind, target, step, workers) for (kind, target), step in zip(chosen, steps, strict=True)
    )
    disorders = tuple(one for one in DISORDERS if dice.random() < DISORDERED)
    return Story(seed=seed, workers=workers, history=history, faults=faults, disorders=disorders)


def calm(story: Story) -> Story:
    """The same events without any fault or disorder; a burst stays."""
    return Story(seed=story.seed, workers=story.workers)


def _fault(dice: Random, kind: Kind, target: Target, step: int, workers: int) -> Fault:
    of_target = {"worker": workers, "producer": PRODUCERS}
    least, most = LONGEST_SECONDS[kind]
    seconds = dice.uniform(least, most)
    if (kind, target) == ("kill", "worker") and dice.random() < KILL_OUTLASTS:
        seconds += 1.2 * SESSION_SECONDS
    return Fault(
        kind=kind,
        target=target,
        number=dice.randrange(of_target.get(target, 1)),
        step=step,
        after=round(dice.uniform(0.0, 0.4), 3),
        seconds=round(seconds, 3),
        jump=dice.choice(JUMPS) if kind == "clock" else 0,
    )
