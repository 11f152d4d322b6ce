"""NaN and infinite pixels, counted by tiles: what `ltdesk info` says of float data when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ltdesk.engine.corrected import corrected
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import JobCancelled


@dataclass(frozen=True)
class NonFinite:
    """How many pixels are NaN, how many are infinite, and in how many frames either is."""

    nan: int = 0
    inf: int = 0
    frames: int = 0


def count_non_finite(dataset: Dataset, cancelled: Callable[[], bool] = lambda: False) -> NonFinite:
    """Look at every pixel as it is stored; integer data is not read at all. Raises DamagedFileError, JobCancelled."""
    dataset = corrected(dataset, None)
    if dataset.dtype.kind != "f":
        return NonFinite()
    nan = inf = frames = 0
    for partition in dataset.plan():
        for tile in dataset.tiles(partition):
            if cancelled():
                raise JobCancelled("counting was cancelled")
            finite = np.isfinite(tile.frames)
            if finite.all():
                continue
            bad = np.isnan(tile.frames)
            nan += int(np.count_nonzero(bad))
            inf += int(np.count_nonzero(~finite & ~bad))
            frames += int(np.count_nonzero(~finite.all(axis=(1, 2))))
    return NonFinite(nan, inf, frames)
