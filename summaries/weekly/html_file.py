"""The summary as one HTML file that needs nothing else: its style and its pictures are within."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from kept.catalogue import Catalogue
from summaries import vega
from summaries.pictures.control_chart import kind
from summaries.weekly import layout
from summaries.weekly.chart import HEAD, SummaryChart, picture
from summaries.weekly.summary import WeekSummary

KEY: Final = (
    "Line and points: the week’s value. Thin line: its mean. Dashed: the range that chance alone hardly leaves."
)
KEY_OF_MARKS: Final = {
    "concern": "Diamond: a week that is signal, for the worse.",
    "improvement": "Square: a week that is signal, for the better.",
    "neither": "Triangle: a week that is signal, neither better nor worse.",
}
STYLES: Final = Path(__file__).parents[1] / "static"


def as_html(
    summary: WeekSummary,
    charts: Sequence[SummaryChart],
    catalogue: Catalogue,
    pictures: Sequence[str] | None = None,
    *,
    style: str = "site.css",
    board: str | None = None,
) -> str:
    """The file. `pictures` are addresses for its charts, such as `cid:…`; None: they are in the file, as SVG.

    `style` is the style sheet to put into it; `board` is where the board is reached, None for no link to it.
    """
    drawn = [svg_of(chart, catalogue[chart.service].zone) for chart in charts]
    environment = Environment(
        loader=PackageLoader("summaries"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sheet = Markup((STYLES / style).read_text(encoding="utf-8"))  # noqa: S704 - a file of ours, no name gets into it
    return environment.get_template("week_file.html").render(
        asked=None,
        style=sheet,
        board=board,
        pictures=[_data_address(svg) for svg in drawn] if pictures is None else pictures,
        **body_values(summary, charts, drawn),
    )


def body_values(summary: WeekSummary, charts: Sequence[SummaryChart], drawn: Sequence[str]) -> Mapping[str, Any]:
    """What the shared body of page and file is made of; `drawn` are the SVG pictures of `charts`."""
    shown = {(chart.service, chart.indicator) for chart in charts}
    left = [one for one in summary.fresh if one.chart is not None and (one.service, one.chart) not in shown]
    return {
        "summary": summary,
        "charts": charts,
        "chart_head": HEAD,
        "sizes": [size_of(svg) for svg in drawn],
        "layout": layout,
        "chart_key": key_of(charts),
        "more_charts": f"The charts of {len(left)} more signals are not drawn here." if left else "",
    }


def svg_of(chart: SummaryChart, zone: ZoneInfo, theme: vega.Theme = "light") -> str:
    """The picture of a chart."""
    return vega.svg(picture(chart, zone, theme), theme)


def key_of(charts: Sequence[SummaryChart]) -> str:
    """What the lines and marks mean that are on these charts."""
    kinds = {kind(week) for chart in charts for week in chart.weeks if week.value is not None}
    return " ".join((KEY, *(words for name, words in KEY_OF_MARKS.items() if name in kinds)))


def size_of(svg: str) -> tuple[int, int]:
    """Width and height (pixels) of a picture, so that a page keeps its place while it loads."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own renderer made it
    return round(float(root.attrib["width"])), round(float(root.attrib["height"]))


def _data_address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
