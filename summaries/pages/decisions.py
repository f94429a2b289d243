"""`/decisions`: what was decided, shown again until it is closed; recorded from the page where that is switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from history.store import HistoryStore
from kept.decisions import (
    EFFECTS,
    SAYS,
    Decision,
    DecisionEntry,
    checked,
    decide,
    decisions,
    moment_after,
    open_twin,
    repeats,
)
from kept.errors import ConfigurationError
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised
from summaries import decision_words as words
from summaries import wording
from summaries.known import Known
from summaries.site import Asked, Recording, Site, csv_answer

NAV = ("/decisions", "Decisions")
MOST_CLOSED: Final = 50
"""Shown at most; the files have all."""


class Said(Struct, frozen=True, kw_only=True):
    """An entry of a decision in words."""

    at: str
    words: str
    by: str
    reason: str


class Shown(Struct, frozen=True, kw_only=True):
    """A decision in words."""

    id: str
    service: str
    service_name: str
    signal: str | None
    about: str
    """What its signal says; empty without one, or when it is not in the history."""
    text: str
    owner: str
    objective: str | None
    due: str
    is_overdue: bool
    decided: str
    by: str
    effect: str
    closed: str
    said: tuple[Said, ...]


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def page(asked: Asked, known: Known) -> Response:
        return _page(site, asked, known)

    def post(asked: Asked, known: Known, form: Mapping[str, str]) -> Response:
        recording, refusal = site.recording, _why_not(site, asked)
        if recording is None or refusal:
            return _page(site, asked, known, 403, problem=refusal, form=form)
        try:
            name = _record(site, recording, asked, known, form)
        except ConfigurationError as error:
            return _page(site, asked, known, 400, problem=f"Nothing was recorded: {error}.", form=form)
        return RedirectResponse(f"{asked.link('/decisions', recorded=name)}#decision-{name}", 303)

    def as_csv(asked: Asked, known: Known) -> Response:
        rows = (words.entry_object(entry).values() for entry in known.decision_entries())
        return csv_answer("decisions.csv", words.COLUMNS, [list(row) for row in rows])

    def as_json(asked: Asked, known: Known) -> Response:
        now = _now(site, asked)
        found = words.open_first(known.decisions())
        return JSONResponse(
            {"decisions": [words.as_json_object(one, words.today_of(one, site.catalogue, now)) for one in found]}
        )

    return [
        site.route("/decisions", page),
        site.form_route("/decisions", post),
        site.route("/decisions.csv", as_csv),
        site.route("/api/decisions.json", as_json, as_data=True),
    ]


def _page(
    site: Site,
    asked: Asked,
    known: Known,
    status: int = 200,
    *,
    problem: str = "",
    form: Mapping[str, str] | None = None,
) -> Response:
    now = _now(site, asked)
    found = words.open_first(known.decisions())
    chosen = (form or {}).get("signal") or asked.query.get("signal", "")
    signals = _signals(known, {chosen, *(one.signal or "" for one in found if one.is_open)} - {""})
    shown = [
        _shown(site, one, words.today_of(one, site.catalogue, now), signals.get(one.signal or "")) for one in found
    ]
    if chosen and chosen not in signals and not problem:
        status, problem = 400, f"No signal is known as “{chosen[:60]}”; choose one of the list, or none."
        chosen = ""
    open_signals = [one for one in signals.values() if one.ended_at is None or one.id == chosen]
    closed = [one for one in shown if one.closed]
    values: dict[str, Any] = {
        "open": [one for one in shown if not one.closed],
        "closed": closed[:MOST_CLOSED],
        "closed_count": len(closed),
        "why_not": _why_not(site, asked),
        "problem": problem,
        "recorded": next((one for one in shown if one.id == asked.query.get("recorded")), None),
        "form": dict(form or {}),
        "chosen": chosen,
        "signals": [(one.id, _about(site, one)) for one in sorted(open_signals, key=_newest_first)],
        "services": [(service.id, service.name) for service in site.catalogue.values()],
        "effects": [(effect, words.EFFECTS[effect]) for effect in EFFECTS],
    }  # fmt: skip
    return site.render(asked, "decisions.html", status, **values)


def _why_not(site: Site, asked: Asked) -> str:
    """Why nothing may be recorded from the page; empty when it may."""
    if site.recording is None:
        return "Nothing is recorded from this page: use “kept decisions”, or switch it on with KEPT_BOARD_DECISIONS."
    if asked.as_of is not None:
        return "What was known then stays as it was: show what is known now to record something."
    if asked.user is None and not site.recording.by_anyone:
        return "Decisions are recorded by who is logged in; nobody is."
    return ""


def _record(site: Site, recording: Recording, asked: Asked, known: Known, form: Mapping[str, str]) -> str:
    """Do what the form asks for; the id of the decision. Raises `ConfigurationError` when it makes no sense."""
    store = recording.open()
    try:
        entries = store.decision_entries()
        by = form.get("by", "") if asked.user is None else asked.user
        if form.get("says", "") == "decided":
            return _decide(site, store, entries, known, form, by)
        return _say(site, store, entries, form, by)
    finally:
        store.close()


def _decide(
    site: Site, store: HistoryStore, entries: Sequence[DecisionEntry], known: Known, form: Mapping[str, str], by: str
) -> str:
    signal, service = form.get("signal", ""), form.get("service", "")
    if signal:
        raised = _signals(known, {signal}).get(signal)
        if raised is None:
            raise ConfigurationError(f"signal: {signal[:60]!r} is not in the history; choose one of the list")
        service = raised.verdict.service
    elif service not in site.catalogue:
        raise ConfigurationError(f"service: {service[:60]!r} is not known; choose a signal, or a service of the list")
    entry = decide(
        at=int(site.clock()), by=by, service=service, text=form.get("text", ""), owner=form.get("owner", ""),
        due=form.get("due", ""), signal=signal or None, objective=form.get("objective", "").strip() or None,
    )  # fmt: skip
    twin = open_twin(entry, decisions(entries))
    if twin is not None:
        return twin.id
    store.decide(checked(entry, entries))
    return entry.decision


def _say(site: Site, store: HistoryStore, entries: Sequence[DecisionEntry], form: Mapping[str, str], by: str) -> str:
    name = form.get("decision", "")
    one = next((decision for decision in decisions(entries) if decision.id == name), None)
    says = next((known for known in SAYS if known == form.get("says")), None)
    if one is None or says is None:
        raise ConfigurationError(f"decision: {name[:60]!r} is not in the history; open the page again")
    entry = DecisionEntry(
        decision=one.id,
        at=moment_after(one, int(site.clock())),
        says=says,
        by=by,
        service=one.service,
        text=form.get("reason", ""),
        owner=form.get("owner", "").strip() or None if says == "moved" else None,
        due=form.get("due", "") or None if says == "moved" else None,
        effect=next((effect for effect in EFFECTS if effect == form.get("effect")), None) if says == "effect" else None,
    )
    entry = checked(entry, entries)
    if not repeats(entry, one):
        store.decide(entry)
    return one.id


def _shown(site: Site, decision: Decision, today: date, signal: Raised | None) -> Shown:
    service = site.catalogue.get(decision.service)
    zone = ZoneInfo("UTC") if service is None else service.zone
    return Shown(
        id=decision.id,
        service=decision.service if service is not None else "",
        service_name=decision.service if service is None else service.name,
        signal=decision.signal,
        about="" if signal is None else _summary(signal),
        text=decision.text,
        owner=decision.owner,
        objective=decision.objective,
        due=words.due_in_words(decision, today),
        is_overdue=decision.is_overdue(today),
        decided=wording.moment(decision.decided_at, zone),
        by=decision.decided_by,
        effect=words.effect_in_words(decision),
        closed="" if decision.closed_at is None else wording.moment(decision.closed_at, zone),
        said=tuple(
            Said(
                at=wording.moment(entry.at, zone),
                words=words.said_in_words(entry),
                by=entry.by,
                reason="" if entry.says == "decided" else entry.text,
            )
            for entry in decision.history
        ),
    )


def _signals(known: Known, ids: set[str]) -> dict[str, Raised]:
    """Open signals by id, and those that `ids` name; all that ever were are read only when one of these has ended."""
    found = {one.id: one for one in known.open_signals()}
    return found if ids <= found.keys() else {one.id: one for one in known.signals()}


def _about(site: Site, raised: Raised) -> str:
    service = site.catalogue.get(raised.verdict.service)
    return f"{raised.verdict.service if service is None else service.name}: {_summary(raised)} ({raised.id})"


def _summary(raised: Raised) -> str:
    kind = BY_NAME.get(raised.verdict.signal)
    return raised.verdict.signal if kind is None else kind.summary


def _newest_first(raised: Raised) -> tuple[int, str]:
    return -raised.raised_at, raised.id


def _now(site: Site, asked: Asked) -> int:
    return int(site.clock()) if asked.as_of is None else asked.as_of
