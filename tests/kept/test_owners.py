from __future__ import annotations

from pathlib import Path

import pytest

import catalogue
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError
from kept.owners import PLATFORM, Email, Slack, Webhook, parse_owners, read_owners, slug
from tests.alert_rules.alerts import webhook

OWNER = """
["Works (North)"]
time_zone = "Europe/Amsterdam"
people = 3
working_hours = { mon = "08:00-16:30", sat = "09:00-12:00" }
pages = [
    { kind = "webhook", url = "https://pager.example.org/works", token_file = "pager-token" },
    { kind = "slack", url_file = "/run/secrets/chat", channel = "#duty" },
]
tickets = [{ kind = "email", to = ["desk@example.org", "lead@example.org"] }]
"""
PAGES = OWNER[OWNER.index("pages") : OWNER.index("tickets")]


def test_an_owner_says_who_when_how_many_and_where() -> None:
    owner = parse_owners(OWNER, "owners.toml")["Works (North)"]
    assert (owner.time_zone, owner.people) == ("Europe/Amsterdam", 3)
    assert owner.working_hours == {"mon": "08:00-16:30", "sat": "09:00-12:00"}
    assert owner.pages == (
        Webhook(url="https://pager.example.org/works", token_file="pager-token"),
        Slack(url_file="/run/secrets/chat", channel="#duty"),
    )
    assert owner.tickets == (Email(to=("desk@example.org", "lead@example.org")),)
    assert owner.heartbeat == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (OWNER, "", "owners.toml: no table; add one an owner, and [platform]"),
        (OWNER, "people = 3\n", 'people: 3 is not valid; valid: a table such as ["people"] with time_zone, '),
        ("Works (North)", "", "'' is not valid; valid: a name of 1 to 200 printable characters"),
        ("Works (North)", "--", "'--' is not valid; valid: a name of 1 to 200 printable characters"),
        ("Works (North)", "a\\nb", "'a\\nb' is not valid; valid: a name of 1 to 200 printable characters"),
        ('"Europe/Amsterdam"', '"CEST"', "Works (North): time_zone: 'CEST' is not valid; valid: an IANA name"),
        ('time_zone = "Europe/Amsterdam"\n', "", "Object missing required field `time_zone`; valid: time_zone, "),
        ("people = 3", "people = 0", "Works (North): people: Expected `int` >= 1, seen '0'"),
        ("people = 3", 'people = "all"', "people: Expected `int`, got `str`, seen 'all'"),
        ("sat = ", "saturday = ", "seen 'saturday'; valid: fri, mon, sat, sun, thu, tue, wed"),
        ("09:00-12:00", "9-12", "working_hours.sat: '9-12' is not valid; valid: hours such as 09:00-17:00"),
        ("09:00-12:00", "22:00-06:00", "working_hours.sat: '22:00-06:00' is not valid; valid: opening before closing"),
        ('mon = "08:00-16:30", sat = "09:00-12:00"', "", "working_hours: {} is not valid; valid: at least one weekday"),
        ('kind = "slack"', 'kind = "teams"', "pages.1.kind: Invalid value 'teams', seen 'teams'; valid: webhook"),
        ('kind = "slack", ', "", "pages.1: Object missing required field `kind`; valid: webhook, email, slack"),
        ('url_file = "/run/secrets/chat"', 'url = "https://x.org"', "field `url`; valid: url_file, channel"),
        ('channel = "#duty"', 'channel = "{{ . }}"', "pages.1.channel: Expected `str` matching regex"),
        ("desk@example.org", "the desk", "tickets.0.to.0: Expected `str` matching regex"),
        ('"desk@example.org", "lead@example.org"', "", "tickets.0.to: Expected `array` of length >= 1, seen []"),
        (PAGES, "pages = []\n", "pages: Expected `array` of length >= 1, seen []"),
        (PAGES, "", "Object missing required field `pages`"),
        ('url = "https://pager.example.org/works", ', "", "pages[0].url: None is not valid; valid: either url, or"),
        ('token_file = "pager-token"', 'url_file = "x"', "pages[0].url: 'https://pager.example.org/works' is"),
        ("pager-token", "a token", "pages.0.token_file: Expected `str` matching regex"),
        ("people = 3", f"people = 3\nheartbeat = [{webhook('http://h')}]", "the heartbeat is of platform"),
        ("Works (North)", "platform", "platform: heartbeat: [] is not valid; valid: at least one webhook outside"),
        ("people = 3", 'people = 3\npassword = "x"', "Object contains unknown field `password`; valid: time_zone, "),
    ],
)  # fmt: skip
def test_an_owner_that_makes_no_sense_is_refused_with_file_and_key(old: str, new: str, says: str) -> None:
    assert old in OWNER
    with pytest.raises(ConfigurationError) as refused:
        parse_owners(OWNER.replace(old, new, 1), "owners.toml")
    assert str(refused.value).startswith("owners.toml: ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://me:s3cret@x.org/", "https://x.org/hook?key=s3cret", "https://x.org/#s3cret", "x.org/s3cret"]
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="a secret address stands in a file: url_file") as refused:
        parse_owners(OWNER.replace("https://pager.example.org/works", url), "owners.toml")
    assert "s3cret" not in str(refused.value)


def test_names_become_letters_digits_and_hyphens() -> None:
    assert slug("Works (North), simulated city") == "works-north-simulated-city"
    assert slug("Straßen_Grün 2") == "straßen-grün-2"


def test_a_catalogue_without_owners_has_none(tmp_path: Path) -> None:
    assert read_owners([tmp_path]) == {}
    assert read_owners([catalogue.EXAMPLES]) == {}


def test_every_owner_of_the_simulated_city_can_be_told() -> None:
    owners = read_owners([catalogue.CITY])
    assert {service.owner for service in read_catalogue([catalogue.CITY]).values()} | {PLATFORM} == set(owners)
    for name, owner in owners.items():
        assert bool(owner.heartbeat) == (name == PLATFORM)
        for receiver in (*owner.pages, *owner.tickets, *owner.heartbeat):
            match receiver:
                case Webhook():
                    assert receiver.url is not None and receiver.url.split("/")[2].endswith(
                        (".example.org", ".example.net")
                    )
                case Email():
                    assert all(address.endswith("@example.org") for address in receiver.to)
                case Slack():
                    assert receiver.url_file
