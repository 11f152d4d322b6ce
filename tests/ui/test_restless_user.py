"""A user who does anything at any time: whatever the order, nothing breaks, and in the end the image is right.

``LTDESK_RESTLESS=300`` plays so many rounds instead of a few; the number of a round that fails is its seed.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from ltdesk.ui.commands.actions import SPECS
from tests.ui.fakes import counts
from tests.ui.picture_hand import PictureHand
from tests.ui.user import User, write_scan

ROUNDS = range(int(os.environ.get("LTDESK_RESTLESS", "8")))
SCANS = {"small.h5": counts((12, 10), (40, 44)), "large.h5": counts((24, 20), (64, 64))}
QUIET = [
    spec.name
    for spec in SPECS
    if spec.section in {"View", "Frame", "Image", "Draw", "Detector", "Edit", "Job", "Analyses"}
    and not spec.text.endswith("…")
    and spec.name not in {"full_screen", "rename"}
]
"""Actions that open no dialog."""
KEYS = (
    Qt.Key_Left, Qt.Key_Right, Qt.Key_Up, Qt.Key_Down, Qt.Key_Tab, Qt.Key_Return, Qt.Key_Backspace,
    Qt.Key_Delete, Qt.Key_Escape,
)  # fmt: skip
WITH = (Qt.NoModifier, Qt.NoModifier, Qt.ShiftModifier, Qt.ControlModifier, Qt.AltModifier)
YX = tuple[float, float]


class Restless:
    """Does one thing after another, by chance."""

    def __init__(self, user: User, folder: Path, seed: int) -> None:
        self.user, self.folder, self.chance = user, folder, random.Random(seed)
        self.done: list[str] = []
        self.frames: NDArray[np.uint16] = SCANS["small.h5"]
        self.ways: list[tuple[int, Callable[[], str]]] = [
            (35, self.press_shortcut),
            (27, lambda: self.drag(self.user.frame, self.frames.shape[2:])),
            (12, lambda: self.drag(self.user.image, self.frames.shape[:2])),
            (6, self.press_keys),
            (4, lambda: self.turn_wheel(self.user.frame)),
            (3, lambda: self.double_click(self.user.frame)),
            (6, self.add_an_analysis),
            (3, self.move_the_slider),
            (2, self.open_a_scan),
        ]

    def do_something(self) -> None:
        weights, ways = zip(*self.ways, strict=True)
        (way,) = self.chance.choices(ways, weights)
        self.done.append(way())
        self.pause(0, 0, 1, 10, 30)

    def pause(self, *milliseconds: int) -> None:
        QTest.qWait(self.chance.choice(milliseconds))

    def press_shortcut(self) -> str:
        name = self.chance.choice(QUIET)
        action = self.user.window.actions_by_name[name]
        if action.isEnabled():
            action.trigger()
        return name

    def drag(self, hand: PictureHand, size: tuple[int, ...]) -> str:
        start, end, steps = self.place(size), self.place(size), self.chance.randint(1, 10)
        keys, did = self.chance.choice(WITH), f"drag over {size}"
        hand.hover(start)
        hand.press(start, keys=keys)
        for step in range(1, steps + 1):
            y, x = (begin + (stop - begin) * step / steps for begin, stop in zip(start, end, strict=True))
            hand.move((y, x), keys=keys)
            self.pause(0, 1, 5, 16)
            if self.chance.random() < 0.05:
                did += f", meanwhile {self.press_shortcut()}"
        hand.release(end, keys=keys)
        return did

    def press_keys(self) -> str:
        view = self.chance.choice((self.user.frame_view, self.user.image_view))
        key = self.chance.choice(KEYS)
        for _ in range(self.chance.randint(1, 5)):
            self.user.key(view, key, self.chance.choice(WITH))
        return f"key {key:#x}"

    def turn_wheel(self, hand: PictureHand) -> str:
        hand.wheel(self.place(self.frames.shape[2:]), self.chance.choice((-2, -1, 1, 2)))
        return "wheel"

    def double_click(self, hand: PictureHand) -> str:
        hand.double_click(self.place(self.frames.shape[2:]))
        return "double click"

    def add_an_analysis(self) -> str:
        action = self.chance.choice(self.user.window.analyses.add_menu.actions())
        action.trigger()
        return str(action.objectName())

    def move_the_slider(self) -> str:
        self.user.window.slice_bar.slider.setValue(self.chance.randint(0, 40))
        return "slider"

    def open_a_scan(self) -> str:
        name, self.frames = self.chance.choice(list(SCANS.items()))
        self.user.desk.files.open_path(str(self.folder / name))
        self.pause(0, 5, 50)
        self.user.wait(lambda: not self.user.desk.opener.busy, f"opening {name}")
        return f"open {name}"

    def place(self, size: tuple[int, ...]) -> YX:
        return self.chance.uniform(0, size[0] - 1), self.chance.uniform(0, size[1] - 1)

    def come_to_rest(self) -> None:
        """Look at the selected detector's image, as every round ends."""
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible() and widget is not self.user.window:
                widget.close()
        actions = self.user.window.actions_by_name
        for name in ("spectrum", "spectrum_window", "frame_spectrum", "frame_spectrum_window"):
            if actions[name].isChecked():
                actions[name].trigger()
        for name in ("tool_select", "retry", "show_detector"):
            actions[name].trigger()

    def sees_the_right_image(self) -> bool:
        """Is what is shown what the selected detector gives, by definition?"""
        detector = self.user.session.selected_detector
        if detector is None:
            return True
        mask = detector.shape.mask(self.frames.shape[2:])
        image = self.frames[..., mask].sum(axis=-1, dtype=np.uint64) * detector.weight
        shown = self.user.shown()
        exact = self.user.image_view.status == "exact"
        return bool(exact and shown.shape == image.shape and np.allclose(shown, image, rtol=1e-6))


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns a hundred times as often as they do otherwise."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def threads_broken(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """What threads were ended by, empty as it should be."""
    broken: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: broken.append(arguments.exc_value))
    return broken


@pytest.mark.usefixtures("restless_threads")
@pytest.mark.parametrize("seed", ROUNDS)
def test_whatever_is_done_in_the_end_the_image_is_right(
    user: User, tmp_path: Path, threads_broken: list[BaseException | None], seed: int
) -> None:
    for name, frames in SCANS.items():
        write_scan(tmp_path / name, frames)
    user.open(tmp_path / "small.h5")
    restless = Restless(user, tmp_path, seed)
    for _ in range(30):
        restless.do_something()
    restless.come_to_rest()
    user.wait(restless.sees_the_right_image, f"the image after {restless.done}")
    assert not threads_broken, restless.done
