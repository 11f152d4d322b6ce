"""Counted electrons of the demo scan: Poisson counts of expected frames, several times as quick as pixel by pixel
from the distribution's formula.

A Poisson count of λ is the sum of one of a and one of λ - a, for any a below λ. So most of a pixel's count is looked up
in a table for the multiple of 1 / STEPS below λ; what is left is so small that it gives 0 nearly always.
"""

from __future__ import annotations

from functools import cache
from math import exp

import numba
import numpy as np
from numpy.typing import NDArray

import ltdesk.engine.kernels  # noqa: F401  it says where compiled code is kept
from ltdesk.engine.demo.crystal import Float

STEPS = 32  # table rows per electron
MOST = 8.0  # electrons from which on numpy's own method is the quicker one
COUNTS = 48  # of a table row; a larger count of less than MOST has no weight left in a float64
GUIDES = 256  # per table row
HALVES = float(1 << 26)  # a uniform number of 53 bits is two of 26 and 27 bits


@cache
def tables() -> tuple[Float, NDArray[np.uint8]]:
    """Probability of at most k counts for each multiple of 1 / STEPS ``(rows, COUNTS)``; and, to begin the search in it
    where it will end, the count that belongs to each n / GUIDES ``(rows, GUIDES)``."""
    expected = np.arange(int(MOST * STEPS))[:, None] / STEPS
    ratios = np.concatenate([np.exp(-expected), expected / np.arange(1, COUNTS)], 1)
    at_most = np.cumsum(np.cumprod(ratios, 1), 1)
    starts = np.arange(GUIDES) / GUIDES
    guides = np.array([np.searchsorted(row, starts, side="right") for row in at_most], np.uint8)
    return at_most, guides


def count(expected: Float, rng: np.random.Generator, out: NDArray[np.uint16]) -> None:
    """Writes a count of each pixel of `expected` ``(ky, kx)`` into `out`."""
    _count_few(expected, rng.random(expected.shape), *tables(), out)
    many = expected >= MOST
    out[many] = rng.poisson(expected[many])


@numba.njit(cache=True, nogil=True)
def _count_few(
    expected: Float, drawn: Float, at_most: Float, guides: NDArray[np.uint8], out: NDArray[np.uint16]
) -> None:
    """Counts the pixels below MOST; `drawn` are uniform numbers, one a pixel."""
    for j in range(expected.shape[0]):
        for i in range(expected.shape[1]):
            mean = expected[j, i]
            if mean >= MOST:
                continue
            row, both = int(mean * STEPS), drawn[j, i] * HALVES
            whole = int(both)
            uniform = whole / HALVES
            counts = int(guides[row, int(uniform * GUIDES)])
            while counts < COUNTS - 1 and uniform >= at_most[row, counts]:
                counts += 1
            out[j, i] = counts + _of_rest(mean - row / STEPS, both - whole)


@numba.njit(cache=True, nogil=True)
def _of_rest(mean: float, uniform: float) -> int:
    """A count of a `mean` below 1 / STEPS."""
    if uniform < 1 - mean:  # less than exp(-mean): the usual case costs no exponential
        return 0
    chance, counts = exp(-mean), 0
    left = uniform - chance
    while left >= 0 and counts < COUNTS:
        counts += 1
        chance *= mean / counts
        left -= chance
    return counts
