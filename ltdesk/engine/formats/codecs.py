"""imagecodecs' decompressors: without the GIL, from memory that is only read into memory that is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import imagecodecs

from ltdesk.engine.chunk_target import Bytes

Decode = Callable[[Bytes, Bytes], int]
"""Fills the second from the first and returns how many bytes that made; RuntimeError or ValueError where it can't."""


@cache
def decoder(codec: str, **options: Any) -> Decode | None:
    """One of imagecodecs', by its name in lower case; None where it was built without.

    Not all that is made for HDF5 is there: shuffling is done by `kernels.place_chunks`.
    """
    if not getattr(imagecodecs, codec.upper()).available:
        return None
    return partial(_decode, partial(getattr(imagecodecs, f"{codec}_decode"), **options))


def _decode(function: Callable[..., Any], stored: Bytes, out: Bytes) -> int:
    return len(function(stored, out=out))


def fletcher32(data: Bytes) -> bytes:
    """HDF5's checksum as it stores it."""
    checksum: Callable[[Any], int] = imagecodecs.h5checksum_fletcher32
    return checksum(data).to_bytes(4, "little")
