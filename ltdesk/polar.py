"""Specs of analyses about a centre: rings of pixels at the same distance from it, on circles or on ellipses."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import BeforeValidator, Field, field_validator, model_validator

from ltdesk.analysis import Axis, Centred, Name, ResultSpec, split_list, sum_dtype
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Bool2D, Ellipse, Finite, Float2D, Radius, Size2D, pixel_grid

Order = Annotated[int, Field(ge=0, le=1000)]
FLATTEST = 0.01
"""Of an ellipse's axes, one over the other; no lens distorts like that."""
MOST_BINS = 4
"""Times ``ky + kx``: profiles of several scans may be as long as one another, though some end in
bins without pixels, and a centre may lie outside of the frame."""


class AboutCentre(Centred):
    """What these analyses share: the centre, and the ellipse on which pixels count as equally far.

    Attributes
    ----------
    cy, cx : the centre in pixels, by default the frame's ``((ky-1)/2, (kx-1)/2)``
    ratio : the ellipse's semi-axis across `deg` over the one along it; 1 is a circle
    deg : the direction of the axis whose length is the distance, 0 along +x and growing towards +y
    """

    ratio: Annotated[float, Field(allow_inf_nan=False, ge=FLATTEST, le=1 / FLATTEST)] = 1.0
    deg: Finite = 0.0

    def about(self, shape: AnyShape) -> Self:
        """The same about the centre of a shape, and on ellipses like it where it is one: what `fit_ring` finds."""
        ellipse = {"ratio": shape.ry / shape.rx, "deg": shape.deg} if isinstance(shape, Ellipse) else {}
        return type(self)(**{**dict(super().about(shape)), **ellipse})

    def pixels(self, frame_shape: Size2D) -> Bool2D:
        """The pixels ``(ky, kx)`` that count, by default all."""
        return np.ones(frame_shape, dtype=np.bool_)

    def squared_distances(self, frame_shape: Size2D) -> Float2D:
        """The square ``(ky, kx)`` of each pixel's distance from the centre."""
        return self._squared(frame_shape, *pixel_grid(frame_shape))

    def angles(self, frame_shape: Size2D) -> Float2D:
        """The angle ``(ky, kx)`` of each pixel about the centre in radians, once the ellipse is made a circle."""
        across, along = self._coordinates(frame_shape, *pixel_grid(frame_shape))
        return np.asarray(np.arctan2(across, along) + (0.0 if self.ratio == 1.0 else math.radians(self.deg)))

    def _squared(self, frame_shape: Size2D, ys: Float2D, xs: Float2D) -> Float2D:
        """The squares of the distances of the pixels ``(ys, xs)``."""
        across, along = self._coordinates(frame_shape, ys, xs)
        return np.asarray(across**2 + along**2)

    def _coordinates(self, frame_shape: Size2D, ys: Float2D, xs: Float2D) -> tuple[Float2D, Float2D]:
        """Across and along the ellipse's axis; y and x for a circle."""
        cy, cx = self.centre(frame_shape)
        if self.ratio == 1.0:
            return ys - cy, xs - cx
        cos, sin = math.cos(math.radians(self.deg)), math.sin(math.radians(self.deg))
        return ((ys - cy) * cos - (xs - cx) * sin) / self.ratio, (xs - cx) * cos + (ys - cy) * sin

    def farthest(self, frame_shape: Size2D) -> float:
        """The distance of the frame's farthest pixel, which is one of its corners."""
        ys, xs = pixel_grid(frame_shape)
        return float(np.sqrt(self._squared(frame_shape, ys[[0, -1]], xs[:, [0, -1]])).max())

    def reach(self, frame_shape: Size2D) -> float:
        """The distance of the nearest pixel on the frame's edge; of its farthest where the centre is outside."""
        (cy, cx), (ky, kx) = self.centre(frame_shape), frame_shape
        ys, xs = pixel_grid(frame_shape)
        lines = ((ys[:1], xs), (ys[-1:], xs), (ys, xs[:, :1]), (ys, xs[:, -1:]))  # a whole frame takes its time
        edges = [np.sqrt(self._squared(frame_shape, *line)) for line in lines]
        if not (0 <= cy <= ky - 1 and 0 <= cx <= kx - 1):
            return self.farthest(frame_shape)
        return float(min(edge.min() for edge in edges))


class RadialProfile(AboutCentre):
    """The azimuthal average of each frame ``(sy, sx, nbins) float64``: bin k is the mean over the pixels whose distance
    d from the centre has ``k - 1/2 <= d < k + 1/2``, NaN where there is no such pixel.

    By default k goes up to the distance of the frame's nearest edge, so that the circles are whole.

    Attributes
    ----------
    nbins : how many bins; by default up to the frame's nearest edge, at most 4 * (ky + kx)
    """

    kind: Literal["radial"] = "radial"
    name: Name = "radial"
    nbins: Annotated[int, Field(gt=0)] | None = None

    def bins(self, frame_shape: Size2D) -> int:
        """How many bins there are."""
        return math.floor(self.reach(frame_shape)) + 1 if self.nbins is None else self.nbins

    def check(self, frame_shape: Size2D) -> None:
        (ky, kx), bins, farthest = frame_shape, self.bins(frame_shape), self.farthest(frame_shape)
        most = MOST_BINS * (ky + kx)
        if bins <= most:
            return
        if farthest >= most:
            cy, cx = self.centre(frame_shape)
            what = f"the centre ({cy:g}, {cx:g}) is {farthest:.0f} pixels from a corner of the {ky}x{kx} frame"
            raise UsageError(f"'{self.name}': {what}", "Give cy and cx in its pixels.")
        what = (
            f"nbins={bins} is too many: no pixel of the {ky}x{kx} frame is farther than {farthest:.0f} from the centre"
        )
        raise UsageError(f"'{self.name}': {what}", f"Give nbins={math.floor(farthest + 0.5) + 1}.")

    def pixels(self, frame_shape: Size2D) -> Bool2D:
        return self.labels(frame_shape) >= 0

    def labels(self, frame_shape: Size2D) -> NDArray[np.int64]:
        """The bin of each pixel ``(ky, kx)``, -1 for none."""
        bin_of = np.floor(np.sqrt(self.squared_distances(frame_shape)) + 0.5)
        return np.where(bin_of < self.bins(frame_shape), bin_of, -1).astype(np.int64)

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        bins = self.bins(frame_shape)
        axes = (Axis(name="distance", places=tuple(range(bins))),)
        return (ResultSpec(name=self.name, kind="scan", dtype="float64", extra=(bins,), axes=axes),)


class AnnularSeries(AboutCentre):
    """The sums of each frame in rings side by side ``(sy, sx, rings)``, exact for integers.

    Ring i is, as `Ring` has it, the disk of ``radii[i + 1]`` without the disk of ``radii[i]``; a radius of 0 takes
    nothing away. `radii` grow; as text they are joined by ``+`` or ``;``. By default there are four rings of one width
    up to the pixel on the frame's edge that is nearest to the centre.

    Attributes
    ----------
    radii : of the rings' edges in pixels, growing; by default four rings up to the frame's nearest edge
    """

    kind: Literal["annular"] = "annular"
    name: Name = "annular"
    radii: Annotated[tuple[Radius, ...], BeforeValidator(split_list), Field(min_length=2)] | None = None

    @field_validator("radii")
    @classmethod
    def _growing(cls, radii: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if any(outer <= inner for inner, outer in pairwise(radii or ())):
            raise ValueError("radii must grow from one to the next")
        return radii

    def edges(self, frame_shape: Size2D) -> tuple[float, ...]:
        """The radii, as given or by default."""
        if self.radii is not None:
            return self.radii
        return tuple(np.linspace(0.0, self.reach(frame_shape) or 1.0, 5).tolist())

    def pixels(self, frame_shape: Size2D) -> Bool2D:
        return self.labels(frame_shape) >= 0

    def labels(self, frame_shape: Size2D) -> NDArray[np.int64]:
        """The ring of each pixel ``(ky, kx)``, -1 for none."""
        squares, radii = self.squared_distances(frame_shape), self.edges(frame_shape)
        with np.errstate(over="ignore"):  # beyond all is beyond
            ring = np.searchsorted(np.square(radii), squares, side="left") - 1
        if radii[0] == 0:
            ring[squares == 0] = 0
        return np.where(ring < len(radii) - 1, ring, -1)

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        middles = tuple((inner + outer) / 2 for inner, outer in pairwise(self.edges(frame_shape)))
        axes = (Axis(name="distance", places=middles),)
        out = sum_dtype(dtype).name
        return (ResultSpec(name=self.name, kind="scan", dtype=out, extra=(len(middles),), axes=axes),)


class RadialFourier(AboutCentre):
    """How strongly a ring of each frame repeats itself `n` times in a turn, by LiberTEM's definition.

    With ``c_n`` the sum over the ring of ``I * exp(1j * n * angle)``, each order n in `orders` gives two results
    ``(sy, sx) float64``: ``NAME_n``, the strength ``|c_n| / |c_0|`` (at most 1 where nothing is negative), and
    ``NAME_n_phase``, the phase of ``c_n`` in degrees, 0 <= phase < 360: the pattern is brightest at ``phase / n``. NaN
    where the ring's sum is 0. Order 0 gives the ring's sum, without a phase. As text, orders are joined by ``+``.

    The ring is, as `Ring` has it, the disk of `r_out` without that of `r_in`; `r_out` is by default the distance of the
    frame's nearest edge.

    Attributes
    ----------
    r_in, r_out : the ring's radii in pixels; the outer one by default reaches the frame's nearest edge
    orders : how many times in a turn the ring repeats itself, each asked for once
    """

    kind: Literal["radial_fourier"] = "radial_fourier"
    name: Name = "fourier"
    r_in: Radius = 0.0
    r_out: Radius | None = None
    orders: Annotated[tuple[Order, ...], BeforeValidator(split_list), Field(min_length=1)] = (1, 2, 3, 4, 6)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.r_out is not None and self.r_out < self.r_in:
            raise ValueError("r_out must not be less than r_in")
        if len(set(self.orders)) < len(self.orders):
            raise ValueError("each order can be asked for once")
        return self

    def pixels(self, frame_shape: Size2D) -> Bool2D:
        return self.ring(frame_shape)

    def ring(self, frame_shape: Size2D) -> Bool2D:
        """The pixels ``(ky, kx)`` between the radii."""
        squares = self.squared_distances(frame_shape)
        r_out = self.reach(frame_shape) if self.r_out is None else self.r_out
        inside = squares <= r_out * r_out
        return inside & (squares > self.r_in * self.r_in) if self.r_in > 0 else inside

    def result_names(self) -> tuple[str, ...]:
        names = ((f"{self.name}_{n}", f"{self.name}_{n}_phase")[: 2 if n else 1] for n in self.orders)
        return tuple(name for pair in names for name in pair)

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        units = {f"{self.name}_{n}": "" if n else "counts" for n in self.orders}
        return tuple(
            ResultSpec(name=name, kind="scan", dtype="float64", unit=units.get(name, "deg"))
            for name in self.result_names()
        )
