"""The left picture: the frame under the cursor, the mean frame, or the mean of the region."""

from __future__ import annotations

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QMenu

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.first_look import Sample
from ltdesk.errors import LtdeskError
from ltdesk.session import Session
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.frame_reader import FrameReader, Position
from ltdesk.ui.live.latest_answers import LatestAnswers
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish, frame_wish
from ltdesk.ui.look.sizes import grouped
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel


class FramePane(QObject):
    """Shows in `view` the frame that the session asks for, as soon as it is known.

    `source_menu` offers the other sources; its actions belong to the window.
    """

    def __init__(
        self, view: PictureView, model: SessionModel, live: LiveJobs, reader: FrameReader, source_menu: QMenu
    ) -> None:
        super().__init__(view)
        self._view, self._model, self._live, self._reader = view, model, live, reader
        self._menu = source_menu
        self._dataset: Dataset | None = None
        self._sample: Sample | None = None
        self._latest = LatestAnswers(live)
        model.changed.connect(self._follow)
        live.answered.connect(self._take)
        reader.picked.connect(self._show_frame)
        reader.failed.connect(self._show_missing)
        reader.waiting.connect(self._show_waiting)

    def open(self, dataset: Dataset | None, sample: Sample | None) -> None:
        """Show another dataset; `sample` stands in for its mean frame until that is computed."""
        self._dataset, self._sample = dataset, sample
        self._latest.clear()
        if dataset is None:
            self._view.clear()
            self._view.set_source("")
            return
        scale = dataset.calibration
        self._view.set_calibration(scale.frame_pixel, scale.frame_unit)
        self._view.set_display(self._model.session.frame_display)
        self._refresh()

    def _follow(self, old: Session, new: Session) -> None:
        if self._dataset is None:
            return
        self._view.set_display(new.frame_display)
        if _asked(old) != _asked(new):
            self._refresh()

    def _refresh(self) -> None:
        session = self._model.session
        wish = frame_wish(session)
        if wish is None:
            self._reader.pick(session.cursor)
        else:
            self._reader.forget()
            self._view.set_message("")
            self._show_mean(wish)

    def _take(self, answer: Answer) -> None:
        wish = frame_wish(self._model.session)
        if answer.wish.owner in ("mean", "region") and self._latest.take(answer) and wish is not None:
            self._show_mean(wish)

    def _show_mean(self, wish: Wish) -> None:
        answer = self._latest.best(wish)
        frames = 0 if answer is None else int(answer.valid.sum())
        sample = self._sample if wish.region is None else None
        if sample is not None and frames < sample.frames:
            self._view.set_picture(sample.mean, unit="counts", status="estimate")
            self._say(f"mean of {sample.frames} frames")
        elif answer is not None and frames:
            exact = answer.state == "exact" and answer.wish.key == wish.key
            self._view.set_picture(answer.arrays[0], unit="counts", status="exact" if exact else "estimate")
            where = "" if wish.region is None else " in the region"
            self._say(f"mean of {grouped(frames)} frame{'s' if frames != 1 else ''}{where}")
        elif answer is not None and answer.state != "filling":
            self._view.clear("No frame to show: none could be read.")
            self._say("no frames")

    def _show_frame(self, frame, position: Position) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.set_message("")
            self._view.set_picture(frame, unit="counts")
            self._say(f"at ({position[0]}, {position[1]})")

    def _show_missing(self, position: Position, error: LtdeskError) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.clear(str(error))
            self._say(f"at ({position[0]}, {position[1]})")

    def _show_waiting(self, position: Position, seconds: float) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.set_message(f"Waiting for the frame at {position}, {seconds:.0f} s")

    def _say(self, text: str) -> None:
        self._view.set_source(text, self._menu)


def _asked(session: Session) -> tuple[object, ...]:
    """What decides which frame is shown."""
    if session.frame_source == "cursor":
        return ("cursor", session.cursor)
    return (session.frame_source, session.region if session.frame_source == "region" else None)
