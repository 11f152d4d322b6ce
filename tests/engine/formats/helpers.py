"""Scans to write, and what every dataset must hold against the array that it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.open import open_dataset
from ltdesk.job import Partition

Array = NDArray[Any]
DTYPES = [order + kind for kind in ("u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8") for order in "<>"] + [
    "|u1",
    "|i1",
    "|b1",
]


def scan(shape: tuple[int, ...], dtype: DTypeLike = "<u2", seed: int = 7) -> Array:
    """Pixels that use the type's whole range, no two frames the same."""
    dtype = np.dtype(dtype)
    raw = np.random.default_rng(seed).integers(0, 256, (*shape, dtype.itemsize), dtype=np.uint8)
    if dtype.kind == "b":
        return (raw[..., 0] > 127).astype(dtype)
    if dtype.kind == "f":
        return (raw[..., 0].astype(np.float64) - 100.0 + raw[..., 1] / 256).astype(dtype)
    return np.ascontiguousarray(raw).view(dtype)[..., 0]


def frames_of(dataset: Dataset, partition: Partition) -> dict[int, Array]:
    """Frames by their place in the partition; each place at most once, in ascending order, in tiles that fit."""
    found: dict[int, Array] = {}
    for tile in dataset.tiles(partition):
        assert tile.frames.dtype == dataset.dtype
        assert tile.frames.shape[1:] == dataset.frame_shape
        assert 1 <= len(tile.frames) <= dataset.tile_frames
        assert tile.frames.flags.aligned
        assert tile.frames[0].flags.c_contiguous
        assert tile.mapped in (0, tile.frames.nbytes)
        for place, frame in enumerate(tile.frames, tile.start):
            assert place > max(found, default=-1)
            found[place] = frame.copy()
    return found


def assert_holds(dataset: Dataset, expected: Array, rectangles: tuple[tuple[int, int, int, int], ...] = ()) -> None:
    """The plan covers the scan with the right frames, and so does every rectangle."""
    assert dataset.shape == expected.shape
    assert dataset.dtype == expected.dtype
    assert (dataset.frames_good, dataset.frames_expected) == (expected[..., 0, 0].size,) * 2
    seen = np.zeros(dataset.scan_shape, int)
    for partition in (*dataset.plan(), *(Partition(0, *rectangle) for rectangle in rectangles)):
        found = frames_of(dataset, partition)
        assert list(found) == list(range(partition.size))
        stack = np.array(list(found.values()))
        np.testing.assert_array_equal(stack, expected[partition.slices].reshape(-1, *dataset.frame_shape))
    for partition in dataset.plan():
        seen[partition.slices] += 1
    assert (seen == 1).all()
    y, x = dataset.scan_shape[0] - 1, dataset.scan_shape[1] // 2
    frame = dataset.frame(y, x)
    assert frame.dtype.isnative
    np.testing.assert_array_equal(frame, expected[y, x])


def write_npy(path: Path, array: Array) -> Path:
    np.save(path, array)
    return path


def write_h5(path: Path, array: Array, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=array, **options)
    return path


def open_raw(path: Path, array: Array, header: bytes = b"") -> Dataset:
    path.write_bytes(header + array.tobytes())
    return open_dataset(path, None, array.shape[:2], array.shape[2:], array.dtype, len(header))
