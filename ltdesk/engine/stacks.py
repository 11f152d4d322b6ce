"""Which frames of a tile a job takes, and where they belong in a partial: all, or those of a region, in stretches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Tile
from ltdesk.job import Partition


class Stack(NamedTuple):
    """Frames ``(n, ky, kx)`` for the positions `at` of a partition.

    which : of the partials that are filled together
    place : the address of the first pixel, where it is known
    """

    which: int
    at: slice
    frames: NDArray[Any]
    place: int = 0


class Part(NamedTuple):
    """What is taken of a partition.

    asked : its smallest part with all of the region's positions
    region : ``(h * w)`` bool, the positions that are taken; None: all
    """

    partition: Partition
    asked: Partition
    region: NDArray[np.bool_] | None


def part_of(region: NDArray[np.bool_] | None, partition: Partition) -> Part:
    """What a job with a region ``(sy, sx)`` takes of a partition."""
    if region is None:
        return Part(partition, partition, None)
    inside = region[partition.slices]
    return Part(partition, _around(inside, partition) if inside.any() else partition, inside.ravel())


def stacks_of(which: int, part: Part, tile: Tile) -> Iterator[Stack]:
    """The frames of a part's tile that lie in the region."""
    if part.region is None:
        yield Stack(which, slice(tile.start, tile.start + len(tile.frames)), tile.frames, tile.place)
        return
    for start, frames in placed(tile, part.asked, part.partition):
        for first, stop in _stretches(part.region, start, start + len(frames)):
            yield Stack(which, slice(first, stop), frames[first - start : stop - start])


def placed(tile: Tile, asked: Partition, partition: Partition) -> Iterator[tuple[int, NDArray[Any]]]:
    """The frames of a tile by their places among the partition's positions: all together, or row by row."""
    (_, width), (_, full) = asked.shape, partition.shape
    corner = (asked.y0 - partition.y0) * full + asked.x0 - partition.x0
    if width == full:
        yield corner + tile.start, tile.frames
        return
    at = 0
    while at < len(tile.frames):
        row, column = divmod(tile.start + at, width)
        count = min(width - column, len(tile.frames) - at)
        yield corner + row * full + column, tile.frames[at : at + count]
        at += count


def _around(inside: NDArray[np.bool_], partition: Partition) -> Partition:
    """The smallest part of a partition that holds its positions of the region: no other frame is read."""
    y, x = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    y0, x0 = partition.y0, partition.x0
    return Partition(partition.index, y0 + int(y[0]), y0 + int(y[-1]) + 1, x0 + int(x[0]), x0 + int(x[-1]) + 1)


def _stretches(region: NDArray[np.bool_], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where positions of the region follow one another, (first, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], region[start:stop], [False])).astype(np.int8)))
    for i in range(0, edges.size, 2):
        yield start + int(edges[i]), start + int(edges[i + 1])
