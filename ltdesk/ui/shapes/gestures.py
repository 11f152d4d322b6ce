"""What a drawing hand has made so far, as a shape. Pure: no Qt, no session. Points are ``(y, x)`` in frame pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ltdesk.geometry import AnyShape, Disk, Ellipse, Point, Polygon, Rectangle, Ring, Sector
from ltdesk.ui.shapes.shape_moves import MIN_AXIS, YX, direction, distance

SECTOR_OPENING = 60.0


@dataclass(frozen=True)
class Stroke:
    """One press-drag-release.

    start, now : where it was pressed and where the hand is; inner : where the hand chose the inner radius, if it did;
    keep : Shift is held: a square, a circle
    """

    start: YX
    now: YX
    inner: YX | None = None
    keep: bool = False

    def moved(self, at: YX, keep: bool, inner: bool) -> Stroke:
        """The hand is at `at`; while `inner` (Ctrl) is held, the outer radius stays and the inner one follows."""
        return replace(self, inner=at, keep=keep) if inner else replace(self, now=at, keep=keep)


def stroke_shape(kind: str, stroke: Stroke) -> AnyShape:
    """The shape that a stroke has drawn. Raises KeyError for a kind that is not drawn by a stroke."""
    make: dict[str, Callable[[Stroke], AnyShape]] = {
        "point": lambda s: Point(y=s.now[0], x=s.now[1]),
        "disk": lambda s: Disk(cy=s.start[0], cx=s.start[1], r=distance(s.start, s.now)),
        "ring": _ring,
        "sector": _sector,
        "rect": _rect,
        "ellipse": _ellipse,
    }
    return make[kind](stroke)


def simplified(points: list[YX], tolerance: float) -> list[YX]:
    """The points that an outline needs to stay within `tolerance` of itself (Ramer, Douglas and Peucker).

    Both ends are kept. Own, since it is twenty lines and shapely and scikit-image are large for it.
    """
    line = np.array(points, dtype=np.float64)
    kept = np.zeros(len(line), dtype=np.bool_)
    kept[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _from_segment(line[first + 1 : last], line[first], line[last])
        furthest = first + 1 + int(np.argmax(away))
        if away[furthest - first - 1] > tolerance:
            kept[furthest] = True
            spans += [(first, furthest), (furthest, last)]
    return [points[i] for i in np.flatnonzero(kept)]


def outline_shape(points: list[YX], tolerance: float) -> Polygon | None:
    """A freehand outline as a polygon; None where it encloses nothing yet."""
    if len(points) < 3:
        return None
    corners = simplified(points, tolerance)
    if len(corners) < 3:  # a straight line so far
        corners = [points[0], points[len(points) // 2], points[-1]]
    return Polygon(points=tuple(corners))


def _ring(stroke: Stroke) -> Ring:
    r_in, r_out = _radii(stroke)
    return Ring(cy=stroke.start[0], cx=stroke.start[1], r_in=r_in, r_out=r_out)


def _sector(stroke: Stroke) -> Sector:
    """Around the direction of the drag; while the inner radius follows the hand, the opening does too."""
    r_in, r_out = _radii(stroke)
    middle, half = direction(stroke.start, stroke.now), SECTOR_OPENING / 2
    if stroke.inner is not None:
        half = abs((direction(stroke.start, stroke.inner) - middle + 180.0) % 360.0 - 180.0) or half
    deg0 = (middle - half) % 360.0
    cy, cx = stroke.start
    return Sector(cy=cy, cx=cx, r_in=r_in, r_out=r_out, deg0=deg0, deg1=deg0 + 2 * half)


def _radii(stroke: Stroke) -> tuple[float, float]:
    r_out = distance(stroke.start, stroke.now)
    if stroke.inner is None:
        return r_out / 2, r_out
    return min(distance(stroke.start, stroke.inner), r_out), r_out


def _rect(stroke: Stroke) -> Rectangle:
    y0, x0, y1, x1 = _box(stroke)
    return Rectangle(y0=y0, x0=x0, y1=y1, x1=x1)


def _ellipse(stroke: Stroke) -> Ellipse:
    y0, x0, y1, x1 = _box(stroke)
    ry, rx = max(MIN_AXIS, (y1 - y0) / 2), max(MIN_AXIS, (x1 - x0) / 2)
    return Ellipse(cy=(y0 + y1) / 2, cx=(x0 + x1) / 2, ry=ry, rx=rx)


def _box(stroke: Stroke) -> tuple[float, float, float, float]:
    (y, x), (dy, dx) = stroke.start, (stroke.now[0] - stroke.start[0], stroke.now[1] - stroke.start[1])
    if stroke.keep:
        side = max(abs(dy), abs(dx))
        dy, dx = math.copysign(side, dy), math.copysign(side, dx)
    return min(y, y + dy), min(x, x + dx), max(y, y + dy), max(x, x + dx)


def _from_segment(points: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    step = b - a
    length = float(step @ step)
    along = np.clip((points - a) @ step / length, 0.0, 1.0) if length else np.zeros(len(points))
    away: NDArray[np.float64] = np.hypot(*(points - a - along[:, None] * step).T)
    return away
