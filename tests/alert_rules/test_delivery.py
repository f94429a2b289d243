from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from tests.alert_rules import alerts
from tests.alert_rules.alerts import ENDED, alert
from tests.alertmanager import AT_ONCE, Inbox, Running, inbox, running
from tests.waiting import eventually

GOLDEN = Path(__file__).parent / "golden"
WATCHDOG = alert(service="kept-pipeline", alertname="KeptWatchdog", severity="none", component="pipeline")
Golden = Callable[[str, str], None]
T = TypeVar("T")

BURNING = {
    "summary": "The promise is being missed so often that its error budget will soon be gone",
    "description": (
        'Street lights: "Repaired within 5 days"\nSince: Mon 4 Mar 2024, 07:00 UTC\n'
        "Seen: 61% kept, 85% promised (412 cases)\n"
        "How sure: if all were well, this would come by chance 1 time in 120,000"
    ),
    "first": "See which channel, area or step the late cases have in common",
    "runbook_url": "https://kept.example.org/runbooks#keptpromisebudgetburnsfast",
    "dashboard_url": "https://kept.example.org/service/street-lights?window=28d&slice=area",
}
SILENT = {
    "summary": "The service's system has told nothing for longer than it ever should; its figures are stale",
    "description": "Street lights\nSeen: 26h silent, 12h at most",
    "first": "Check that the service's own system runs and that its events reach the topic",
    "runbook_url": "docs/runbooks.md#keptsourcesilent",
    "dashboard_url": "https://kept.example.org/service/street-lights",
}
HOSTILE = {
    "summary": 'Lamps <b>& "poles"</b> <!channel>',
    "description": "a < b & c > d\n<script>alert(1)</script> <https://evil.example.org|click> {{ .Labels }}",
    "first": "Ask <@U123> & wait",
    "runbook_url": "javascript:alert(1)",
    "dashboard_url": 'https://kept.example.org/a|b>"<i>&c=d',
}


def hours_of_now(zone: str, *, open_now: bool) -> dict[str, str]:
    """Working hours in `zone`: always, or on every day but this one (and the next or the last, close to midnight)."""
    now = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
    around = {alerts.DAYS[(now + datetime.timedelta(minutes=minutes)).weekday()] for minutes in (-30, 30)}
    if open_now:
        return dict.fromkeys(alerts.DAYS, "00:00-24:00")
    return {day: "00:00-24:00" for day in alerts.DAYS if day not in around}


class Office:
    """A running Alertmanager whose owners are all reached here."""

    def __init__(self, alertmanager: Running, arrived: Inbox) -> None:
        self.alertmanager = alertmanager
        self.arrived = arrived

    def let_everything_have_its_turn(self) -> None:
        """Wait for three heartbeats: every other group is looked at as often as theirs, so it was, at least twice."""
        self.alertmanager.post(WATCHDOG)
        seen = len(self.arrived.at("/heartbeat"))
        eventually(lambda: len(self.arrived.at("/heartbeat")) >= seen + 3, "three heartbeats", seconds=30)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Public Works works now, the Night Office does not."""
    folder = tmp_path_factory.mktemp("delivery")
    with inbox() as arrived:
        (folder / "chat-url").write_text(arrived.url("/chat\n"))
        (folder / "token").write_text("a-token-of-a-test\n")
        (folder / "smtp-password").write_text("a password of a test")
        mail, chat = '{ kind = "email", to = ["%s@example.org"] }', '{ kind = "slack", url_file = "chat-url" }'
        pager = alerts.webhook(arrived.url("/pager"), ', token_file = "token"')
        zone = "Europe/Amsterdam"
        told = alerts.owners(
            alerts.platform(arrived.url(""))
            + alerts.table(
                "Public Works",
                f"{pager}, {mail % 'page'}, {chat}",
                f"{mail % 'ticket'}",
                hours_of_now(zone, open_now=True),
            )
            + alerts.table(
                "Night Office",
                alerts.webhook(arrived.url("/night-page")),
                alerts.webhook(arrived.url("/night-ticket")),
                hours_of_now(zone, open_now=False),
            )
        )
        delivery = msgspec.structs.replace(
            AT_ONCE,
            secrets_folder=str(folder),
            smtp_smarthost=f"127.0.0.1:{arrived.smtp_port}",
            smtp_username="kept",
            smtp_password_file="smtp-password",
        )
        with running(folder, told, delivery) as alertmanager:
            yield Office(alertmanager, arrived)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with a golden file."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{file} differs; --update-golden writes it anew"

    return compare


class Told:
    """What arrived about one service."""

    def __init__(self, office: Office, service: str) -> None:
        self._arrived = office.arrived
        self._service = service

    def posted(self, path: str) -> list[dict[str, Any]]:
        """Bodies at a webhook."""
        return [body for body in self._arrived.at(path) if body["groupLabels"].get("service") == self._service]

    def mails(self, address: str) -> list[EmailMessage]:
        """Mails to an address."""
        return [mail for mail in self._arrived.mails_to(address) if f" {self._service}:" in str(mail["Subject"])]

    def chats(self) -> list[dict[str, Any]]:
        """Attachments of messages in the chat."""
        attachments = [body["attachments"][0] for body in self._arrived.at("/chat")]
        return [one for one in attachments if f" {self._service}:" in one["title"]]

    def nth(self, of: Callable[[], Sequence[T]], number: int) -> T:
        """The message of that number, counted from 1, once it is there."""
        eventually(lambda: len(of()) >= number, f"message {number} about {self._service}", seconds=30)
        return of()[number - 1]

    def titled(self, of: Callable[[], Sequence[Any]], key: str, title: str) -> Any:
        """The message of that title, once it is there."""
        eventually(lambda: title in [one[key] for one in of()], f"{title!r} about {self._service}", seconds=30)
        return next(one for one in of() if one[key] == title)


def parts(mail: EmailMessage) -> tuple[str, str]:
    """(plain text, HTML) of a mail."""
    found = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, html = [part.get_content().replace("\r\n", "\n") for part in found if part is not None]
    return text, html


def test_a_page_reaches_pager_mail_and_chat_and_says_all_that_is_known(office: Office, golden: Golden) -> None:
    told = Told(office, "lights")
    office.alertmanager.post(alert(annotations=BURNING, service="lights", simulated="true"))
    posted = told.nth(lambda: told.posted("/pager"), 1)
    assert (posted["status"], posted["receiver"]) == ("firing", "public-works-page")
    assert posted["alerts"][0]["annotations"] == BURNING
    assert {token for path, _, token in office.arrived.requests if path == "/pager"} == {"Bearer a-token-of-a-test"}
    mail = told.nth(lambda: told.mails("page@example.org"), 1)
    assert mail["Subject"] == "PAGE lights: promise budget burns fast (simulated)"
    assert mail["From"] == "kept@localhost"
    assert set(office.arrived.logins) == {("kept", "a password of a test")}
    text, html = parts(mail)
    golden("page.txt", text)
    golden("page.html", html)
    chat = told.nth(told.chats, 1)
    assert chat["title"] == chat["fallback"] == mail["Subject"]
    assert (chat["title_link"], chat["color"]) == ("https://alerts.example.org", "#d55e00")
    golden("page.slack.txt", chat["text"])


def test_alerts_of_one_service_come_as_one_message_that_lists_each_and_what_is_over(
    office: Office, golden: Golden
) -> None:
    told = Told(office, "roads")
    burning, old = alert(annotations=BURNING, service="roads"), {"alertname": "KeptPromiseBreachOld", "signal": "x"}
    office.alertmanager.post(
        burning,
        alert(annotations=SILENT, service="roads", **old, about="area=North"),
        alert(annotations=SILENT, service="roads", **old, about="area=South"),
    )
    # Alerts that began long ago are not held back: the first message may have left before the third was taken in.
    text, html = parts(told.titled(lambda: told.mails("page@example.org"), "Subject", "PAGE roads: 3 alerts"))
    golden("group.txt", text)
    golden("group.html", html)
    golden("group.slack.txt", told.titled(told.chats, "title", "PAGE roads: 3 alerts")["text"])

    office.alertmanager.post({**burning, "endsAt": ENDED})
    mail = told.titled(lambda: told.mails("page@example.org"), "Subject", "PAGE roads: 2 alerts, 1 resolved")
    assert "resolved Mon 4 Mar 2024 11:45 UTC" in parts(mail)[0]


def test_what_is_over_is_told_to_all_who_were_told_that_it_began(office: Office, golden: Golden) -> None:
    told = Told(office, "bridges")
    office.alertmanager.post(alert(annotations=BURNING, service="bridges"))
    told.nth(lambda: told.mails("page@example.org"), 1)
    told.nth(told.chats, 1)
    office.alertmanager.post(alert(ENDED, annotations=BURNING, service="bridges"))
    mail, chat = told.nth(lambda: told.mails("page@example.org"), 2), told.nth(told.chats, 2)
    assert mail["Subject"] == chat["title"] == "RESOLVED bridges: promise budget burns fast"
    assert chat["color"] == "#0072b2"
    text, html = parts(mail)
    golden("resolved.txt", text)
    golden("resolved.html", html)
    golden("resolved.slack.txt", chat["text"])
    assert told.nth(lambda: told.posted("/pager"), 2)["status"] == "resolved"


def test_texts_of_others_stay_texts_in_every_message(office: Office, golden: Golden) -> None:
    told = Told(office, "poles")
    office.alertmanager.post(alert(annotations=HOSTILE, service="poles", about="<u>North & South</u>"))
    text, html = parts(told.nth(lambda: told.mails("page@example.org"), 1))
    chat = told.nth(told.chats, 1)["text"]
    golden("hostile.txt", text)
    golden("hostile.html", html)
    golden("hostile.slack.txt", chat)
    for markup in ("<b>", "<script", "<u>", "<i>", 'href="javascript'):
        assert markup not in html
    for markup in ("<!channel>", "<@U123>", "<https://evil", "<b>", "<javascript", "|b"):
        assert markup not in chat


def test_a_line_break_in_a_label_starts_no_new_header(office: Office) -> None:
    office.alertmanager.post(alert(service="x\nBcc: thief@example.org\n", annotations=BURNING))

    def mails() -> list[EmailMessage]:
        return [mail for mail in office.arrived.mails_to("page@example.org") if "thief" in str(mail["Subject"])]

    eventually(lambda: bool(mails()), "the mail arrives", seconds=30)
    assert mails()[0]["Bcc"] is None


def test_an_alert_that_says_little_is_told_all_the_same(office: Office, golden: Golden) -> None:
    told = Told(office, "benches")
    office.alertmanager.post(alert(service="benches"))
    text, html = parts(told.nth(lambda: told.mails("page@example.org"), 1))
    golden("bare.txt", text)
    golden("bare.html", html)
    golden("bare.slack.txt", told.nth(told.chats, 1)["text"])


def test_a_ticket_comes_in_working_hours_and_not_outside(office: Office, golden: Golden) -> None:
    at_work, asleep = Told(office, "drains"), Told(office, "towers")
    of_ticket = {"severity": "ticket", "alertname": "KeptCasesAtRisk", "signal": "cases_at_risk"}
    office.alertmanager.post(alert(service="towers", owner="Night Office", annotations=BURNING, **of_ticket))
    office.alertmanager.post(alert(service="drains", annotations=BURNING, **of_ticket))
    # Of another topic: a page about the same would mute the ticket, whatever the hour.
    office.alertmanager.post(alert(service="towers", owner="Night Office", annotations=BURNING, topic="figure"))
    mail = at_work.nth(lambda: at_work.mails("ticket@example.org"), 1)
    assert mail["Subject"] == "TICKET drains: cases at risk"
    text, html = parts(mail)
    golden("ticket.txt", text)
    golden("ticket.html", html)
    assert asleep.nth(lambda: asleep.posted("/night-page"), 1)["alerts"][0]["labels"]["severity"] == "page"
    office.let_everything_have_its_turn()
    assert asleep.posted("/night-ticket") == []
    [kept_back] = [
        one
        for one in office.alertmanager.alerts()
        if one["labels"]["service"] == "towers" and one["labels"]["severity"] == "ticket"
    ]
    assert kept_back["status"]["state"] == "active"
    assert kept_back["receivers"] == [{"name": "night-office-ticket"}]


def test_what_fits_no_route_is_told_to_those_who_run_kept(office: Office) -> None:
    stray = [
        alert(service="stray-owner", owner="Nobody"),
        alert(service="stray-severity", severity="disaster"),
        alert(service="stray-component", component=""),
        alert(service="stray-nothing", owner="", severity="", component=""),
    ]
    office.alertmanager.post(*stray)
    for one in stray:
        told = Told(office, one["labels"]["service"])
        assert told.nth(lambda told=told: told.posted("/platform-page"), 1)["receiver"] == "unrouted"  # type: ignore[misc]


def test_the_pipeline_is_the_matter_of_those_who_run_kept_and_infos_of_nobody(office: Office) -> None:
    down = {"component": "pipeline", "owner": "Operators of Kept", "signal": "", "topic": "pipeline"}
    office.alertmanager.post(
        alert(service="info", severity="info"),
        alert(service="kept-pipeline", alertname="KeptTargetDown", severity="ticket", **down),
        alert(service="kept-pipeline", alertname="KeptHistoryNotAccepting", **down),
    )
    told = Told(office, "kept-pipeline")
    assert told.nth(lambda: told.posted("/platform-page"), 1)["receiver"] == "platform-page"
    assert told.nth(lambda: told.posted("/platform-ticket"), 1)["receiver"] == "platform-ticket"
    office.let_everything_have_its_turn()
    assert [
        body for _, body, _ in office.arrived.requests if body.get("groupLabels", {}).get("service") == "info"
    ] == []


def test_the_heartbeat_is_told_at_each_interval_without_an_end(office: Office) -> None:
    watchdog = alert(
        service="kept-pipeline", alertname="KeptWatchdog", severity="none", component="pipeline", owner="x"
    )
    office.alertmanager.post(watchdog)
    eventually(lambda: len(office.arrived.at("/heartbeat")) >= 4, "four heartbeats", seconds=30)
    assert {body["receiver"] for body in office.arrived.at("/heartbeat")} == {"heartbeat"}
    assert {body["status"] for body in office.arrived.at("/heartbeat")} == {"firing"}
