"""Colours that any kind of colour vision tells apart (Okabe and Ito, 2008); a colour never speaks alone."""

from __future__ import annotations

from typing import Final

BLUE: Final = "#0072B2"
"""What is asked about: the first series of a panel."""
SKY: Final = "#56B4E9"
VERMILLION: Final = "#D55E00"
"""Worse than promised; always beside a word or a sign."""
YELLOW: Final = "#F0E442"
GREEN: Final = "#009E73"
ORANGE: Final = "#E69F00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8C8C8C"
"""What is there to compare with: targets, limits, the flattering figure."""
IN_ORDER: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, VERMILLION)
"""For series of equal rank."""
