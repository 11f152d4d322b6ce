"""Sums of frames inside masks, one or many.

Integers: pixels are selected by AND with a mask of ones, summed in 32 bits over blocks of pixels that cannot overflow,
blocks in 64 bits. Floats: selected by a branch-free choice, so that a NaN outside changes nothing. Four frames share
one load of the mask and stay in the cache for all masks, and only the masks' segments are read, or of a mask with
much between its rows its `pieces`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.kernels.counts import is_counts
from ltdesk.engine.kernels.four_counts import ASKS, counted_pieces, counted_sums
from ltdesk.engine.kernels.pieces import MOST_PIECES, float_pieces, integer_pieces, pieces, whole_lines
from ltdesk.engine.kernels.prefetch import LINE, ask_ahead
from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.steps import Step, compiled, frames_at, laid_out, row_at, table_at, with_words
from ltdesk.engine.kernels.wide import wide_vectors

BLOCK_PIXELS = 16384
"""16384 pixels of 16 bits sum to less than 2**31: safe in 32 bits, signed or not."""
ROW = 4096
"""Pixels of a plain sum that are asked for together."""
JOIN_GAP = 512
"""Segments closer than this many pixels are read as one: a break costs more than the pixels between.

Measured with gaps of 32 to 1024 on frames of 128 to 512 pixels: nothing is faster, a thin ring takes 0.8 of a pass
where 64 gave 1.85."""
FEW = 35
"""Pieces that make up less than so many percent of the segments are quicker in the cache, too."""
MANY = 70
"""Less than so many are quicker from memory. For floats neither that nor other masks count: the order in which a mask's
pixels are summed must not hang on what else a job does. Pieces of counts, in registers (`four_counts`), always are."""
IN_LINES = 3
"""Where the processor brings what four frames have side by side quicker than it is asked for (`ASKS`), a single mask is
read in whole lines that make up to so many times its pieces. 2.1 GB of u16 on AMD's Zen 3, two threads: a ring of 20 to
40 81 -> 70 ms, of 30 to 60 127 -> 94, of 45 to 62 132 -> 90, a disk of radius 30 60 -> 53, of 62 105 -> 90."""
NONE = 1 << 20
"""What stands for the share of no pieces at all."""
NO_SEGMENTS = np.empty((0, 2), np.int64)


def segments(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The stretches ``(start, stop)`` of a flat mask that have to be read, none longer than `BLOCK_PIXELS`."""
    most = mask.size // JOIN_GAP + mask.size // BLOCK_PIXELS + 2
    found: NDArray[np.int64] = _segments(np.flatnonzero(mask), np.empty((most, 2), np.int64))
    return found


@njit(nogil=True, cache=True)
def _segments(inside, found):  # type: ignore[no-untyped-def]
    count = 0
    for pixel in inside:
        if count == 0 or pixel - found[count - 1, 1] >= JOIN_GAP:
            found[count, 0] = pixel
            count += 1
        while pixel - found[count - 1, 0] >= BLOCK_PIXELS:
            found[count - 1, 1] = found[count, 0] = found[count - 1, 0] + BLOCK_PIXELS
            count += 1
        found[count - 1, 1] = pixel + 1
    return found[:count]


def rows_of(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The rows ``(start, stop)`` that a mask ``(ky, kx)`` touches."""
    pixels = mask.tobytes()  # in C order, of a transposed mask too
    first = pixels.find(1)
    return (first // mask.shape[1], pixels.rfind(1) // mask.shape[1] + 1) if first >= 0 else (0, 0)


def selector(mask: NDArray[np.bool_], dtype: np.dtype[Any]) -> NDArray[Any]:
    """What the kernels of `dtype` take for flat masks: all bits set inside for integers, 0/1 bytes for floats."""
    if dtype.kind == "f":
        return mask.astype(np.uint8)
    ones: NDArray[Any] = np.negative(mask.astype(dtype))
    return ones


class Masks:
    """Masks as the kernel takes them.

    Parameters
    ----------
    masks : (ky, kx) bool, one or more
    pixel : dtype of the pixels, as kernels see them

    Attributes
    ----------
    rows : of the frame, (start, stop), that are looked at
    words : for the step: all masks' segments, (start, stop); per mask the first of its segments and the end, the same
        of its pieces, and their pixels in percent, and whether they are asked for; selectors; where pieces start, and
        their selectors
    """

    def __init__(self, masks: Sequence[NDArray[np.bool_]], pixel: np.dtype[Any]) -> None:
        self._masks, self._pixel = masks, pixel
        flat = np.stack([mask.ravel() for mask in masks])
        cut, asked = [pieces(mask, pixel.itemsize) for mask in flat], 1
        if len(flat) == 1 and is_counts(pixel) and not ASKS:
            lines = whole_lines(flat[0], pixel.itemsize)
            if lines[0].size <= IN_LINES * cut[0][0].size:
                cut, asked = [lines], 0
        starts, inside = (np.concatenate(parts) for parts in zip(*cut, strict=True))
        stretches = self._stretches(flat, [at for at, _ in cut])
        shares = self._shares(flat, stretches, [at for at, _ in cut])
        bounds = zip(*_bounds(stretches), *_bounds([at for at, _ in cut]), shares, strict=True)
        layout = np.array([(*bound, asked) for bound in bounds], np.int64)
        where, chosen = np.concatenate(stretches), selector(inside, pixel)
        self.words = laid_out(where, layout, self._selectors(flat, where), starts, chosen)

    @property
    def rows(self) -> tuple[int, int]:
        return rows_of(np.logical_or.reduce(self._masks))

    def _stretches(self, flat: NDArray[np.bool_], starts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Each mask's segments; of counts none where there are pieces, which are always taken."""
        counts = is_counts(self._pixel)
        return [NO_SEGMENTS if counts and at.size else segments(mask) for mask, at in zip(flat, starts, strict=True)]

    def _shares(
        self, flat: NDArray[np.bool_], stretches: Sequence[NDArray[np.int64]], starts: Sequence[NDArray[np.int64]]
    ) -> list[int]:
        """Of each mask, pixels of its pieces in percent of its segments'."""
        itemsize, kind = self._pixel.itemsize, self._pixel.kind
        if is_counts(self._pixel):
            return [0 if at.size else NONE for at in starts]
        shares = [_share(stretch, at, itemsize) for stretch, at in zip(stretches, starts, strict=True)]
        if kind == "f" or len(flat) == 1:
            return shares
        # masks side by side read each line once as segments, not as pieces
        together = _share(segments(np.logical_or.reduce(flat)), np.concatenate(starts), itemsize)
        return [max(share, together) for share in shares]

    def _selectors(self, flat: NDArray[np.bool_], where: NDArray[np.int64]) -> NDArray[Any]:
        """Of whole masks, for their segments; where there are none nobody looks at them, but at their shape."""
        if where.size:
            return selector(flat, self._pixel)
        return np.empty(flat.shape, np.uint8 if self._pixel.kind == "f" else self._pixel)


def _share(stretches: NDArray[np.int64], starts: NDArray[np.int64], itemsize: int) -> int:
    """Pixels of the pieces that start at `starts`, in percent of the segments'; `NONE` where there are none."""
    pixels = int((stretches[:, 1] - stretches[:, 0]).sum())
    return 100 * starts.size * (LINE // itemsize) // pixels if starts.size else NONE


def _bounds(parts: Sequence[NDArray[Any]]) -> tuple[list[int], list[int]]:
    """The first of each part, and its end, once all are put together."""
    ends = [*accumulate(map(len, parts))]
    return [0, *ends[:-1]], ends


def masked_step(pixel: np.dtype[Any], masks: Masks, outs: Sequence[NDArray[Any]]) -> Step:
    """Writes the sum of each frame inside each mask to that mask's own of ``outs (n)``, as `sum_dtype` says."""
    return with_words(_masked_step(pixel), masks.words, *outs)


@cache
def _masked_step(pixel: np.dtype[Any]) -> int:
    run, total = _masked(_family(pixel), pixel.itemsize, is_counts(pixel)), sum_dtype(pixel).type
    selector_type = np.uint8 if pixel.kind == "f" else pixel.type
    few, most = (NONE, NONE) if is_counts(pixel) else (FEW, FEW if pixel.kind == "f" else MANY)

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        where, layout = table_at(words, 0, np.int64), table_at(words, 3, np.int64)
        masks, starts = table_at(words, 6, selector_type), row_at(words, 9, np.int64)
        chosen, sums = table_at(words, 11, selector_type), np.zeros((n, masks.shape[0]), total)
        flat = frames_at(pixels, n, stride, masks.shape[1])
        run(flat, stride, where, layout, masks, starts, chosen, cached, few if cached else most, sums)
        for m in range(masks.shape[0]):
            out = row_at(words, 14 + 2 * m, total)
            for f in range(n):
                out[first + f] = sums[f, m]

    return compiled(pixel, step)


def plain_step(pixel: np.dtype[Any], pixels: int, out: NDArray[Any]) -> Step:
    """Writes the sum of each whole frame of so many pixels to ``out (n)``, as `sum_dtype` says."""
    return with_words(_plain_step(pixel), pixels, out)


@cache
def _plain_step(pixel: np.dtype[Any]) -> int:
    run, total = _PLAIN["counts" if is_counts(pixel) else _family(pixel)], sum_dtype(pixel).type

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        out = row_at(words, 1, total)[first : first + n]
        run(frames_at(pixels, n, stride, words[0]), stride, words[0], out)

    return compiled(pixel, step)


def _family(dtype: np.dtype[Any]) -> str:
    return dtype.kind if dtype.kind == "f" else f"{dtype.kind}{4 if dtype.itemsize <= 2 else 8}"


@cache
def _masked(family: str, itemsize: int, counts: bool) -> Callable[..., None]:
    rows4, kind = _MASKED[family]
    pixels = LINE // itemsize
    piece_run = float_pieces(pixels) if family == "f" else integer_pieces(pixels, kind)
    return _over_masks(rows4, counted_pieces(piece_run) if counts else piece_run)


def _integer_rows4(kind: Any) -> Callable[..., Any]:
    @njit(nogil=True, cache=True)
    def rows4(r0, r1, r2, r3, m):  # type: ignore[no-untyped-def]
        wide_vectors()
        a = b = c = d = kind(0)
        for p in range(m.size):
            k = m[p]
            a = kind(a + kind(r0[p] & k))
            b = kind(b + kind(r1[p] & k))
            c = kind(c + kind(r2[p] & k))
            d = kind(d + kind(r3[p] & k))
        return a, b, c, d

    return rows4


def _over_masks(rows4: Callable[..., Any], piece_run: Callable[..., Any]) -> Callable[..., None]:
    """Four frames, all masks; the last frame fills up what is missing to four."""

    @njit(nogil=True, cache=True)
    def run(flat, stride, where, layout, masks, starts, chosen, cached, most, out):  # type: ignore[no-untyped-def]
        n, last, step = out.shape[0], out.shape[0] - 1, 0 if cached else 4 * stride
        four = np.empty(4, out.dtype)
        for f in range(0, n, 4):
            f0, f1 = f * stride, min(f + 1, last) * stride
            f2, f3 = min(f + 2, last) * stride, min(f + 3, last) * stride
            for m in range(masks.shape[0]):
                four[:] = 0
                if layout[m, 4] < most:
                    for s in range(layout[m, 2], layout[m, 3], MOST_PIECES):
                        stop = min(s + MOST_PIECES, layout[m, 3])
                        piece_run(four, flat, (f0, f1, f2, f3), step * layout[m, 5], starts, chosen, s, stop)
                else:
                    for s in range(layout[m, 0], layout[m, 1]):
                        i, j = where[s, 0], where[s, 1]
                        r0, r1 = flat[f0 + i : f0 + j], flat[f1 + i : f1 + j]
                        a, b, c, d = rows4(r0, r1, flat[f2 + i : f2 + j], flat[f3 + i : f3 + j], masks[m, i:j])
                        four[0] += a
                        four[1] += b
                        four[2] += c
                        four[3] += d
                for k in range(min(4, n - f)):
                    out[f + k, m] = four[k]

    return run


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _float_rows4(r0, r1, r2, r3, m):  # type: ignore[no-untyped-def]
    wide_vectors()
    a = b = c = d = 0.0
    for p in range(m.size):
        inside = m[p] != 0
        a += np.float64(r0[p]) if inside else 0.0
        b += np.float64(r1[p]) if inside else 0.0
        c += np.float64(r2[p]) if inside else 0.0
        d += np.float64(r3[p]) if inside else 0.0
    return a, b, c, d


def _row(kind: Any) -> Any:
    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_up(flat, i, size):  # type: ignore[no-untyped-def]
        a = kind(0)
        for p in range(size):
            a = kind(a + kind(flat[i + p]))
        return a

    @njit(nogil=True, cache=True)
    def row(flat, start, stop):  # type: ignore[no-untyped-def]
        ask_ahead(flat, start, stop)
        return add_up(flat, U64(start), U64(stop - start))

    return row


def _plain(kind: Any) -> Callable[..., None]:
    row = _row(kind)

    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, out):  # type: ignore[no-untyped-def]
        for f in range(out.size):
            out[f] = 0
            for i in range(f * stride, f * stride + pixels, ROW):
                out[f] += row(flat, i, min(i + ROW, f * stride + pixels))

    return run


_MASKED: dict[str, tuple[Callable[..., Any], Any]] = {
    "u4": (_integer_rows4(np.uint32), np.uint32),
    "i4": (_integer_rows4(np.int32), np.int32),
    "u8": (_integer_rows4(np.uint64), np.uint64),
    "i8": (_integer_rows4(np.int64), np.int64),
    "f": (_float_rows4, np.float64),
}
_PLAIN: dict[str, Callable[..., None]] = {
    "i4": _plain(np.int32),
    "u8": _plain(np.uint64),
    "i8": _plain(np.int64),
    "f": _plain(np.float64),
    "counts": counted_sums(_row(np.uint32)),
}
