"""A detector as drawn over the frame. It shows what the session says and keeps nothing else.

Why not pyqtgraph's ROI: it holds its own state and signals when that is set, gives Shift, Alt and Ctrl other meanings
than ours, knows neither ring nor sector nor combination, begins a drag after 5 px or half a second, and swallows
exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from ltdesk.geometry import AnyShape, Combination, PixelMask, Point, Size2D, Term, terms_of
from ltdesk.session import Detector
from ltdesk.ui.shapes.shape_paths import combined_path, shape_path

LINE = 2.0
HALO = 5.0
FILL = 0.12
MARGIN = 9.0
"""Screen pixels around the geometry that the lines may cover."""
MARKER = 5.0
"""Screen pixels about a point that is too small to be seen as the pixel it is."""
DASHES = {"+": None, "-": [4.0, 3.0], "&": [1.0, 2.0]}
LARGEST_FILL = 1 << 22
"""Pixels of a combination with a pixel mask that are filled; above, its outlines have to do."""


@dataclass(frozen=True)
class Look:
    """How a detector is shown now: selected or not, under the pointer or not, a term picked out or not."""

    selected: bool = False
    hovered: bool = False
    term: int | None = None


class DetectorItem(pg.GraphicsObject):
    """One detector in view coordinates: ``x`` to the right, ``y`` down the frame, one frame pixel is 1.

    All terms of a combination are drawn: what is added solid, what is taken away dashed, what it is cut with dotted.
    """

    def __init__(self, detector: Detector, look: Look = Look()) -> None:
        super().__init__()
        self.setAcceptedMouseButtons(Qt.NoButton)
        self._margin = (0.0, 0.0)
        self._paths: list[tuple[Term, QPainterPath]] = []
        self.detector, self.look = detector, look
        self._take_shape(detector.shape)
        self._show()

    def show_detector(self, detector: Detector, look: Look) -> None:
        """Follow the session; an equal detector with an equal look changes nothing."""
        if detector == self.detector and look == self.look:
            return
        changed = detector.shape != self.detector.shape
        self.detector, self.look = detector, look
        if changed:
            self.prepareGeometryChange()
            self._take_shape(detector.shape)
        self._show()

    def boundingRect(self) -> QRectF:
        dx, dy = self._margin
        return self._bounds.adjusted(-dx, -dy, dx, dy)

    def shape(self) -> QPainterPath:
        """Nothing: the layer above finds what is under the pointer."""
        return QPainterPath()

    def viewTransformChanged(self) -> None:
        self._update_margin()

    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        painter.setRenderHint(QPainter.Antialiasing)
        ratio = painter.device().devicePixelRatioF() if painter.device() else 1.0
        self._paint_fill(painter)
        for color, width in ((QColor(0, 0, 0, 170), HALO), (QColor(self.detector.colour), LINE)):
            for i, (term, path) in enumerate(self._paths):
                self._stroke(painter, self._seen(term, path), term.op, color, (width + self._extra(i)) * ratio)

    def _seen(self, term: Term, path: QPainterPath) -> QPainterPath:
        """The outline, with a circle around a point where its pixel is small on the screen."""
        width, height = (MARKER / MARGIN * margin for margin in self._margin)
        if not isinstance(term.shape, Point) or width < 0.5:
            return path
        marked = QPainterPath()
        marked.addEllipse(path.boundingRect().center(), width, height)
        return marked

    def _extra(self, index: int) -> float:
        if self.look.term == index:
            return 1.5
        return 0.5 if self.look.selected or self.look.hovered else 0.0

    def _stroke(self, painter: QPainter, path: QPainterPath, op: str, colour: QColor, width: float) -> None:
        pen = QPen(colour, width)
        pen.setCosmetic(True)
        pen.setCapStyle(Qt.FlatCap)
        pen.setJoinStyle(Qt.RoundJoin)
        if DASHES[op] is not None and colour.alpha() == 255:
            pen.setDashPattern(DASHES[op])
        painter.strokePath(path, pen)

    def _paint_fill(self, painter: QPainter) -> None:
        if self._image is not None:
            painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
            painter.drawImage(QRectF(-0.5, -0.5, self._image.width(), self._image.height()), self._image)
        else:
            colour = QColor(self.detector.colour)
            colour.setAlphaF(FILL * 2 if self.look.hovered else FILL)
            painter.fillPath(self._fill, colour)

    def _show(self) -> None:
        self._colour_image()
        self.setVisible(self.detector.visible)
        self.setZValue(30 if self.look.selected else 20)
        self.update()

    def _take_shape(self, shape: AnyShape) -> None:
        """New paths, those of unchanged terms kept: moving a disk does not trace a pixel mask again."""
        known = {id(term.shape): path for term, path in self._paths}
        terms = terms_of(shape)
        paths = [known.get(id(term.shape)) or shape_path(term.shape) for term in terms]
        self._paths = list(zip(terms, paths, strict=True))
        self._inside = _pixels(shape)
        if self._inside is None:
            self._fill = combined_path([(t.op, path) for t, path in self._paths]) if len(terms) > 1 else paths[0]
        self._bounds = _united([path.boundingRect() for path in paths], self._inside)
        self._update_margin()

    def _colour_image(self) -> None:
        self._image = None
        if self._inside is not None:
            colour = QColor(self.detector.colour)
            colour.setAlphaF(FILL * (3 if self.look.hovered else 2))
            self._image = mask_image(self._inside, colour)

    def _update_margin(self) -> None:
        width, height = self.pixelVectors()
        margin = (0.0, 0.0) if width is None else (width.length() * MARGIN, height.length() * MARGIN)
        if margin != self._margin:
            self.prepareGeometryChange()
            self._margin = margin


class DetectorGroup(pg.ItemGroup):
    """The items of all detectors, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, DetectorItem] = {}

    def show_detectors(self, detectors: Iterable[Detector], look: Callable[[Detector], Look]) -> None:
        """Show these; only items whose detector or look changed are touched."""
        detectors = tuple(detectors)
        for id in self.items.keys() - {detector.id for detector in detectors}:
            self._drop(self.items.pop(id))
        for detector in detectors:
            if detector.id in self.items:
                self.items[detector.id].show_detector(detector, look(detector))
            else:
                self.items[detector.id] = DetectorItem(detector, look(detector))
                self.items[detector.id].setParentItem(self)

    @staticmethod
    def _drop(item: DetectorItem) -> None:
        scene = item.scene()
        item.setParentItem(None)
        if scene is not None:
            scene.removeItem(item)


def mask_image(inside: NDArray[np.bool_], colour: QColor) -> QImage:
    """The pixels that are inside in one colour, the others clear."""
    indices = np.zeros((inside.shape[0], -(-inside.shape[1] // 4) * 4), dtype=np.uint8)
    indices[:, : inside.shape[1]] = inside
    image = QImage(indices.data, inside.shape[1], inside.shape[0], indices.shape[1], QImage.Format_Indexed8)
    image.setColorTable([0, colour.rgba()])
    return image.copy()


def _pixels(shape: AnyShape) -> NDArray[np.bool_] | None:
    """The pixels of a shape that holds a pixel mask; None for one that is drawn by its geometry alone."""
    sizes = _mask_sizes(shape)
    if len(sizes) != 1:  # masks of two sizes: the job says so
        return None
    ((ky, kx),) = sizes
    return shape.mask((ky, kx)) if ky * kx <= LARGEST_FILL else None


def _mask_sizes(shape: AnyShape) -> set[Size2D]:
    if isinstance(shape, Combination):
        return {size for term in shape.terms for size in _mask_sizes(term.shape)}
    return {shape.size} if isinstance(shape, PixelMask) else set()


def _united(boxes: list[QRectF], inside: NDArray[np.bool_] | None) -> QRectF:
    whole = QRectF() if inside is None else QRectF(-0.5, -0.5, inside.shape[1], inside.shape[0])
    for box in boxes:
        whole = whole.united(box) if not whole.isNull() else box
    return whole
