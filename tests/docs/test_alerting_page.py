"""docs/alerting.md: its example is a valid owners.toml, and its options are those of the command."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import msgspec

from alert_rules.alertmanager import WATCHDOG, Delivery
from command_line.alertmanager_config import alertmanager_config
from kept.owners import Email, Owner, Slack, Webhook, parse_owners

PAGE = (Path(__file__).parents[2] / "docs" / "alerting.md").read_text(encoding="utf-8")


def test_the_example_of_owners_is_taken_as_it_stands() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert set(parse_owners(example, "docs/alerting.md")) == {"platform", "Public Works"}


def test_every_key_of_an_owner_and_of_a_receiver_is_explained() -> None:
    for shape in (Owner, Webhook, Email, Slack):
        for key in shape.__struct_fields__:
            assert f"`{key}`" in PAGE, key


def test_every_option_is_explained_and_has_the_default_that_is_written() -> None:
    options = set(inspect.signature(alertmanager_config).parameters) - {"folders", "output", "templates"}
    assert options == set(Delivery.__struct_fields__) - {"templates"}
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `--")]
    written = {name: row[1] for row in rows for name in re.findall(r"--([a-z-]+)", row[0])}
    assert {name.removeprefix("no-").replace("-", "_") for name in written} == options
    for option, default in msgspec.structs.asdict(Delivery()).items():
        if isinstance(default, str) and option != "templates":
            assert default in written[option.replace("_", "-")], option


def test_the_watchdog_is_called_by_its_name() -> None:
    assert f"`{WATCHDOG}`" in PAGE
