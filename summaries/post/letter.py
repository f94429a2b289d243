"""The letter of a week: the summary as text, as a page with its pictures inline, and as a PDF to print."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final

from history.store import HistoryStore
from kept.catalogue import Catalogue
from kept.iso_week import week_named
from summaries import vega
from summaries.known import BorrowedHistory, Known
from summaries.paper.pdf import pdf
from summaries.post.message import Attachment, Letter, Picture
from summaries.post.round import Prepared
from summaries.weekly.chart import SummaryChart, picture
from summaries.weekly.facts import weeks_there
from summaries.weekly.html_file import as_html
from summaries.weekly.plain_text import as_plain_text
from summaries.weekly.summary import WeekSummary
from summaries.weekly.told import Told, told

STYLE: Final = "mail.css"


def prepare(catalogue: Catalogue, board: str, store: HistoryStore, week: str) -> Prepared | None:
    """The letter of the ISO week `week`, as known on the Monday after it; None when there are no figures of it.

    `board` is the address under which readers reach the board. Raises `Retry` while the history cannot be read.
    """
    reader, chosen = BorrowedHistory(store), week_named(week)
    if chosen not in weeks_there(Known(reader, catalogue)):
        return None
    week_told = told(reader, catalogue, chosen)
    summary = week_told.summary
    return Prepared(letter=letter_of(week_told, catalogue, board), as_of=summary.as_of, complete=summary.complete)


def is_there(catalogue: Catalogue, store: HistoryStore, week: str) -> bool:
    """Whether there are figures of the ISO week `week`."""
    return week_named(week) in weeks_there(Known(BorrowedHistory(store), catalogue))


def letter_of(week: Told, catalogue: Catalogue, board: str) -> Letter:
    """The letter of a week that is told."""
    _, summary, charts = week
    pictures = [Picture(chart.name, png_of(chart, catalogue)) for chart in charts]
    address = board.rstrip("/")
    page = as_html(summary, charts, catalogue, [f"cid:{one.cid}" for one in pictures], style=STYLE, board=address)
    plain = f"{as_plain_text(summary)}\nThis week on the board: {address}/week/{summary.week.name}\n"
    return Letter(
        subject=f"{summary.week.name}: {summary.headline}",
        plain=plain,
        page=page,
        at=datetime.datetime.fromtimestamp(summary.as_of, datetime.UTC),
        key=summary.week.name,
        pictures=pictures,
        attachments=[Attachment(f"kept-{summary.week.name}.pdf", "pdf", paper_of(summary, charts, catalogue))],
    )


def paper_of(summary: WeekSummary, charts: Sequence[SummaryChart], catalogue: Catalogue) -> bytes:
    """The summary as a PDF with the same pictures."""
    return pdf(summary, {(one.service, one.indicator): png_of(one, catalogue) for one in charts})


def png_of(chart: SummaryChart, catalogue: Catalogue) -> bytes:
    """The picture of a chart, dark on light."""
    return vega.png(picture(chart, catalogue[chart.service].zone, "light"))
