"""Mean and sum of squared deviations of floats, frame by frame (Welford 1962), and two of them as one (Chan 1979).

A difference of large sums would lose what a small spread around a large mean leaves; these do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 4096
"""Pixels whose mean and deviations (64 KiB) stay in the second-level cache."""


@njit(nogil=True, cache=True)
def _rows4(mean, m2, w0, w1, w2, w3, r0, r1, r2, r3):  # type: ignore[no-untyped-def]
    for p in range(mean.size):
        m, q = mean[p], m2[p]
        d = r0[p] - m
        m += d * w0
        q += d * (r0[p] - m)
        d = r1[p] - m
        m += d * w1
        q += d * (r1[p] - m)
        d = r2[p] - m
        m += d * w2
        q += d * (r2[p] - m)
        d = r3[p] - m
        m += d * w3
        q += d * (r3[p] - m)
        mean[p], m2[p] = m, q


@njit(nogil=True, cache=True)
def _row(mean, m2, weight, r):  # type: ignore[no-untyped-def]
    for p in range(mean.size):
        d = r[p] - mean[p]
        mean[p] += d * weight
        m2[p] += d * (r[p] - mean[p])


@njit(nogil=True, cache=True)
def add_deviations(flat, stride, n, count, mean, m2):  # type: ignore[no-untyped-def]
    """Add n frames of floats to the ``mean (p)`` and ``m2 (p) float64`` of `count` frames."""
    for i in range(0, mean.size, BLOCK):
        j = min(i + BLOCK, mean.size)
        m, q = mean[i:j], m2[i:j]
        for f in range(0, n - n % 4, 4):
            s, t, k = f * stride + i, f * stride + j, count + f
            _rows4(
                m,
                q,
                1.0 / (k + 1),
                1.0 / (k + 2),
                1.0 / (k + 3),
                1.0 / (k + 4),
                flat[s:t],
                flat[s + stride : t + stride],
                flat[s + 2 * stride : t + 2 * stride],
                flat[s + 3 * stride : t + 3 * stride],
            )
        for f in range(n - n % 4, n):
            _row(m, q, 1.0 / (count + f + 1), flat[f * stride + i : f * stride + j])


def merge_deviations(
    count: int,
    mean: NDArray[np.float64],
    m2: NDArray[np.float64],
    new_count: int,
    new_mean: NDArray[np.float64],
    new_m2: NDArray[np.float64],
) -> None:
    """Make ``mean`` and ``m2`` of `count` frames those of `count` and `new_count` frames together."""
    total = count + new_count
    if new_count == 0:
        return
    difference: NDArray[Any] = new_mean - mean
    mean += difference * (new_count / total)
    m2 += new_m2 + difference * difference * (count * new_count / total)
