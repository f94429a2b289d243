"""Hand-worked lives of one case. Drawings: o opening, d due, p pause, r resumption, c completion, R reopening."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from kept import counters as c
from kept import facts as f
from kept.calendars import WorkingCalendar
from kept.cases import contribution, is_open
from kept.durations import DAY_MS, HOUR_MS
from kept.events import milliseconds
from kept.histogram import bin_of
from tests.kept.timeline import Counted, counted, counted_by_step, facts


def stock(case: Counted, name: str) -> int:
    """Entered minus left, over all time."""
    return sum(case.get(f"{name}_entered", {}).values()) - sum(case.get(f"{name}_left", {}).values())


def bin_of_hours(hours: float) -> int:
    return bin_of(round(hours * HOUR_MS))


# opening


def test_an_open_case_without_a_promise_is_backlog_and_nothing_else() -> None:
    assert counted("opened 0") == {"opened": {0: 1}, "backlog_entered": {0: 1}}


def test_an_open_case_with_a_promise_is_scheduled_to_be_at_risk_due_and_overdue() -> None:
    #  o---------------!---d~~~~~~
    #  0               8   10          less than 20 % left after 8
    case = counted("opened 0 due 10")
    assert case == {
        "opened": {0: 1}, "backlog_entered": {0: 1}, "due": {10: 1},
        "risk_entered": {"8+1ms": 1}, "risk_left": {10: 1}, "overdue_entered": {10: 1},
    }  # fmt: skip


def test_a_promise_due_before_the_opening_is_overdue_from_the_opening_and_never_at_risk() -> None:
    case = counted("opened 5 due 2")
    assert case["due"] == {2: 1}
    assert case["overdue_entered"] == {5: 1}
    assert "risk_entered" not in case


def test_the_first_opening_counts_and_a_second_one_does_not() -> None:
    assert counted("opened 0 due 10 | opened 3 due 99")["opened"] == {0: 1}
    assert counted("opened 0 due 10 | opened 3 due 99")["due"] == {10: 1}


def test_a_case_is_counted_in_the_slices_of_its_opening() -> None:
    slices = contribution(facts("opened 0 channel Web area North category light | completed 3")).slices
    assert slices == (("area", "North"), ("category", "light"), ("channel", "Web"))


# completion


def test_a_completion_at_exactly_the_due_keeps_the_promise() -> None:
    case = counted("opened 0 due 10 | completed 10")
    assert (case["due"], case["due_kept"], case["kept"]) == ({10: 1}, {10: 1}, {10: 1})
    assert "late" not in case
    assert stock(case, "overdue") == 0


def test_a_completion_one_millisecond_after_the_due_is_late() -> None:
    case = counted("opened 0 due 10 | completed 10+1ms")
    assert case["due"] == {10: 1}
    assert case["late"] == {"10+1ms": 1}
    assert "due_kept" not in case
    assert "kept" not in case
    assert (case["overdue_entered"], case["overdue_left"]) == ({10: 1}, {"10+1ms": 1})


def test_a_completion_ends_the_backlog_the_risk_and_counts_its_duration_at_both_ends() -> None:
    case = counted("opened 0 due 10 kind digital | completed 9")
    assert case["risk_left"] == {9: 1}
    assert "overdue_entered" not in case
    assert case["backlog_left"] == {9: 1}
    assert case["completed_intended"] == {9: 1}
    assert case["completed_digital"] == {9: 1}
    assert case["first_time_right"] == {9: 1}
    assert case["elapsed_ms"] == {9: 9 * HOUR_MS}
    assert case["completion_time"] == {0: bin_of_hours(9)}
    assert case["closed_time"] == {9: bin_of_hours(9)}


def test_a_completion_before_the_risk_begins_is_never_at_risk() -> None:
    case = counted("opened 0 due 10 | completed 8")
    assert "risk_entered" not in case
    assert case["due_kept"] == {10: 1}


def test_a_rejection_is_a_completion_but_not_right_the_first_time() -> None:
    case = counted("opened 0 | completed 3 rejected")
    assert case["completed_rejected"] == {3: 1}
    assert "first_time_right" not in case


@pytest.mark.parametrize("outcome", ["intended", "not_intended", "duplicate"])
def test_other_outcomes_are_right_the_first_time(outcome: str) -> None:
    assert counted(f"opened 0 | completed 3 {outcome}")["first_time_right"] == {3: 1}


def test_of_two_completions_without_a_reopening_the_last_counts() -> None:
    case = counted("opened 0 due 10 | completed 4 rejected | completed 12")
    assert case["completed_intended"] == {12: 1}
    assert "completed_rejected" not in case
    assert case["late"] == {12: 1}
    assert case["backlog_left"] == {12: 1}
    assert case["completion_time"] == {0: bin_of_hours(12)}


def test_a_completion_before_the_opening_has_duration_zero_and_is_an_anomaly() -> None:
    case = counted("opened 5 due 9 | completed 2")
    assert case["completed_before_opening"] == {2: 1}
    assert case["completed_intended"] == {2: 1}
    assert "elapsed_ms" not in case
    assert case["completion_time"] == {5: 0}
    assert case["closed_time"] == {2: 0}
    assert case["due_kept"] == {9: 1}
    assert stock(case, "backlog") == 0


def test_what_happens_after_the_completion_changes_nothing() -> None:
    before = counted("opened 0 due 10 | completed 4")
    after = counted("opened 0 due 10 | completed 4 | paused 5 | due_changed 6 to 99 | resumed 7")
    assert after.pop("due_changed") == {6: 1}
    assert after == before


def test_events_without_an_opening_count_only_steps_contacts_and_reopenings() -> None:
    case = counted("completed 4 | paused 1 | resumed 2 | reopened 5 | step 3 review | contact 6 other")
    assert case == {
        "reopened": {5: 1}, "steps": {3: 1}, "contacts_other": {6: 1}, "contacts_with_case": {6: 1},
    }  # fmt: skip
    assert not is_open(facts("paused 1 | reopened 5"))


# withdrawal


def test_a_withdrawal_before_the_due_leaves_the_due_cohort() -> None:
    case = counted("opened 0 due 10 | completed 9 withdrawn")
    assert "due" not in case
    assert case["withdrawn"] == {9: 1}
    assert case["withdrawal_time"] == {0: bin_of_hours(9)}
    assert "completion_time" not in case
    assert stock(case, "backlog") == stock(case, "risk") == stock(case, "overdue") == 0


def test_a_withdrawal_after_the_due_does_not_heal_the_broken_promise() -> None:
    case = counted("opened 0 due 10 | completed 11 withdrawn")
    assert case["due"] == {10: 1}
    assert "due_kept" not in case
    assert "late" not in case
    assert stock(case, "overdue") == 0


# the promise moves


def test_a_promise_moved_before_it_is_due_is_the_new_promise() -> None:
    #  o---m------d------d'         20 % of 20 h: at risk after 16
    #  0   4      10     20
    case = counted("opened 0 due 10 | due_changed 4 to 20")
    assert case["due"] == {20: 1}
    assert case["due_changed"] == {4: 1}
    assert (case["risk_entered"], case["risk_left"]) == ({"16+1ms": 1}, {20: 1})
    assert case["overdue_entered"] == {20: 1}


def test_a_promise_may_still_be_moved_at_the_moment_it_is_due() -> None:
    assert counted("opened 0 due 10 | due_changed 10 to 20")["due"] == {20: 1}


def test_a_promise_moved_after_it_was_broken_stays_broken() -> None:
    case = counted("opened 0 due 10 | due_changed 10+1ms to 20 | completed 15")
    assert case["due"] == {10: 1}
    assert case["late"] == {15: 1}
    assert "due_kept" not in case


def test_a_promise_broken_before_a_pause_stays_broken_when_moved_during_the_pause() -> None:
    #  o------d~~~p==m==r----c      d'
    #  0      10  12 14 16   18     30
    case = counted("opened 0 due 10 | paused 12 | due_changed 14 to 30 | resumed 16 | completed 18")
    assert case["due"] == {10: 1}
    assert "due_kept" not in case
    assert case["late"] == {18: 1}


def test_a_promise_moved_during_a_pause_moves_on_by_the_rest_of_the_pause() -> None:
    #  o---p===m===r-------d'
    #  0   4   6   8       20 + 2
    assert counted("opened 0 due 10 | paused 4 | due_changed 6 to 20 | resumed 8")["due"] == {22: 1}


def test_a_promise_moved_earlier_counts_from_the_moment_it_was_moved() -> None:
    case = counted("opened 0 due 20 | due_changed 5 to 3")
    assert case["due"] == {3: 1}
    assert case["overdue_entered"] == {5: 1}


def test_a_case_without_a_promise_may_be_given_one() -> None:
    case = counted("opened 0 | due_changed 4 to 20")
    assert case["due"] == {20: 1}
    assert case["overdue_entered"] == {20: 1}


# the clock stops


def test_a_pause_moves_the_due_by_its_length() -> None:
    #  o---p==r------d'
    #  0   4  6      12
    case = counted("opened 0 due 10 | paused 4 | resumed 6 | completed 11")
    assert case["due"] == case["due_kept"] == {12: 1}
    assert (case["paused_entered"], case["paused_left"]) == ({4: 1}, {6: 1})


def test_a_pause_after_the_due_does_not_move_it() -> None:
    #  o------d~~p==r~~c            overdue 10-11 and 15-16, not while paused
    case = counted("opened 0 due 10 | paused 11 | resumed 15 | completed 16")
    assert case["due"] == {10: 1}
    assert case["late"] == {16: 1}
    assert case["overdue_entered"] == {10: 1, 15: 1}
    assert case["overdue_left"] == {11: 1, 16: 1}


def test_a_pause_that_begins_at_the_due_does_not_move_it() -> None:
    assert counted("opened 0 due 10 | paused 10 | resumed 15")["due"] == {10: 1}


def test_an_open_ended_pause_leaves_the_due_cohort() -> None:
    case = counted("opened 0 due 10 | paused 4")
    assert "due" not in case
    assert "overdue_entered" not in case
    assert stock(case, "paused") == 1
    assert stock(case, "backlog") == 1


def test_an_open_ended_pause_after_the_due_stays_in_the_due_cohort_but_is_not_overdue_meanwhile() -> None:
    case = counted("opened 0 due 10 | paused 12")
    assert case["due"] == {10: 1}
    assert (case["overdue_entered"], case["overdue_left"]) == ({10: 1}, {12: 1})


def test_a_case_that_was_at_risk_until_an_open_ended_pause_was_at_risk_until_then() -> None:
    #  o--------!-p=====            at risk 8-9, as any page printed meanwhile said
    #  0        8 9
    case = counted("opened 0 due 10 | paused 9")
    assert (case["risk_entered"], case["risk_left"]) == ({"8+1ms": 1}, {9: 1})


def test_pauses_within_a_pause_and_resumptions_without_one_change_nothing() -> None:
    assert counted("opened 0 due 10 | paused 4 | paused 5 | resumed 6 | resumed 7")["due"] == {12: 1}


def test_two_pauses_add_up() -> None:
    case = counted("opened 0 due 10 | paused 2 | resumed 3 | paused 5 | resumed 9")
    assert case["due"] == {15: 1}
    assert case["risk_entered"] == {"13+1ms": 1}


def test_a_pause_within_the_time_at_risk_interrupts_it() -> None:
    case = counted("opened 0 due 10 | paused 9 | resumed 20")
    assert case["risk_entered"] == {"8+1ms": 1, 20: 1}
    assert case["risk_left"] == {9: 1, 21: 1}


def test_a_completion_ends_a_pause() -> None:
    case = counted("opened 0 due 10 | paused 4 | completed 30")
    assert case["paused_left"] == {30: 1}
    assert case["due"] == case["due_kept"] == {36: 1}
    assert case["kept"] == {30: 1}


def test_the_clock_of_a_working_calendar_runs_in_opening_hours_only() -> None:
    # Thursday 6 June 2024, open 09:00-17:00 Amsterdam (UTC+2), 8 working hours promised
    #
    #  Thu 09 o--p 11 ======== Fri 11 r------ 17 d
    #          2 h used                 6 h used
    weekdays = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
    calendar = WorkingCalendar(ZoneInfo("Europe/Amsterdam"), "NL", None, weekdays)
    thursday = milliseconds_of("2024-06-06T09:00+02:00")
    due = calendar.add(thursday, 8 * HOUR_MS)
    assert due == thursday + 8 * HOUR_MS
    known = (
        f.Opened(thursday, 1, None, None, None, None, due),
        f.Paused(thursday + 2 * HOUR_MS, 2),
        f.Resumed(thursday + 26 * HOUR_MS, 3),
    )
    entries = contribution(known, calendar).entries
    assert [time for time, counter, _ in entries if counter == c.DUE] == [milliseconds_of("2024-06-07T17:00+02:00")]


def test_a_pause_never_moves_a_due_to_an_earlier_moment() -> None:
    #  Sat 12 p--r 13            Mon 23:59 d, after closing: no working time lies between the pause and it but Monday's
    calendar = WorkingCalendar(ZoneInfo("Europe/Amsterdam"), "NL", None, {"mon": "09:00-17:00", "fri": "09:00-17:00"})
    due = milliseconds_of("2024-06-10T23:59+02:00")
    known = (
        f.Opened(milliseconds_of("2024-06-07T09:00+02:00"), 1, None, None, None, None, due),
        f.Paused(milliseconds_of("2024-06-08T12:00+02:00"), 2),
        f.Resumed(milliseconds_of("2024-06-08T13:00+02:00"), 3),
        f.Completed(milliseconds_of("2024-06-10T20:00+02:00"), 4, c.OUTCOME_INDEX["intended"]),
    )
    counted_at = {counter: time for time, counter, _ in contribution(known, calendar).entries}
    assert counted_at[c.DUE] == counted_at[c.DUE_KEPT] == due
    assert c.LATE not in counted_at


def milliseconds_of(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text))


# reopening


def test_a_reopened_case_is_backlog_again_and_its_first_completion_no_longer_counts() -> None:
    case = counted("opened 0 due 10 | completed 8 | reopened 9")
    assert is_open(facts("opened 0 due 10 | completed 8 | reopened 9"))
    assert stock(case, "backlog") == 1
    assert "completed_intended" not in case
    assert "due_kept" not in case
    assert stock(case, "overdue") == 1
    assert case["reopened"] == {9: 1}


def test_a_case_reopened_and_completed_again_lasts_until_its_last_completion() -> None:
    #  o-----c  R----d--c
    #  0     4  6    10 12
    case = counted("opened 0 due 10 | completed 4 | reopened 6 | completed 12")
    assert case["completed_intended"] == {12: 1}
    assert "first_time_right" not in case
    assert case["late"] == {12: 1}
    assert case["backlog_entered"] == {0: 1, 6: 1}
    assert case["backlog_left"] == {4: 1, 12: 1}
    assert case["completion_time"] == {0: bin_of_hours(12)}
    assert (case["overdue_entered"], case["overdue_left"]) == ({10: 1}, {12: 1})


def test_a_reopening_of_an_open_case_is_counted_and_changes_nothing_else() -> None:
    case = counted("opened 0 | reopened 2 | completed 5")
    assert case.pop("reopened") == {2: 1}
    assert case == counted("opened 0 | completed 5")


# steps


def test_a_step_done_again_is_a_repeat_unless_the_catalogue_allows_the_loop() -> None:
    case = counted("opened 0 | step 1 review | step 2 review | step 3 visit legal | step 4 visit legal | completed 5")
    assert case["steps"] == {1: 1, 2: 1, 3: 1, 4: 1}
    assert case["repeats"] == {2: 1}
    assert "first_time_right" not in case


def test_a_case_whose_only_loops_are_legal_is_right_the_first_time() -> None:
    case = counted("opened 0 | step 3 visit legal | step 4 visit legal | completed 5")
    assert case["first_time_right"] == {5: 1}


def test_waiting_runs_from_the_end_of_the_previous_step_or_the_opening() -> None:
    #  o--[review]---[visit]
    #  0  2     5    9
    steps = counted_by_step("opened 0 | step 2 review until 5 | step 9 visit")
    assert steps["review"] == {"steps": {2: 1}, "waiting": {2: bin_of_hours(2)}}
    assert steps["visit"] == {"steps": {9: 1}, "waiting": {9: bin_of_hours(4)}}


def test_a_step_that_starts_before_the_previous_one_ended_waited_for_nothing() -> None:
    steps = counted_by_step("opened 0 | step 2 review until 8 | step 5 visit")
    assert steps["visit"]["waiting"] == {5: 0}


def test_work_is_the_union_of_the_steps_within_the_life_of_the_case() -> None:
    #  [==a==]                     1-4
    #     [===b===]                3-6      union with a: 1-6
    #                  [=c=       9-14     cut at the completion, 12
    #  o                     c
    case = counted("opened 0 | step 1 a until 4 | step 3 b until 6 | step 9 c until 14 | completed 12")
    assert case["work_ms"] == {12: 8 * HOUR_MS}
    assert case["work_elapsed_ms"] == {12: 12 * HOUR_MS}


def test_steps_known_by_their_moment_only_say_nothing_of_work() -> None:
    assert "work_elapsed_ms" not in counted("opened 0 | step 1 a | completed 12")


# contacts


def test_each_contact_is_failure_demand_once_whatever_its_reasons() -> None:
    #  24 h: information; 48 h: a chase that is also a repeat; 72 h: a repeat
    case = counted("contact 24 get_information | contact 48 chase_progress | contact 72 other")
    assert case["failure_demand"] == {48: 1, 72: 1}
    assert case["contacts_with_case"] == {24: 1, 48: 1, 72: 1}


def test_a_contact_within_28_days_of_the_previous_one_is_a_repeat_and_a_later_one_is_not() -> None:
    days = DAY_MS // HOUR_MS
    case = counted(f"contact 0 other | contact {28 * days} other | contact {56 * days}+1ms other")
    assert case["failure_demand"] == {28 * days: 1}


def test_contacts_about_a_case_closed_as_duplicate_are_failure_demand() -> None:
    assert counted("opened 0 | contact 1 other | completed 2 duplicate")["failure_demand"] == {1: 1}
    assert "failure_demand" not in counted("opened 0 | contact 1 other | completed 2 duplicate | completed 3")


# transactions


def test_a_result_within_the_time_out_counts_at_the_start_of_the_transaction() -> None:
    case = counted("begun 0 timeout 1 | ended 1 not_eligible")
    assert case == {"transactions": {0: 1}, "transactions_not_eligible": {0: 1}}


def test_a_result_after_the_time_out_does_not_count() -> None:
    assert counted("begun 0 timeout 1 | ended 1+1ms completed") == {"transactions": {0: 1}}


def test_of_two_results_the_first_counts() -> None:
    case = counted("begun 0 timeout 1 | ended 0.25 failed | ended 0.5 completed")
    assert case == {"transactions": {0: 1}, "transactions_failed": {0: 1}}


def test_a_transaction_is_counted_in_its_channel_and_area() -> None:
    assert contribution(facts("begun 0 channel Web area North")).slices == (("area", "North"), ("channel", "Web"))


# identities


LIVES = [
    "opened 0 due 10",
    "opened 0 due 10 | completed 9",
    "opened 0 due 10 | completed 12",
    "opened 0 due 10 | completed 12 | reopened 13",
    "opened 0 due 10 | completed 4 | reopened 6 | completed 8",
    "opened 0 due 10 | paused 4 | resumed 6",
    "opened 0 due 10 | paused 12 | resumed 16",
    "opened 0 due 10 | due_changed 3 to 5 | completed 6",
    "opened 0 due 10 | paused 4 | completed 30",
]


@pytest.mark.parametrize("life", LIVES)
def test_in_the_end_due_is_kept_plus_late_plus_overdue(life: str) -> None:
    case = counted(life)
    due, kept, late = (sum(case.get(name, {}).values()) for name in ("due", "due_kept", "late"))
    assert due == kept + late + stock(case, "overdue") == 1


@pytest.mark.parametrize("life", [*LIVES, "opened 0", "opened 3 | completed 1", "opened 0 | completed 5 withdrawn"])
def test_backlog_is_one_exactly_while_the_case_is_open(life: str) -> None:
    case = counted(life)
    completed = sum(sum(times.values()) for name, times in case.items() if name.startswith("completed_intended"))
    withdrawn = sum(case.get("withdrawn", {}).values())
    assert stock(case, "backlog") == int(is_open(facts(life))) == 1 - completed - withdrawn
    assert stock(case, "risk") in (0, 1)
    assert stock(case, "paused") == 0
