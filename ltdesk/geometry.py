"""Shapes on a frame (or on a scan) and the pixels they select.

A pixel ``(y, x)`` sits at integer coordinates, its centre. A shape partly outside is clipped. Angles are in degrees, 0
along +x and growing towards +y. All shapes are frozen data; ``+`` (or), ``-`` and ``&`` combine them left to right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from ltdesk.errors import InvalidValue
from ltdesk.mask_data import Runs, WeightsBlob, check_runs, runs_from_mask, runs_to_mask
from ltdesk.validation import Frozen

Bool2D = NDArray[np.bool_]
Float2D = NDArray[np.float64]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Radius = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Size2D = tuple[int, int]


def pixel_grid(size: Size2D) -> tuple[Float2D, Float2D]:
    """Coordinates of the pixel centres, ``y (ky, 1)`` and ``x (1, kx)``, float64."""
    return np.arange(size[0], dtype=np.float64)[:, None], np.arange(size[1], dtype=np.float64)[None, :]


def nearest_pixel(at: float) -> int:
    """The index of the pixel nearest to a coordinate; a half goes up. Not ``floor(at + 0.5)``: that sum may round."""
    below = math.floor(at)
    return below + (at - below >= 0.5)


class BaseShape(Frozen):
    """What all shapes share: a mask, and the operators that combine."""

    def mask(self, size: Size2D) -> Bool2D:
        """Which pixels are inside, ``(ky, kx) bool``."""
        raise NotImplementedError

    def weights(self, size: Size2D) -> Float2D | None:
        """Weights of the pixels ``(ky, kx) float64`` where they are not just 0 and 1, else None."""
        return None

    def __add__(self, other: AnyShape) -> Combination:
        return _combine(self, "+", other)

    def __sub__(self, other: AnyShape) -> Combination:
        return _combine(self, "-", other)

    def __and__(self, other: AnyShape) -> Combination:
        return _combine(self, "&", other)

    def __mul__(self, weight: float) -> Weighted:
        return Weighted(shape=self, weight=weight)

    __rmul__ = __mul__


class Point(BaseShape):
    """The pixel nearest to ``(y, x)``; a half goes to the larger index."""

    kind: Literal["point"] = "point"
    y: Finite
    x: Finite

    def mask(self, size: Size2D) -> Bool2D:
        ys, xs = pixel_grid(size)
        inside: Bool2D = (ys == nearest_pixel(self.y)) & (xs == nearest_pixel(self.x))
        return inside


class Disk(BaseShape):
    """``(y - cy)**2 + (x - cx)**2 <= r * r`` in float64."""

    kind: Literal["disk"] = "disk"
    cy: Finite
    cx: Finite
    r: Radius

    def mask(self, size: Size2D) -> Bool2D:
        return _ring(size, self.cy, self.cx, 0.0, self.r)


class Ring(BaseShape):
    """The disk of ``r_out`` without the disk of ``r_in``; ``r_in = 0`` takes nothing away."""

    kind: Literal["ring"] = "ring"
    cy: Finite
    cx: Finite
    r_in: Radius
    r_out: Radius

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _check_radii(self)  # type: ignore[no-any-return]

    def mask(self, size: Size2D) -> Bool2D:
        return _ring(size, self.cy, self.cx, self.r_in, self.r_out)


class Sector(BaseShape):
    """The part of a ring with ``deg0 <= theta < deg1``; it may wrap past 0. A full turn or more is the whole ring."""

    kind: Literal["sector"] = "sector"
    cy: Finite
    cx: Finite
    r_in: Radius
    r_out: Radius
    deg0: Finite
    deg1: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _check_radii(self)  # type: ignore[no-any-return]

    def mask(self, size: Size2D) -> Bool2D:
        inside = _ring(size, self.cy, self.cx, self.r_in, self.r_out)
        ys, xs = np.nonzero(inside)  # of the others the angle is of no matter, and takes time
        theta = np.degrees(np.arctan2(ys - self.cy, xs - self.cx))
        theta[theta < 0] += 360.0  # what % 360.0 gives, in a fourth of its time
        inside[ys, xs] = _between(theta, self.deg0, self.deg1)
        return inside


class Rectangle(BaseShape):
    """Half-open: ``y0 <= y < y1`` and ``x0 <= x < x1``."""

    kind: Literal["rect"] = "rect"
    y0: Finite
    x0: Finite
    y1: Finite
    x1: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.y1 < self.y0 or self.x1 < self.x0:
            raise ValueError("y1 and x1 must not be less than y0 and x0")
        return self

    def mask(self, size: Size2D) -> Bool2D:
        ys, xs = pixel_grid(size)
        return (self.y0 <= ys) & (ys < self.y1) & (self.x0 <= xs) & (xs < self.x1)


class Ellipse(BaseShape):
    """Semi-axis ``rx`` along the direction ``deg``, ``ry`` across it."""

    kind: Literal["ellipse"] = "ellipse"
    cy: Finite
    cx: Finite
    ry: Annotated[float, Field(allow_inf_nan=False, gt=0)]
    rx: Annotated[float, Field(allow_inf_nan=False, gt=0)]
    deg: Finite = 0.0

    def mask(self, size: Size2D) -> Bool2D:
        ys, xs = pixel_grid(size)
        cos, sin = math.cos(math.radians(self.deg)), math.sin(math.radians(self.deg))
        with np.errstate(over="ignore"):  # far outside is outside
            along = (xs - self.cx) * cos + (ys - self.cy) * sin
            across = (ys - self.cy) * cos - (xs - self.cx) * sin
            return (along / self.rx) ** 2 + (across / self.ry) ** 2 <= 1.0


class Polygon(BaseShape):
    """Even-odd rule on pixel centres; ``points`` are ``(y, x)``. A freehand outline is a polygon of many points.

    A pixel is inside where the ray from its centre towards +x crosses the outline an odd number of times. An edge spans
    the rows ``y0 <= y < y1``; one through the centre itself is not crossed. So four corners select what the rectangle
    does, and polygons that share an edge share no pixel and leave none out, whichever way round they go.
    """

    kind: Literal["polygon"] = "polygon"
    points: Annotated[tuple[tuple[Finite, Finite], ...], Field(min_length=3)]

    def mask(self, size: Size2D) -> Bool2D:
        ys, xs = pixel_grid(size)
        inside = np.zeros(size, dtype=np.bool_)
        for ends in zip(self.points, self.points[1:] + self.points[:1], strict=True):
            (ay, ax), (by, bx) = sorted(ends)  # the same line whichever way it is drawn
            rows = slice(max(0, math.ceil(ay)), max(0, math.ceil(by)))
            if ys[rows].size:
                inside[rows] ^= xs < (bx - ax) * (ys[rows] - ay) / (by - ay) + ax
        return inside


class PixelMask(BaseShape):
    """Pixels given one by one, from a file or an array; it travels inside the job.

    A 0/1 mask is kept as row runs, weights as a blob named by its hash. A weight of 0 is outside.
    """

    kind: Literal["mask"] = "mask"
    size: Size2D
    runs: Runs = ()
    blob: WeightsBlob | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if min(self.size) < 1:
            raise ValueError("a mask has at least one pixel")
        if self.blob is None:
            check_runs(self.runs, self.size)
        elif self.runs:
            raise ValueError("a mask has either runs or weights")
        elif not np.isfinite(self.blob.array(self.size)).all():
            raise ValueError("a mask has no NaN or infinite weights")
        return self

    @classmethod
    def from_array(cls, values: NDArray[Any]) -> PixelMask:
        """From an array ``(ky, kx)`` of bools, 0/1 numbers or finite weights. Raises InvalidValue for anything else."""
        values = np.asarray(values)
        if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "buif":
            raise InvalidValue(f"a mask is a 2D array of numbers, not {values.dtype} {values.shape}")
        if not np.isfinite(values).all():
            raise InvalidValue("a mask has no NaN or infinite weights")
        size = (int(values.shape[0]), int(values.shape[1]))
        if np.isin(values, (0, 1)).all():
            return cls(size=size, runs=runs_from_mask(values.astype(np.bool_)))
        return cls(size=size, blob=WeightsBlob.from_array(values.astype(np.float64)))

    def mask(self, size: Size2D) -> Bool2D:
        if self.blob is not None:
            return np.asarray(self._fitted(self.blob.array(self.size), size) != 0)
        return self._fitted(runs_to_mask(self.runs, self.size), size)

    def weights(self, size: Size2D) -> Float2D | None:
        return None if self.blob is None else self._fitted(self.blob.array(self.size), size)

    def _fitted(self, values: NDArray[Any], size: Size2D) -> NDArray[Any]:
        if tuple(size) != self.size:
            raise ValueError(f"the mask is {self.size[0]}x{self.size[1]}, not {size[0]}x{size[1]}")
        return values


class Term(Frozen):
    """One step of a combination: an operator and the shape it brings in."""

    op: Literal["+", "-", "&"]
    shape: AnyShape


class Combination(BaseShape):
    """Shapes joined left to right, starting from nothing: ``+`` or, ``-`` without, ``&`` and."""

    kind: Literal["combination"] = "combination"
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]

    def mask(self, size: Size2D) -> Bool2D:
        inside = np.zeros(size, dtype=np.bool_)
        for term in self.terms:
            part = term.shape.mask(size)
            if term.op == "+":
                inside |= part
            else:
                inside &= part if term.op == "&" else ~part
        return inside

    def weights(self, size: Size2D) -> Float2D | None:
        """Joined left to right, a plain shape weighing 1: ``+`` fills what is empty, ``-`` clears, ``&`` multiplies."""
        parts = [term.shape.weights(size) for term in self.terms]
        if all(part is None for part in parts):
            return None
        values = np.zeros(size)
        for term, part in zip(self.terms, parts, strict=True):
            new = term.shape.mask(size).astype(np.float64) if part is None else part
            values = _JOIN[term.op](values, new)
        return values


class Weighted(Frozen):
    """A shape times a weight: what `VirtualDetector` takes in place of a shape."""

    shape: AnyShape
    weight: Finite


def _shape(given: Any) -> Any:
    """An array will do for a mask."""
    return PixelMask.from_array(given) if isinstance(given, np.ndarray) else given


AnyShape = Annotated[
    Point | Disk | Ring | Sector | Rectangle | Ellipse | Polygon | PixelMask | Combination,
    Field(discriminator="kind"),
    BeforeValidator(_shape),
]
Term.model_rebuild()
Combination.model_rebuild()
Weighted.model_rebuild()


def terms_of(shape: AnyShape) -> tuple[Term, ...]:
    """A shape as the terms of a combination; a single shape is one term."""
    return shape.terms if isinstance(shape, Combination) else (Term(op="+", shape=shape),)


def shape_from_terms(terms: tuple[Term, ...]) -> AnyShape:
    """The inverse of `terms_of`: one plain ``+`` term is the shape itself."""
    return terms[0].shape if len(terms) == 1 and terms[0].op == "+" else Combination(terms=terms)


def _combine(left: Any, op: Literal["+", "-", "&"], right: Any) -> Combination:
    if isinstance(right, Weighted):
        raise TypeError("combine the shapes first, then give the whole a weight: (a + b) * 0.5")
    if not isinstance(right, BaseShape):
        raise TypeError(f"a shape is combined with a shape, not with {type(right).__name__}")
    return Combination(terms=(*terms_of(left), Term(op=op, shape=right)))


def _both(left: Float2D, right: Float2D) -> Float2D:
    """Products where both have a weight; one too small to be told from 0 must not drop the pixel."""
    with np.errstate(over="ignore", under="ignore"):
        product = left * right
    return np.where((product == 0) & (left != 0) & (right != 0), np.finfo(np.float64).tiny, product)


_JOIN: dict[str, Callable[[Float2D, Float2D], Float2D]] = {
    "+": lambda left, right: np.where(left != 0, left, right),
    "-": lambda left, right: np.where(right != 0, 0.0, left),
    "&": _both,
}


def _check_radii(shape: Any) -> Any:
    if shape.r_out < shape.r_in:
        raise ValueError("r_out must not be less than r_in")
    return shape


def _ring(size: Size2D, cy: float, cx: float, r_in: float, r_out: float) -> Bool2D:
    """Computed where it may be alone: of a frame of 2048x2048 that saves up to 30 ms."""
    inside, (ys, xs) = np.zeros(size, dtype=np.bool_), pixel_grid(size)
    rows, columns = _near(size[0], cy, r_out), _near(size[1], cx, r_out)
    with np.errstate(over="ignore"):  # far outside is outside
        squares = (ys[rows] - cy) ** 2 + (xs[:, columns] - cx) ** 2
        inside[rows, columns] = squares <= r_out * r_out
        if r_in > 0:
            inside[rows, columns] &= squares > r_in * r_in
    return inside


def _near(size: int, at: float, distance: float) -> slice:
    """The pixels of an axis that are no further from a place than that; one more on each side, for what is rounded."""
    return slice(int(min(size, max(0.0, at - distance - 1))), int(min(size, max(0.0, at + distance + 2))))


def _between(theta: Float2D, deg0: float, deg1: float) -> Bool2D:
    if deg1 - deg0 >= 360.0:
        return np.ones(theta.shape, dtype=np.bool_)
    start, stop = deg0 % 360.0, deg1 % 360.0
    if start <= stop:
        return (start <= theta) & (theta < stop)
    return (theta >= start) | (theta < stop)
