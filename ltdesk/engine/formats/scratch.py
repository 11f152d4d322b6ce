"""Memory for what lies between: each thread's own, kept from one chunk to the next."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 64 << 20
"""Larger ones are let go of after use."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, NDArray[np.uint8]] = {}


_kept = _Kept()


def scratch(name: str, nbytes: int) -> NDArray[np.uint8]:
    """``(nbytes,)``, whose content is this thread's until it asks for the same name again."""
    buffer = _kept.buffers.get(name)
    if buffer is None or buffer.size < nbytes:
        buffer = np.empty(nbytes, np.uint8)
        if nbytes <= KEPT_BYTES:
            _kept.buffers[name] = buffer
    return buffer[:nbytes]
