"""Shapes as painter paths in view coordinates ``(x, y)``, a frame pixel being 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QPointF, QRectF
from PyQt5.QtGui import QPainterPath, QPolygonF

from ltdesk.geometry import AnyShape, Combination, PixelMask
from ltdesk.ui.shapes.shape_parts import sector_span

MOST_EDGES = 20_000
"""A pixel mask with more edges than this (noise) is shown by its fill alone."""


def shape_path(shape: AnyShape) -> QPainterPath:
    """The outline of a shape, closed, to be filled by the odd-even rule. Of a pixel mask: its pixels' edges."""
    if isinstance(shape, Combination):
        return combined_path([(term.op, shape_path(term.shape)) for term in shape.terms])
    path = QPainterPath()
    _ADD[shape.kind](path, shape)
    return path


def combined_path(parts: list[tuple[str, QPainterPath]]) -> QPainterPath:
    """What is inside, joined left to right."""
    whole = QPainterPath()
    for op, part in parts:
        whole = {"+": whole.united, "-": whole.subtracted, "&": whole.intersected}[op](part)
    return whole


def pixel_edges(inside: NDArray[np.bool_], most: float = math.inf) -> QPainterPath:
    """The lines between pixels in and out, as segments; empty where there are more than `most`."""
    padded = np.pad(inside, 1)
    across, down = _runs(padded[1:] != padded[:-1]), _runs((padded[:, 1:] != padded[:, :-1]).T)
    path = QPainterPath()
    if len(across) + len(down) > most:
        return path
    for y, x0, x1 in across.tolist():
        path.moveTo(x0 - 1.5, y - 0.5)
        path.lineTo(x1 - 1.5, y - 0.5)
    for x, y0, y1 in down.tolist():
        path.moveTo(x - 0.5, y0 - 1.5)
        path.lineTo(x - 0.5, y1 - 1.5)
    return path


def _runs(lines: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of ``(line, start, stop)`` of what is True."""
    edges = np.diff(np.pad(lines.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (line, start), (_, stop) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    return np.stack([line, start, stop], axis=1)


def _circle(path: QPainterPath, shape: Any, r: float) -> None:
    path.addEllipse(QPointF(shape.cx, shape.cy), r, r)


def _add_point(path: QPainterPath, shape: Any) -> None:
    path.addRect(QRectF(math.floor(shape.x + 0.5) - 0.5, math.floor(shape.y + 0.5) - 0.5, 1.0, 1.0))


def _add_ring(path: QPainterPath, shape: Any) -> None:
    _circle(path, shape, shape.r_out)
    if shape.r_in > 0:
        _circle(path, shape, shape.r_in)


def _add_sector(path: QPainterPath, shape: Any) -> None:
    span = sector_span(shape)
    if span >= 360.0:
        return _add_ring(path, shape)
    outer, inner = _square(shape, shape.r_out), _square(shape, shape.r_in)
    # Qt's angles grow against y down, ours towards it.
    path.arcMoveTo(outer, -shape.deg0)
    path.arcTo(outer, -shape.deg0, -span)
    if shape.r_in > 0:
        path.arcTo(inner, -shape.deg0 - span, span)
    else:
        path.lineTo(shape.cx, shape.cy)
    path.closeSubpath()


def _square(shape: Any, r: float) -> QRectF:
    return QRectF(shape.cx - r, shape.cy - r, 2 * r, 2 * r)


def _add_rect(path: QPainterPath, shape: Any) -> None:
    path.addRect(QRectF(QPointF(shape.x0, shape.y0), QPointF(shape.x1, shape.y1)))


def _add_ellipse(path: QPainterPath, shape: Any) -> None:
    path.addEllipse(QPointF(0, 0), shape.rx, shape.ry)
    cos, sin = math.cos(math.radians(shape.deg)), math.sin(math.radians(shape.deg))
    for i in range(path.elementCount()):
        point = path.elementAt(i)
        path.setElementPositionAt(i, shape.cx + point.x * cos - point.y * sin, shape.cy + point.x * sin + point.y * cos)


def _add_polygon(path: QPainterPath, shape: Any) -> None:
    path.addPolygon(QPolygonF([QPointF(x, y) for y, x in shape.points]))
    path.closeSubpath()


def _add_mask(path: QPainterPath, shape: PixelMask) -> None:
    path.addPath(pixel_edges(shape.mask(shape.size), MOST_EDGES))


_ADD: dict[str, Any] = {
    "point": _add_point,
    "disk": lambda path, shape: _circle(path, shape, shape.r),
    "ring": _add_ring,
    "sector": _add_sector,
    "rect": _add_rect,
    "ellipse": _add_ellipse,
    "polygon": _add_polygon,
    "mask": _add_mask,
}
