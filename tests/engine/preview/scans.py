"""Scans in memory and their preview cubes, made by the partitions of a pass as an executor makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Tile
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.engine.preview.bins import Bins
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.geometry import Size2D
from ltdesk.job import Job, Partition
from tests.ui.fakes import MemoryDataset

T = TypeVar("T")


class Scan(MemoryDataset):
    """Frames in memory, given in tiles of `size` frames, without those at `missing` positions."""

    def __init__(self, frames: NDArray[Any], size: int = 1000, missing: Iterable[Size2D] = ()) -> None:
        super().__init__(frames)
        self.size, self.missing = size, set(missing)

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        for tile in super().tiles(partition):
            size = 1 if self.missing else self.size
            for i in range(0, len(tile.frames), size):
                y, x = divmod(tile.start + i, partition.shape[1])
                if (partition.y0 + y, partition.x0 + x) not in self.missing:
                    frames = tile.frames[i : i + size]
                    yield Tile(tile.start + i, frames, frames.nbytes)


def cube_of(
    scan: MemoryDataset, factor: Size2D, beside: tuple[Analysis, ...] = (), until: int | None = None
) -> PreviewCube:
    """The cube of a scan in bins of `factor` pixels, from the first `until` partitions of a job that computes
    `beside` as well."""
    cube = PreviewCube(scan, Bins(factor, scan.frame_shape))
    prepared = prepare(Job(dataset=scan.ref, analyses=(*beside, cube.analysis)), scan)
    for partition in scan.plan()[:until]:
        assert cube.take(run_partition(prepared, partition))
    return cube


def binned(frames: NDArray[Any], factor: Size2D) -> NDArray[Any]:
    """By definition: ``(sy, sx, ky, kx)`` summed over squares of pixels, ``(sy, sx, by, bx)``, in float64 or int64."""
    wide = frames.astype(np.int64 if frames.dtype.kind in "uib" else np.float64)
    (ky, kx), (fy, fx) = frames.shape[2:], factor
    rows = [wide[:, :, y : y + fy].sum(axis=2) for y in range(0, ky, fy)]
    return np.stack([np.stack([row[:, :, x : x + fx].sum(axis=2) for x in range(0, kx, fx)], -1) for row in rows], 2)


def blocks_as_scan(cube: PreviewCube) -> NDArray[Any]:
    """What a complete cube holds, ``(sy, sx, by, bx)``."""
    whole = np.zeros((*cube.scan_shape, cube.bins.count), dtype=cube.part(0)[0].dtype)
    for partition in cube.plan:
        block, _ = cube.part(partition.index)
        whole[partition.slices] = block.T.reshape(*partition.shape, cube.bins.count)
    return whole.reshape(*cube.scan_shape, *cube.bins.shape)


def known(found: T | None) -> T:
    """What is there for sure."""
    assert found is not None
    return found
