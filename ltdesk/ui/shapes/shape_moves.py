"""How a shape changes when it is nudged, grown or dragged by a part. Pure geometry: no Qt, no session.

Points are ``(y, x)`` in frame pixels. A drag is told by where it started and where the hand is now, and always from the
shape as it was when the hand took it, so that nothing adds up on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ltdesk.geometry import AnyShape, Combination, Polygon, Term, shape_from_terms, terms_of
from ltdesk.shape_bounds import moved

YX = tuple[float, float]
BODY = "body"
MIN_AXIS = 0.1
"""Frame pixels: an ellipse has no zero axis."""

nudge = moved


def dragged(shape: AnyShape, part: str, start: YX, now: YX, keep: bool = False) -> AnyShape:
    """`shape` after its `part` (see `shape_parts`) was dragged from `start` to `now`.

    `keep` (Shift) keeps the direction of a move, the aspect of a corner, a ring and an ellipse, the centre under a
    rectangle's edge and the opening of a sector. A part that the shape does not have leaves it as it is.
    """
    if part == BODY:
        return moved(shape, *_shift(start, now, keep))
    drag = _DRAGS.get(shape.kind)
    return shape if drag is None else drag(shape, part, start, now, keep)


def grow(shape: AnyShape, by: float) -> AnyShape:
    """`shape` with its outline moved out by `by` frame pixels (in, where negative), as far as it goes.

    A ring keeps its width; a point and a pixel mask stay as they are.
    """
    if isinstance(shape, Combination):
        return _but(shape, terms=tuple(_but(t, shape=grow(t.shape, by)) for t in shape.terms))
    grown = _GROWS.get(shape.kind)
    return shape if grown is None else grown(shape, by)


def with_vertex(shape: Polygon, edge: int, at: YX) -> Polygon:
    """A polygon with a vertex at `at` between vertices `edge` and ``edge + 1``."""
    return Polygon(points=(*shape.points[: edge + 1], at, *shape.points[edge + 1 :]))


def without_vertex(shape: Polygon, index: int) -> Polygon:
    """A polygon without one vertex; a triangle stays as it is."""
    points = shape.points[:index] + shape.points[index + 1 :]
    return Polygon(points=points) if len(points) >= 3 else shape


def changed(shape: AnyShape, term: int | None, change: Callable[[AnyShape], AnyShape]) -> AnyShape:
    """`shape` with `change` made to its one `term`, or to all of it where that is None."""
    return change(shape) if term is None else with_term(shape, term, change(terms_of(shape)[term].shape))


def with_term(shape: AnyShape, index: int, part: AnyShape) -> AnyShape:
    """`shape` with the shape of its term `index` replaced."""
    terms = list(terms_of(shape))
    terms[index] = Term.model_construct(op=terms[index].op, shape=part)
    return shape_from_terms(tuple(terms))


def without_term(shape: AnyShape, index: int) -> AnyShape:
    """`shape` without its term `index`; the term that comes first joins by ``+``. The last term stays."""
    terms = [term for i, term in enumerate(terms_of(shape)) if i != index]
    if not terms:
        return shape
    return shape_from_terms((Term.model_construct(op="+", shape=terms[0].shape), *terms[1:]))


def distance(a: YX, b: YX) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def direction(centre: YX, at: YX) -> float:
    """Degrees from +x towards +y."""
    return math.degrees(math.atan2(at[0] - centre[0], at[1] - centre[1]))


def _but(model: Any, **changes: Any) -> Any:
    return model.model_copy(update=changes)


def _shift(start: YX, now: YX, keep: bool) -> YX:
    dy, dx = now[0] - start[0], now[1] - start[1]
    if keep:
        return (dy, 0.0) if abs(dy) > abs(dx) else (0.0, dx)
    return dy, dx


def _turn(centre: YX, start: YX, now: YX) -> float:
    """Degrees from `start` to `now` as seen from `centre`, the short way round."""
    return (direction(centre, now) - direction(centre, start) + 180.0) % 360.0 - 180.0


def _pull(centre: YX, start: YX, now: YX) -> float:
    return distance(now, centre) - distance(start, centre)


def _drag_disk(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    return _but(shape, r=max(0.0, shape.r + _pull((shape.cy, shape.cx), start, now)))


def _drag_ring(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    old = getattr(shape, part)
    new = max(0.0, old + _pull((shape.cy, shape.cx), start, now))
    if keep and old > 1e-6:
        return _but(shape, r_in=shape.r_in * new / old, r_out=max(shape.r_in, shape.r_out) * new / old)
    if part == "r_in":
        return _but(shape, r_in=min(new, shape.r_out))
    return _but(shape, r_out=max(new, shape.r_in))


def _drag_sector(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    if part in ("r_in", "r_out"):
        return _drag_ring(shape, part, start, now, keep)
    turn = _turn((shape.cy, shape.cx), start, now)
    by0, by1 = (turn, turn) if keep else (turn, 0.0) if part == "deg0" else (0.0, turn)
    return _opened(shape, by0, by1)


def _opened(shape: Any, by0: float, by1: float) -> Any:
    """The sector's sides turned; its opening stays above 0 and at most a full turn, by going round."""
    span = min(shape.deg1 - shape.deg0, 360.0) + by1 - by0
    span = span if span == 360.0 else span % 360.0
    deg0 = (shape.deg0 + by0) % 360.0
    return _but(shape, deg0=deg0, deg1=deg0 + (span or 360.0))


def _drag_rect(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    sides = {side: getattr(shape, side) for side in ("y0", "x0", "y1", "x1")}
    taken = [side for side in sides if side in part]
    shift = {"y": now[0] - start[0], "x": now[1] - start[1]}
    if keep and len(taken) == 2:
        shift = _along_diagonal(sides, taken, shift)
    for side in taken:
        sides[side] += shift[side[0]]
        if keep and len(taken) == 1:
            sides[_opposite(side)] -= shift[side[0]]
    (y0, y1), (x0, x1) = sorted((sides["y0"], sides["y1"])), sorted((sides["x0"], sides["x1"]))
    return _but(shape, y0=y0, x0=x0, y1=y1, x1=x1)


def _opposite(side: str) -> str:
    return side[0] + ("1" if side[1] == "0" else "0")


def _along_diagonal(sides: dict[str, float], taken: list[str], shift: dict[str, float]) -> dict[str, float]:
    """The part of a shift that keeps the aspect: along the diagonal from the opposite corner."""
    diagonal = {side[0]: sides[side] - sides[_opposite(side)] for side in taken}
    length = diagonal["y"] ** 2 + diagonal["x"] ** 2
    if length == 0:
        return shift
    scale = (shift["y"] * diagonal["y"] + shift["x"] * diagonal["x"]) / length
    return {axis: scale * diagonal[axis] for axis in diagonal}


def _drag_ellipse(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    centre = (shape.cy, shape.cx)
    if part == "deg":
        return _but(shape, deg=(shape.deg + _turn(centre, start, now)) % 360.0)
    (along0, across0), (along1, across1) = _in_axes(shape, start), _in_axes(shape, now)
    if part == "edge":
        rx, ry = max(shape.rx, MIN_AXIS), max(shape.ry, MIN_AXIS)
        was = math.hypot(along0 / rx, across0 / ry)
        return _scaled(shape, math.hypot(along1 / rx, across1 / ry) / was if was > 1e-6 else 1.0)
    pull = {"rx": (along1 - along0) * _sign(along0), "ry": (across1 - across0) * _sign(across0)}[part]
    old = getattr(shape, part)
    new = _axis(old, old + pull)
    return _scaled(shape, max(new, MIN_AXIS) / max(old, MIN_AXIS)) if keep else _but(shape, **{part: new})


def _scaled(shape: Any, factor: float) -> Any:
    return _but(shape, ry=_axis(shape.ry, shape.ry * factor), rx=_axis(shape.rx, shape.rx * factor))


def _axis(old: float, new: float) -> float:
    """A new semi-axis, not below the least, unless it was."""
    return max(new, min(old, MIN_AXIS))


def _in_axes(shape: Any, at: YX) -> YX:
    """``(along, across)`` the axes of an ellipse, from its centre."""
    cos, sin = math.cos(math.radians(shape.deg)), math.sin(math.radians(shape.deg))
    dy, dx = at[0] - shape.cy, at[1] - shape.cx
    return dx * cos + dy * sin, dy * cos - dx * sin


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0


def _drag_polygon(shape: Any, part: str, start: YX, now: YX, keep: bool) -> Any:
    name, _, index = part.partition(":")
    if name != "vertex":  # an edge carries the whole polygon: a freehand outline is hardly anything but edges
        return moved(shape, *_shift(start, now, keep))
    dy, dx = _shift(start, now, keep)
    y, x = shape.points[int(index)]
    return _but(shape, points=(*shape.points[: int(index)], (y + dy, x + dx), *shape.points[int(index) + 1 :]))


def _grow_ring(shape: Any, by: float) -> Any:
    by = max(by, -shape.r_in if shape.r_in > 0 else -shape.r_out)
    return _but(shape, r_in=shape.r_in + by if shape.r_in > 0 else 0.0, r_out=shape.r_out + by)


def _grow_rect(shape: Any, by: float) -> Any:
    by_y, by_x = max(by, (shape.y0 - shape.y1) / 2), max(by, (shape.x0 - shape.x1) / 2)
    y0, x0 = shape.y0 - by_y, shape.x0 - by_x
    return _but(shape, y0=y0, x0=x0, y1=max(y0, shape.y1 + by_y), x1=max(x0, shape.x1 + by_x))


def _grow_polygon(shape: Any, by: float) -> Any:
    """Scaled about the mean of its vertices, so that these move out by `by` on average."""
    count = len(shape.points)
    cy, cx = sum(y for y, _ in shape.points) / count, sum(x for _, x in shape.points) / count
    radius = sum(distance(point, (cy, cx)) for point in shape.points) / count
    if radius == 0:
        return shape
    factor = max(MIN_AXIS, radius + by) / radius
    return _but(shape, points=tuple((cy + (y - cy) * factor, cx + (x - cx) * factor) for y, x in shape.points))


_DRAGS: dict[str, Any] = {
    "disk": _drag_disk,
    "ring": _drag_ring,
    "sector": _drag_sector,
    "rect": _drag_rect,
    "ellipse": _drag_ellipse,
    "polygon": _drag_polygon,
}
_GROWS: dict[str, Any] = {
    "disk": lambda shape, by: _but(shape, r=max(0.0, shape.r + by)),
    "ring": _grow_ring,
    "sector": _grow_ring,
    "rect": _grow_rect,
    "ellipse": lambda s, by: _but(s, ry=_axis(s.ry, s.ry + by), rx=_axis(s.rx, s.rx + by)),
    "polygon": _grow_polygon,
}
