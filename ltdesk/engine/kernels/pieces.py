"""Sums inside masks that touch few of a frame's cache lines: only those lines are read.

A mask is cut into pieces of 64 bytes, each from a pixel inside on. They are added up side by side, so that no piece
ends with a sum across a vector, and those of the next four frames are asked for ahead, since the processor's own
prefetchers see no pattern between pieces; for counts that is done in registers (`four_counts`). Two threads,
256x256x128x128 u16, before that: a disk of radius 3 8.6 -> 4.1 ms, of radius
10 19 -> 11, of radius 20 36 -> 28, a ring of 20 to 40 72 -> 65. In the cache, a stretch without gaps is quicker unless
pieces make up no more than a third of it (see `masks`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.prefetch import LINE, ask_for
from ltdesk.engine.kernels.wide import wide_vectors

GAP = 8
"""Lines from one that a mask touches to the next, up to which those between are read as well."""
MOST_PIECES = 32768
"""So many pixels of 16 bits are summed in 32 bits, signed or not."""


def pieces(mask: NDArray[np.bool_], itemsize: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the pieces of a flat mask start, ``(k)``, and which of their pixels count, ``(k, pixels of 64 bytes)``.

    The last ones may overlap those before, since none ends past the frame: a pixel counts in one of them only. A frame
    smaller than a piece has none.
    """
    return _cut(mask, LINE // itemsize, 0)  # type: ignore[no-any-return]


def whole_lines(mask: NDArray[np.bool_], itemsize: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same, but in step with the frame's lines of memory, and with those of gaps up to `GAP`: where the processor
    sees one stretch of lines, it brings them by itself."""
    return _cut(mask, LINE // itemsize, GAP)  # type: ignore[no-any-return]


@njit(nogil=True, cache=True)
def _cut(mask, size, gap):  # type: ignore[no-untyped-def]
    """`pieces` with a gap of 0, else `whole_lines`."""
    firsts = np.empty(mask.size // size + 1, np.int64)
    count = _lines(mask, size, gap, firsts) if gap else _starts(mask, size, firsts)
    starts, inside = np.empty(count, np.int64), np.zeros((count, size), np.bool_)
    for s in range(count):
        starts[s] = min(firsts[s], mask.size - size)
        for p in range(firsts[s] - starts[s], size):
            inside[s, p] = mask[starts[s] + p]
    return starts, inside


@njit(nogil=True, cache=True)
def _starts(mask, size, firsts):  # type: ignore[no-untyped-def]
    """Where pieces begin, each at a pixel inside; how many."""
    count, pixel = 0, 0
    while pixel < mask.size and mask.size >= size:
        if mask[pixel]:
            firsts[count] = pixel
            count += 1
            pixel += size - 1
        pixel += 1
    return count


@njit(nogil=True, cache=True)
def _lines(mask, size, gap, firsts):  # type: ignore[no-untyped-def]
    """Where lines begin that are read; how many."""
    count, last = 0, -gap - 1
    for first in range(0, mask.size if mask.size >= size else 0, size):
        if mask[first : first + size].any():
            line = first // size
            for between in range(last + 1 if line - last <= gap else line, line + 1):
                firsts[count] = between * size
                count += 1
            last = line
    return count


def integer_pieces(pixels: int, kind: Any) -> Callable[..., Any]:
    """The loop over pieces of so many pixels of integers, sums in `kind`; selectors have all bits set inside."""

    @njit(nogil=True, cache=True)
    def add4(a, b, c, d, r0, r1, r2, r3, selector):  # type: ignore[no-untyped-def]
        wide_vectors()
        for p in range(pixels):
            k = selector[p]
            a[p] = kind(a[p] + kind(r0[p] & k))
            b[p] = kind(b[p] + kind(r1[p] & k))
            c[p] = kind(c[p] + kind(r2[p] & k))
            d[p] = kind(d[p] + kind(r3[p] & k))

    return _over_pieces(pixels, kind, add4)


def float_pieces(pixels: int) -> Callable[..., Any]:
    """The same for floats, sums in float64; selectors are not 0 inside."""

    @njit(nogil=True, cache=True)
    def add4(a, b, c, d, r0, r1, r2, r3, selector):  # type: ignore[no-untyped-def]
        wide_vectors()
        for p in range(pixels):
            inside = selector[p] != 0
            a[p] += np.float64(r0[p]) if inside else 0.0
            b[p] += np.float64(r1[p]) if inside else 0.0
            c[p] += np.float64(r2[p]) if inside else 0.0
            d[p] += np.float64(r3[p]) if inside else 0.0

    return _over_pieces(pixels, np.float64, add4)


def _over_pieces(pixels: int, kind: Any, add4: Callable[..., None]) -> Callable[..., Any]:
    last = pixels - 1

    @njit(nogil=True, cache=True)
    def run(four, flat, at, step, starts, selectors, first, stop):  # type: ignore[no-untyped-def]
        """Add four frames' pieces from `first` to `stop` to ``four (4)``; ask for those `step` pixels on."""
        sums = np.zeros((4, pixels), kind)  # made here: then the compiler knows that nothing else writes to it
        for s in range(first, stop):
            i0, i1, i2, i3 = at[0] + starts[s], at[1] + starts[s], at[2] + starts[s], at[3] + starts[s]
            if step:
                for i in (i0, i1, i2, i3):
                    ask_for(flat, i + step)
                    ask_for(flat, i + step + last)
            r0, r1 = flat[i0 : i0 + pixels], flat[i1 : i1 + pixels]
            r2, r3 = flat[i2 : i2 + pixels], flat[i3 : i3 + pixels]
            add4(sums[0], sums[1], sums[2], sums[3], r0, r1, r2, r3, selectors[s])
        for k in range(4):
            for p in range(pixels):
                four[k] += sums[k, p]

    return run
