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
_REFERENCES = 3
"""To a block that nothing shows: the list, the variable, and the argument of getrefcount."""


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
        for number, block in enumerate(self._blocks):
            if sys.getrefcount(block) <= _REFERENCES:
                if block.nbytes < nbytes:
                    block = self._blocks[number] = np.empty(nbytes, np.uint8)
                return block
        block = np.empty(nbytes, np.uint8)
        if len(self._blocks) < _KEPT:
            self._blocks.append(block)
        return block
