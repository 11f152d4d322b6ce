"""Words where there is little room: where they may wrap, and what is left out first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFontMetrics

BREAK = "\N{ZERO WIDTH SPACE}"
NO_BREAK = "\N{NO-BREAK SPACE}"
THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
SEPARATORS = re.compile(r"[/\\_]")
SENTENCES = re.compile(r"(?<=[.!?]) ")


def breakable(text: str) -> str:
    """`text` with places to wrap after separators in paths and names, which have no spaces, none within a number."""
    return SEPARATORS.sub(f"\\g<0>{BREAK}", THOUSANDS.sub(NO_BREAK, text))


def beginnings(text: str) -> list[str]:
    """`text` in whole sentences: all of it, without the last one, …, the first alone."""
    sentences = SENTENCES.split(text)
    return [" ".join(sentences[:count]) for count in range(len(sentences), 0, -1)]


def fitting(texts: Sequence[str], metrics: QFontMetrics, width: int) -> str:
    """The first of these that has room, else the beginning of the last one."""
    fits = (text for text in texts if metrics.horizontalAdvance(text) <= width)
    return next(fits, metrics.elidedText(texts[-1], Qt.ElideRight, width))
