"""Weighted sums of frames with many sets of weights at once.

Pixels of 8 and 16 bits are summed by `short_weights`, all others here. Four frames meet four sets of weights in sixteen
sums that stay in registers, in float64. Pixels are taken in blocks whose places are fixed, each frame's sums for
itself: neither the frames beside it nor other weights change them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.short_weights import ShortWeights, fit, is_short
from ltdesk.engine.kernels.wide import wide_vectors

BLOCK = 4096
"""Pixels to a block: 16 sets of weights of 32 KiB stay in the second-level cache."""


class Weights:
    """Sets of weights, for pixels of any kind.

    Parameters
    ----------
    sets : (sets, ky * kx) float64; a pixel of weight 0 is not looked at
    """

    def __init__(self, sets: NDArray[np.float64]) -> None:
        self._sets = sets

    def sums(self, flat: NDArray[Any], stride: int, n: int) -> NDArray[np.float64]:
        """The sums ``(n, sets)`` of each frame with each set of weights, whatever other sets there are."""
        parts = self._for_short if is_short(flat.dtype) else self._for_all
        if len(parts) == 1:
            return parts[0][1].sums(flat, stride, n)
        out = np.empty((n, len(self._sets)))
        for which, part in parts:
            out[:, which] = part.sums(flat, stride, n)
        return out

    @cached_property
    def _for_all(self) -> list[tuple[NDArray[np.int64], WideWeights | ShortWeights]]:
        return [(np.arange(len(self._sets)), WideWeights(self._sets))]

    @cached_property
    def _for_short(self) -> list[tuple[NDArray[np.int64], WideWeights | ShortWeights]]:
        short = fit(self._sets)
        kinds = ((np.flatnonzero(short), ShortWeights), (np.flatnonzero(~short), WideWeights))
        return [(which, kind(self._sets[which])) for which, kind in kinds if which.size]


class WideWeights:
    """Sets of weights ``(sets, ky * kx) float64`` whose sums are made in float64."""

    def __init__(self, sets: NDArray[np.float64]) -> None:
        self._count, pixels = sets.shape
        self._values = np.zeros((-(-self._count // 4) * 4, pixels))
        self._values[: self._count] = sets
        starts = [i for i in range(0, pixels, BLOCK) if self._values[:, i : i + BLOCK].any()]
        self._blocks = np.array([(i, min(i + BLOCK, pixels)) for i in starts], dtype=np.int64).reshape(-1, 2)

    def sums(self, flat: NDArray[Any], stride: int, n: int) -> NDArray[np.float64]:
        """The sums ``(n, sets)`` of each frame with each set of weights."""
        out = np.zeros((n, len(self._values)))
        _SUMS[flat.dtype.kind == "f"](flat, stride, self._blocks, self._values, out)
        return out[:, : self._count]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _four_by_four(sums, r0, r1, r2, r3, w0, w1, w2, w3):  # type: ignore[no-untyped-def]
    wide_vectors()
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = 0.0
    for p in range(w0.size):
        a, b, c, d = np.float64(r0[p]), np.float64(r1[p]), np.float64(r2[p]), np.float64(r3[p])
        a0 += a * w0[p]
        a1 += a * w1[p]
        a2 += a * w2[p]
        a3 += a * w3[p]
        b0 += b * w0[p]
        b1 += b * w1[p]
        b2 += b * w2[p]
        b3 += b * w3[p]
        c0 += c * w0[p]
        c1 += c * w1[p]
        c2 += c * w2[p]
        c3 += c * w3[p]
        d0 += d * w0[p]
        d1 += d * w1[p]
        d2 += d * w2[p]
        d3 += d * w3[p]
    sums[0, 0], sums[0, 1], sums[0, 2], sums[0, 3] = a0, a1, a2, a3
    sums[1, 0], sums[1, 1], sums[1, 2], sums[1, 3] = b0, b1, b2, b3
    sums[2, 0], sums[2, 1], sums[2, 2], sums[2, 3] = c0, c1, c2, c3
    sums[3, 0], sums[3, 1], sums[3, 2], sums[3, 3] = d0, d1, d2, d3


@njit(nogil=True, cache=True)
def _is_finite(r):  # type: ignore[no-untyped-def]
    bad = 0
    for p in range(r.size):
        bad |= 1 if r[p] - r[p] != 0 else 0
    return bad == 0


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _selected(r, w):  # type: ignore[no-untyped-def]
    """Where a frame holds NaN or infinity: that counts where its weight is not 0, and nowhere else."""
    a = 0.0
    for p in range(w.size):
        a += np.float64(r[p]) * w[p] if w[p] != 0.0 else 0.0
    return a


def _sums(may_be_nan: bool) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def run(flat, stride, blocks, weights, out):  # type: ignore[no-untyped-def]
        n, last = out.shape[0], out.shape[0] - 1
        sums, at = np.empty((4, weights.shape[0])), np.empty(4, np.int64)
        for s in range(blocks.shape[0]):
            i, j = blocks[s, 0], blocks[s, 1]
            for f in range(0, n, 4):
                for k in range(4):  # the last frame fills up what is missing to four
                    at[k] = min(f + k, last) * stride
                r0, r1 = flat[at[0] + i : at[0] + j], flat[at[1] + i : at[1] + j]
                r2, r3 = flat[at[2] + i : at[2] + j], flat[at[3] + i : at[3] + j]
                for m in range(0, weights.shape[0], 4):
                    w0, w1, w2, w3 = weights[m, i:j], weights[m + 1, i:j], weights[m + 2, i:j], weights[m + 3, i:j]
                    _four_by_four(sums[:, m : m + 4], r0, r1, r2, r3, w0, w1, w2, w3)
                for k in range(min(4, n - f)):
                    if may_be_nan and not _is_finite(flat[at[k] + i : at[k] + j]):
                        for m in range(weights.shape[0]):
                            sums[k, m] = _selected(flat[at[k] + i : at[k] + j], weights[m, i:j])
                    out[f + k] += sums[k]

    return run


_SUMS = {is_float: _sums(is_float) for is_float in (False, True)}
