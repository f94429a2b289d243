"""Around every alert of a service: promtool scrapes, and a person reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from alert_rules.options import RuleOptions
from alert_rules.rule_text import as_yaml
from alert_rules.services import service_group, why_not
from kept.catalogue import Service
from kept.signals.kinds import BY_NAME, KINDS, Kind
from tests.alert_rules.city import ALWAYS, PROMISED, SMALL_CITY, UNPROMISED
from tests.alert_rules.promtool import Scene, play

SINCE = 1772510400  # Tuesday 3 March 2026, 04:00 UTC
WAIT, HOLD = 5, 10  # minutes

TOLD: tuple[tuple[str, Service, str, tuple[float | None, float | None, int | None, float | None], str], ...] = (
    (
        "promise_budget_fast",
        PROMISED,
        "",
        (0.7125, 0.95, 240, 4.6e-7),
        """\
Parking permits: "Your permit is valid within 2 days"
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 71.25% kept, 95% promised (judged on 240 cases)
How sure: if all were well, this would come by chance 1 time in 2,200,000""",
    ),
    (
        "promise_budget_slow",
        PROMISED,
        "",
        (0.9, 0.95, 1240, 0.00071),
        """\
Parking permits: "Your permit is valid within 2 days"
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 90% kept, 95% promised (judged on 1240 cases)
How sure: if all were well, this would come by chance 1 time in 1,400""",
    ),
    (
        "promise_breached",
        ALWAYS,
        "",
        (3, None, 3, None),
        """\
Emergency housing: "Nobody waits longer than a day"
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 3 late (judged on 3 cases)""",
    ),
    (
        "promise_breach_old",
        ALWAYS,
        "",
        (1, None, 1, None),
        """\
Emergency housing: "Nobody waits longer than a day"
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: at least 1 late for days (judged on 1 case)""",
    ),
    (
        "cases_at_risk",
        PROMISED,
        "",
        (0.4, 0.125, 120, 1e-12),
        """\
Parking permits: "Your permit is valid within 2 days"
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 40% of the cases due soon are still open, 12.5% bearable (judged on 120 cases)
How sure: if all were well, this would come by chance less than 1 time in 1,000,000,000""",
    ),
    (
        "source_silent",
        PROMISED,
        "",
        (104_400, 43_200, None, None),
        """\
Parking permits
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: silent for 1d 5h, expected at most 12h""",
    ),
    (
        "special_cause",
        PROMISED,
        "promise_kept",
        (0.712, 0.81, 903, None),
        """\
Parking permits, promise kept
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 71.2%, the line on its chart is 81% (judged on 903 cases)""",
    ),
    (
        "unexplained_improvement",
        PROMISED,
        "cost_per_transaction",
        (7.5, 11.256, 903, 0.04),
        """\
Parking permits, cost per transaction
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 7.50 EUR, the line on its chart is 11.26 EUR (judged on 903 cases)
How sure: if all were well, this would come by chance 1 time in 25""",
    ),
    (
        "chart_signal",
        UNPROMISED,
        "delivery_time_closed_p90",
        (190_800, 93_600, 12345, 0.000031),
        """\
Library, delivery time closed p90
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 2d 5h, the line on its chart is 1d 2h (judged on 12345 cases)
How sure: if all were well, this would come by chance 1 time in 32,000""",
    ),
    (
        "definition_drift",
        UNPROMISED,
        "satisfaction_score",
        (94, 91.24, 310, None),
        """\
Library, satisfaction score
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 94 points published, 91.2 points recomputed from the counts (judged on 310 cases)""",
    ),
    (
        "backlog_breach_ahead",
        PROMISED,
        "backlog",
        (912, 700, 912, None),
        """\
Parking permits, backlog
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 912 waiting, the limit is 700 (judged on 912 cases)""",
    ),
    (
        "area_gap",
        PROMISED,
        "area=North End",
        (0.62, 0.81, 88, 2.5e-5),
        """\
Parking permits, area North End
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 62% kept there, 81% elsewhere (judged on 88 cases)
How sure: if all were well, this would come by chance 1 time in 40,000""",
    ),
    (
        "gap_changed",
        PROMISED,
        "channel=Phone",
        (0.18, 0.03, 412, 2.5e-5),
        """\
Parking permits, channel Phone
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: the rest is now ahead by 18%, before by 3% (judged on 412 cases)
How sure: if all were well, this would come by chance 1 time in 40,000""",
    ),
    (
        "target_integrity",
        PROMISED,
        "bunching",
        (0.14, 0.06, 1204, 2.5e-5),
        """\
Parking permits: "Your permit is valid within 2 days", bunching
Since: Tue 3 Mar 2026, 04:00 UTC
Seen: 14% of those looked at, at most 6% would be no question (judged on 1204 cases)
How sure: if all were well, this would come by chance 1 time in 40,000""",
    ),
)


def scraped(
    kind: Kind,
    service: Service,
    about: str,
    figures: tuple[float | None, float | None, int | None, float | None],
    active: str,
    worker: str = "worker-1",
) -> dict[str, str]:
    of = f'service="{service.id}",signal="{kind.name}",about="{about}",instance="{worker}",job="kept-worker"'
    value, expected, cases, chance = figures
    rest = {
        "kept_signal_since_timestamp_seconds": SINCE,
        "kept_signal_value": value,
        "kept_signal_expected": expected,
        "kept_signal_cases": cases,
        "kept_signal_chance_ratio": chance,
    }
    return {
        f'kept_signal_active{{{of},severity="{kind.severity}"}}': active,
        **{f"{name}{{{of}}}": f"{number}x40" for name, number in rest.items() if number is not None},
    }


def labels(kind: Kind, about: str) -> dict[str, str]:
    return {"about": about} if about else {}


def rules(service: Service) -> str:
    return as_yaml([service_group(service, RuleOptions())])


def test_every_kind_is_told_here() -> None:
    assert [signal for signal, *_ in TOLD] == [kind.name for kind in KINDS]


@pytest.mark.parametrize(("signal", "service", "about", "figures", "text"), TOLD, ids=[row[0] for row in TOLD])
def test_what_stands_for_as_long_as_it_must_is_told_in_these_words(
    signal: str,
    service: Service,
    about: str,
    figures: tuple[float | None, float | None, int | None, float | None],
    text: str,
    tmp_path: Path,
) -> None:
    kind = BY_NAME[signal]
    series = scraped(kind, service, about, figures, "0x2 1x30")  # raised at minute 3
    fires = ((labels(kind, about), text),)
    play(tmp_path, rules(service), Scene(name="fires", alert=kind.alert, series=series, at=3 + WAIT, fires=fires))


@pytest.mark.parametrize(("signal", "service", "about", "figures", "text"), TOLD, ids=[row[0] for row in TOLD])
def test_what_has_not_stood_long_enough_or_is_only_watched_is_not_told(
    signal: str,
    service: Service,
    about: str,
    figures: tuple[float | None, float | None, int | None, float | None],
    text: str,
    tmp_path: Path,
) -> None:
    kind = BY_NAME[signal]
    early = scraped(kind, service, about, figures, "0x2 1x30")
    play(tmp_path, rules(service), Scene(name="early", alert=kind.alert, series=early, at=3 + WAIT - 1))
    watched = scraped(kind, service, about, figures, "0x40")
    play(tmp_path, rules(service), Scene(name="watched", alert=kind.alert, series=watched, at=30))


SIGNAL, FIGURES, TEXT = "promise_budget_fast", TOLD[0][3], TOLD[0][4]
FAST = BY_NAME[SIGNAL]


def test_a_worker_that_starts_again_neither_ends_nor_repeats_an_alert(tmp_path: Path) -> None:
    # minute      0..9 worker-1   10..15 nobody      16..  worker-2
    series = scraped(FAST, PROMISED, "", FIGURES, "1x9 _x30") | scraped(
        FAST, PROMISED, "", FIGURES, "_x15 1x20", "worker-2"
    )
    for minute in range(WAIT, 30):
        scene = Scene(name=f"minute {minute}", alert=FAST.alert, series=series, at=minute, fires=(({}, TEXT),))
        if minute in (WAIT, 9, 14, 15, 16, 29):
            play(tmp_path, rules(PROMISED), scene)


def test_an_alert_ends_when_its_signal_has_been_gone_for_as_long_as_it_is_held(tmp_path: Path) -> None:
    series = scraped(FAST, PROMISED, "", FIGURES, "1x9 0x30")  # gone from minute 10 on
    held = Scene(name="held", alert=FAST.alert, series=series, at=10 + HOLD - 1, fires=(({}, TEXT),))
    play(tmp_path, rules(PROMISED), held)
    play(tmp_path, rules(PROMISED), Scene(name="ended", alert=FAST.alert, series=series, at=10 + HOLD))


def test_two_areas_are_two_alerts_and_two_workers_are_one(tmp_path: Path) -> None:
    gap = BY_NAME["area_gap"]
    figures = (0.62, 0.81, 88, None)
    series: dict[str, str] = {}
    for about in ("area=North", "area=South"):
        for worker in ("worker-1", "worker-2"):
            series |= scraped(gap, PROMISED, about, figures, "1x30", worker)
    text = (
        "Parking permits, area {}\nSince: Tue 3 Mar 2026, 04:00 UTC\n"
        "Seen: 62% kept there, 81% elsewhere (judged on 88 cases)"
    )
    fires = tuple(({"about": f"area={area}"}, text.format(area)) for area in ("North", "South"))
    play(tmp_path, rules(PROMISED), Scene(name="two", alert=gap.alert, series=series, at=10, fires=fires))


def test_a_figure_of_every_unit_is_written_in_it(tmp_path: Path) -> None:
    chart = BY_NAME["chart_signal"]
    for about, value, shown in (
        ("backlog", 912.0, "912 cases"),
        ("oldest_open", 12.5, "12.5 days"),
        ("satisfaction_score", 81.0, "81 points"),
        ("cost_of_waste_rework_booked", 1500.0, "1500.00 EUR a week"),
        ("something_new", 1500.0, "1.5k"),
    ):
        series = scraped(chart, PROMISED, about, (value, None, None, None), "1x30")
        text = f"Parking permits, {about.replace('_', ' ')}\nSince: Tue 3 Mar 2026, 04:00 UTC\nSeen: {shown}"
        fires = (({"about": about}, text),)
        play(tmp_path, rules(PROMISED), Scene(name=about, alert=chart.alert, series=series, at=10, fires=fires))


def test_without_any_figure_the_alert_still_says_what_and_what_to_do(tmp_path: Path) -> None:
    of = f'service="{PROMISED.id}",signal="{SIGNAL}"'
    series = {f"kept_signal_active{{{of}}}": "1x30"}
    text = 'Parking permits: "Your permit is valid within 2 days"'
    play(tmp_path, rules(PROMISED), Scene(name="bare", alert=FAST.alert, series=series, at=10, fires=(({}, text),)))


def test_a_service_has_the_alerts_that_its_entry_allows() -> None:
    promised = {kind.name for kind in KINDS if why_not(kind.needs, PROMISED) is None}
    always = {kind.name for kind in KINDS if why_not(kind.needs, ALWAYS) is None}
    unpromised = {kind.name for kind in KINDS if why_not(kind.needs, UNPROMISED) is None}
    budgets, breaches = {"promise_budget_fast", "promise_budget_slow"}, {"promise_breached", "promise_breach_old"}
    for_all = {"source_silent", "special_cause", "unexplained_improvement", "chart_signal"}
    for_promises = {"area_gap", "gap_changed", "target_integrity", "backlog_breach_ahead"}
    assert promised == for_all | budgets | for_promises | {"cases_at_risk"}
    assert always == for_all | breaches | for_promises
    assert unpromised == for_all | {"definition_drift"}
    for service in SMALL_CITY.values():
        names = [rule.alert for rule in service_group(service, RuleOptions()).rules]
        assert len(set(names)) == len(names)
