"""A catalogue that makes no sense is refused with file and key, and nothing has started: no topic, file or folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import holidays
import pytest

from command_line.alertmanager_config import alertmanager_config
from command_line.main import main
from kept.errors import ConfigurationError
from tests.alert_rules import alerts
from tests.waiting import eventually

SERVICE = """\
id = "potholes"
name = "Potholes"
owner = "Works"
time_zone = "Europe/Amsterdam"
expected_silence = "24h"

[channels]
digital = ["Web"]

[promise]
words = "Mended within five days"
target_share = 0.9
target_time = "5d"

[calendar]
country = "NL"
"""
OWNERS = alerts.platform("http://127.0.0.1:1") + alerts.table(
    "Works", '{ kind = "email", to = ["works@example.org"] }', '{ kind = "email", to = ["works@example.org"] }'
)
EVENT = (
    '{"specversion": "1.0", "type": "case.opened", "source": "works", "id": "1", "subject": "a", '
    '"time": "2011-07-01T10:00:00Z", "data": {"service": "potholes", "channel": "Web"}}\n'
)
KNOWN = holidays.list_supported_countries(include_aliases=False)
KEYS = (
    "id, name, owner, time_zone, channels, expected_silence, promise, calendar, costs, objective, peer_group, "
    "annual_budget, budget_year_begins, benchmarks, published, backlog_limit, constraints, improvement, "
    "transaction_timeout, case_retention, duplicate_retention, legal_repeats, keep_resource, privacy, "
    "most_slice_values, suppress_below, simulated"
)
PLATFORM = alerts.platform("http://127.0.0.1:1")
SHARE = "valid: a number above 0 and at most 1"
BY_EVENT = 'valid: a time such as 5d; or due = "by_event" in its place, when every event brings its own'


class Bad(NamedTuple):
    """What of a good catalogue is replaced, and the whole message; `{}` in it is the catalogue's folder."""

    old: str
    new: str
    says: str
    file: str = "potholes.toml"


BAD = {
    "target 0": Bad("0.9", "0", f"{{}}/potholes.toml: promise.target_share: Expected `float` > 0.0, seen '0'; {SHARE}"),
    "target above 1": Bad(
        "0.9", "1.01", f"{{}}/potholes.toml: promise.target_share: Expected `float` <= 1.0, seen '1.01'; {SHARE}"
    ),
    "target in percent": Bad(
        "0.9", "90", f"{{}}/potholes.toml: promise.target_share: Expected `float` <= 1.0, seen '90'; {SHARE}"
    ),
    "target below 0": Bad(
        "0.9", "-0.1", f"{{}}/potholes.toml: promise.target_share: Expected `float` > 0.0, seen '-0.1'; {SHARE}"
    ),
    "target that is no number": Bad(
        "0.9", "nan", f"{{}}/potholes.toml: promise.target_share: Expected `float` > 0.0, seen 'NaN'; {SHARE}"
    ),
    "target that is a word": Bad(
        "0.9", '"most"', f"{{}}/potholes.toml: promise.target_share: Expected `float`, got `str`, seen 'most'; {SHARE}"
    ),
    "promise without time": Bad(
        'target_time = "5d"\n', "", f"{{}}/potholes.toml: promise.target_time: None is not valid; {BY_EVENT}"
    ),
    "promise with two times": Bad(
        'target_time = "5d"',
        'target_time = "5d"\ndue = "by_event"',
        "{}/potholes.toml: promise.due: 'by_event' is not valid; valid: left out, since there is a target_time; "
        "an event's own due wins all the same",
    ),
    "promise by another rule": Bad(
        'target_time = "5d"',
        'due = "soon"',
        "{}/potholes.toml: promise.due: Invalid enum value 'soon', seen 'soon'; valid: by_event",
    ),
    "promise of no time at all": Bad(
        "5d",
        "0d",
        "{}/potholes.toml: promise.target_time: '0d' is not valid; valid: a whole number above 0 and a unit: "
        "s, m, h, d or w, such as 30m, 4h or 10d",
    ),
    "working time without a calendar": Bad(
        'target_time = "5d"\n\n[calendar]\ncountry = "NL"\n',
        'target_time = "5h"\ncounted_in = "working_time"\n',
        "{}/potholes.toml: promise.counted_in: 'working_time' is not valid; valid: working_time needs a [calendar]; "
        "else elapsed_time",
    ),
    "unknown calendar": Bad(
        '"NL"',
        '"XX"',
        f"{{}}/potholes.toml: calendar.country: 'XX' is not valid; valid: an ISO 3166 code with known holidays: "
        f"{', '.join(sorted(KNOWN))}",
    ),
    "unknown region of a calendar": Bad(
        '"NL"',
        '"NL"\nregion = "Moon"',
        "{}/potholes.toml: calendar.country: 'NL Moon' is not valid; valid: a region of NL: "
        f"{', '.join(KNOWN['NL'])}",
    ),
    "calendar by name": Bad(
        SERVICE,
        'calendar = "dutch"\n' + SERVICE.partition("[calendar]")[0],
        "{}/potholes.toml: calendar: Expected `object | null`, got `str`, seen 'dutch'; "
        "valid: country, region, opening_hours",
    ),
    "unknown time zone": Bad(
        "Europe/Amsterdam",
        "Europe/Atlantis",
        "{}/potholes.toml: time_zone: 'Europe/Atlantis' is not valid; valid: an IANA name such as Europe/Amsterdam",
    ),
    "two owners in a list": Bad(
        'owner = "Works"',
        'owner = ["Works", "Parks"]',
        "{}/potholes.toml: owner: Expected `str`, got `array`, seen ['Works', 'Parks']",
    ),
    "two owners in two lines": Bad(
        'owner = "Works"',
        'owner = "Works"\nowner = "Parks"',
        "{}/potholes.toml: not valid TOML: Cannot overwrite a value (at line 4, column 16): "
        "owner is given twice; give it once",
    ),
    "no owner": Bad(
        'owner = "Works"\n', "", f"{{}}/potholes.toml: top level: Object missing required field `owner`; valid: {KEYS}"
    ),
    "an owner without a table": Bad(
        'owner = "Works"',
        'owner = "Parks"',
        "{}/potholes.toml: owner: 'Parks' has no table in owners.toml; valid: Works, platform",
    ),
    "two tables of one owner": Bad(
        OWNERS,
        OWNERS + OWNERS.removeprefix(PLATFORM),
        "{}/owners.toml: not valid TOML: Cannot declare ('Works',) twice (at line 15, column 9): "
        '"Works" is given twice; give it once',
        "owners.toml",
    ),
    "two owners that cannot be told apart": Bad(
        OWNERS,
        OWNERS + OWNERS.removeprefix(PLATFORM).replace("Works", "works"),
        "{}/owners.toml: works: cannot be told from 'Works'; use names that differ in letters",
        "owners.toml",
    ),
    "nobody who runs the pipeline": Bad(
        PLATFORM,
        "",
        "{}/owners.toml: platform: missing; alerts about the pipeline itself go to this owner",
        "owners.toml",
    ),
    "no heartbeat": Bad(
        "heartbeat = [",
        "tickets2 = [",
        "{}/owners.toml: platform: top level: Object contains unknown field `tickets2`; "
        "valid: time_zone, working_hours, people, pages, tickets, heartbeat",
        "owners.toml",
    ),
    "an unknown way to tell": Bad(
        'kind = "email"',
        'kind = "pigeon"',
        "{}/owners.toml: Works: pages.0.kind: Invalid value 'pigeon', seen 'pigeon'; valid: webhook, email, slack",
        "owners.toml",
    ),
}
GOOD = Bad("", "", "")


class Place:
    """A folder with a catalogue and events, and a broker's address at which every connection is counted."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.catalogue = folder / "catalogue"
        self.events = folder / "events.jsonl"
        self.broker = f"127.0.0.1:{port}"
        self.connections = 0

    def write(self, bad: Bad) -> None:
        """Write a catalogue with one mistake."""
        self.catalogue.mkdir(exist_ok=True)
        for file, text in (("potholes.toml", SERVICE), ("owners.toml", OWNERS)):
            if file == bad.file and bad.old:
                assert bad.old in text
                text = text.replace(bad.old, bad.new, 1)
            (self.catalogue / file).write_text(text)
        self.events.write_text(EVENT)

    def left(self) -> set[str]:
        """Everything that is in the folder."""
        return {str(file.relative_to(self.folder)) for file in self.folder.rglob("*")}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = Place(tmp_path, listener.getsockname()[1])

        def count() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                there.connections += 1
                connection.close()

        counting = threading.Thread(target=count, daemon=True)
        counting.start()
        for name, value in environment(there).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        before = signal.getsignal(signal.SIGTERM)
        yield there
        signal.signal(signal.SIGTERM, before)
        listener.shutdown(socket.SHUT_RDWR)
    counting.join()


def environment(place: Place) -> dict[str, str]:
    return {
        "KEPT_CATALOGUE": str(place.catalogue),
        "KEPT_BROKERS": place.broker,
        "KEPT_SPOOL_FOLDER": str(place.folder / "spool"),
        "KEPT_INTAKE_TOKEN": "a-token-of-a-test-that-is-long-enough",
        "KEPT_WORK_FOLDER": str(place.folder / "work"),
        "KEPT_HISTORY_PATH": str(place.folder / "history.sqlite"),
    }


Arguments = Callable[[Place], list[str]]
AS_OF = ["--as-of", "2011-07-02T00:00"]
ENTRY_POINTS: dict[str, Arguments] = {
    "worker": lambda place: ["worker"],
    "replay through Kafka": lambda place: ["replay", str(place.events), *AS_OF, "--brokers", place.broker],
    "embedded replay": lambda place: ["replay", str(place.events), *AS_OF, "--embedded"],
    "intake": lambda place: ["intake"],
    "catalogue check": lambda place: ["catalogue", "check", str(place.catalogue)],
    "rules": lambda place: ["rules", "generate", "--output", str(place.folder / "out")],
    "Alertmanager's configuration": lambda place: ["rules", "alertmanager", "--output", str(place.folder / "out")],
}


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of the `kept` command in this process."""
    monkeypatch.setattr(sys, "argv", ["kept", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_is_told_with_file_and_key_before_anything_starts(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mistake: str, entry_point: str
) -> None:
    place.write(BAD[mistake])
    before = place.left()
    assert run(ENTRY_POINTS[entry_point](place), monkeypatch) == 2
    told = capsys.readouterr()
    assert told.err.removeprefix("kept: ") == BAD[mistake].says.replace("{}", str(place.catalogue)) + "\n"
    assert told.out == ""
    assert place.left() == before
    assert place.connections == 0


@pytest.mark.parametrize("entry_point", ["worker", "replay through Kafka"])
def test_the_command_itself_ends_with_2_and_one_line(place: Place, entry_point: str) -> None:
    bad = BAD["promise without time"]
    place.write(bad)
    before = place.left()
    ended = subprocess.run(
        [sys.executable, "-m", "command_line.main", *ENTRY_POINTS[entry_point](place)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"kept: {bad.says.replace('{}', str(place.catalogue))}\n"
    assert (place.left(), place.connections) == (before, 0)


def test_the_same_catalogue_without_a_mistake_is_taken(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(GOOD)
    assert run(["catalogue", "check", str(place.catalogue)], monkeypatch) == 0
    told = capsys.readouterr().out
    assert told.endswith("1 service, all valid; 2 owners to tell of alerts\n")
    monkeypatch.setenv("KEPT_CATALOGUE", str(place.catalogue))
    assert run(["catalogue", "check"], monkeypatch) == 0
    assert capsys.readouterr().out == told
    assert run(ENTRY_POINTS["embedded replay"](place), monkeypatch) == 0
    assert "1 rows" in capsys.readouterr().out
    host, _, port = place.broker.partition(":")
    socket.create_connection((host, int(port))).close()
    eventually(lambda: place.connections == 1, "a connection to the broker is counted", seconds=30)


def test_an_owner_is_described_in_one_folder_and_may_own_nothing(place: Place, tmp_path: Path) -> None:
    place.write(GOOD)
    second = tmp_path / "second"
    second.mkdir()
    (second / "bridges.toml").write_text(SERVICE.replace("potholes", "bridges"))
    folders = [place.catalogue, second]
    spare = alerts.table("Spare", alerts.webhook("http://127.0.0.1:1"), alerts.webhook("http://127.0.0.1:1"))
    (second / "owners.toml").write_text(spare)
    alertmanager_config(output=place.folder / "out", folders=folders)
    assert "spare-page" in (place.folder / "out" / "alertmanager.yml").read_text()
    (second / "owners.toml").write_text(OWNERS.removeprefix(PLATFORM))
    with pytest.raises(ConfigurationError) as refused:
        alertmanager_config(output=place.folder / "out", folders=folders)
    assert str(refused.value) == (
        f"{second}/owners.toml: Works: has a table in {place.catalogue}/owners.toml too; describe an owner once"
    )


def test_two_files_of_one_id_are_refused_with_both_names(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(GOOD)
    (place.catalogue / "zz.toml").write_text(SERVICE)
    for arguments in ENTRY_POINTS.values():
        assert run(arguments(place), monkeypatch) == 2
        assert capsys.readouterr().err.removeprefix("kept: ") == (
            f"{place.catalogue}/zz.toml: id: 'potholes' is taken by {place.catalogue}/potholes.toml; ids are unique\n"
        )
    assert place.connections == 0
