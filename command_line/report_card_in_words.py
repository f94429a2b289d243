"""The alert report card for people, and as objects. What is not known is said, and never a 0."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from command_line.alerts_in_words import rfc3339, shown
from command_line.letters_in_words import printable
from command_line.text_table import table_lines
from kept.durations import in_words
from kept.signals.card_lines import Leads, Line, Precision, Waiting
from kept.signals.kinds import KINDS
from kept.signals.on_call_load import Load
from kept.signals.report_card import ReportCard
from kept.signals.retirement import Bars, Proposal

TRUE_HEADS: Final = ("", ">raised", ">open", ">useful", ">noise", ">not judged", "precision (95 % interval)")
TIME_HEADS: Final = ("", "median time to acknowledge (95 % interval)", ">acknowledged", ">not")
LEAD_HEADS: Final = ("", ">broken later", ">already broken", ">not broken", ">too early", "median lead")
LOAD_HEADS: Final = (
    "owner", ">people", ">weeks", ">pages", ">tickets", ">per person-week", "busiest week, alerts",
)  # fmt: skip


def card_in_words(card: ReportCard, width: int) -> Iterator[str]:
    """The card as text of `width` columns."""
    whole = "the week" if card.weeks == 1 else f"the {card.weeks} weeks"
    yield f"Alert report card: {whole} from {card.first_week} on and the running one, as of {shown(card.as_of)}"
    yield "Weeks are ISO weeks of each service's own time zone; an alert is in the week in which it was raised."
    if not card.by_rule:
        yield "\nNo page and no ticket was raised."
    for heading, lines, name in (
        ("rule", card.by_rule, _rule),
        ("service", card.by_service, _service),
    ):
        if lines:
            yield f"\nWas it true? By {heading}"
            yield from table_lines(TRUE_HEADS, [_true(line, name) for line in lines], width)
            yield f"\nHow soon was it taken? By {heading}"
            yield from table_lines(TIME_HEADS, [_time(line, name) for line in lines], width)
    yield from _leads(card, width)
    yield "\nHow much is that for people?"
    yield from table_lines(LOAD_HEADS, [_load(load) for load in card.loads], width)
    yield from _unknown_people(card.loads, width)
    if card.informing:
        yield "\nFor information only, nobody is told"
        heads = ("", ">raised", ">open")
        yield from table_lines(
            heads, [(_rule(one), f"{one.raised:,}", f"{one.still_open:,}") for one in card.informing], width
        )
    silent = [
        kind.name for kind in KINDS if kind.name not in {line.signal for line in (*card.by_rule, *card.informing)}
    ]
    if silent:
        yield ""
        yield from textwrap.wrap(f"Never raised: {', '.join(silent)}.", width)
    yield "\nProposed for retirement: for people to decide, nothing is switched off"
    for proposal in card.proposals:
        yield from textwrap.wrap(f"* {proposal_in_words(proposal, card.bars)}", width, subsequent_indent="  ")
    if not card.proposals:
        yield "None."


def card_objects(card: ReportCard) -> Iterator[dict[str, Any]]:
    """The card as objects: one of the period, then one for each line of each part, `what` names the part."""
    yield {"what": "period", "weeks": card.weeks, "first_week": card.first_week, "as_of": rfc3339(card.as_of)}
    for what, some in (
        ("rule", card.by_rule),
        ("service", card.by_service),
        ("rule_in_service", card.by_rule_and_service),
        ("information", card.informing),
        ("owner", card.loads),
        ("promise", card.falls),
        ("proposal", card.proposals),
    ):
        for one in some:
            yield {"what": what, **msgspec.to_builtins(one)}


def precision_in_words(precision: Precision) -> str:
    """Precision with its interval and n, or that there are too few to tell."""
    n = precision.judged
    if precision.value is None or precision.low is None or precision.high is None:
        return f"too few judged to tell (n {n})" if n else "nothing was judged"
    return f"{precision.value * 100:.0f} % ({precision.low * 100:.0f} to {precision.high * 100:.0f} %), n {n}"


def waiting_in_words(waiting: Waiting) -> str:
    """The median time to acknowledge with its interval, or that so many are not acknowledged that there is none."""
    if waiting.median_seconds is None:
        return "not known: " + ("too many are not acknowledged" if waiting.unacknowledged else "told again by a replay")
    median = in_words(waiting.median_seconds * 1000)
    low = "less" if waiting.low is None else in_words(waiting.low * 1000)
    if waiting.high is not None:
        return f"{median} ({low} to {in_words(waiting.high * 1000)})"
    return f"{median} (too few for an interval)" if waiting.low is None else f"{median} ({low} or more)"


def lead_in_words(leads: Leads) -> str:
    """How long before the promise was broken, or after."""
    seconds = leads.median_seconds
    if seconds is None:
        return "nothing followed" if leads.nothing else ""
    if seconds == 0:
        return "at that moment"
    return f"{in_words(abs(seconds) * 1000)} {'before' if seconds > 0 else 'after'}"


def proposal_in_words(proposal: Proposal, bars: Bars) -> str:
    """A proposal with its reason."""
    where = "" if proposal.service is None else f" for {proposal.service}"
    if proposal.reason == "mostly_noise":
        useful, judged = proposal.precision.useful, proposal.precision.judged
        return (
            f"{proposal.signal}{where}: {useful} of {judged} judged were useful; precision "
            f"{precision_in_words(proposal.precision)}: the whole interval is below {bars.precision * 100:g} %"
        )
    said = f"raised {proposal.raised} times, never acknowledged and never judged: nobody looks"
    return f"{proposal.signal}{where}: {said}"


def _rule(line: Line) -> str:
    return printable(line.signal or "")


def _service(line: Line) -> str:
    return f"{printable(line.service or '')}, {line.severity}s"


def _true(line: Line, name: Callable[[Line], str]) -> Sequence[str]:
    counts = (line.raised, line.still_open, line.precision.useful, line.precision.noise, line.not_judged)
    return (name(line), *(f"{count:,}" for count in counts), precision_in_words(line.precision))


def _time(line: Line, name: Callable[[Line], str]) -> Sequence[str]:
    waiting = line.waiting
    counts = (waiting.acknowledged + waiting.told_again, waiting.unacknowledged)
    return (name(line), waiting_in_words(waiting), *(f"{count:,}" for count in counts))


def _leads(card: ReportCard, width: int) -> Iterator[str]:
    warning = [line for line in card.by_rule if line.leads.undefined < line.raised]
    if warning:
        yield "\nDid it come before the promise was broken (its share of 28 days below the target)?"
        rows = []
        for line in warning:
            leads = line.leads
            counts = (leads.before, leads.after, leads.nothing, leads.pending)
            rows.append((_rule(line), *(f"{count:,}" for count in counts), lead_in_words(leads)))
        yield from table_lines(LEAD_HEADS, rows, width)
    fell = [one for one in card.falls if one.falls]
    for one in fell:
        times = "once" if one.falls == 1 else f"{one.falls} times"
        yield f"{one.service} fell below its target {times}; announced by an alert before: {one.announced}."
    if card.falls and not fell:
        yield "\nNo promise fell below its target." if not warning else "No promise fell below its target."


def _load(load: Load) -> Sequence[str]:
    owner = "(not in the catalogue)" if load.owner is None else printable(load.owner)
    per_week = "not known" if load.per_person_week is None else f"{load.per_person_week:.2g}"
    busiest = "" if load.busiest_week is None else f"{load.busiest_week}, {load.busiest:,}"
    people = "not known" if load.people is None else f"{load.people:,}"
    return (owner, people, f"{load.weeks:.1f}", f"{load.pages:,}", f"{load.tickets:,}", per_week, busiest)


def _unknown_people(loads: Iterable[Load], width: int) -> Iterator[str]:
    unknown = [printable(load.owner) for load in loads if load.people is None and load.owner is not None]
    if unknown:
        said = f"How many people share the alerts of {', '.join(unknown)} is not known: write it into owners.toml."
        yield from textwrap.wrap(said, width)
