"""What stands in for positions that are not done yet while a picture fills in: the nearest that is done.

Never a result: the view draws it dimmed, under the hatch. scipy's distance transform does the same but is not
among what ltdesk installs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FAR = np.int32(1 << 29)


def fill_estimate(values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """`values` ``(h, w)`` with each position that is not `valid` taken from the nearest valid one.

    Nearest by the sum of the steps in y and x; of equally near ones any. Without a valid position the values stay.
    """
    if not valid.any() or valid.all():
        return values
    filled: NDArray[Any] = values.reshape(-1)[nearest(valid)]
    return filled


def nearest(valid: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The flat index of the nearest valid position, for each position ``(h, w)``; at least one must be valid."""
    distance = np.where(valid, np.int32(0), FAR)
    source = np.arange(valid.size, dtype=np.intp).reshape(valid.shape)
    _sweep(distance, source)
    # Columns as rows: a sweep along rows that lie together in memory is five times as quick.
    distance, source = distance.T.copy(), source.T.copy()
    _sweep(distance, source)
    return source.T


def _sweep(distance: NDArray[np.int32], source: NDArray[np.intp]) -> None:
    """Hand each row's nearest on to the next row, downwards and upwards, in place."""
    _hand_on(distance, source)
    _hand_on(distance[::-1], source[::-1])


def _hand_on(distance: NDArray[np.int32], source: NDArray[np.intp]) -> None:
    for row in range(1, distance.shape[0]):
        step = distance[row - 1] + np.int32(1)
        nearer = step < distance[row]
        np.copyto(distance[row], step, where=nearer)
        np.copyto(source[row], source[row - 1], where=nearer)
