"""Sums of frames over many disjoint sets of pixels at once: rings of a radial profile, any label image.

Every pixel has the number of its bin. Eight frames are taken together with their accumulators side by side, so that
one load of the number and one vector addition serve eight pixels: 4.5 times the time of reading, one thread, against
11.5 a frame at a time, and 9.6 pixel lists sorted by bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.masks import segments


class Labels:
    """Which bin each pixel is in, as the kernel takes it.

    Parameters
    ----------
    of_pixels : (ky, kx) integers; negative ones are in no bin
    bins : how many bins there are
    """

    def __init__(self, of_pixels: NDArray[Any], bins: int) -> None:
        flat = of_pixels.ravel()
        self.bins = bins
        self.counts = np.bincount(flat[flat >= 0], minlength=bins)
        self.where = segments(flat >= 0)
        self.flat = np.where(flat >= 0, flat, bins).astype(np.uint32)


def bin_sums(flat: NDArray[Any], stride: int, labels: Labels, out: NDArray[Any]) -> None:
    """Write the sum of each frame in each bin to ``out (n, bins)``, int64, uint64 or float64 as `sum_dtype` says."""
    beside = np.empty((labels.bins + 1, 8), dtype=out.dtype)  # the last takes what is in no bin
    _bin_sums(flat, stride, labels.where, labels.flat, beside, out)


@njit(nogil=True, cache=True)
def _add8(sums, bins, r0, r1, r2, r3, r4, r5, r6, r7):  # type: ignore[no-untyped-def]
    for p in range(bins.size):
        b = bins[p]
        sums[b, 0] += r0[p]
        sums[b, 1] += r1[p]
        sums[b, 2] += r2[p]
        sums[b, 3] += r3[p]
        sums[b, 4] += r4[p]
        sums[b, 5] += r5[p]
        sums[b, 6] += r6[p]
        sums[b, 7] += r7[p]


@njit(nogil=True, cache=True)
def _bin_sums(flat, stride, where, bins, sums, out):  # type: ignore[no-untyped-def]
    last = out.shape[0] - 1
    for f in range(0, out.shape[0], 8):  # the last frame fills up what is missing to eight
        sums[:] = 0
        for s in range(where.shape[0]):
            i, j = where[s, 0], where[s, 1]
            _add8(
                sums,
                bins[i:j],
                flat[f * stride + i : f * stride + j],
                flat[min(f + 1, last) * stride + i : min(f + 1, last) * stride + j],
                flat[min(f + 2, last) * stride + i : min(f + 2, last) * stride + j],
                flat[min(f + 3, last) * stride + i : min(f + 3, last) * stride + j],
                flat[min(f + 4, last) * stride + i : min(f + 4, last) * stride + j],
                flat[min(f + 5, last) * stride + i : min(f + 5, last) * stride + j],
                flat[min(f + 6, last) * stride + i : min(f + 6, last) * stride + j],
                flat[min(f + 7, last) * stride + i : min(f + 7, last) * stride + j],
            )
        for k in range(min(8, out.shape[0] - f)):
            for b in range(out.shape[1]):
                out[f + k, b] = sums[b, k]
