"""Memory for pieces, used again: fresh memory costs a page fault for each page of it, more than decoding into it."""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.formats.pieces import MOST_BYTES

_KEPT = 2
"""Blocks a thread keeps: one is shown, while the next is filled."""


def _references(blocks: list[NDArray[np.uint8]], number: int) -> int:
    """How many there are to a block: how Python counts its own differs from version to version."""
    return sys.getrefcount(blocks[number])


_ALONE = _references([np.empty(1, np.uint8)], 0)
"""References to a block that nothing shows."""


class Blocks(threading.local):
    """Each thread's blocks. One is used again only once no array shows it any more, so tiles may be kept."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint8]] = []

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array of a block's memory, as it is."""
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes > MOST_BYTES:
            return np.empty(shape, dtype)
        return self._take(nbytes)[:nbytes].view(dtype).reshape(shape)

    def _take(self, nbytes: int) -> NDArray[np.uint8]:
        for number in range(len(self._blocks)):  # no variable holds a block: it would count
            if _references(self._blocks, number) <= _ALONE:
                if self._blocks[number].nbytes < nbytes:
                    self._blocks[number] = np.empty(nbytes, np.uint8)
                return self._blocks[number]
        block = np.empty(nbytes, np.uint8)
        if len(self._blocks) < _KEPT:
            self._blocks.append(block)
        return block
