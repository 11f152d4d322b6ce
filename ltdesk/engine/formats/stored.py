"""Chunks as they are stored, several at a time: what decoders take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ltdesk.engine.chunk_target import Bytes, Integers, Target


class Stored(NamedTuple):
    """Some chunks, or what decoding has made of them so far.

    source : bytes, those of chunk i being ``source[starts[i] : starts[i] + sizes[i]]``
    starts, sizes : (n,)
    """

    source: Bytes
    starts: Integers
    sizes: Integers

    @property
    def chunks(self) -> int:
        return self.starts.size

    def parts(self) -> Iterator[Bytes]:
        """Each chunk's bytes."""
        for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True):
            yield self.source[start : start + size]

    def must_have(self, nbytes: int) -> None:
        """Raises ValueError unless all have this size."""
        if (self.sizes != nbytes).any():
            raise ValueError(f"has {int(self.sizes[self.sizes != nbytes][0]):,} bytes instead of {nbytes:,}")


def one_by_one(source: Bytes, nbytes: int) -> Stored:
    """Chunks of one size, one after the other."""
    count = source.size // nbytes
    return Stored(source, np.arange(count) * nbytes, np.full(count, nbytes))


Decompress = Callable[[Stored, int, Bytes], None]
"""From compressed chunks to chunks of a size in bytes, one after the other in memory that is given.

Raises RuntimeError or ValueError where the bytes make no sense.
"""

Place = Callable[[Stored, int, Target, Bytes], None]
"""From chunks of a size in bytes, whose pixels' bytes or bits are shuffled, to pixels where they belong in an array.

Raises as above.
"""
