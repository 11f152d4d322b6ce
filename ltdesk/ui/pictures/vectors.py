"""A picture of vectors: direction as colour, length as brightness, with the colour wheel that tells which is which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.session import Display
from ltdesk.ui.pictures import colour_maps
from ltdesk.ui.pictures.display_scale import DisplayScale, scale_for
from ltdesk.ui.pictures.levels import Levels, auto_levels, histogram, sample_of
from ltdesk.ui.pictures.prepare import (
    Bool2D,
    Picture,
    Prepared,
    Status,
    leave_out,
    number_count,
    numbers,
    outliers,
    stencils,
    steps,
)
from ltdesk.ui.pictures.raster import Raster, pyramid, raster

USUAL_WHEEL = "cyclic_mygbm_50_90_c46"
"""Its hues are about equally light, so that light is left to tell the length."""
SHADES = 64


class Vectors(NamedTuple):
    """Vectors on a scan or frame: components along y and x ``(h, w)``, with what a `Picture` has besides."""

    y: NDArray[Any]
    x: NDArray[Any]
    valid: Bool2D | None = None
    failed: Bool2D | None = None
    unit: str = ""
    status: Status = ""
    missing: int = 0


def prepare_vectors(vectors: Vectors, display: Display) -> Prepared:
    """Direction as hue (a cyclic colour map, else the usual wheel), length as light between the levels.

    Levels, scale and histogram are of the lengths; automatic levels begin at 0, so that no vector is black.
    """
    parts = tuple(
        Picture(values, vectors.valid, vectors.failed, vectors.unit, vectors.status, name, vectors.missing)
        for name, values in (("y", vectors.y), ("x", vectors.x))
    )
    dy, dx = (part.values.astype(np.float64) for part in parts)
    whole = replace(parts[0], values=np.hypot(dy, dx), name="")
    done = whole.done()
    shown = numbers(whole.values, done)
    sample = sample_of(whole.values, shown)
    scale = scale_for(display.scale, sample, counts=False)
    levels = display.levels or (0.0, auto_levels(whole.values, shown, sample)[1])
    argb = paint_vectors(dy, dx, scale, levels, display.colour_map)
    leave_out(argb, whole, done)
    return Prepared(
        layers=(whole, *parts),
        display=display,
        levels=levels,
        scale=scale,
        rasters=pyramid(argb),
        histograms=(histogram(scale, sample, levels, number_count(whole.values, shown)),),
        outliers=outliers(sample, levels),
        wheel=True,
        **stencils(whole),
    )


def paint_vectors(
    dy: NDArray[np.float64], dx: NDArray[np.float64], scale: DisplayScale, levels: Levels, colour_map: str
) -> NDArray[np.uint32]:
    """The colour of each vector as ``0xAARRGGBB``: hue by direction (0° is +x, growing towards +y), light by length."""
    table = shaded_wheel(colour_map)
    with np.errstate(invalid="ignore"):
        turn = np.nan_to_num(np.arctan2(dy, dx) / (2 * np.pi))
    hue = np.rint(turn * len(table)).astype(np.intp) % len(table)
    return table[hue, steps(np.hypot(dy, dx), scale, levels, SHADES)]


def shaded_wheel(colour_map: str) -> NDArray[np.uint32]:
    """Each hue of the wheel in shades from black to full light, (hues, SHADES) ``0xAARRGGBB``."""
    rgb = colour_maps.table(colour_map if colour_maps.is_cyclic(colour_map) else USUAL_WHEEL)
    shades = np.linspace(0, 1, SHADES)
    return colour_maps.pack(np.rint(rgb[:, None, :] * shades[None, :, None]))


def wheel_picture(diameter: int, colour_map: str) -> Raster:
    """The wheel itself: at each place the colour of the vector that points there from the middle."""
    across = (np.arange(diameter) + 0.5) / diameter * 2 - 1
    dy, dx = np.broadcast_arrays(across[:, None], across[None, :])
    argb = paint_vectors(dy.copy(), dx.copy(), DisplayScale(), (0.0, 1.0), colour_map)
    return raster(np.where(np.hypot(dy, dx) <= 1, argb, np.uint32(0)))


def ring_picture(diameter: int, colour_map: str) -> Raster:
    """A ring of the colours that angles have, 0° on the right and growing downwards, as the picture's axes do."""
    across = (np.arange(diameter) + 0.5) / diameter * 2 - 1
    dy, dx = np.broadcast_arrays(across[:, None], across[None, :])
    hues = colour_maps.argb(colour_map)
    turn = np.rint(np.arctan2(dy, dx) / (2 * np.pi) * len(hues)).astype(np.intp) % len(hues)
    distance = np.hypot(dy, dx)
    return raster(np.where((distance <= 1) & (distance >= 0.5), hues[turn], np.uint32(0)))
