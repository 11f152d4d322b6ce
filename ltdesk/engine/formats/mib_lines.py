"""How long a scan line is, from the times at which frames were taken: a line ends with a pause."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

MOST_FRAMES = 1100
"""Headers that are read: each may cost a disk a seek, and lines are no longer."""
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ](\d\d):(\d\d):(\d\d(?:\.\d+)?)")
_HEADER_BYTES = 768


def line_length(path: str, stride: int, frames: int) -> int:
    """Frames a line, or 0 where the times don't tell."""
    times = _times(path, stride, min(frames, MOST_FRAMES))
    return period_of_pauses(times) if len(times) == min(frames, MOST_FRAMES) else 0


def period_of_pauses(times: NDArray[np.float64]) -> int:
    """The distance of frames that came late, in frames, if all of them are at its multiples and none other is; else 0.

    Late is by more than five times what the others differ among themselves.
    """
    if len(times) < 3:
        return 0
    gaps = np.diff(times)
    usual = float(np.median(gaps))
    spread = float(np.quantile(np.abs(gaps - usual), 0.6))
    late = np.flatnonzero(gaps > usual + max(5 * spread, 1e-6 * usual, 1e-9)) + 1
    if not late.size or late[0] < 2:
        return 0
    expected = np.arange(late[0], len(times), late[0])
    return int(late[0]) if np.array_equal(late, expected) else 0


def _times(path: str, stride: int, count: int) -> NDArray[np.float64]:
    """Seconds since midnight; the last time in a header is the most precise. Fewer where one has none."""
    times: list[float] = []
    with open(path, "rb", buffering=0) as file:
        for frame in range(count):
            file.seek(frame * stride)
            found = _TIME.findall(file.read(_HEADER_BYTES if stride > _HEADER_BYTES else stride))
            if not found:
                break
            hours, minutes, seconds = (float(part) for part in found[-1])
            times.append(hours * 3600 + minutes * 60 + seconds)
    return np.unwrap(np.array(times), period=86400.0)
