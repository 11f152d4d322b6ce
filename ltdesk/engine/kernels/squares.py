"""Sums of pixels and of their squares over frames or within each frame, exact for integers; variances from them.

Sums are kept as digits: arrays of 64 bits that count 1, 2**32, 2**64, … Squares of wide pixels are cut into 32-bit
halves before they are added, so no digit overflows below 2**32 terms (2**30 for 64-bit pixels), and partials merge by
adding. Signed pixels are made unsigned by flipping their sign bit: a shift does not change a variance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.count_squares import add_count_squares
from ltdesk.engine.kernels.counts import is_counts
from ltdesk.engine.kernels.wide import wide_vectors

BLOCK = 16384
"""Long rows keep the memory's prefetcher busy: 11.8 ms against 14.6 with rows of 1024 where reading takes 6.4."""
NARROW_FRAMES = 65536
"""So many sums of 16 bits fit 32 bits."""
HALF, HALF_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)

Digits = Sequence[NDArray[np.uint64]]


def digit_counts(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Digits of the sum and of the sum of squares of integers of `dtype`."""
    return {1: (1, 1), 2: (1, 1), 4: (1, 2), 8: (2, 4)}[dtype.itemsize]


def add_squares(
    flat: NDArray[Any],
    stride: int,
    n: int,
    sums: Digits,
    squares: Digits,
    largest: NDArray[Any] | None = None,
) -> None:
    """Add n frames of integers to the digits of the sum and of the sum of squares, each ``(p) uint64``.

    Of counts (`is_counts`) ``largest (p)``, of the pixels' dtype, can be raised to theirs in the same loop.
    """
    size = flat.dtype.itemsize
    if is_counts(flat.dtype):
        add_count_squares(flat, stride, n, sums[0], squares[0], largest)
        return
    add = _ADD[flat.dtype.kind, size]
    for start in range(0, n, NARROW_FRAMES):
        stop = min(start + NARROW_FRAMES, n)
        add(flat[start * stride :].view(f"u{size}"), stride, stop - start, *sums, *squares)


def flip_of(kind: str, size: int) -> Any:
    """What makes a signed pixel of `size` bytes, seen as unsigned, larger by half the range."""
    return np.dtype(f"u{size}").type(1 << (8 * size - 1) if kind == "i" else 0)


def _add_narrow(flip: Any, wide: Any) -> Callable[..., None]:
    """For 8 and 16 bits: eight frames to one load of the accumulators; eight squares fit the unsigned type `wide`."""
    u32 = np.uint32

    @njit(nogil=True, cache=True)
    def rows8(s, q, r0, r1, r2, r3, r4, r5, r6, r7):  # type: ignore[no-untyped-def]
        wide_vectors()
        for p in range(s.size):
            a, b, c, d = u32(r0[p] ^ flip), u32(r1[p] ^ flip), u32(r2[p] ^ flip), u32(r3[p] ^ flip)
            e, f, g, h = u32(r4[p] ^ flip), u32(r5[p] ^ flip), u32(r6[p] ^ flip), u32(r7[p] ^ flip)
            s[p] = u32(s[p] + a + b + c + d + e + f + g + h)
            first = wide(a) * wide(a) + wide(b) * wide(b) + wide(c) * wide(c) + wide(d) * wide(d)
            last = wide(e) * wide(e) + wide(f) * wide(f) + wide(g) * wide(g) + wide(h) * wide(h)
            q[p] += wide(first + last)

    @njit(nogil=True, cache=True)
    def row(s, q, r):  # type: ignore[no-untyped-def]
        for p in range(s.size):
            v = u32(r[p] ^ flip)
            s[p] = u32(s[p] + v)
            q[p] += wide(wide(v) * wide(v))

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, sums, squares):  # type: ignore[no-untyped-def]
        narrow = np.empty(min(BLOCK, sums.size), dtype=np.uint32)
        for i in range(0, sums.size, BLOCK):
            j = min(i + BLOCK, sums.size)
            s, q = narrow[: j - i], squares[i:j]
            s[:] = u32(0)
            for f in range(0, n - n % 8, 8):
                at, to = f * stride + i, f * stride + j
                rows8(
                    s,
                    q,
                    flat[at:to],
                    flat[at + stride : to + stride],
                    flat[at + 2 * stride : to + 2 * stride],
                    flat[at + 3 * stride : to + 3 * stride],
                    flat[at + 4 * stride : to + 4 * stride],
                    flat[at + 5 * stride : to + 5 * stride],
                    flat[at + 6 * stride : to + 6 * stride],
                    flat[at + 7 * stride : to + 7 * stride],
                )
            for f in range(n - n % 8, n):
                row(s, q, flat[f * stride + i : f * stride + j])
            sums[i:j] += s

    return run


def _add_32(flip: Any) -> Callable[..., None]:
    u64 = np.uint64

    @njit(nogil=True, cache=True)
    def rows4(s, q0, q1, r0, r1, r2, r3):  # type: ignore[no-untyped-def]
        for p in range(s.size):
            a, b, c, d = u64(r0[p] ^ flip), u64(r1[p] ^ flip), u64(r2[p] ^ flip), u64(r3[p] ^ flip)
            s[p] += a + b + c + d
            a, b, c, d = a * a, b * b, c * c, d * d
            q0[p] += (a & HALF) + (b & HALF) + (c & HALF) + (d & HALF)
            q1[p] += (a >> HALF_BITS) + (b >> HALF_BITS) + (c >> HALF_BITS) + (d >> HALF_BITS)

    @njit(nogil=True, cache=True)
    def row(s, q0, q1, r):  # type: ignore[no-untyped-def]
        for p in range(s.size):
            v = u64(r[p] ^ flip)
            s[p] += v
            q0[p] += v * v & HALF
            q1[p] += v * v >> HALF_BITS

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, sums, squares0, squares1):  # type: ignore[no-untyped-def]
        for i in range(0, sums.size, _WIDE_BLOCK):
            j = min(i + _WIDE_BLOCK, sums.size)
            s, q0, q1 = sums[i:j], squares0[i:j], squares1[i:j]
            for f in range(0, n - n % 4, 4):
                at, to = f * stride + i, f * stride + j
                rows4(
                    s,
                    q0,
                    q1,
                    flat[at:to],
                    flat[at + stride : to + stride],
                    flat[at + 2 * stride : to + 2 * stride],
                    flat[at + 3 * stride : to + 3 * stride],
                )
            for f in range(n - n % 4, n):
                row(s, q0, q1, flat[f * stride + i : f * stride + j])

    return run


def _add_64(flip: Any) -> Callable[..., None]:
    """``(h * 2**32 + l)**2 = h*h * 2**64 + 2*h*l * 2**32 + l*l``, half by half."""

    @njit(nogil=True, cache=True)
    def row(s0, s1, q0, q1, q2, q3, r):  # type: ignore[no-untyped-def]
        for p in range(s0.size):
            v = np.uint64(r[p] ^ flip)
            low, high = v & HALF, v >> HALF_BITS
            s0[p] += low
            s1[p] += high
            ll, hl, hh = low * low, high * low, high * high
            q0[p] += ll & HALF
            q1[p] += (ll >> HALF_BITS) + np.uint64(2) * (hl & HALF)
            q2[p] += np.uint64(2) * (hl >> HALF_BITS) + (hh & HALF)
            q3[p] += hh >> HALF_BITS

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, s0, s1, q0, q1, q2, q3):  # type: ignore[no-untyped-def]
        for i in range(0, s0.size, _WIDE_BLOCK):
            j = min(i + _WIDE_BLOCK, s0.size)
            for f in range(n):
                r = flat[f * stride + i : f * stride + j]
                row(s0[i:j], s1[i:j], q0[i:j], q1[i:j], q2[i:j], q3[i:j], r)

    return run


_WIDE_BLOCK = 4096


def total(n: int, sums: Digits, pixel: np.dtype[Any]) -> NDArray[Any]:
    """The sum itself of n integers of type `pixel`, int64 for signed and uint64 for unsigned ones."""
    shift = n * int(flip_of(pixel.kind, pixel.itemsize)) % 2**64
    whole = sum((digit << np.uint64(32 * k) for k, digit in enumerate(sums)), start=np.zeros_like(sums[0]))
    whole -= np.uint64(shift)
    return whole.view(np.int64) if pixel.kind == "i" else whole


def variance(n: int, sums: Digits, squares: Digits) -> NDArray[np.float64]:
    """``n * squares - sums**2`` over ``n**2``, the numerator exact whatever its size; NaN where n is 0."""
    out = np.full(sums[0].shape, np.nan)
    if n:
        s = np.stack([digit.ravel() for digit in sums])
        _variance(np.uint64(n), s, np.stack([digit.ravel() for digit in squares]), out.reshape(-1))
    return out


@njit(nogil=True, cache=True)
def _limbs(digits, p, out):  # type: ignore[no-untyped-def]
    """Digit p of each row as limbs of 32 bits."""
    out[:] = np.uint64(0)
    for k in range(digits.shape[0]):
        out[k] += digits[k, p] & HALF
        out[k + 1] += digits[k, p] >> HALF_BITS
    _carry(out)


@njit(nogil=True, cache=True)
def _carry(limbs):  # type: ignore[no-untyped-def]
    for k in range(limbs.size - 1):
        limbs[k + 1] += limbs[k] >> HALF_BITS
        limbs[k] &= HALF


@njit(nogil=True, cache=True)
def _times(a, b, out):  # type: ignore[no-untyped-def]
    out[:] = np.uint64(0)
    for i in range(a.size):
        if a[i]:
            carry = np.uint64(0)
            for k in range(out.size - i):
                b_k = b[k] if k < b.size else np.uint64(0)
                value = out[i + k] + a[i] * b_k + carry
                out[i + k] = value & HALF
                carry = value >> HALF_BITS


@njit(nogil=True, cache=True)
def _variance(n, sums, squares, out):  # type: ignore[no-untyped-def]
    size = squares.shape[0] + 4
    count, s, q = (
        np.zeros(2, np.uint64),
        np.zeros(sums.shape[0] + 1, np.uint64),
        np.zeros(squares.shape[0] + 2, np.uint64),
    )
    count[0], count[1] = n & HALF, n >> HALF_BITS
    first, second = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    for p in range(out.size):
        _limbs(sums, p, s)
        _limbs(squares, p, q)
        _times(count, q, first)
        _times(s, s, second)
        borrow = np.uint64(0)
        for k in range(size):
            taken = second[k] + borrow
            borrow = np.uint64(1) if first[k] < taken else np.uint64(0)
            first[k] = (first[k] - taken) & HALF
        value = 0.0
        for k in range(size - 1, -1, -1):
            value = value * 4294967296.0 + np.float64(first[k])
        out[p] = value / (np.float64(n) * np.float64(n))


_ADD: dict[tuple[str, int], Callable[..., None]] = {
    ("i", size): _add_narrow(flip_of("i", size), np.uint32 if size == 1 else np.uint64) for size in (1, 2)
} | {(kind, size): make(flip_of(kind, size)) for kind in "ui" for size, make in ((4, _add_32), (8, _add_64))}
