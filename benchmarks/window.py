"""The real window for a benchmark: drawn by Qt's offscreen platform in software, with settings of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PyQt5.QtWidgets import QApplication

from ltdesk.ui.app import Desk
from ltdesk.ui.collector import Collector
from ltdesk.ui.look import style
from ltdesk.ui.start import set_attributes


def use_own_settings(folder: Path) -> None:
    """Neither the user's settings nor sessions that a crash left behind have a part in what is measured."""
    os.environ["LTDESK_CONFIG_DIR"], os.environ["LTDESK_STATE_DIR"] = str(folder / "config"), str(folder / "state")


@contextmanager
def shown_window() -> Iterator[Desk]:
    """A window of 1280x720 with all that works behind it, closed at the end."""
    with tempfile.TemporaryDirectory(prefix="ltdesk-window-", ignore_cleanup_errors=True) as folder:
        use_own_settings(Path(folder))
        set_attributes()
        application = QApplication.instance() or QApplication(sys.argv[:1])
        style.apply(application, "dark")
        desk = Desk()
        desk.window.resize(1280, 720)
        desk.show()
        collector = Collector(desk)
        try:
            yield desk
        finally:
            collector.close()
            desk.close()
            desk.window.deleteLater()
