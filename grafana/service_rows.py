"""PromQL of the Overview: one number for each service, with the label `service` alone.

Workers' own labels are summed away: a service that moves to another worker stays one row.
"""

from __future__ import annotations

from typing import Final

from grafana.promql import WINDOW, indicator, series
from grafana.tables import Word
from kept import metric_names as names
from kept.metric_names import Metric

BELOW, ON_TARGET, NOT_APPLICABLE, NOT_PROVIDED, NO_PROMISE, NOT_SHOWN = range(6)
STANDINGS: Final = {
    BELOW: "below target",
    ON_TARGET: "on target",
    NOT_APPLICABLE: "no value: not applicable",
    NOT_PROVIDED: "no value: not provided",
    NO_PROMISE: "no promise",
    NOT_SHOWN: "no value: not published",
}
"""Where a service stands, as numbers for queries and words for people."""
ALL: Final = f"max by (service) ({names.SERVICE.name})"
TARGET: Final = f"max by (service) ({names.PROMISE_TARGET.name})"


def of(name: str, window: str = WINDOW) -> str:
    """An indicator of every service that has a value of it."""
    return f"max by (service) ({indicator(name, window=window, service=None)})"


def with_label(metric: Metric, *labels: str, **chosen: str) -> str:
    """A metric by service and these labels."""
    return f"max by ({', '.join(('service', *labels))}) ({series(metric, **chosen)})"


def shortfall() -> str:
    """Target less promise kept, in percentage points: above 0 is below target."""
    return f"100 * ({TARGET} - {of('promise_kept')})"


def worst_first() -> str:
    """A number for every service: its shortfall, or less than any shortfall where it is not known."""
    return f"{shortfall()} or {ALL} * 0 - 1000"


def standing() -> str:
    """A number of `STANDINGS` for every service."""
    kept = of("promise_kept")
    state = {
        state: with_label(names.INDICATOR_STATE, indicator="promise_kept", window=WINDOW, state=state)
        for state in ("not_applicable", "not_provided")
    }
    return (
        f"({kept} < {TARGET}) * 0 + {BELOW} or ({kept} >= {TARGET}) * 0 + {ON_TARGET}"
        f" or ({ALL} unless {TARGET}) * 0 + {NO_PROMISE}"
        f" or {state['not_applicable']} * 0 + {NOT_APPLICABLE} or {state['not_provided']} * 0 + {NOT_PROVIDED}"
        f" or {ALL} * 0 + {NOT_SHOWN}"
    )


def how_many(*standings: int) -> str:
    """How many services stand so; 0 only where some service is known."""
    wanted = " or ".join(f"({standing()}) == {each}" for each in standings)
    return f"count({wanted}) or count({ALL}) * 0"


def cases(name: str) -> str:
    """What the value of an indicator rests on."""
    return with_label(names.INDICATOR_CASES, indicator=name, window=WINDOW)


def active(severity: str) -> str:
    """How many signals of a severity are raised; 0 for a service that is watched, nothing for one that is not."""
    signals = f"max by (service, signal, about) ({series(names.SIGNAL_ACTIVE, severity=severity)})"
    return f"count by (service) ({signals} == 1) or max by (service) ({names.SIGNAL_ACTIVE.name}) * 0"


def active_of_all(severity: str) -> str:
    """The same of all services together."""
    signals = f"max by (service, signal, about) ({series(names.SIGNAL_ACTIVE, severity=severity)})"
    return f"count({signals} == 1) or count({names.SIGNAL_ACTIVE.name}) * 0"


def as_of_ms() -> str:
    """Event time up to which a service is published (ms, as Grafana counts dates)."""
    return f"1000 * max by (service) ({names.INDICATOR_TIME.name})"


def age_seconds() -> str:
    """How long ago that was."""
    return f"time() - max by (service) ({names.INDICATOR_TIME.name})"


def words_of_standings(colours: dict[int, str]) -> dict[str, Word]:
    """The value mapping of `standing`, with a colour where one is given."""
    return {str(number): Word(word, colours.get(number)) for number, word in STANDINGS.items()}
