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
    shape : of a chunk, four axes; (4,)
    sizes : how much of each is wanted along the axes, from its first pixel on; (n, 4)
    strides : in the array, along the axes but the last, whose pixels go one after the other; (3,)
    """

    first: Integers
    shape: Integers
    sizes: Integers
    strides: Integers

    @property
    def is_in_order(self) -> bool:
        """Whether all of the chunks' pixels go one after the other; of a target that is `joined`."""
        pixels = self.shape[3]
        whole = (self.shape[:3] == 1).all() and (self.sizes[:, 3] == pixels).all()
        return bool(whole and (np.diff(self.first) == pixels).all())

    def joined(self) -> Target:
        """The same, with axes joined whose rows go one after the other."""
        one_row, follow = self.shape[2] == 1, self.strides[2] == self.shape[3]
        if (self.shape[:3] == 1).all() or not (one_row or (follow and (self.sizes[:, 3] == self.shape[3]).all())):
            return self
        shape = np.array([1, *self.shape[:2], self.shape[2] * self.shape[3]])
        sizes = np.column_stack((np.ones_like(self.first), self.sizes[:, :2], self.sizes[:, 2] * self.sizes[:, 3]))
        return Target(self.first, shape, sizes, np.array([0, *self.strides[:2]])).joined()

    def one(self, number: int) -> Target:
        """The same for one of the chunks."""
        return self._replace(first=self.first[number : number + 1], sizes=self.sizes[number : number + 1])

    def scaled(self, factor: int) -> Target:
        """The same for an array of smaller items."""
        last = np.array([1, 1, 1, factor])
        return Target(self.first * factor, self.shape * last, self.sizes * last, self.strides * factor)


def in_order(count: int, pixels: int) -> Target:
    """Chunks of so many pixels one after the other."""
    shape = np.array([1, 1, 1, pixels])
    return Target(np.arange(count) * pixels, shape, np.tile(shape, (count, 1)), np.array([pixels] * 3))
