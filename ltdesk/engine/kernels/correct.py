"""Kernels that correct frames: dark and gain in one go over a block that stays in the cache, then the dead pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

PIXELS_AT_ONCE = 2048
"""Dark and gain of so many pixels, 32 KiB, stay in the first-level cache while all frames of a block go over them."""


def dark_and_gain(flat: NDArray[Any], stride: int, span: tuple[int, int], dark: Any, gain: Any, out: Any) -> None:
    """Write ``(frame - dark) * gain``, computed in float64, for pixels `span` of each frame to ``out (n, pixels)``.

    dark, gain : (pixels) float64
    """
    _dark_and_gain(flat, stride, span[0], span[1], dark, gain, out)


@njit(nogil=True, cache=True)
def _apply(row, dark, gain, out):  # type: ignore[no-untyped-def]
    for p in range(out.size):
        out[p] = (np.float64(row[p]) - dark[p]) * gain[p]


@njit(nogil=True, cache=True)
def _dark_and_gain(flat, stride, start, stop, dark, gain, out):  # type: ignore[no-untyped-def]
    for a in range(start, stop, PIXELS_AT_ONCE):
        b = min(a + PIXELS_AT_ONCE, stop)
        for f in range(out.shape[0]):
            at = f * stride
            _apply(flat[at + a : at + b], dark[a:b], gain[a:b], out[f, a:b])


@njit(nogil=True, cache=True)
def copy_pixels(flat, stride, start, stop, out):  # type: ignore[no-untyped-def]
    """Write pixels start to stop of each frame to ``out (n, pixels)``."""
    for f in range(out.shape[0]):
        out[f, start:stop] = flat[f * stride + start : f * stride + stop]


@njit(nogil=True, cache=True)
def patch_floats(out, dead, starts, near):  # type: ignore[no-untyped-def]
    """Give each dead pixel of ``out (n, pixels)`` the mean of its neighbours, in float64; 0 where it has none.

    The neighbours of ``dead[i]`` are ``near[starts[i] : starts[i + 1]]``.
    """
    for f in range(out.shape[0]):
        for i in range(dead.size):
            total = 0.0
            for j in range(starts[i], starts[i + 1]):
                total += np.float64(out[f, near[j]])
            count = starts[i + 1] - starts[i]
            out[f, dead[i]] = total / count if count else 0.0


def patch_integers(out: NDArray[Any], dead: Any, starts: Any, near: Any) -> None:
    """The same, rounded to the nearest whole number, halves up; exact, whatever the numbers."""
    _PATCH[out.dtype.kind](out, dead, starts, near)


def _patching(kind: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def run(out, dead, starts, near):  # type: ignore[no-untyped-def]
        for f in range(out.shape[0]):
            for i in range(dead.size):
                count = kind(starts[i + 1] - starts[i])
                whole, rest = kind(0), kind(0)
                for j in range(starts[i], starts[i + 1]):
                    value = kind(out[f, near[j]])
                    quotient = kind(value // count)
                    whole = kind(whole + quotient)  # quotients and remainders cannot overflow, a sum could
                    rest = kind(rest + (value - quotient * count))
                if count:
                    whole = kind(whole + (kind(2) * rest + count) // (kind(2) * count))
                out[f, dead[i]] = whole

    return run


_PATCH: dict[str, Callable[..., None]] = {"u": _patching(np.uint64), "i": _patching(np.int64)}
