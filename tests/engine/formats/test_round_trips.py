"""What is written is what comes out: dtypes, byte orders, layouts, scan shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltdesk.engine import dataset as dataset_module
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.filesystem import place_of
from ltdesk.engine.formats import pieces
from ltdesk.engine.formats.frames_file import FramesFile
from ltdesk.engine.formats.hdf5_chunk_frames import ChunkFrames
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.engine.open import open_dataset
from tests.engine.formats.helpers import DTYPES, Array, assert_holds, frames_of, open_raw, scan, write_h5, write_npy

RECTANGLES = ((0, 6, 0, 7), (1, 4, 2, 5), (5, 6, 6, 7), (0, 6, 3, 4), (2, 3, 0, 7))
SCANS = [(1, 1), (1, 12), (12, 1), (5, 3)]

LAYOUTS: dict[str, Callable[[Path, Array], Dataset]] = {
    "npy": lambda folder, array: open_dataset(write_npy(folder / "a.npy", array)),
    "npy_fortran": lambda folder, array: open_dataset(write_npy(folder / "a.npy", np.asfortranarray(array))),
    "raw": lambda folder, array: open_raw(folder / "a.raw", array),
    "raw_at_odd_byte": lambda folder, array: open_raw(folder / "a.raw", array, header=b"abc"),
    "hdf5": lambda folder, array: open_dataset(write_h5(folder / "a.h5", array)),
    "hdf5_chunked": lambda folder, array: open_dataset(
        write_h5(folder / "a.h5", array, chunks=(min(2, array.shape[0]), min(3, array.shape[1]), *array.shape[2:]))
    ),
    "hdf5_cut_frames": lambda folder, array: open_dataset(
        write_h5(folder / "a.h5", array, chunks=(1, 1, 2, 3), compression="gzip", shuffle=True)
    ),
    "hdf5_bitshuffle": lambda folder, array: open_dataset(
        write_h5(folder / "a.h5", array, chunks=(1, 1, *array.shape[2:]), **hdf5plugin.Bitshuffle())
    ),
}
MAPPED = ("npy", "raw", "hdf5")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_in_every_layout(tmp_path: Path, layout: str, dtype: str) -> None:
    array = scan((6, 7, 4, 5), dtype)
    with LAYOUTS[layout](tmp_path, array) as dataset:
        assert_holds(dataset, array, RECTANGLES)
        in_place = layout in MAPPED or (layout == "raw_at_odd_byte" and array.itemsize == 1)
        mapped = in_place and place_of(str(tmp_path)) == "local"
        assert {tile.mapped > 0 for p in dataset.plan() for tile in dataset.tiles(p)} == {mapped}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scan_shape", SCANS)
def test_every_scan_shape_in_every_layout(tmp_path: Path, layout: str, scan_shape: tuple[int, int]) -> None:
    array = scan((*scan_shape, 4, 6), ">i4")
    with LAYOUTS[layout](tmp_path, array) as dataset:
        assert_holds(dataset, array)


@pytest.mark.parametrize("suffix", [".npy", ".h5", "_chunked.h5"])
def test_a_stack_is_one_row_until_a_scan_shape_is_given(tmp_path: Path, suffix: str) -> None:
    array = scan((12, 4, 5))
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    else:
        write_h5(path, array, **({"chunks": (4, 4, 5)} if "chunked" in suffix else {}))
    with open_dataset(path) as dataset:
        assert_holds(dataset, array[None])
    for shape in ((3, 4), (2, 6), (4, 3), (12, 1)):
        with open_dataset(path, scan_shape=shape) as dataset:
            assert_holds(dataset, array.reshape(*shape, 4, 5), ((0, 2, 0, 1), (1, 2, 0, 1)))


def test_frames_larger_than_a_tile_come_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "TILE_BYTES", 1 << 20)
    array = scan((2, 2, 600, 1000), "<u2")
    for layout in ("raw", "hdf5_cut_frames_large"):
        path = write_h5(tmp_path / "a.h5", array, chunks=(2, 2, 300, 250)) if "hdf5" in layout else None
        with open_dataset(path) if path else open_raw(tmp_path / "a.raw", array) as dataset:
            assert dataset.tile_frames == 1
            assert_holds(dataset, array, ((0, 2, 1, 2),))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_any_chunks_any_arrangement_any_sync_offset(tmp_path: Path, data: st.DataObject) -> None:
    """Small tiles and pieces, so that they are cut in all ways, against indexing numpy."""
    stored = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    array = scan((*stored, 2, 3), "<u2")
    chunk = tuple(data.draw(st.integers(1, size)) for size in array.shape)
    frames = math.prod(stored)
    shape = data.draw(st.sampled_from([stored, (1, frames), (frames, 1), (2, 3), (stored[1], stored[0]), (3, 20)]))
    sync = data.draw(st.integers(-frames + 1, frames - 1))
    hdf5 = data.draw(st.booleans())
    path = write_h5(tmp_path / "a.h5", array, chunks=chunk) if hdf5 else write_npy(tmp_path / "a.npy", array)
    wanted = {
        position: array.reshape(-1, 2, 3)[position + sync]
        for position in range(math.prod(shape))
        if 0 <= position + sync < frames
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset_module, "TILE_BYTES", data.draw(st.integers(12, 100)))
        patch.setattr(pieces, "READ_BYTES", data.draw(st.integers(12, 200)))
        patch.setattr(pieces, "MOST_BYTES", data.draw(st.integers(200, 400)))
        if not wanted:
            return
        with open_dataset(path, scan_shape=shape, sync_offset=sync) as dataset:
            assert isinstance(dataset, (ReadFrames, ChunkFrames) if hdf5 else FramesFile)
            assert (dataset.frames_good, dataset.frames_expected) == (len(wanted), math.prod(shape))
            found: dict[int, Array] = {}
            for partition in dataset.plan():
                places = np.arange(math.prod(shape)).reshape(shape)[partition.slices].ravel()
                found |= {int(places[place]): frame for place, frame in frames_of(dataset, partition).items()}
            assert sorted(found) == sorted(wanted)
            for position, frame in found.items():
                np.testing.assert_array_equal(frame, wanted[position])
                np.testing.assert_array_equal(dataset.frame(*divmod(position, shape[1])), frame)


def test_tiles_are_cut_the_same_however_frames_are_stored(tmp_path: Path) -> None:
    """Float sums go tile by tile: a file and its compressed copy must give the same bytes."""
    array = scan((40, 50, 16, 24), "<f4")
    mapped = open_dataset(write_npy(tmp_path / "a.npy", array))
    copied = open_dataset(write_h5(tmp_path / "a.h5", array, chunks=(3, 7, 16, 24), compression="lzf"))
    with mapped, copied:
        for partition in copied.plan():
            cut = [
                [(tile.start, len(tile.frames)) for tile in dataset.tiles(partition)] for dataset in (mapped, copied)
            ]
            assert cut[0] == cut[1]


def test_whole_chunks_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = scan((12, 20, 8, 8), "<u2")
    path = write_h5(tmp_path / "a.h5", array, chunks=(4, 5, 8, 8), scaleoffset=0)  # read through h5py
    read: list[tuple[int, ...]] = []
    original = h5py.Dataset.read_direct

    def spy(self: h5py.Dataset, target: Array, where: tuple[slice, slice]) -> None:
        read.append((where[0].start, where[0].stop, where[1].start, where[1].stop))
        original(self, target, where)

    monkeypatch.setattr(h5py.Dataset, "read_direct", spy)
    with open_dataset(path) as dataset:
        assert dataset.chunk == (4, 5)
        assert_holds(dataset, array)
    bulk = [rectangle for rectangle in read if rectangle[1] - rectangle[0] > 1]
    assert bulk
    assert all(y0 % 4 == 0 and y1 % 4 == 0 and x0 % 5 == 0 and x1 % 5 == 0 for y0, y1, x0, x1 in bulk)
    assert sum((y1 - y0) * (x1 - x0) for y0, y1, x0, x1 in bulk) == 12 * 20
