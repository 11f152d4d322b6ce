"""Perceptually uniform colour maps by name: what a value between darkest and brightest looks like.

The tables are those of matplotlib and of Peter Kovesi's CET set, as pyqtgraph and colorcet ship them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

SIZE = 256
FALLBACK = "gray"


class ColourMap(NamedTuple):
    """A colour map: the name that a Display holds, what a user reads, its kind and where its table is."""

    name: str
    label: str
    kind: str
    source: str


MAPS = (
    ColourMap("gray", "Grey", "sequential", ""),
    ColourMap("gray_r", "Grey, inverted", "sequential", ""),
    ColourMap("inferno", "Inferno", "sequential", "pyqtgraph"),
    ColourMap("magma", "Magma", "sequential", "pyqtgraph"),
    ColourMap("plasma", "Plasma", "sequential", "pyqtgraph"),
    ColourMap("viridis", "Viridis", "sequential", "pyqtgraph"),
    ColourMap("cividis", "Cividis", "sequential", "pyqtgraph"),
    ColourMap("fire", "Fire", "sequential", "colorcet"),
    ColourMap("bgy", "Blue–green–yellow", "sequential", "colorcet"),
    ColourMap("kbc", "Black–blue–cyan", "sequential", "colorcet"),
    ColourMap("coolwarm", "Blue–white–red", "diverging", "colorcet"),
    ColourMap("bkr", "Blue–black–red", "diverging", "colorcet"),
    ColourMap("bwy", "Blue–white–yellow", "diverging", "colorcet"),
    ColourMap("colorwheel", "Colour wheel", "cyclic", "colorcet"),
    ColourMap("cyclic_mygbm_50_90_c46", "Colour wheel, even light", "cyclic", "colorcet"),
    ColourMap("CET_C2", "Colour wheel, six hues", "cyclic", "colorcet"),
    ColourMap("CET_C4", "Blue–white–red circle", "cyclic", "colorcet"),
)
KINDS = {
    "sequential": "From dark to bright",
    "diverging": "About zero",
    "cyclic": "Angles",
}
_BY_NAME = {colour_map.name: colour_map for colour_map in MAPS}


def known(name: str) -> ColourMap:
    """The colour map of this name; grey where the name is not known (a session of another version)."""
    return _BY_NAME.get(name, _BY_NAME[FALLBACK])


def is_diverging(name: str) -> bool:
    """Whether the middle of the map stands for zero, so that levels lie evenly about it."""
    return known(name).kind == "diverging"


def is_cyclic(name: str) -> bool:
    """Whether both ends of the map are one colour, so that levels span a whole turn."""
    return known(name).kind == "cyclic"


@cache
def table(name: str) -> NDArray[np.uint8]:
    """Red, green and blue of a map's steps from darkest to brightest, (256, 3) uint8, read-only."""
    rgb = _table(known(name))
    rgb.flags.writeable = False
    return rgb


@cache
def argb(name: str) -> NDArray[np.uint32]:
    """The same as opaque ``0xAARRGGBB``, (256,) uint32, read-only: one pixel of a QImage in one number."""
    packed = pack(table(name))
    packed.flags.writeable = False
    return packed


def pack(rgb: NDArray[Any]) -> NDArray[np.uint32]:
    """Red, green, blue (..., 3) of 0 to 255 as opaque ``0xAARRGGBB`` (...)."""
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    packed: NDArray[np.uint32] = np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue
    return packed


def _table(colour_map: ColourMap) -> NDArray[np.uint8]:
    if colour_map.source == "pyqtgraph":
        return np.array(pg.colormap.get(colour_map.name).getLookupTable(nPts=SIZE, alpha=False), dtype=np.uint8)
    if colour_map.source == "colorcet":
        import colorcet  # takes 80 ms to load, and few pictures use it

        return _from_hex(colorcet.palette[colour_map.name])
    grey = np.repeat(np.arange(SIZE, dtype=np.uint8)[:, None], 3, axis=1)
    return grey[::-1].copy() if colour_map.name == "gray_r" else grey


def _from_hex(colours: Any) -> NDArray[np.uint8]:
    return np.array([list(bytes.fromhex(colour.lstrip("#"))) for colour in colours], dtype=np.uint8)
