"""Tiles as kernels take them: flat, native byte order, aligned, read-only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.geometry import Size2D

IN_PLACE = frozenset(np.dtype(kind) for kind in ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"))
"""Pixels that kernels take as they are."""


class Frames(NamedTuple):
    """Whole frames for a kernel: frame i is ``flat[i * stride : i * stride + ky * kx]``.

    flat : 1D, native byte order, a view of the tile wherever its layout allows
    stride : pixels from one frame's start to the next's
    n : number of frames
    shape : (ky, kx)
    cached : they are in the second-level cache, since somebody has just read or made them
    """

    flat: NDArray[Any]
    stride: int
    n: int
    shape: Size2D
    cached: bool = False

    @property
    def pixels(self) -> int:
        return self.shape[0] * self.shape[1]

    def part(self, start: int, stop: int) -> Frames:
        """Frames start to stop."""
        last = (stop - 1) * self.stride + self.pixels
        return Frames(self.flat[start * self.stride : last], self.stride, stop - start, self.shape)


def as_frames(tile: NDArray[Any]) -> Frames:
    """A tile ``(n, ky, kx)`` of any dtype, byte order and alignment for a kernel.

    bool becomes uint8 and float16 float32 (exact); a foreign byte order is swapped, tile by tile, in the cache.
    """
    n, ky, kx = tile.shape
    if tile.flags.c_contiguous and tile.flags.aligned and tile.dtype in IN_PLACE:  # nearly always: in half the time
        flat = tile.reshape(-1)
        flat.flags.writeable = False  # one compiled version of each kernel, not two
        return Frames(flat, ky * kx, n, (ky, kx))
    native = _native(tile)
    itemsize = native.dtype.itemsize
    dense = native.strides[1:] == (kx * itemsize, itemsize) or 1 in (ky, kx)
    in_place = dense and native.flags.aligned and native.strides[0] >= 0 and native.strides[0] % itemsize == 0
    if not in_place or (n > 1 and native.strides[0] < ky * kx * itemsize):
        native = np.ascontiguousarray(native)
    elif not native.flags.c_contiguous:
        stride = native.strides[0] // itemsize
        length = (n - 1) * stride + ky * kx
        flat = np.lib.stride_tricks.as_strided(native, (length,), (itemsize,), writeable=False)
        return Frames(flat, stride, n, (ky, kx))
    flat = native.reshape(-1)
    flat.flags.writeable = False
    return Frames(flat, ky * kx, n, (ky, kx))


def _native(tile: NDArray[Any]) -> NDArray[Any]:
    if tile.dtype == np.bool_:
        return tile.view(np.uint8)
    if tile.dtype.kind == "f" and tile.dtype.itemsize == 2:
        return tile.astype(np.float32)
    return tile if tile.dtype.isnative else tile.astype(tile.dtype.newbyteorder("="))
