"""From values to what is painted: scale, levels, colours, histogram, hatches. Pure numpy and QImage, any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ltdesk.session import Display
from ltdesk.ui.pictures import colour_maps
from ltdesk.ui.pictures.display_scale import DisplayScale, scale_for
from ltdesk.ui.pictures.estimate import fill_estimate
from ltdesk.ui.pictures.levels import (
    Histogram,
    Levels,
    about_zero,
    auto_levels,
    histogram,
    sample_of,
    whole_turn,
)
from ltdesk.ui.pictures.raster import Raster, pyramid, stencil

Status = Literal["estimate", "preview", "filling", "incomplete", "missing", "exact", ""]
Bool2D = NDArray[np.bool_]
BLOCK = 1 << 16
"""Values that are mapped at a time, so that what lies between stays in the second-level cache."""
DIM = np.uint32(0x7F7F7F7F)


@dataclass(frozen=True, eq=False)
class Picture:
    """What is to be shown, before any choice of display.

    values : (h, w) of any integer or float dtype, or bool
    valid : (h, w) positions that are done; None: all
    failed : (h, w) positions that will not come; None: none
    missing : how many positions have no frame in the file: all that are neither valid nor failed; 0: those are to come
    unit : of the values, as it is shown behind them
    status : whether the values are exact, and if not, why
    name : of one layer of a composite
    """

    values: NDArray[Any]
    valid: Bool2D | None = None
    failed: Bool2D | None = None
    unit: str = ""
    status: Status = ""
    name: str = ""
    missing: int = 0

    def __post_init__(self) -> None:
        values = native(self.values)
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(f"a picture is (h, w), not {values.shape}")
        for name in ("valid", "failed"):
            mask = getattr(self, name)
            if mask is not None and mask.shape != values.shape:
                raise ValueError(f"{name} is {mask.shape}, the values are {values.shape}")
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.values.shape
        return height, width

    @property
    def estimated(self) -> bool:
        """Whether positions that are not done show the nearest that is, dimmed."""
        return self.status in ("estimate", "preview", "filling")

    def unknown(self) -> Bool2D | None:
        """The positions that are neither valid nor failed: still to come, or `missing`; None: there are none."""
        if self.valid is None:
            return None
        unknown = ~self.valid if self.failed is None else ~(self.valid | self.failed)
        return unknown if unknown.any() else None

    def done(self) -> Bool2D | None:
        """The positions that have a value from the data; None: all."""
        if self.failed is None or not self.failed.any():
            return None if self.valid is None or self.valid.all() else self.valid
        return ~self.failed if self.valid is None else self.valid & ~self.failed


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture ready to be painted.

    layers : one picture, or those of a composite
    levels, scale, histograms : as drawn; a composite's are those of its layers, its `levels` are None
    rasters : the picture and its half-size copies; transparent where there is no value
    waiting : whether some positions are not done yet: the picture is transparent there and the hatch lies under it
    failed, no_value : stencils of the positions that get hatches of their own: failed ones, and those whose value is
        not a number or whose frame is missing
    all_nan : whether of those that are done none is a number
    colours : ``#rrggbb`` of a composite's layers, else empty
    wheel : whether colour tells the direction of a vector: the layers are its length, y and x
    outliers : how many of the sampled values lie beyond the levels, as parts (below, above)
    """

    layers: tuple[Picture, ...]
    display: Display
    levels: Levels | None
    scale: DisplayScale
    rasters: tuple[Raster, ...]
    histograms: tuple[Histogram, ...]
    waiting: bool = False
    failed: Raster | None = None
    no_value: Raster | None = None
    all_nan: bool = False
    outliers: tuple[float, float] = (0.0, 0.0)
    colours: tuple[str, ...] = ()
    wheel: bool = False

    @property
    def picture(self) -> Picture:
        return self.layers[0]

    @property
    def shape(self) -> tuple[int, int]:
        return self.layers[0].shape


def prepare(picture: Picture, display: Display) -> Prepared:
    """Everything that showing `picture` takes, but the painting."""
    values, done = picture.values, picture.done()
    shown = numbers(values, done)
    sample = sample_of(values, shown)
    scale = scale_for(display.scale, sample, counts=values.dtype.kind in "iub")
    levels = display.levels or _levels(picture, display, shown, sample)
    argb = paint(values, scale, levels, colour_maps.argb(display.colour_map))
    leave_out(argb, picture, done)
    return Prepared(
        layers=(picture,),
        display=display,
        levels=levels,
        scale=scale,
        rasters=pyramid(argb),
        histograms=(histogram(scale, sample, levels, number_count(values, shown)),),
        outliers=outliers(sample, levels),
        **stencils(picture),
    )


def native(values: Any) -> NDArray[Any]:
    """`values` as an array that kernels take: native byte order; bool as uint8; odd floats as float64."""
    array = np.asarray(values)
    if array.dtype.kind == "b":
        return array.view(np.uint8) if array.flags.c_contiguous else array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"a picture of {array.dtype} cannot be shown: its values must be whole numbers or floats")
    kind = array.dtype.newbyteorder("=") if array.dtype.itemsize in (1, 2, 4, 8) else np.dtype(np.float64)
    kind = np.dtype(np.float32) if kind == np.float16 else kind
    if array.dtype == kind and array.flags.c_contiguous:
        return array  # itself: numpy would make a view, and a picture that is known would look new
    return np.ascontiguousarray(array, dtype=kind)


def paint(values: NDArray[Any], scale: DisplayScale, levels: Levels, colours: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The colour of each value ``(h, w)`` as ``0xAARRGGBB``; values beyond the levels get the last colours."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return _paint_by_table(values, scale, levels, colours)
    flat = values.reshape(-1)
    painted = np.empty(flat.shape, dtype=np.uint32)
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        np.take(colours, steps(part, scale, levels, len(colours)), out=painted[start : start + BLOCK])
    return painted.reshape(values.shape)


def steps(values: NDArray[Any], scale: DisplayScale, levels: Levels, count: int) -> NDArray[np.intp]:
    """Which of `count` steps between the levels each value falls in; NaN in the first."""
    low, high = scale.place(levels[0]), scale.place(levels[1])
    factor = count / (high - low) if high > low else 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # infinities belong at the ends
        if scale.name == "linear":  # the offset first: float32 would lose small differences of large values
            places = np.subtract(values, levels[0], dtype=np.float64).astype(np.float32)
        else:
            places = scale.forward(values.astype(np.float32)) - np.float32(low)
        places *= np.float32(factor)
    np.fmax(places, 0, out=places)  # NaN too
    np.minimum(places, count - 1, out=places)
    return places.astype(np.intp)


def stencils(picture: Picture) -> dict[str, Any]:
    """Where there is no value: not done, failed, without a frame, or done and not a number; fields of `Prepared`."""
    failed, done, unknown = picture.failed, picture.done(), picture.unknown()
    nans = np.isnan(picture.values) if picture.values.dtype.kind == "f" else None
    if nans is not None and done is not None:
        nans &= done
    known = picture.values.size if done is None else np.count_nonzero(done)
    never = [mask for mask in (nans, unknown if picture.missing else None) if mask is not None]
    return {
        "waiting": unknown is not None and not picture.missing,
        "failed": None if failed is None else stencil(failed),
        "no_value": stencil(np.logical_or.reduce(never)) if never else None,
        "all_nan": nans is not None and known > 0 and np.count_nonzero(nans) == known,
    }


def _paint_by_table(
    values: NDArray[Any], scale: DisplayScale, levels: Levels, colours: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Few different values are possible: each one's colour once, then a look-up."""
    every = np.arange(1 << (8 * values.dtype.itemsize), dtype=f"u{values.dtype.itemsize}").view(values.dtype)
    table = colours[steps(every.astype(np.float64), scale, levels, len(colours))]
    painted: NDArray[np.uint32] = table[values.view(every.view(f"u{values.dtype.itemsize}").dtype)]
    return painted


def numbers(values: NDArray[Any], done: Bool2D | None) -> Bool2D | None:
    """The positions that count for levels: done and finite; None: all."""
    if values.dtype.kind != "f":
        return done
    finite = np.isfinite(values)
    if done is not None:
        finite &= done
    return None if finite.all() else finite


def _levels(picture: Picture, display: Display, shown: Bool2D | None, sample: NDArray[Any]) -> Levels:
    levels = auto_levels(picture.values, shown, sample)
    if colour_maps.is_diverging(display.colour_map):
        return about_zero(levels)
    return whole_turn(levels, picture.unit) if colour_maps.is_cyclic(display.colour_map) else levels


def leave_out(argb: NDArray[np.uint32], picture: Picture, done: Bool2D | None) -> None:
    """Make positions without a value transparent, or where an estimate is wanted half so, in place."""
    if picture.values.dtype.kind == "f":
        argb[np.isnan(picture.values)] = 0
    if done is None:
        return
    argb[~done] = 0
    if picture.estimated:
        guess = fill_estimate(argb, done & (argb != 0))
        waiting = ~done if picture.failed is None else ~done & ~picture.failed
        argb[waiting] = (guess[waiting] >> np.uint32(1)) & DIM


def number_count(values: NDArray[Any], shown: Bool2D | None) -> int:
    """How many values are numbers."""
    return values.size if shown is None else int(np.count_nonzero(shown))


def outliers(sample: NDArray[Any], levels: Levels) -> tuple[float, float]:
    """The parts of the sample below and above the levels."""
    if not sample.size:
        return 0.0, 0.0
    below, above = np.count_nonzero(sample < levels[0]), np.count_nonzero(sample > levels[1])
    return below / sample.size, above / sample.size
