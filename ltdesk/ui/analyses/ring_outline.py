"""On the frame, the ring of pixels that the image shown is of: a distance of a profile, a ring, where a symmetry is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen
from PyQt5.QtWidgets import QGraphicsPathItem

from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Dataset
from ltdesk.geometry import Size2D
from ltdesk.polar import AboutCentre, AnnularSeries, RadialFourier, RadialProfile
from ltdesk.session import Session
from ltdesk.ui.analyses.results import over_frequencies
from ltdesk.ui.live.wishes import shown_analysis
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel

CORNERS = 180
INK, HALO = QColor(255, 255, 255, 220), QColor(0, 0, 0, 150)
FOLLOWED = ("shown", "shown_slice", "analyses", "follows", "frame_source", "frame_spectrum")


class RingOutline(QObject):
    """Draws on `view` where the image comes from."""

    def __init__(self, view: PictureView, model: SessionModel) -> None:
        super().__init__(view)
        self._model = model
        self._dataset: Dataset | None = None
        self._item = _Line()
        view.add_overlay(self._item)
        model.changed.connect(self._follow)

    @property
    def path(self) -> QPainterPath:
        """What is drawn, in data coordinates (x, y); empty: nothing."""
        return self._item.path()

    def set_dataset(self, dataset: Dataset | None) -> None:
        """The scan that is open."""
        self._dataset = dataset
        self._show(self._model.session)

    def _follow(self, old: Session, new: Session) -> None:
        if any(getattr(old, name) != getattr(new, name) for name in FOLLOWED):
            self._show(new)

    def _show(self, session: Session) -> None:
        analysis = shown_analysis(session)
        path = QPainterPath()
        if isinstance(analysis, AboutCentre) and self._dataset is not None and not over_frequencies(session):
            for radius in radii_shown(analysis, session.shown_slice, self._dataset.frame_shape):
                path.addPath(outline(analysis, radius, self._dataset.frame_shape))
        self._item.setPath(path)


class _Line(QGraphicsPathItem):
    """White dashes on black, of the same width on any screen."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptedMouseButtons(Qt.NoButton)

    def paint(self, painter: QPainter, option, widget=None) -> None:
        painter.setRenderHint(QPainter.Antialiasing)
        for colour, width, dashes in ((HALO, 3.0, Qt.SolidLine), (INK, 1.2, Qt.DashLine)):
            pen = QPen(colour, width * painter.device().devicePixelRatioF(), dashes)
            pen.setCosmetic(True)  # Qt counts device pixels then
            painter.strokePath(self.path(), pen)


def radii_shown(analysis: Analysis, index: int, frame_shape: Size2D) -> tuple[float, ...]:
    """The radii in pixels between which, or on which, the pixels lie that the image is of."""
    if isinstance(analysis, RadialProfile):
        return (float(min(index, analysis.bins(frame_shape) - 1)),)
    if isinstance(analysis, AnnularSeries):
        edges = analysis.edges(frame_shape)
        index = min(index, len(edges) - 2)
        return edges[index : index + 2]
    if isinstance(analysis, RadialFourier):
        return analysis.r_in, analysis.reach(frame_shape) if analysis.r_out is None else analysis.r_out
    return ()


def outline(analysis: AboutCentre, radius: float, frame_shape: Size2D) -> QPainterPath:
    """The pixels at one distance from the centre: a circle, or the ellipse that counts as one."""
    turns = np.linspace(0, 2 * math.pi, CORNERS + 1)
    along, across = radius * np.cos(turns), radius * analysis.ratio * np.sin(turns)
    cy, cx = analysis.centre(frame_shape)
    angle = 0.0 if analysis.ratio == 1.0 else math.radians(analysis.deg)
    xs = cx + along * math.cos(angle) - across * math.sin(angle)
    ys = cy + along * math.sin(angle) + across * math.cos(angle)
    return _closed(xs, ys)


def _closed(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> QPainterPath:
    path = QPainterPath()
    path.moveTo(xs[0], ys[0])
    for x, y in zip(xs[1:], ys[1:], strict=True):
        path.lineTo(x, y)
    return path
