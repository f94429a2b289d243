"""What a definition of an indicator says. `kept.indicators.definitions` has them all."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Better = Literal["up", "down", "neutral"]
WindowName = str


class Definition(Struct, frozen=True, kw_only=True):
    """One indicator's definition. `stock` values are the same under every window: they hold at its end.

    `amended`: whether published values are computed again when a late event changes them. Not where a value is told by
    the time of opening or starting: endings that came since, as they must, would be taken for known then.
    """

    name: str
    family: str
    formula: str
    unit: str
    source: str
    trap: str
    version: int = 1
    better: Better = "neutral"
    stock: bool = False
    windows: tuple[WindowName, ...] | None = None
    amended: bool = True

    @property
    def label(self) -> str:
        """`name@version`, as published with every value."""
        return f"{self.name}@{self.version}"
