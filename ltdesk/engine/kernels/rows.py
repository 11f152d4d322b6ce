"""Rows of frames added up: eight frames to one load of the sums.

Places in arrays are `U64`: of what can't be negative nobody asks whether it is, and so loops are vectorised. Rows are
named by their place in the flat array, since making a slice of it counts references: 30 to 40 ns each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

U64 = np.uint64


class Adding(NamedTuple):
    """Compiled functions that add pixels in integers of one kind.

    eight : ``(flat, i, step)``: the sum of eight pixels, `step` apart
    rows8 : ``(sums, flat, at, step)``: adds eight frames' pixels from place `at` on to ``sums (p)``
    row : ``(sums, flat, at)``: adds one frame's
    """

    eight: Callable[..., Any]
    rows8: Callable[..., None]
    row: Callable[..., None]


def adding(kind: Any) -> Adding:
    """For sums in `kind`, whose overflow is the caller's care."""

    @njit(nogil=True, cache=True)
    def eight(flat, i, step):  # type: ignore[no-untyped-def]
        a = kind(kind(flat[i]) + kind(flat[i + step]))
        b = kind(kind(flat[i + U64(2) * step]) + kind(flat[i + U64(3) * step]))
        c = kind(kind(flat[i + U64(4) * step]) + kind(flat[i + U64(5) * step]))
        d = kind(kind(flat[i + U64(6) * step]) + kind(flat[i + U64(7) * step]))
        return kind(kind(a + b) + kind(c + d))

    @njit(nogil=True, cache=True)
    def rows8(sums, flat, at, step):  # type: ignore[no-untyped-def]
        for p in range(U64(sums.size)):
            sums[p] = kind(sums[p] + eight(flat, at + p, step))

    @njit(nogil=True, cache=True)
    def row(sums, flat, at):  # type: ignore[no-untyped-def]
        for p in range(U64(sums.size)):
            sums[p] = kind(sums[p] + kind(flat[at + p]))

    return Adding(eight, rows8, row)


@njit(nogil=True, cache=True)
def add_each(total, part):  # type: ignore[no-untyped-def]
    """Add ``part (p)`` to ``total (p)``: in place, numpy's own ``+=`` takes four times as long here."""
    for p in range(total.size):
        total[p] += part[p]
