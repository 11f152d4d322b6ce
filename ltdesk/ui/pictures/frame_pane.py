"""The left picture: the frame under the cursor, the mean frame, or the mean of the region; or its Fourier transform."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PyQt5.QtCore import QEvent, QObject, pyqtSignal
from PyQt5.QtWidgets import QMenu, QToolTip

from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.first_look import Sample
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk
from ltdesk.session import Session
from ltdesk.ui.analyses.kinds import title_of
from ltdesk.ui.analyses.results import arrays_of, frame_display_of, frame_transform, over_frequencies
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.frame_reader import FrameReader, Position
from ltdesk.ui.live.latest_answers import LatestAnswers
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish, frame_analysis, frame_wish
from ltdesk.ui.look.sizes import grouped
from ltdesk.ui.pictures.frequencies import frequency_scale, spectrum_work
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.pictures.prepare import Picture, Status
from ltdesk.ui.pictures.readout import number_text
from ltdesk.ui.session_model import SessionModel

OWNERS = ("mean", "region")
NAN_MEAN = "No pixel has a number: each is NaN in some frame, and so in the mean. C shows the frame at the cursor."
NAN_FRAME = "No pixel of this frame has a number: all are NaN."


class FramePane(QObject):
    """Shows in `view` the frame that the session asks for, as soon as it is known.

    `source_menu` offers the other sources; its actions belong to the window.

    Signals
    -------
    spectrum_shown : (bool) what is shown is over frequencies, or again over the camera's pixels
    """

    spectrum_shown = pyqtSignal(bool)

    def __init__(
        self, view: PictureView, model: SessionModel, live: LiveJobs, reader: FrameReader, source_menu: QMenu
    ) -> None:
        super().__init__(view)
        self._view, self._model, self._live, self._reader = view, model, live, reader
        self._menu = source_menu
        self._dataset: Dataset | None = None
        self._sample: Sample | None = None
        self._latest = LatestAnswers(live)
        self._spectrum = False
        self._beam: Disk | None = None
        view.canvas.viewport().installEventFilter(self)
        model.changed.connect(self._follow)
        live.answered.connect(self._take)
        reader.picked.connect(self._show_frame)
        reader.failed.connect(self._show_missing)
        reader.waiting.connect(self._show_waiting)

    def set_beam(self, beam: Disk | None) -> None:
        """Where the direct beam is in the frames of what is opened next: angles are measured from there."""
        self._beam = beam

    def open(self, dataset: Dataset | None, sample: Sample | None) -> None:
        """Show another dataset; `sample` stands in for its mean frame until that is computed."""
        self._dataset, self._sample = dataset, sample
        self._latest.clear()
        if dataset is None:
            self._view.clear()
            self._view.set_source("")
            return
        self._view.set_display(frame_display_of(self._model.session))
        self._refresh()

    def _follow(self, old: Session, new: Session) -> None:
        if self._dataset is None:
            return
        self._view.set_display(frame_display_of(new))
        if _asked(old) != _asked(new):
            self._refresh()

    def _refresh(self) -> None:
        session = self._model.session
        wish, analysis = frame_wish(session), frame_analysis(session)
        self._calibrate(over_frequencies(session))
        if wish is None:
            self._reader.pick(session.cursor)
        elif analysis is not None:
            self._show_result(wish, analysis)
        else:
            self._reader.forget()
            self._view.set_message("")
            self._view.set_nan_message(NAN_MEAN)
            self._show_mean(wish)

    def _calibrate(self, spectrum: bool) -> None:
        """The scale of frames, or of their frequencies."""
        scale = self._dataset.calibration
        if spectrum:
            self._view.set_calibration(*frequency_scale(self._dataset.frame_shape, scale.frame_pixel, scale.frame_unit))
        else:
            self._view.set_calibration(scale.frame_pixel, scale.frame_unit, self._origin)
        from_where = f"{scale.frame_unit} from {self._origin_words()}" if scale.frame_pixel and not spectrum else ""
        self._view.plates.readout.setToolTip(from_where)
        if spectrum != self._spectrum:
            self._spectrum = spectrum
            self.spectrum_shown.emit(spectrum)

    @property
    def _origin(self) -> tuple[float, float]:
        """Where angles are measured from: the direct beam, else the frame's middle."""
        ky, kx = self._dataset.frame_shape
        return ((ky - 1) / 2, (kx - 1) / 2) if self._beam is None else (self._beam.cy, self._beam.cx)

    def _origin_words(self) -> str:
        y, x = (number_text(place, 4) for place in self._origin)
        if self._beam is None:
            return f"the frame's middle, k {y}, {x}: no direct beam was found"
        return f"the fitted centre of the direct beam, k {y}, {x}"

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What is written on the picture lets the mouse through: its words on hover are asked for here."""
        if event.type() != QEvent.ToolTip:
            return False
        readout = self._view.plates.readout
        over = readout.isVisible() and readout.rect().contains(readout.mapFromGlobal(event.globalPos()))
        if not over or not readout.toolTip():
            return False
        QToolTip.showText(event.globalPos(), readout.toolTip(), self._view.canvas.viewport())
        return True

    def _take(self, answer: Answer) -> None:
        wish = frame_wish(self._model.session)
        if not self._latest.take(answer) or wish is None or self._dataset is None:
            return
        if answer.wish.owner == wish.owner or (answer.wish.owner in OWNERS and wish.owner in OWNERS):
            self._refresh()

    def _show_result(self, wish: Wish, analysis: Analysis) -> None:
        """The frame that an analysis gives; nothing in its place until something is known of it."""
        answer = self._latest.best(wish)
        values = None if answer is None else arrays_of(answer, analysis).get(analysis.name)
        title = title_of(type(analysis))
        if answer is None or values is None or not answer.valid.any():
            self._view.clear("No frame could be read." if answer is not None and answer.state != "filling" else "")
            self._say(title)
            return
        exact = answer.state == "exact" and answer.wish.key == wish.key
        self._view.set_message("")
        self._view.set_nan_message(NAN_MEAN)
        self._show(values, answer.specs[0].unit, "exact" if exact else "estimate")
        where = " · region" if wish.region is not None else ""
        self._say(f"{title}{where}")

    def _show_mean(self, wish: Wish) -> None:
        answer = self._latest.best(wish)
        frames = 0 if answer is None else int(answer.valid.sum())
        sample = self._sample if wish.region is None else None
        if sample is not None and frames < sample.frames:
            self._show(sample.mean, "counts", "estimate")
            self._say(self._mean_words(sample.frames, False))
        elif answer is not None and frames:
            exact = answer.state == "exact" and answer.wish.key == wish.key
            self._view.set_message("")
            self._show(answer.arrays[0], "counts", "exact" if exact else "estimate")
            self._say(self._mean_words(frames, wish.region is not None))
        elif answer is not None and answer.state != "filling":
            self._view.clear("No frame to show: none could be read.")
            self._say("no frames", "")

    def _show_frame(self, frame, position: Position) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.set_message("")
            self._view.set_nan_message(NAN_FRAME)
            self._show(frame, "counts")
            self._say(f"at ({position[0]}, {position[1]})", "FFT ")

    def _show_missing(self, position: Position, error: LtdeskError) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.clear(str(error))
            self._say(f"at ({position[0]}, {position[1]})", "FFT ")

    def _show_waiting(self, position: Position, seconds: float) -> None:
        if self._model.session.frame_source == "cursor":
            self._view.set_message(f"Waiting for the frame at {position}, {seconds:.0f} s")

    def _show(self, values: NDArray[Any], unit: str, status: Status = "") -> None:
        """A frame, or where one asks for that its Fourier transform."""
        transform = frame_transform(self._model.session)
        if transform:
            frame = Picture(values, unit=unit, status=status)
            self._view.set_work(spectrum_work(lambda: frame, transform, values.size), status)
        else:
            self._view.set_picture(values, unit=unit, status=status)

    def _mean_words(self, frames: int, region: bool) -> str:
        """Shorter as a Fourier transform, where more is to be said in the same room."""
        transformed = frame_transform(self._model.session)
        if region:
            return "mean of region" if transformed else f"region: mean of {grouped(frames)}"
        unit = "" if transformed else " frame" if frames == 1 else " frames"
        return f"mean of {grouped(frames)}{unit}"

    def _say(self, text: str, transformed: str = "FFT · ") -> None:
        """What is shown; `transformed` stands before it where it is shown as its Fourier transform."""
        if frame_transform(self._model.session) and transformed:
            text = f"{transformed}{text[0].lower()}{text[1:]}"
        self._view.set_source(text, self._menu)


def _asked(session: Session) -> tuple[object, ...]:
    """What decides which frame is shown."""
    wish = frame_wish(session)
    source = ("cursor", session.cursor) if wish is None else (wish.owner, wish.analysis, wish.region)
    return (*source, session.frame_spectrum)
