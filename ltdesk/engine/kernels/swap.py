"""Frames of a foreign byte order, made native a block at a time.

In the cache and into one and the same piece of memory, only the rows that are looked at: numpy's own conversion takes
as long again as reading, and fresh arrays cost their pages. u16, one thread, a ring, time against the native order:
2.35 -> 1.46, without Python between blocks 1.23. Asking ahead makes it slower: the processor's own prefetchers see
such plain loops.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numba.extending import intrinsic
from numpy.typing import NDArray

from ltdesk.engine.kernels.frames import Frames, as_frames
from ltdesk.engine.kernels.steps import Made, compiled, frames_at, table_at, with_words


def native_frames(tile: NDArray[Any], rows: tuple[int, int], space: NDArray[Any]) -> Frames:
    """The frames of a tile ``(n, ky, kx)`` of foreign byte order, in `space` ``(n or more, ky, kx)``, native.

    rows : of each frame, (start, stop), that are converted; the others hold anything
    """
    n, _, kx = tile.shape
    words = as_frames(tile.view(f"=u{tile.itemsize}"))
    target = space[:n]
    into = target.view(words.flat.dtype).reshape(n, -1)
    _swap_rows(words.flat, words.stride, rows[0] * kx, rows[1] * kx, into)
    return as_frames(target)


def swapping(tile: NDArray[Any], rows: tuple[int, int], space: NDArray[Any]) -> tuple[Frames, Made]:
    """A tile of foreign byte order for `taking`, as it is, and what is made of it in `space` ``(block, ky, kx)``."""
    words, native = as_frames(tile.view(f"=u{tile.itemsize}")), as_frames(space)
    start, stop = (row * words.shape[1] for row in rows)
    out = native.flat.view(words.flat.dtype).reshape(native.n, -1)
    return words, Made(with_words(_swap_step(words.flat.dtype), start, stop, out), native)


@cache
def _swap_step(word: np.dtype[Any]) -> int:
    kind = word.type

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        start, stop = words[0], words[1]
        _swap_rows(frames_at(pixels, n, stride, stop), stride, start, stop, table_at(words, 2, kind)[:n])

    return compiled(word, step)


@intrinsic
def _swapped(typing_context: Any, word: Any) -> Any:
    """A word with its bytes in the other order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bswap(arguments[0])

    return word(word), generate


@njit(nogil=True, cache=True)
def _swap_row(row, out):  # type: ignore[no-untyped-def]
    for p in range(out.size):
        out[p] = _swapped(row[p])  # type: ignore[call-arg]


@njit(nogil=True, cache=True)
def _swap_rows(flat, stride, start, stop, out):  # type: ignore[no-untyped-def]
    for f in range(out.shape[0]):
        _swap_row(flat[f * stride + start : f * stride + stop], out[f, start:stop])
