"""Charts: a Vega-Lite specification, a plain dict, becomes the same picture on pages (SVG) and in e-mail and PDF (PNG).

The renderer fetches nothing: a specification carries its data. The same specification gives the same bytes.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import vl_convert
from starlette.responses import Response

Spec = dict[str, Any]
Theme = Literal["light", "dark"]
VEGA_LITE: Final = "6.1"
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
FONT: Final = "DejaVu Sans, Verdana, sans-serif"
COLOURS: Final[dict[Theme, dict[str, str]]] = {
    "light": {
        "ink": "#16202a", "soft": "#4d5b68", "grid": "#d5dce2", "sheet": "#ffffff",
        "blue": "#0072b2", "vermillion": "#b84d00", "yellow": "#f0e442", "band": "#e3e8ec",
    },
    "dark": {
        "ink": "#e9eef2", "soft": "#a9b6c1", "grid": "#34414c", "sheet": "#1a222a",
        "blue": "#56b4e9", "vermillion": "#ff8c42", "yellow": "#f0e442", "band": "#303c46",
    },
}  # fmt: skip
"""Safe for colour-blind readers; what a colour says is also said by a shape or by words. As in static/site.css."""


def colours(theme: Theme) -> dict[str, str]:
    """The colours a specification may use by name."""
    return COLOURS[theme]


def svg(spec: Spec, theme: Theme) -> str:
    """The picture as SVG."""
    return vl_convert.vegalite_to_svg(_complete(spec, theme), vl_version=VEGA_LITE, allowed_base_urls=[])


def png(spec: Spec, theme: Theme = "light", scale: float = 2) -> bytes:
    """The picture as PNG, `scale` pixels for each of its units."""
    return vl_convert.vegalite_to_png(_complete(spec, theme), vl_version=VEGA_LITE, scale=scale, allowed_base_urls=[])


def svg_answer(spec: Spec, theme: Theme | None) -> Response:
    """The picture as an answer; None: light."""
    return Response(svg(spec, theme or "light"), media_type="image/svg+xml")


def _complete(spec: Spec, theme: Theme) -> Spec:
    palette = colours(theme)
    words = {"labelColor": palette["soft"], "titleColor": palette["soft"], "labelFontSize": 12, "titleFontSize": 12}
    config = {
        "font": FONT,
        "background": palette["sheet"],
        "view": {"stroke": None},
        "axis": {**words, "gridColor": palette["grid"], "domainColor": palette["soft"], "tickColor": palette["soft"],
                 "titleFontWeight": "normal"},
        "legend": {**words, "orient": "top", "title": None},
        "text": {"color": palette["ink"], "fontSize": 12},
        "rule": {"color": palette["soft"]},
        "line": {"color": palette["ink"]},
        "point": {"color": palette["ink"], "filled": True, "size": 45},
    }  # fmt: skip
    return {"$schema": SCHEMA, "padding": 8, **spec, "config": config | spec.get("config", {})}
