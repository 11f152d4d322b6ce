"""Which camera pixels are summed into one for previews, and what a mask weighs each of those bins with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.geometry import Float2D, Size2D

LARGEST = 512 << 20
"""A mask over all of so many bytes is weighed in about 30 ms on one thread."""
LARGEST_SIDE = 128
SHARE = 8
"""A cube takes at most this part of the scan: a part of the memory that a scan in memory has anyway."""


@dataclass(frozen=True)
class Bins:
    """Squares of ``factor`` pixels (y, x), from pixel (0, 0) on; those at the end may be smaller.

    frame_shape : (ky, kx)
    """

    factor: Size2D
    frame_shape: Size2D

    @property
    def shape(self) -> Size2D:
        """Bins along y and x."""
        (ky, kx), (fy, fx) = self.frame_shape, self.factor
        return -(-ky // fy), -(-kx // fx)

    @property
    def count(self) -> int:
        return self.shape[0] * self.shape[1]

    @cached_property
    def sizes(self) -> NDArray[np.float64]:
        """Pixels in each bin, ``(bins,)``."""
        return self.sums(np.ones(self.frame_shape))

    def sums(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The sum of ``pixels (ky, kx)`` in each bin, ``(bins,)``."""
        return self.fold(np.add, pixels)

    def fold(self, ufunc: np.ufunc, pixels: NDArray[Any]) -> NDArray[Any]:
        """What `ufunc` (`np.add`, `np.maximum`, …) makes of ``pixels (ky, kx)`` in each bin, ``(bins,)``."""
        ys = np.arange(0, self.frame_shape[0], self.factor[0])
        xs = np.arange(0, self.frame_shape[1], self.factor[1])
        found: NDArray[Any] = ufunc.reduceat(ufunc.reduceat(pixels, ys, axis=0), xs, axis=1)
        return found.ravel()

    def cut(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which bins ``mask (ky, kx)`` holds in part: some of their pixels, not all. ``(bins,)``"""
        found: NDArray[np.bool_] = self.fold(np.logical_or, mask) & ~self.fold(np.logical_and, mask)
        return found

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Each pixel with the value ``(bins,)`` of its bin, ``(ky, kx)``."""
        whole = np.repeat(np.repeat(values.reshape(self.shape), self.factor[0], axis=0), self.factor[1], axis=1)
        return whole[: self.frame_shape[0], : self.frame_shape[1]]


def block_dtype(dtype: np.dtype[Any], factor: Size2D) -> np.dtype[Any]:
    """What a bin's sum is kept in: integers of up to 16 bits exactly, in what cannot overflow; all else as float32."""
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    if dtype.kind not in "ui" or dtype.itemsize > 2:
        return np.dtype(np.float32)
    largest = factor[0] * factor[1] * np.iinfo(dtype).max
    if dtype.kind == "u" and largest <= np.iinfo(np.uint16).max:
        return np.dtype(np.uint16)
    return np.dtype(np.uint32 if dtype.kind == "u" else np.int32)


def bins_for(dataset: Dataset, largest: int = LARGEST) -> Bins | None:
    """The smallest bins whose sums over the scan take at most 1/`SHARE` of it and at most `largest` bytes; None where
    even the largest take more: frames of a few pixels, or a hundred million of them."""
    positions = dataset.scan_shape[0] * dataset.scan_shape[1]
    room = min(largest, dataset.nbytes // SHARE)
    for side in _sides(max(dataset.frame_shape)):
        factor = min(side, dataset.frame_shape[0]), min(side, dataset.frame_shape[1])
        bins = Bins(factor, dataset.frame_shape)
        if bins.count * positions * block_dtype(dataset.dtype, factor).itemsize <= room:
            return bins
    return None


def _sides(most: int) -> list[int]:
    """2, 3, 4, 6, 8, 12, …: halves and quarters of the usual frames, up to 128 (sums of 16 bits stay below 2**31)."""
    usual = [side for power in range(1, 7) for side in (2**power, 3 * 2 ** (power - 1))]
    return [side for side in usual if side < min(most, LARGEST_SIDE)] + [min(most, LARGEST_SIDE)]


def shares(weights: Float2D, typical: Float2D, bins: Bins) -> NDArray[np.float64]:
    """What to weigh each bin with ``(bins,)`` for a mask of ``weights (ky, kx)``.

    A bin that the mask covers in part counts with the share of a typical frame's counts that lies under the mask,
    not with that of the area: beside a bright disk the two are far apart. ``typical (ky, kx)``, not negative.
    Bins that are covered evenly keep their weight exactly.
    """
    under: NDArray[np.float64] = bins.sums(weights * typical) / bins.sums(typical)
    found: NDArray[np.float64] = np.clip(under, bins.fold(np.minimum, weights), bins.fold(np.maximum, weights))
    return found


def typical_frame(total: Float2D, counts: bool, bins: Bins) -> Float2D:
    """A sum of frames ``(ky, kx)`` as something to take shares of: above 0, even where next to nothing was counted.

    Where `counts`, one count is spread over each bin: a few counts must not say where in the bin all others are.
    """
    known = np.nan_to_num(np.maximum(total, 0.0), nan=0.0, posinf=0.0)
    prior = 1.0 / bins.sizes if counts else np.where(bins.sums(known) > 0, 0.0, 1.0)
    frame: Float2D = known + bins.spread(prior)
    return frame
