"""Folds over frames, pixel by pixel: sum and maximum.

Sums of 8 and 16 bits are kept in 32 bits for a while: twice the pixels to a register; those of counts in 16 bits where
that does (`counts`). Wider integers take eight frames to one load of the accumulator. Float sums go frame by frame, so
that they come out the same wherever the tile was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.kernels.counts import is_counts, sum_in_rows
from ltdesk.engine.kernels.rows import U64, add_each, adding
from ltdesk.engine.kernels.steps import Step, compiled, frames_at, row_at, with_words

BLOCK = 16384
"""Long rows keep the memory's prefetcher busy: 4.2 ms against 6.3 with rows of 2048, where reading takes 4.2."""
CACHED_BLOCK = 2048
"""What is in the cache already is summed in rows whose sums stay in the first-level one."""


def sum_step(pixel: np.dtype[Any], acc: NDArray[Any]) -> Step:
    """Adds frames to ``acc (p)``: int64, uint64 or float64 as `sum_dtype` says."""
    return with_words(_sum_step(pixel), acc)


@cache
def _sum_step(pixel: np.dtype[Any]) -> int:
    total = sum_dtype(pixel).type
    run: Any = _sum_narrow if pixel.itemsize <= 2 else _SUM_WIDE.get(pixel.kind, _sum_float)
    if is_counts(pixel):
        run = sum_in_rows

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        acc = row_at(words, 0, total)
        flat = frames_at(pixels, n, stride, acc.size)
        run(flat, stride, n, acc, CACHED_BLOCK if cached else BLOCK)

    return compiled(pixel, step)


_, _narrow_rows8, _narrow_row = adding(np.int32)


@njit(nogil=True, cache=True)
def _sum_narrow(flat, stride, n, acc, block):  # type: ignore[no-untyped-def]
    narrow = np.empty(min(block, acc.size), dtype=np.int32)
    for i in range(0, acc.size, block):
        j = min(i + block, acc.size)
        part = narrow[: j - i]
        part[:] = np.int32(0)
        for f in range(0, n - n % 8, 8):
            _narrow_rows8(part, flat, U64(f * stride + i), U64(stride))
        for f in range(n - n % 8, n):
            _narrow_row(part, flat, U64(f * stride + i))
        add_each(acc[i:j], part)


def _sum_wide(kind: Any) -> Callable[..., None]:
    _, rows8, row = adding(kind)

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, acc, block):  # type: ignore[no-untyped-def]
        for i in range(0, acc.size, block):
            part = acc[i : min(i + block, acc.size)]
            for f in range(0, n - n % 8, 8):
                rows8(part, flat, U64(f * stride + i), U64(stride))
            for f in range(n - n % 8, n):
                row(part, flat, U64(f * stride + i))

    return run


@njit(nogil=True, cache=True)
def _sum_float_rows4(acc, r0, r1, r2, r3):  # type: ignore[no-untyped-def]
    for p in range(acc.size):
        acc[p] = (((acc[p] + r0[p]) + r1[p]) + r2[p]) + r3[p]


@njit(nogil=True, cache=True)
def _sum_float_row(acc, r):  # type: ignore[no-untyped-def]
    for p in range(acc.size):
        acc[p] += r[p]


@njit(nogil=True, cache=True)
def _sum_float(flat, stride, n, acc, block):  # type: ignore[no-untyped-def]
    for i in range(0, acc.size, block):
        j = min(i + block, acc.size)
        part = acc[i:j]
        for f in range(0, n - n % 4, 4):
            s, t = f * stride + i, f * stride + j
            _sum_float_rows4(
                part,
                flat[s:t],
                flat[s + stride : t + stride],
                flat[s + 2 * stride : t + 2 * stride],
                flat[s + 3 * stride : t + 3 * stride],
            )
        for f in range(n - n % 4, n):
            _sum_float_row(part, flat[f * stride + i : f * stride + j])


@njit(nogil=True, cache=True)
def raise_row(acc, r):  # type: ignore[no-untyped-def]
    """Raise ``acc (p)`` to the row's values where those are larger; a NaN stays."""
    for p in range(acc.size):
        a, v = acc[p], r[p]
        acc[p] = v if (v > a or v != v) else a


@njit(nogil=True, cache=True)
def _raise_rows4(acc, r0, r1, r2, r3):  # type: ignore[no-untyped-def]
    for p in range(acc.size):
        a, v = acc[p], r0[p]
        a = v if (v > a or v != v) else a
        v = r1[p]
        a = v if (v > a or v != v) else a
        v = r2[p]
        a = v if (v > a or v != v) else a
        v = r3[p]
        acc[p] = v if (v > a or v != v) else a


@njit(nogil=True, cache=True)
def max_frames(flat, stride, n, acc):  # type: ignore[no-untyped-def]
    """Raise ``acc (p)``, of the pixels' dtype, to the largest of n frames; a NaN stays."""
    for i in range(0, acc.size, BLOCK):
        j = min(i + BLOCK, acc.size)
        part = acc[i:j]
        for f in range(0, n - n % 4, 4):
            s, t = f * stride + i, f * stride + j
            _raise_rows4(
                part,
                flat[s:t],
                flat[s + stride : t + stride],
                flat[s + 2 * stride : t + 2 * stride],
                flat[s + 3 * stride : t + 3 * stride],
            )
        for f in range(n - n % 4, n):
            raise_row(part, flat[f * stride + i : f * stride + j])


_SUM_WIDE = {"u": _sum_wide(np.uint64), "i": _sum_wide(np.int64)}
