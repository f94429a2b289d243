"""What a page about services says above its figures: that services are made up, and of which moment the data are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from summaries.application import application
from tests.summaries.asking import ask
from tests.summaries.compared_city import COMPARED, fill_compared
from tests.summaries.figures import NOW, service

PAGES = ("/objectives", "/compare", "/equity", "/counted", "/waste", "/checks", "/changes")
OF_ONE = ("/objectives/street-lights", "/compare/street-lights", "/equity/street-lights", "/service/street-lights")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("said") / "history.sqlite"
    store = SQLiteHistory(path)
    fill_compared(store)
    store.close()
    yield path


def app(file: Path, *, real: tuple[str, ...] = ()) -> Starlette:
    others = {name: service(name, f"Real {name}", simulated=False) for name in real}
    return application(COMPARED | others, lambda: SQLiteHistory(file, read_only=True), clock=lambda: NOW + 60)


@pytest.mark.parametrize("path", [*PAGES, *OF_ONE])
def test_made_up_services_are_said_to_be(file: Path, path: str) -> None:
    answer = ask(app(file), path)
    assert answer.status == 200
    assert answer.text.count("simulated-banner") == 1 and "<strong>SIMULATED</strong>" in answer.text
    assert "describes a real city" in answer.text


def test_where_some_are_real_the_made_up_ones_are_named(file: Path) -> None:
    text = ask(app(file, real=("mill",)), "/counted").text
    banner = text.split("simulated-banner")[1].split("</p>")[0]
    assert "The events of these services are made up: " in banner and "Real mill" not in banner


@pytest.mark.parametrize("path", ["/compare", "/compare/street-lights", "/equity", "/equity/street-lights"])
def test_the_moment_of_the_data_is_under_the_title(file: Path, path: str) -> None:
    head = ask(app(file), path).text.split("<h1>")[1].split("</header>")[0].replace("\N{NO-BREAK SPACE}", " ")
    assert "Data as of" in head and "24 Nov 2026" in head
