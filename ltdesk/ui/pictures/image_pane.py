"""The right picture: the image of the selected detector, a composite, or another analysis' image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QObject, QTimer
from PyQt5.QtWidgets import QMenu

from ltdesk.analysis import Analysis, CenterOfMass
from ltdesk.engine.dataset import Dataset
from ltdesk.session import Detector, Display, Session
from ltdesk.ui.analyses import results
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.latest_answers import LatestAnswers
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish, analysis_wish, shown_analysis, shown_wishes
from ltdesk.ui.pictures.composite import Layer
from ltdesk.ui.pictures.content import WORK_COST, Work
from ltdesk.ui.pictures.frequencies import frequency_scale, spectrum_work
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.pictures.prepare import Picture, Status
from ltdesk.ui.pictures.vectors import Vectors
from ltdesk.ui.session_model import SessionModel

NOTHING: tuple[list[Answer], tuple[object, ...]] = ([], ())
FOLLOWED = ("shown", "shown_slice", "spectrum", "selected", "detectors", "analyses", "follows")
REST_MS = 25
"""Without a move for so long the hand rests, and an image that is exact says so."""
SETTLED: tuple[Status, ...] = ("incomplete", "missing", "exact")
"""Of a picture of which nothing more is to come, the worst first."""
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
        self._moving = QTimer(self)
        self._moving.setSingleShot(True)
        self._moving.setInterval(REST_MS)
        self._moving.timeout.connect(self._rest)
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
        self._view.set_display(self._display(session))
        self._mark(session)
        self._refresh()

    def _follow(self, old: Session, new: Session) -> None:
        if self._dataset is None:
            return
        self._view.set_display(self._display(new))
        self._mark(new)
        if any(getattr(old, name) != getattr(new, name) for name in FOLLOWED):
            if self._model.dragging:
                self._moving.start()
            self._refresh()

    def _mark(self, session: Session) -> None:
        """Cursor, region and scale; a spectrum has none of the scan's."""
        scan, over_scan = self._dataset.calibration, not session.spectrum
        self._view.set_cursor(session.cursor if over_scan else None)
        self._view.set_region(session.region if over_scan else None)
        if over_scan:
            self._view.set_calibration(scan.scan_step, scan.scan_unit)
        else:
            self._view.set_calibration(*frequency_scale(self._dataset.scan_shape, scan.scan_step, scan.scan_unit))

    def _follow_drag(self, dragging: bool) -> None:
        if not dragging and self._dataset is not None:
            self._refresh()

    def _rest(self) -> None:
        if self._dataset is not None:
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
        elif session.shown == "composite" and session.spectrum:
            self._showing = NOTHING
            self._view.clear("A composite has no spectrum: show one image.")
            self._say("composite")
        elif session.shown == "composite":
            self._show_composite(session, wishes)
        else:
            self._show_one(session, wishes[0])

    def _show_one(self, session: Session, wish: Wish) -> None:
        answer = self._latest.best(wish)
        detector = session.detector(wish.owner)
        analysis = shown_analysis(session)
        title = detector.name if analysis is None and detector is not None else _title(session, analysis)
        self._say(f"FFT of {title}" if session.spectrum else title)
        if answer is None:
            self._show_blank()
            return
        status = self._status(answer, wish)
        message = "" if analysis is not None or detector is None else self._message(answer, detector)
        looked_at = wish.analysis if analysis is not None else message
        if not self._is_news([answer], session.shown, session.shown_slice, session.spectrum, looked_at, status):
            return
        if analysis is None and session.spectrum:
            picture = _shown(answer, answer.arrays[0], answer.specs[0].unit, status)
            self._show_spectrum(lambda: picture, answer, session, status)
        elif analysis is None:
            unit = answer.specs[0].unit
            self._view.set_picture(answer.arrays[0], answer.valid, answer.failed, unit, status, answer.missing)
            self._view.set_message(message)
        else:
            self._show_result(answer, analysis, session, status)

    def _show_result(self, answer: Answer, analysis: Analysis, session: Session, status: Status) -> None:
        shown, index = session.shown, session.shown_slice
        if not results.is_image(answer, analysis, shown):
            self._showing = NOTHING
            if answer.wish.key == analysis_wish(session, analysis).key:
                self._view.clear(f"{shown} is no image of the scan.")
            return
        unit = results.unit_of(analysis, shown, self._dataset.frame_shape, self._dataset.dtype)
        make = partial(_picture, answer, analysis, shown, index, unit, status)
        if session.spectrum:
            self._show_spectrum(make, answer, session, status)
            return
        self._view.set_message("")
        self._view.set_work(Work(make, WORK_COST * answer.valid.size), status)

    def _show_spectrum(
        self, make: Callable[[], Picture | Vectors], answer: Answer, session: Session, status: Status
    ) -> None:
        self._view.set_message("")
        self._view.set_work(spectrum_work(make, session.spectrum, answer.valid.size), status)

    def _show_composite(self, session: Session, wishes: tuple[Wish, ...]) -> None:
        answers = [(wish, self._latest.best(wish)) for wish in wishes]
        known = [(wish, answer) for wish, answer in answers if answer is not None]
        self._say(f"composite of {len(wishes)}")
        if not known:
            self._show_blank()
            return
        detectors = {d.id: d for d in session.detectors}
        layers = [_layer(answer, detectors[wish.owner]) for wish, answer in known]
        statuses = {self._status(answer, wish) for wish, answer in known}
        status = self._status_of_all(statuses, whole=len(known) == len(answers))
        looks = tuple((layer.colour, layer.name) for layer in layers)
        if self._is_news([answer for _, answer in known], status, looks):
            self._view.set_message("")
            self._view.set_composite(layers, known[0][1].specs[0].unit, status)

    def _status_of_all(self, statuses: set[Status], whole: bool) -> Status:
        """Of several images in one; `whole`: something is known of each."""
        worst: Status = next((status for status in SETTLED if status in statuses), "filling")
        settled = statuses <= set(SETTLED) and (whole or worst == "incomplete")
        if self._model.dragging and not settled and statuses <= {"missing", "exact", ""}:
            return ""
        return worst if settled else "filling"

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
        moving, other = self._moving.isActive(), answer.wish.key != wish.key
        if answer.state == "preview" and not answer.valid.all():
            return "estimate"  # of a few frames
        if self._model.dragging and (moving or other):
            return answer.state if answer.state in ("preview", "filling") else ""
        if other:
            return "preview"
        if answer.state == "exact" and answer.missing:
            return "missing"
        return answer.state if answer.state in ("exact", "preview", "filling") else "incomplete"

    def _message(self, answer: Answer, detector: Detector) -> str:
        frame_shape = self._dataset.frame_shape
        small = frame_shape[0] * frame_shape[1] <= COUNTED_FRAME
        if answer.arrays[0].any() or not small or detector.shape.mask(frame_shape).any():
            return ""
        return f"{detector.name} has no pixels: it lies outside the frame."

    def _display(self, session: Session) -> Display:
        return results.display_of(session, self._dataset.frame_shape, self._dataset.dtype)

    def _say(self, text: str) -> None:
        self._view.set_source(text, self._menu)


def _layer(answer: Answer, detector: Detector) -> Layer:
    return Layer(answer.arrays[0], answer.valid, detector.colour, detector.name, answer.failed, answer.missing)


def _shown(answer: Answer, values: NDArray[Any], unit: str, status: Status) -> Picture:
    return Picture(values, answer.valid, answer.failed, unit, status, missing=answer.missing)


def _picture(
    answer: Answer, analysis: Analysis, shown: str, index: int, unit: str, status: Status
) -> Picture | Vectors:
    """What is shown of an answer; not always quick, so not always in the GUI thread."""
    parts = results.image_of(answer, analysis, shown, index)
    assert parts is not None
    if len(parts) == 2:
        return Vectors(*parts, answer.valid, answer.failed, unit, status, answer.missing)
    return _shown(answer, parts[0], unit, status)


def _title(session: Session, analysis: Analysis | None) -> str:
    if analysis is None:
        return session.shown.replace("_", " ")
    if isinstance(analysis, CenterOfMass):
        words = results.MAP_WORDS.get(results.com_map(analysis, session.shown), "")
        cy, cx = analysis.cy, analysis.cx
        about = "frame centre" if cy is None or cx is None else f"({cy:.1f}, {cx:.1f})"
        name = "CoM" if analysis.name == "com" else analysis.name
        return f"{name} {words} · {about}".replace(" vectors", "")
    return session.shown.replace("_", " ")


def _nothing(session: Session) -> str:
    if session.shown == "composite":
        return "No detector is visible."
    return "Draw a detector on the diffraction frame; its image appears here."
