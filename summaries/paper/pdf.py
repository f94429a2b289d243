"""The summary as a PDF on A4, readable to screen readers (PDF/UA-1). The same summary gives the same bytes.

Typst sets it. What is told is handed over as data and never read as markup.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

import typst

from summaries.paper.sections import Pictures, Section, sections
from summaries.weekly.summary import WeekSummary

TEMPLATE: Final = files("summaries.paper").joinpath("week.typ").read_bytes()
STANDARD: Final = "ua-1"


def pdf(summary: WeekSummary, pictures: Pictures) -> bytes:
    """The document; one page in an ordinary week, more where there is more to tell."""
    told = json.dumps(_told(summary, pictures), ensure_ascii=False)
    made = typst.Compiler(input=TEMPLATE, sys_inputs={"told": told}).compile(
        format="pdf", pdf_standards=[STANDARD], timestamp=summary.as_of
    )
    assert isinstance(made, bytes)
    return made


def _told(summary: WeekSummary, pictures: Pictures) -> dict[str, Any]:
    return {
        "title": summary.title,
        "headline": summary.headline,
        "as_of": f"As it was known on {summary.as_of_words}",
        "notes": summary.notes,
        "footer": "Kept counts every case that fell due, also those still open.",
        "sections": [_section(one) for one in sections(summary, pictures)],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "paragraphs": section.paragraphs,
        "points": [{"lead": item.lead, "text": item.text} for item in section.items],
        "pictures": [{"png": list(chart.png), "alt": chart.alt} for chart in section.charts],
        "tables": [{"head": table.head, "rows": table.rows} for table in section.tables],
    }
