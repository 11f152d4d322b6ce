"""What the shapes of a headerless file could be, from its size and its name: a proposal for the user to judge."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ltdesk.engine.formats.files import check_file
from ltdesk.geometry import Size2D

CAMERAS: tuple[Size2D, ...] = (
    (256, 256), (128, 128), (512, 512), (192, 192), (514, 514), (515, 515), (64, 64), (96, 96), (1024, 1024),
    (2048, 2048), (4096, 4096), (100, 100), (95, 95), (144, 144), (580, 580), (1030, 1065), (516, 516), (1026, 1026),
)  # fmt: skip
"""Frames that cameras and simulations give, the usual first."""
DTYPES = ("<u2", "|u1", "<f4", "<u4", ">u2", "<i2", "<i4", "<f8")
OFFSETS = (0, 256, 512, 1024, 4096)
EMPAD_FRAME: Size2D = (130, 128)
_BEST = 1.07
"""What all that speaks for a guess adds up to."""
_NUMBERS = re.compile(r"(?<!\d)(\d{1,5})\s*[x×X]\s*(\d{1,5})(?!\d)")
_EMPAD_NAME = re.compile(r"scan_x(\d+)_y(\d+)")
_DTYPE_NAMES = {
    "u8": "|u1", "uint8": "|u1", "8bit": "|u1", "u16": "<u2", "uint16": "<u2", "16bit": "<u2", "u32": "<u4",
    "uint32": "<u4", "32bit": "<u4", "i16": "<i2", "int16": "<i2", "i32": "<i4", "int32": "<i4", "f32": "<f4",
    "float32": "<f4", "f64": "<f8", "float64": "<f8",
}  # fmt: skip


@dataclass(frozen=True)
class ShapeGuess:
    """One way to read a file.

    Attributes
    ----------
    scan_shape, frame_shape, dtype, offset : as `open_dataset` takes them
    frames : whole frames in the file
    left_over : bytes that are in no frame of the scan; negative where the scan needs more than there are
    score : between 0 and 1, how likely
    """

    scan_shape: Size2D
    frame_shape: Size2D
    dtype: str
    offset: int
    frames: int
    left_over: int
    score: float


def guess_shapes(path: str | os.PathLike[str], most: int = 20) -> list[ShapeGuess]:
    """Likely shapes, the likeliest first. Only the size and the name are looked at. Raises OpenError."""
    size, name = check_file(os.fspath(path)).st_size, os.path.basename(os.fspath(path))
    pairs, dtype = shapes_in_name(name), dtype_in_name(name)
    found: dict[tuple[Size2D, Size2D, str, int], ShapeGuess] = {}
    for guess in _all(size, pairs, dtype):
        key = (guess.scan_shape, guess.frame_shape, guess.dtype, guess.offset)
        if key not in found or found[key].score < guess.score:
            found[key] = guess
    return sorted(found.values(), key=lambda guess: -guess.score)[:most]


def fit(size: int, scan_shape: Size2D, frame_shape: Size2D, dtype: str, offset: int = 0) -> tuple[int, int]:
    """Whole frames in a file of `size` bytes, and bytes left over by the scan (negative: bytes that it lacks)."""
    frame_bytes = math.prod(frame_shape) * np.dtype(dtype).itemsize
    return max(0, size - offset) // frame_bytes, size - offset - math.prod(scan_shape) * frame_bytes


def shapes_in_name(name: str) -> list[Size2D]:
    """``256x256`` and the like in a file's name; EMPAD's ``scan_x64_y128`` is (128, 64)."""
    pairs = [(int(first), int(second)) for first, second in _NUMBERS.findall(name)]
    pairs += [(int(y), int(x)) for x, y in _EMPAD_NAME.findall(name)]
    return [pair for pair in pairs if min(pair) > 0]


def dtype_in_name(name: str) -> str | None:
    """``uint16``, ``u16``, ``16bit`` and the like in a file's name."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((_DTYPE_NAMES[word] for word in words if word in _DTYPE_NAMES), None)


def _all(size: int, pairs: list[Size2D], named_dtype: str | None) -> Iterator[ShapeGuess]:
    yield from _empad(size, pairs)
    for frame_shape in dict.fromkeys([*pairs, *CAMERAS]):
        for dtype in DTYPES:
            for offset in OFFSETS:
                for scan_shape in _scans(size, frame_shape, dtype, offset, pairs):
                    score = _score(size, scan_shape, frame_shape, dtype, offset, pairs, named_dtype)
                    if score > 0:
                        yield _guess(size, scan_shape, frame_shape, dtype, offset, score)


def _empad(size: int, pairs: list[Size2D]) -> Iterator[ShapeGuess]:
    """EMPAD: 130 rows of 128 floats a frame, of which the last two are not image."""
    frame_bytes = math.prod(EMPAD_FRAME) * 4
    for scan_shape in _scans(size, EMPAD_FRAME, "<f4", 0, pairs):
        if size == math.prod(scan_shape) * frame_bytes:
            yield _guess(size, scan_shape, EMPAD_FRAME, "<f4", 0, 1.0 if scan_shape in pairs else 0.95)


def _scans(size: int, frame_shape: Size2D, dtype: str, offset: int, pairs: list[Size2D]) -> Iterator[Size2D]:
    """A scan named in the file's name, a square one, a stack."""
    frames = (size - offset) // (math.prod(frame_shape) * np.dtype(dtype).itemsize)
    if frames < 1:
        return
    yield from (pair for pair in pairs if 0.5 * math.prod(pair) <= frames <= 2 * math.prod(pair))
    side = math.isqrt(frames)
    if side * side == frames and side > 1:
        yield side, side
    else:
        yield from _rectangle(frames)
        yield 1, frames


def _rectangle(frames: int) -> Iterator[Size2D]:
    """The most nearly square scan that is no narrower than 1 to 4, widths of powers of two first."""
    for width in (2**bits for bits in range(13, 3, -1)):
        if frames % width == 0 and width / 4 <= frames // width <= width * 4:
            yield frames // width, width
            return
    for height in range(math.isqrt(frames), 1, -1):
        if frames % height == 0:
            if frames // height <= 4 * height:
                yield height, frames // height
            return


def _score(
    size: int,
    scan_shape: Size2D,
    frame_shape: Size2D,
    dtype: str,
    offset: int,
    pairs: list[Size2D],
    named_dtype: str | None,
) -> float:
    """Exact sizes before others, names before tables, plain before rare; 0 where nothing speaks for it."""
    left_over = fit(size, scan_shape, frame_shape, dtype, offset)[1]
    named = (frame_shape in pairs) + (scan_shape in pairs)
    if left_over != 0 and not named:
        return 0.0
    score = 0.5 if left_over == 0 else 0.2 * min(1.0, size / (size + 4 * abs(left_over)))
    score += 0.15 * named + 0.03 * (pairs[:2] == [scan_shape, frame_shape])
    score += 0.15 if dtype == named_dtype else 0.05 * (named_dtype is None) * (1 - DTYPES.index(dtype) / 8)
    score += 0.05 * (1 - CAMERAS.index(frame_shape) / len(CAMERAS)) if frame_shape in CAMERAS else 0.0
    score += 0.04 * (scan_shape[0] == scan_shape[1]) - 0.04 * (scan_shape[0] == 1)
    return max(0.0, score - (0.06 if offset else 0.0)) / _BEST


def _guess(size: int, scan_shape: Size2D, frame_shape: Size2D, dtype: str, offset: int, score: float) -> ShapeGuess:
    frames, left_over = fit(size, scan_shape, frame_shape, dtype, offset)
    return ShapeGuess(scan_shape, frame_shape, dtype, offset, frames, left_over, round(score, 3))
