"""A user in front of the whole window: opens files, drags, presses keys, looks at pixels."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from ltdesk.engine.executor import Executor
from ltdesk.session import Detector, Session
from ltdesk.ui.app import Desk
from ltdesk.ui.look import style
from ltdesk.ui.pictures.picture_view import PictureView
from tests.ui.picture_hand import PictureHand

TIMEOUT = 200.0  # of what never comes; on a busy machine a compiled kernel takes its time


class User:
    """Works with a `Desk` as a person does; `frame` and `image` are the hand on the two pictures."""

    def __init__(self, executor: Executor | None = None) -> None:
        style.apply(QApplication.instance(), "dark")
        self.desk = Desk(executor)
        self.window = self.desk.window
        self.desk.show()
        self.window.resize(1280, 720)
        QApplication.setActiveWindow(self.window)
        self.frame = PictureHand(self.window.frame_view)
        self.image = PictureHand(self.window.image_view)

    @property
    def session(self) -> Session:
        return self.desk.model.session

    @property
    def selected(self) -> Detector:
        detector = self.session.selected_detector
        assert detector is not None
        return detector

    @property
    def frame_view(self) -> PictureView:
        return self.window.frame_view

    @property
    def image_view(self) -> PictureView:
        return self.window.image_view

    def wait(self, condition: Callable[[], Any], what: str = "") -> None:
        """Let the window work until `condition()` holds."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what or condition}"
            QTest.qWait(1)

    def settle(self) -> None:
        """Let the window do what it has to do now."""
        QTest.qWait(1)

    def open(self, path: Path) -> None:
        """Open a file and wait until its first image is exact, as far as there are frames."""
        self.desk.files.open_path(str(path))
        self.wait(lambda: self.window.page is self.window.work and not self.desk.opener.busy, f"opening {path}")
        self.wait(lambda: self.image_view.status in ("exact", "missing"), "an exact image")

    def wait_exact(self) -> None:
        self.wait(lambda: self.image_view.status == "exact", "an exact image")

    def shown(self) -> NDArray[Any]:
        """The values of the image on the right."""
        prepared = self.image_view.prepared
        assert prepared is not None
        return prepared.picture.values

    def trigger(self, name: str) -> None:
        """Press the first shortcut of an action, as on the keyboard."""
        QApplication.setActiveWindow(self.window)
        action = self.window.actions_by_name[name]
        assert action.isEnabled(), name
        combination = action.shortcut()[0]
        keys = Qt.KeyboardModifiers(combination & Qt.KeyboardModifierMask)
        QTest.keyClick(self.window, Qt.Key(combination & ~Qt.KeyboardModifierMask), keys)

    def key(self, view: PictureView, key: Any, keys: Any = Qt.NoModifier) -> None:
        """Press a key with the keyboard on one of the pictures."""
        view.canvas.setFocus()
        QTest.keyClick(view.canvas, key, keys)

    def drop(self, *paths: Path | str) -> bool:
        """Drop files on the window; was the drag welcome?"""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        middle = self.window.rect().center()
        enter = QDragEnterEvent(QPoint(middle), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
        QApplication.sendEvent(self.window, enter)
        if enter.isAccepted():
            drop = QDropEvent(QPointF(middle), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier, QEvent.Drop)
            QApplication.sendEvent(self.window, drop)
        return enter.isAccepted()

    def greys(self, places: list[tuple[int, int]]) -> list[int]:
        """The grey on the screen at positions of the scan, what lies over it hidden by holding Space."""
        canvas = self.image_view.canvas
        canvas.setFocus()
        QTest.keyPress(canvas, Qt.Key_Space)
        greys = [self.image.colour((float(y), float(x))).red() for y, x in places]
        QTest.keyRelease(canvas, Qt.Key_Space)
        return greys

    def dialog(self) -> Any:
        """The dialog that the window shows now, or None."""
        found = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not self.window]
        return found[0] if found else None

    def close(self) -> None:
        self.window.close()
        self.window.deleteLater()
        self.desk.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def write_scan(path: Path, frames: NDArray[Any], **attributes: Any) -> Path:
    """An HDF5 file with one contiguous dataset ``/data``."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", data=frames)
        data.attrs.update(attributes)
    return path


def expected_greys(values: NDArray[Any], levels: tuple[float, float], places: list[tuple[int, int]]) -> list[int]:
    """What a linear grey picture shows at these positions, by definition."""
    low, high = levels
    shares = [(float(values[place]) - low) / (high - low) for place in places]
    return [int(np.clip(share, 0, 1) * 255 + 0.5) for share in shares]
