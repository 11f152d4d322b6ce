"""Where the pixels of a file's chunks go in an array: what the kernels that place them take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
ITEM_SIZES = (1, 2, 4, 8)
"""Bytes of the pixels that kernels know."""
ALIKE = 8
"""Pixels whose bits are shuffled together; fewer at a chunk's end stay as they are."""


class Target(NamedTuple):
    """Where the pixels of n chunks go in a flat array.

    first : (n,), where the first pixel of each goes
    sizes : how much of each is wanted along its four axes, from its first pixel on; (n, 4)
    shape : of a chunk
    strides : in the array, along the axes but the last, whose pixels go one after the other
    """

    first: Integers
    sizes: Integers
    shape: tuple[int, int, int, int]
    strides: tuple[int, int, int]

    @property
    def is_in_order(self) -> bool:
        """Whether all of the chunks' pixels go one after the other; of a target that is `joined`."""
        *rows, pixels = self.shape
        if rows != [1, 1, 1] or (self.sizes[:, 3] != pixels).any():
            return False
        return bool((self.first[1:] - self.first[:-1] == pixels).all())

    def joined(self) -> Target:
        """The same, with axes joined whose rows go one after the other."""
        a, b, c, d = self.shape
        follow = c == 1 or (self.strides[2] == d and (self.sizes[:, 3] == d).all())
        if (a, b, c) == (1, 1, 1) or not follow:
            return self
        sizes = np.ones_like(self.sizes)
        sizes[:, 1:3] = self.sizes[:, :2]
        np.multiply(self.sizes[:, 2], self.sizes[:, 3], out=sizes[:, 3])
        return Target(self.first, sizes, (1, a, b, c * d), (0, *self.strides[:2])).joined()

    def part(self, start: int, stop: int) -> Target:
        """The same for some of the chunks."""
        return self._replace(first=self.first[start:stop], sizes=self.sizes[start:stop])

    def scaled(self, factor: int) -> Target:
        """The same for an array of smaller items."""
        a, b, c = self.strides
        sizes = self.sizes.copy()
        sizes[:, 3] *= factor
        shape = (*self.shape[:3], self.shape[3] * factor)
        return Target(self.first * factor, sizes, shape, (a * factor, b * factor, c * factor))


def in_order(count: int, pixels: int) -> Target:
    """Chunks of so many pixels one after the other."""
    sizes = np.ones((count, 4), np.int64)
    sizes[:, 3] = pixels
    return Target(np.arange(count) * pixels, sizes, (1, 1, 1, pixels), (pixels, pixels, pixels))
