"""Several detectors' images in one picture: each in its colour, each with a contrast of its own, added as light."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.session import Display
from ltdesk.ui.pictures.display_scale import DisplayScale, scale_for
from ltdesk.ui.pictures.levels import Histogram, Levels, auto_levels, histogram, sample_of
from ltdesk.ui.pictures.prepare import BLOCK, Picture, Prepared, Status, number_count, numbers, stencils, steps
from ltdesk.ui.pictures.raster import pyramid

STEPS = 256


class Layer(NamedTuple):
    """One detector's image ``(h, w)`` in a composite, its `valid` positions (None: all), its ``#rrggbb``, its name,
    its `failed` positions (None: none), how many have no frame in the file.
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_] | None
    colour: str
    name: str = ""
    failed: NDArray[np.bool_] | None = None
    missing: int = 0


def prepare_composite(layers: Sequence[Layer], display: Display, *, unit: str = "", status: Status = "") -> Prepared:
    """Layers of one shape, added as light. A position is shown where all layers have it. At least one layer."""
    pictures = tuple(Picture(x.values, x.valid, x.failed, unit, status, x.name, x.missing) for x in layers)
    colours = tuple(x.colour for x in layers)
    parts = [_prepare_layer(picture, display, colour) for picture, colour in zip(pictures, colours, strict=True)]
    argb = _added(parts)
    valid = _all([picture.valid for picture in pictures])
    shown = _all([part.shown for part in parts])
    if shown is not None:
        argb[~shown] = 0
    failed = _any([picture.failed for picture in pictures])
    missing = min(picture.missing for picture in pictures)  # where one's are to come, all wait
    whole = Picture(_first_without_number(pictures), valid, failed, unit, status, missing=missing)
    return Prepared(
        layers=pictures,
        display=display,
        levels=None,
        scale=parts[0].scale,
        rasters=pyramid(argb),
        histograms=tuple(part.histogram for part in parts),
        colours=colours,
        **stencils(whole),
    )


class _Part(NamedTuple):
    picture: Picture
    shown: NDArray[np.bool_] | None
    scale: DisplayScale
    levels: Levels
    histogram: Histogram
    rgb: NDArray[np.float64]


def _prepare_layer(picture: Picture, display: Display, colour: str) -> _Part:
    values = picture.values
    shown = numbers(values, picture.done())
    sample = sample_of(values, shown)
    scale = scale_for(display.scale, sample, counts=values.dtype.kind in "iub")
    levels = auto_levels(values, shown, sample)
    curve = histogram(scale, sample, levels, number_count(values, shown))._replace(colour=colour)
    return _Part(picture, shown, scale, levels, curve, linear_light(colour))


def linear_light(colour: str) -> NDArray[np.float64]:
    """The light of red, green and blue (3,) from 0 to 1 that ``#rrggbb`` stands for (sRGB undone)."""
    shares = np.frombuffer(bytes.fromhex(colour.lstrip("#")), dtype=np.uint8) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _screen() -> NDArray[np.uint32]:
    """sRGB values of 4096 steps of light, so that colours add as light does and not as screen values."""
    light = np.linspace(0, 1, 4096)
    shares = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(shares * 255).astype(np.uint32)


SCREEN = _screen()


def _added(parts: list[_Part]) -> NDArray[np.uint32]:
    shape = parts[0].picture.shape
    painted = np.empty(shape[0] * shape[1], dtype=np.uint32)
    tables = [_light_table(part.rgb) for part in parts]
    for start in range(0, painted.size, BLOCK):
        block = np.s_[start : start + BLOCK]
        light = np.zeros((3, painted[block].size), dtype=np.float32)
        for part, table in zip(parts, tables, strict=True):
            step = steps(part.picture.values.reshape(-1)[block], part.scale, part.levels, STEPS)
            light += table[:, step]
        red, green, blue = SCREEN[np.minimum(light * 4095, 4095).astype(np.intp)]
        painted[block] = np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue
    return painted.reshape(shape)


def _light_table(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
    """Light of each step (3, STEPS): even steps on the screen, not of light, as a grey map has them."""
    shares = np.linspace(0, 1, STEPS)
    light = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return (rgb[:, None] * light).astype(np.float32)


def _all(masks: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    given = [mask for mask in masks if mask is not None]
    return reduce(np.logical_and, given) if given else None


def _any(masks: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    given = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, given) if given else None


def _first_without_number(pictures: tuple[Picture, ...]) -> NDArray[Any]:
    """Values that are NaN where any layer's is."""
    nans = [np.isnan(picture.values) for picture in pictures if picture.values.dtype.kind == "f"]
    if not nans:
        return pictures[0].values
    return np.where(reduce(np.logical_or, nans), np.nan, 0.0)
