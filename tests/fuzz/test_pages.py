"""Every page and file of the board, of a city whose names are written to break out of them: they stay text."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from summaries.application import application
from summaries.site import FORMULA_STARTS
from tests.summaries.asking import ask
from tests.summaries.browser.addresses import ADDRESSES
from tests.summaries.browser.whole_city import WHOLE_CITY, fill_whole
from tests.summaries.figures import NOW

PLANTED = "zzplanted"
HOSTILE = (
    f'</title></script></style></textarea>--><{PLANTED} a="\'"><svg/onload={PLANTED}()>" on{PLANTED}="x" '
    f"' on{PLANTED}='y' "
    f"` on{PLANTED}=z {{{{ 7 * 191 }}}}{{% if 1 %}}{PLANTED}{{% endif %}}${{7*191}} &lt;{PLANTED}&gt; \u202e\u2066"
)
ELSEWHERE = ("javascript:", "data:", "//", "http")
FILES = (
    "/api/latest/street-lights.json",
    "/api/series/street-lights/promise_kept.csv?window=28d",
    "/api/chart/street-lights/promise_kept.csv",
    "/checks/hostile/closings.csv",
    "/compare/hostile/slices.csv?by=area",
    "/compare/hostile/funnel.svg?by=area",
    "/equity/hostile/gaps.svg?by=area",
    "/week/2026-W47/summary.md",
    "/api/week/2026-W47.json",
)


class Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    path = tmp_path_factory.mktemp("hostile") / "history.sqlite"
    store = SQLiteHistory(path)
    fill_whole(store)
    store.close()
    city = {name: replace(one, name=f"{one.name} {HOSTILE}", owner=HOSTILE) for name, one in WHOLE_CITY.items()}
    promised = {
        name: one if one.promise is None else replace(one, promise=replace(one.promise, words=HOSTILE))
        for name, one in city.items()
    }
    yield application(promised, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


@pytest.mark.parametrize("row", ADDRESSES, ids=lambda row: row.name)
def test_a_name_is_text_on_every_page(board: Starlette, row: object) -> None:
    answer = ask(board, row.address)  # type: ignore[attr-defined]
    assert answer.status == row.status  # type: ignore[attr-defined]
    tags = Tags()
    tags.feed(answer.text)
    assert PLANTED not in tags.names
    assert not [name for _, name, _ in tags.attributes if name.startswith("on")]
    for tag, name, value in tags.attributes:
        if name in ("href", "src", "action", "formaction"):
            assert value is not None and not value.strip().lower().startswith(ELSEWHERE), tag
    assert "1337" not in tags.text


def test_the_names_are_on_the_pages(board: Starlette) -> None:
    shown = [row.name for row in ADDRESSES if PLANTED in ask(board, row.address).text]
    assert len(shown) > len(ADDRESSES) / 2


@pytest.mark.parametrize("address", FILES)
def test_a_name_breaks_no_file(board: Starlette, address: str) -> None:
    answer = ask(board, address)
    assert answer.status == 200
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "text/csv":
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert len({len(row) for row in rows}) == 1
        assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS) and not _is_number(cell)]
    elif kind == "image/svg+xml":
        elements = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(answer.body).iter()}
        assert PLANTED not in elements and "script" not in elements
    elif kind == "application/json":
        json.loads(answer.body)
    else:
        assert f"\n<{PLANTED}" not in answer.text


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
