"""A slider under the image that chooses which bin of a profile it shows."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from ltdesk.engine.dataset import Dataset
from ltdesk.session import Session
from ltdesk.ui.analyses.profiles import bins_of, showing_slice, slice_shown
from ltdesk.ui.live.wishes import shown_analysis
from ltdesk.ui.look import style
from ltdesk.ui.pictures.readout import short_text
from ltdesk.ui.session_model import SessionModel


class SliceBar(QWidget):
    """There while the image shown is one of several that a result has for each position."""

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._dataset: Dataset | None = None
        self._showing = False
        self.slider = QSlider(Qt.Horizontal, self)
        self.slider.setAccessibleName("Bin that the image shows")
        self.slider.setToolTip("Which distance, ring or order the image shows. Arrows: one further")
        self.slider.setPageStep(5)
        self.words = QLabel(self)
        self.words.setFont(style.figures_font(self.font()))
        row = QHBoxLayout(self)
        row.setContentsMargins(style.GRID, 0, style.GRID, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        self.slider.valueChanged.connect(self._take)
        model.changed.connect(self._follow)
        self.hide()

    def set_dataset(self, dataset: Dataset | None) -> None:
        """The scan that is open."""
        self._dataset = dataset
        self._show(self._model.session)

    def _follow(self, old: Session, new: Session) -> None:
        names = ("shown", "shown_slice", "analyses", "follows")
        if any(getattr(old, name) != getattr(new, name) for name in names):
            self._show(new)

    def _show(self, session: Session) -> None:
        analysis, dataset = shown_analysis(session), self._dataset
        bins = None
        if analysis is not None and dataset is not None:
            bins = bins_of(analysis, dataset.frame_shape, dataset.dtype, dataset.calibration)
        self.setVisible(bins is not None and len(bins.places) > 1)
        if bins is None or analysis is None:
            return
        last = len(bins.places) - 1
        index = min(slice_shown(analysis, session.shown, session.shown_slice), last)
        self._showing = True
        self.slider.setRange(0, last)
        self.slider.setValue(index)
        self._showing = False
        calibrated = bins.unit not in ("", "px")
        place = f" ({short_text(bins.places[index])} {bins.unit})" if calibrated else ""
        widest = max(bins.words, key=len) + (f" ({short_text(bins.places[-1])}00 {bins.unit})" if calibrated else "")
        self.words.setMinimumWidth(self.words.fontMetrics().horizontalAdvance(widest))
        self.words.setText(f"{bins.words[index]}{place}")
        self.slider.setAccessibleDescription(self.words.text())

    def _take(self, index: int) -> None:
        analysis = shown_analysis(self._model.session)
        if not self._showing and analysis is not None:
            self._model.look(**showing_slice(analysis, self._model.session.shown, index))
