"""A first look at a scan: some frames spread evenly over it, and their mean, within a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.plan import coarse_to_fine
from ltdesk.errors import DamagedFileError, LtdeskError
from ltdesk.geometry import Float2D, Size2D

POSITIONS = 64
SECONDS = 0.35
KEPT_BYTES = 32 << 20
FEWEST, PATIENCE = 16, 4.0
"""Fewer positions than this are a poor mean: for them there is this many times the time."""


class SampledFrames(NamedTuple):
    """Frames ``(n, ky, kx)`` in native byte order, at scan positions ``(n, 2)`` of (y, x)."""

    positions: NDArray[np.intp]
    frames: NDArray[Any]

    def and_more(self, others: SampledFrames) -> SampledFrames:
        """These, and those of `others` at positions that these have not."""
        known = {tuple(place) for place in self.positions.tolist()}
        new = [index for index, place in enumerate(others.positions.tolist()) if tuple(place) not in known]
        return SampledFrames(
            np.concatenate([self.positions, others.positions[new]]), np.concatenate([self.frames, others.frames[new]])
        )


class Sample(NamedTuple):
    """The mean frame ``(ky, kx) float64`` of `frames` positions; NaN everywhere if there was none.

    seen : the frames themselves, as many as `KEPT_BYTES` hold
    """

    mean: Float2D
    frames: int
    seen: SampledFrames | None = None


def spread_positions(scan_shape: Size2D, count: int = POSITIONS) -> list[tuple[int, int]]:
    """At most about `count` positions ``(y, x)``, each in the middle of its cell of a grid, from coarse to fine."""
    sy, sx = scan_shape
    rows = max(1, min(sy, round((count * sy / sx) ** 0.5)))
    columns = max(1, min(sx, count // rows))
    rows = max(1, min(sy, count // columns))
    cells = coarse_to_fine(rows, columns)
    return [((2 * row + 1) * sy // (2 * rows), (2 * col + 1) * sx // (2 * columns)) for row, col in cells]


def sample_mean(
    dataset: Dataset,
    count: int = POSITIONS,
    seconds: float = SECONDS,
    cancelled: Callable[[], bool] = lambda: False,
) -> Sample:
    """The mean over spread positions, as many as can be read in `seconds`, at least one that is there.

    The clock starts with the first frame, whose reading loads what the format needs. Missing frames are left out.
    Returns early once `cancelled()`.
    """
    total = np.zeros(dataset.frame_shape)
    frames, kept = 0, _Kept(dataset)
    started = time.monotonic()
    for y, x in spread_positions(dataset.scan_shape, count):
        allowed = seconds if frames >= FEWEST else seconds * PATIENCE
        if cancelled() or (frames and time.monotonic() - started > allowed):
            break
        try:
            frame = dataset.frame(y, x)
        except DamagedFileError:
            continue
        if not frames:
            started = time.monotonic()
        frames += 1
        total += frame
        if frames * dataset.frame_bytes <= KEPT_BYTES:
            kept.add((y, x), frame)
    mean = total / frames if frames else np.full(dataset.frame_shape, np.nan)
    return Sample(mean, frames, kept.sampled())


def sample_frames(
    dataset: Dataset,
    count: int,
    seconds: float,
    nbytes: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> SampledFrames:
    """Frames at up to `count` spread positions, from coarse to fine, as many as `seconds` and `nbytes` allow.

    Missing frames are left out, and so is all after the first that can't be read for another reason: a job says why.
    """
    end, kept = time.monotonic() + seconds, _Kept(dataset)
    for y, x in spread_positions(dataset.scan_shape, min(count, nbytes // dataset.frame_bytes)):
        if cancelled() or time.monotonic() > end:
            break
        try:
            kept.add((y, x), dataset.frame(y, x))
        except DamagedFileError:
            continue
        except (LtdeskError, OSError):
            break
    return kept.sampled()


class _Kept:
    """Frames of a dataset, one after the other."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._positions: list[Size2D] = []
        self._frames: list[NDArray[Any]] = []

    def add(self, position: Size2D, frame: NDArray[Any]) -> None:
        self._positions.append(position)
        self._frames.append(frame)

    def sampled(self) -> SampledFrames:
        empty = np.empty((0, *self._dataset.frame_shape), self._dataset.dtype.newbyteorder("="))
        places = np.array(self._positions, dtype=np.intp).reshape(-1, 2)
        return SampledFrames(places, np.stack(self._frames) if self._frames else empty)
