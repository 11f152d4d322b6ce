"""What of a shape the hand can take: its grips, its outlines, its inside. Pure geometry: no Qt.

A part is a word: ``body``; ``r``, ``r_in``, ``r_out``; ``deg0``, ``deg1``, ``deg``; ``y0``, ``y1x0``, …; ``rx``,
``ry``, ``edge``; ``vertex:3``, ``edge:3``. `shape_moves.dragged` says what dragging each does. Points are ``(y, x)``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.geometry import AnyShape, Combination, PixelMask, Polygon, Sector, Size2D
from ltdesk.mask_data import WeightsBlob
from ltdesk.ui.shapes.shape_moves import BODY, YX, distance

Points = NDArray[np.float64]
ARC_STEP = math.radians(2.5)
"""Of a circle as segments: on one of 1000 screen pixels they are 0.24 pixels off at most."""


@dataclass(frozen=True)
class Grip:
    """A small square (a dot on a vertex) that the hand can take.

    at : where it sits; pull : the direction in which it is pulled, in degrees from +x towards +y, None: any;
    reach : screen pixels that it stands off from `at` in that direction
    """

    part: str
    at: YX
    pull: float | None = None
    reach: float = 0.0


@dataclass(frozen=True)
class Outline:
    """A line that the hand can take: ``points`` (n, 2) as ``(y, x)``, from one to the next.

    Where it is `numbered`, each segment is a part of its own: ``edge:0``, ``edge:1``, …
    """

    part: str
    points: Points
    pull: float | None = None
    numbered: bool = False


def grips(shape: AnyShape) -> list[Grip]:
    """The grips of a shape; a combination within a combination and a pixel mask have none."""
    make = _GRIPS.get(shape.kind)
    return [] if make is None else make(shape)


def outlines(shape: AnyShape) -> list[Outline]:
    """The lines of a shape by the part that they belong to."""
    make = _OUTLINES.get(shape.kind)
    return [] if make is None else make(shape)


def contains(shape: AnyShape, at: YX) -> bool:
    """Is the point inside the outline? Of a point and a pixel mask: on one of their pixels."""
    if isinstance(shape, Combination):
        inside = False
        for term in shape.terms:
            part = contains(term.shape, at)
            inside = inside or part if term.op == "+" else inside and part is (term.op == "&")
        return inside
    return bool(_INSIDE[shape.kind](shape, at))


def inradius(shape: AnyShape) -> float:
    """Frame pixels between the middle of the shape's body and its outline, roughly."""
    s: Any = shape
    if isinstance(shape, Sector):
        return min((s.r_out - s.r_in) / 2, (s.r_in + s.r_out) / 2 * math.radians(_span(s)) / 2)
    if isinstance(shape, Polygon):
        ys, xs = np.array((*shape.points, shape.points[0])).T
        around = float(np.hypot(np.diff(ys), np.diff(xs)).sum())
        return 2 * area(shape) / around if around > 0 else 0.0
    rules = {
        "disk": lambda: s.r,
        "ring": lambda: (s.r_out - s.r_in) / 2,
        "rect": lambda: min(s.y1 - s.y0, s.x1 - s.x0) / 2,
        "ellipse": lambda: min(s.ry, s.rx),
    }
    return float(rules.get(shape.kind, lambda: 0.5)())


def area(shape: AnyShape) -> float:
    """Frame pixels squared, roughly: of a combination, that of what is added; of a pixel mask, its pixels."""
    s: Any = shape
    if isinstance(shape, Combination):
        return sum(area(term.shape) for term in shape.terms if term.op == "+")
    if isinstance(shape, Polygon):
        ys, xs = np.array(shape.points).T
        return float(abs(np.dot(xs, np.roll(ys, -1)) - np.dot(ys, np.roll(xs, -1))) / 2)
    rules = {
        "point": lambda: 1.0,
        "disk": lambda: math.pi * s.r**2,
        "ring": lambda: math.pi * (s.r_out**2 - s.r_in**2),
        "sector": lambda: math.radians(_span(s)) / 2 * (s.r_out**2 - s.r_in**2),
        "rect": lambda: (s.y1 - s.y0) * (s.x1 - s.x0),
        "ellipse": lambda: math.pi * s.ry * s.rx,
        "mask": lambda: _mask_area(s),
    }
    return float(rules[shape.kind]())


def polar(cy: float, cx: float, r: float, deg: float) -> YX:
    """The point at distance `r` in the direction `deg`."""
    return cy + r * math.sin(math.radians(deg)), cx + r * math.cos(math.radians(deg))


def sector_span(shape: Sector) -> float:
    """The opening in degrees, 0 to 360."""
    return _span(shape)


def _span(shape: Any) -> float:
    turn = shape.deg1 - shape.deg0
    return 360.0 if turn >= 360.0 else turn % 360.0


def _on_circle(shape: Any, part: str, r: float) -> list[Grip]:
    return [Grip(part, polar(shape.cy, shape.cx, r, deg), deg) for deg in (0.0, 90.0, 180.0, 270.0)]


def _ring_grips(shape: Any) -> list[Grip]:
    inner = _on_circle(shape, "r_in", shape.r_in) if shape.r_in > 0 else [Grip("r_in", (shape.cy, shape.cx))]
    return _on_circle(shape, "r_out", shape.r_out) + inner


def _sector_grips(shape: Any) -> list[Grip]:
    centre, span = (shape.cy, shape.cx), _span(shape)
    middle, radius = shape.deg0 + span / 2, (shape.r_in + shape.r_out) / 2
    return [
        Grip("r_out", polar(*centre, shape.r_out, middle), middle),
        Grip("r_in", polar(*centre, shape.r_in, middle), middle),
        Grip("deg0", polar(*centre, radius, shape.deg0), shape.deg0 + 90),
        Grip("deg1", polar(*centre, radius, shape.deg0 + span), shape.deg0 + span + 90),
    ]


def _rect_grips(s: Any) -> list[Grip]:
    my, mx = (s.y0 + s.y1) / 2, (s.x0 + s.x1) / 2
    corners = [
        Grip("y0x0", (s.y0, s.x0), 45),
        Grip("y0x1", (s.y0, s.x1), 135),
        Grip("y1x1", (s.y1, s.x1), 45),
        Grip("y1x0", (s.y1, s.x0), 135),
    ]
    edges = [
        Grip("y0", (s.y0, mx), 90),
        Grip("x1", (my, s.x1), 0),
        Grip("y1", (s.y1, mx), 90),
        Grip("x0", (my, s.x0), 0),
    ]
    return corners + edges


def _ellipse_grips(s: Any) -> list[Grip]:
    centre = (s.cy, s.cx)
    return [
        *(Grip("rx", polar(*centre, s.rx, s.deg + turn), s.deg + turn) for turn in (0.0, 180.0)),
        *(Grip("ry", polar(*centre, s.ry, s.deg + turn), s.deg + turn) for turn in (90.0, 270.0)),
        Grip("deg", polar(*centre, s.rx, s.deg), s.deg, reach=24.0),
    ]


def _circle(part: str, shape: Any, r: float, deg0: float = 0.0, span: float = 360.0) -> Outline:
    count = max(2, math.ceil(math.radians(span) / ARC_STEP) + 1)
    angles = np.radians(deg0 + np.linspace(0.0, span, count))
    return Outline(part, np.stack([shape.cy + r * np.sin(angles), shape.cx + r * np.cos(angles)], axis=1))


def _ring_outlines(shape: Any) -> list[Outline]:
    return [_circle(part, shape, getattr(shape, part)) for part in ("r_out", "r_in") if getattr(shape, part)]


def _sector_outlines(shape: Any) -> list[Outline]:
    span = _span(shape)
    if span == 360.0:
        return _ring_outlines(shape)
    arcs = [_circle(p, shape, getattr(shape, p), shape.deg0, span) for p in ("r_out", "r_in")]
    return [*arcs, _side(shape, "deg0", shape.deg0), _side(shape, "deg1", shape.deg0 + span)]


def _side(shape: Any, part: str, deg: float) -> Outline:
    ends = [polar(shape.cy, shape.cx, r, deg) for r in (shape.r_in, shape.r_out)]
    return Outline(part, np.array(ends), deg + 90)


def _rect_outlines(s: Any) -> list[Outline]:
    return [
        Outline("y0", np.array([(s.y0, s.x0), (s.y0, s.x1)]), 90),
        Outline("x1", np.array([(s.y0, s.x1), (s.y1, s.x1)]), 0),
        Outline("y1", np.array([(s.y1, s.x1), (s.y1, s.x0)]), 90),
        Outline("x0", np.array([(s.y1, s.x0), (s.y0, s.x0)]), 0),
    ]


def _ellipse_outlines(s: Any) -> list[Outline]:
    angles = np.linspace(0.0, 2 * math.pi, round(2 * math.pi / ARC_STEP) + 1)
    along, across = s.rx * np.cos(angles), s.ry * np.sin(angles)
    cos, sin = math.cos(math.radians(s.deg)), math.sin(math.radians(s.deg))
    points = np.stack([s.cy + along * sin + across * cos, s.cx + along * cos - across * sin], axis=1)
    return [Outline("edge", points)]


def _polygon_outlines(shape: Any) -> list[Outline]:
    return [Outline("edge", np.array((*shape.points, shape.points[0])), numbered=True)]


def _point_box(shape: Any) -> list[Outline]:
    y, x = math.floor(shape.y + 0.5), math.floor(shape.x + 0.5)
    corners = [(y - 0.5, x - 0.5), (y - 0.5, x + 0.5), (y + 0.5, x + 0.5), (y + 0.5, x - 0.5), (y - 0.5, x - 0.5)]
    return [Outline(BODY, np.array(corners))]


def _in_ring(s: Any, at: YX) -> bool:
    return bool(s.r_in <= distance(at, (s.cy, s.cx)) <= s.r_out)


def _in_sector(s: Any, at: YX) -> bool:
    turn = (math.degrees(math.atan2(at[0] - s.cy, at[1] - s.cx)) - s.deg0) % 360.0
    whole = s.deg1 - s.deg0 >= 360.0  # else a span may be rounded to a full turn, whose one direction is left out
    return _in_ring(s, at) and (whole or turn < _span(s))


def _in_ellipse(s: Any, at: YX) -> bool:
    cos, sin = math.cos(math.radians(s.deg)), math.sin(math.radians(s.deg))
    dy, dx = at[0] - s.cy, at[1] - s.cx
    return bool(math.hypot((dx * cos + dy * sin) / s.rx, (dy * cos - dx * sin) / s.ry) <= 1.0)


def _in_polygon(s: Any, at: YX) -> bool:
    ay, ax = np.array(s.points).T
    by, bx = np.roll(ay, -1), np.roll(ax, -1)
    crosses = (ay > at[0]) != (by > at[0])
    rise = np.where(crosses, by - ay, 1.0)
    return bool(np.count_nonzero(crosses & (at[1] < (bx - ax) * (at[0] - ay) / rise + ax)) % 2)


def _in_mask(shape: PixelMask, at: YX) -> bool:
    y, x = math.floor(at[0] + 0.5), math.floor(at[1] + 0.5)
    if not (0 <= y < shape.size[0] and 0 <= x < shape.size[1]):
        return False
    if shape.blob is not None:
        return bool(_weighted_pixels(shape.blob, shape.size)[y, x])
    before = bisect_right(shape.runs, (y, x + 1)) - 1  # the runs are sorted and disjoint
    return before >= 0 and shape.runs[before][0] == y and shape.runs[before][1] <= x < shape.runs[before][2]


@lru_cache(maxsize=8)
def _weighted_pixels(blob: WeightsBlob, size: Size2D) -> NDArray[np.bool_]:
    return np.asarray(blob.array(size) != 0)


def _mask_area(shape: PixelMask) -> float:
    if shape.blob is not None:
        return float(np.count_nonzero(_weighted_pixels(shape.blob, shape.size)))
    return float(sum(x1 - x0 for _, x0, x1 in shape.runs))


_GRIPS: dict[str, Any] = {
    "point": lambda s: [Grip(BODY, (s.y, s.x))],
    "disk": lambda s: _on_circle(s, "r", s.r),
    "ring": _ring_grips,
    "sector": _sector_grips,
    "rect": _rect_grips,
    "ellipse": _ellipse_grips,
    "polygon": lambda s: [Grip(f"vertex:{i}", point) for i, point in enumerate(s.points)],
}
_OUTLINES: dict[str, Any] = {
    "point": _point_box,
    "disk": lambda s: [_circle("r", s, s.r)],
    "ring": _ring_outlines,
    "sector": _sector_outlines,
    "rect": _rect_outlines,
    "ellipse": _ellipse_outlines,
    "polygon": _polygon_outlines,
}
_INSIDE: dict[str, Any] = {
    "point": lambda s, at: max(abs(at[0] - s.y), abs(at[1] - s.x)) <= 0.5,
    "disk": lambda s, at: distance(at, (s.cy, s.cx)) <= s.r,
    "ring": _in_ring,
    "sector": _in_sector,
    "rect": lambda s, at: s.y0 <= at[0] <= s.y1 and s.x0 <= at[1] <= s.x1,
    "ellipse": _in_ellipse,
    "polygon": _in_polygon,
    "mask": _in_mask,
}
