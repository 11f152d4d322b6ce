"""The right picture: the image of the selected detector, a composite, or another analysis' image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QMenu

from ltdesk.analysis import CenterOfMass
from ltdesk.engine.dataset import Dataset
from ltdesk.session import Detector, Session
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.latest_answers import LatestAnswers
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish, shown_wishes
from ltdesk.ui.pictures.composite import Layer
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.pictures.prepare import Status
from ltdesk.ui.pictures.vectors import Vectors
from ltdesk.ui.session_model import SessionModel

NOTHING: tuple[list[Answer], tuple[object, ...]] = ([], ())
FOLLOWED = ("shown", "selected", "detectors", "analyses")
COUNTED_FRAME = 1 << 20
"""Frames up to this many pixels are searched for a mask's pixels at once (about a millisecond)."""


class ImagePane(QObject):
    """Shows in `view` what the session asks for, with what is known so far; `source_menu` offers other images."""

    def __init__(self, view: PictureView, model: SessionModel, live: LiveJobs, source_menu: QMenu) -> None:
        super().__init__(view)
        self._view, self._model, self._menu = view, model, source_menu
        self._dataset: Dataset | None = None
        self._latest = LatestAnswers(live)
        self._showing = NOTHING
        model.changed.connect(self._follow)
        model.dragging_changed.connect(self._follow_drag)
        live.answered.connect(self._take)

    def open(self, dataset: Dataset | None) -> None:
        """Show another dataset's images."""
        self._dataset = dataset
        self._latest.clear()
        self._showing = NOTHING
        if dataset is None:
            self._view.clear()
            self._view.set_cursor(None)
            self._view.set_region(None)
            self._view.set_source("")
            return
        session = self._model.session
        scale = dataset.calibration
        self._view.set_calibration(scale.scan_step, scale.scan_unit)
        self._view.set_display(session.image_display)
        self._refresh()
        self._view.set_cursor(session.cursor)
        self._view.set_region(session.region)

    def _follow(self, old: Session, new: Session) -> None:
        if self._dataset is None:
            return
        self._view.set_display(new.image_display)
        self._view.set_cursor(new.cursor)
        self._view.set_region(new.region)
        if any(getattr(old, name) != getattr(new, name) for name in FOLLOWED):
            self._refresh()

    def _follow_drag(self, dragging: bool) -> None:
        if not dragging and self._dataset is not None:
            self._refresh()

    def _take(self, answer: Answer) -> None:
        if self._latest.take(answer) and self._dataset is not None:
            owners = {wish.owner for wish in shown_wishes(self._model.session)}
            if answer.wish.owner in owners:
                self._refresh()

    def _refresh(self) -> None:
        session = self._model.session
        wishes = shown_wishes(session)
        if not wishes:
            self._showing = NOTHING
            self._view.clear(_nothing(session))
            self._say(session.shown if session.shown == "composite" else "no detector")
        elif session.shown == "composite":
            self._show_composite(session, wishes)
        else:
            self._show_one(session, wishes[0])

    def _show_one(self, session: Session, wish: Wish) -> None:
        answer = self._latest.best(wish)
        detector = session.detector(wish.owner)
        self._say(detector.name if detector is not None else _title(session, wish))
        if answer is None:
            self._show_blank()
            return
        unit, status = answer.specs[0].unit, self._status(answer, wish)
        if not self._is_news([answer], session.shown, status):
            return
        if isinstance(wish.analysis, CenterOfMass) and session.shown == wish.analysis.name:
            parts = answer.named("y"), answer.named("x")
            self._view.set_vectors(Vectors(*parts, answer.valid, answer.failed, unit, status))
        else:
            values = _derived(answer, session.shown)
            if values.ndim != 2:
                sides = " × ".join(str(side) for side in values.shape)
                self._view.clear(f"{session.shown} is {sides} numbers, not an image: export it.")
                return
            self._view.set_picture(values, answer.valid, answer.failed, unit, status)
        self._view.set_message("" if detector is None else self._message(answer, detector))

    def _show_composite(self, session: Session, wishes: tuple[Wish, ...]) -> None:
        answers = [(wish, self._latest.best(wish)) for wish in wishes]
        known = [(wish, answer) for wish, answer in answers if answer is not None]
        self._say(f"composite of {len(wishes)}")
        if not known:
            self._show_blank()
            return
        detectors = {d.id: d for d in session.detectors}
        layers = [Layer(a.arrays[0], a.valid, detectors[w.owner].colour, detectors[w.owner].name) for w, a in known]
        statuses = {self._status(answer, wish) for wish, answer in known}
        whole = len(known) == len(answers) and statuses == {"exact"}
        others: Status = "" if self._model.dragging and statuses <= {"exact", ""} else "filling"
        looks = tuple((layer.colour, layer.name) for layer in layers)
        if self._is_news([answer for _, answer in known], "exact" if whole else others, looks):
            self._view.set_message("")
            self._view.set_composite(layers, known[0][1].specs[0].unit, "exact" if whole else others)

    def _is_news(self, answers: list[Answer], *words: object) -> bool:
        """Is this something else than what is shown? The same arrays are not prepared again."""
        before, self._showing = self._showing, (answers, words)
        same_answers = len(before[0]) == len(answers) and all(
            old is new for old, new in zip(before[0], answers, strict=True)
        )
        return not (same_answers and before[1] == words)

    def _show_blank(self) -> None:
        """Nothing is known yet: all positions as not done."""
        shape = self._dataset.scan_shape
        self._showing = NOTHING
        self._view.set_message("")
        self._view.set_picture(np.zeros(shape), np.zeros(shape, dtype=np.bool_), status="filling")

    def _status(self, answer: Answer, wish: Wish) -> Status:
        """While the hand moves the image is exact for a place that it has just left: nothing is claimed then."""
        if self._model.dragging:
            return answer.state if answer.state in ("preview", "filling") else ""
        if answer.wish.key != wish.key:
            return "preview"
        return answer.state if answer.state in ("exact", "preview", "filling") else ""

    def _message(self, answer: Answer, detector: Detector) -> str:
        frame_shape = self._dataset.frame_shape
        small = frame_shape[0] * frame_shape[1] <= COUNTED_FRAME
        if answer.arrays[0].any() or not small or detector.shape.mask(frame_shape).any():
            return ""
        return f"{detector.name} has no pixels: it lies outside the frame."

    def _say(self, text: str) -> None:
        self._view.set_source(text, self._menu)


def _derived(answer: Answer, shown: str) -> NDArray[Any]:
    """The image that `shown` names, of an answer's arrays."""
    if shown == "com_magnitude" and len(answer.arrays) == 2:
        return np.hypot(*answer.arrays)
    return answer.named(shown) if isinstance(answer.wish.analysis, CenterOfMass) else answer.arrays[0]


def _title(session: Session, wish: Wish) -> str:
    if isinstance(wish.analysis, CenterOfMass):
        part = session.shown.rpartition("com_")[2].replace("magnitude", "length").replace("com", "")
        cy, cx = wish.analysis.cy, wish.analysis.cx
        about = "the frame's centre" if cy is None or cx is None else f"({cy:.1f}, {cx:.1f})"
        return f"CoM {part} about {about}".replace("  ", " ")
    return session.shown.replace("_", " ")


def _nothing(session: Session) -> str:
    if session.shown == "composite":
        return "No detector is visible."
    return "Draw a detector on the diffraction frame; its image appears here."
