"""Where a shape is: its bounding box, its centre, whether it lies on the frame, and the shape moved."""

from __future__ import annotations

import math
from typing import Any

from ltdesk.geometry import AnyShape, Combination, PixelMask, Point, Polygon, Rectangle, Sector, Size2D

Box = tuple[float, float, float, float]
"""``(y0, x0, y1, x1)``: the extreme coordinates, both ends included."""
ROUNDING = 1e-9
"""Pixels by which a turned shape's box may be wrong in the last digits; in doubt it is said to be outside."""


def bounds(shape: AnyShape) -> Box:
    """The bounding box of a shape; of a combination, that of what is added."""
    if isinstance(shape, Combination):
        return _union([bounds(term.shape) for term in shape.terms if term.op == "+"])
    if isinstance(shape, Point):
        return shape.y, shape.x, shape.y, shape.x
    if isinstance(shape, Rectangle):
        return shape.y0, shape.x0, shape.y1, shape.x1
    if isinstance(shape, PixelMask):
        return 0.0, 0.0, shape.size[0] - 1.0, shape.size[1] - 1.0
    if isinstance(shape, Polygon):
        return _around(shape.points)
    return _round_bounds(shape)


def shape_centre(shape: AnyShape) -> tuple[float, float]:
    """The centre ``(y, x)`` of a shape; of a combination, that of its first part."""
    if isinstance(shape, Combination):
        return shape_centre(shape.terms[0].shape)
    if not isinstance(shape, Point | Rectangle | Polygon | PixelMask):
        return shape.cy, shape.cx
    y0, x0, y1, x1 = bounds(shape)
    return (y0 + y1) / 2, (x0 + x1) / 2


def partly_outside(shape: AnyShape, size: Size2D) -> bool:
    """Would the shape select pixels beyond a frame of this size? By its bounding box, so an upper bound."""
    if isinstance(shape, Combination):
        return any(partly_outside(term.shape, size) for term in shape.terms if term.op == "+")
    if isinstance(shape, PixelMask):
        return False
    y0, x0, y1, x1 = bounds(shape)
    if isinstance(shape, Rectangle):
        y1, x1 = math.ceil(y1) - 1, math.ceil(x1) - 1
    low, high_y, high_x = -1 + ROUNDING, size[0] - ROUNDING, size[1] - ROUNDING
    return y0 <= low or x0 <= low or y1 >= high_y or x1 >= high_x


def moved(shape: AnyShape, dy: float, dx: float) -> AnyShape:
    """The shape moved by ``(dy, dx)`` pixels; a pixel mask stays where it is."""
    if isinstance(shape, Combination):
        terms = tuple(t.model_copy(update={"shape": moved(t.shape, dy, dx)}) for t in shape.terms)
        return shape.model_copy(update={"terms": terms})
    if isinstance(shape, Polygon):
        return Polygon(points=tuple((y + dy, x + dx) for y, x in shape.points))
    shift = {"cy": dy, "cx": dx, "y": dy, "x": dx, "y0": dy, "x0": dx, "y1": dy, "x1": dx}
    fields: Any = type(shape).model_fields
    return shape.model_copy(update={name: getattr(shape, name) + shift[name] for name in fields if name in shift})


def _union(boxes: list[Box]) -> Box:
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    y0, x0, y1, x1 = zip(*boxes, strict=True)
    return min(y0), min(x0), max(y1), max(x1)


def _around(points: Any) -> Box:
    ys, xs = zip(*points, strict=True)
    return min(ys), min(xs), max(ys), max(xs)


def _round_bounds(shape: Any) -> Box:
    if isinstance(shape, Sector):
        return _sector_bounds(shape)
    if shape.kind == "ellipse":
        cos, sin = math.cos(math.radians(shape.deg)), math.sin(math.radians(shape.deg))
        half_y, half_x = (
            math.hypot(shape.rx * sin, shape.ry * cos),
            math.hypot(shape.rx * cos, shape.ry * sin),
        )
    else:
        half_y = half_x = shape.r if shape.kind == "disk" else shape.r_out
    return shape.cy - half_y, shape.cx - half_x, shape.cy + half_y, shape.cx + half_x


def _sector_bounds(shape: Sector) -> Box:
    """Corners of the sector, and the outermost points of its arc that lie on an axis."""
    turn = 360.0 if shape.deg1 - shape.deg0 >= 360 else (shape.deg1 - shape.deg0) % 360.0
    axes = [a for a in range(0, 360, 90) if (a - shape.deg0) % 360.0 <= turn]
    ends = [(shape.deg0, shape.r_in), (shape.deg0 + turn, shape.r_in)]
    ends += [(angle, shape.r_out) for angle in (shape.deg0, shape.deg0 + turn, *axes)]
    points = [
        (shape.cy + r * math.sin(math.radians(angle)), shape.cx + r * math.cos(math.radians(angle)))
        for angle, r in ends
    ]
    return _around(points)
