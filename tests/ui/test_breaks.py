"""Words where there is little room."""

from __future__ import annotations

import pytest
from PyQt5.QtGui import QFont, QFontMetrics

from ltdesk.ui.look.breaks import beginnings, breakable, fitting

BREAK, NO_BREAK = "\u200b", "\u00a0"


def test_paths_break_at_their_separators_and_numbers_nowhere() -> None:
    assert (
        breakable("/a/b.h5: 4 195 328 of 12 bytes") == f"/{BREAK}a/{BREAK}b.h5: 4{NO_BREAK}195{NO_BREAK}328 of 12 bytes"
    )
    assert breakable("row 3 of 1200") == "row 3 of 1200"
    assert breakable(r"C:\dark_frame.npy") == f"C:\\{BREAK}dark_{BREAK}frame.npy"


def test_beginnings_are_whole_sentences() -> None:
    assert beginnings("One. Two! And 3.5?") == ["One. Two! And 3.5?", "One. Two!", "One."]
    assert beginnings("") == [""]


@pytest.mark.parametrize(("room", "shown"), [("longest", "longest"), ("short", "short"), ("shor", "sh…")])
def test_the_first_that_fits(qapp: object, room: str, shown: str) -> None:
    metrics = QFontMetrics(QFont())
    text = fitting(("longest", "short"), metrics, metrics.horizontalAdvance(room))
    assert text == shown or (shown.endswith("…") and text.endswith("…") and "short".startswith(text[:-1]))
