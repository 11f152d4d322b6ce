"""Chunked HDF5, decoded outside HDF5, against what h5py reads."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltdesk.engine import dataset as dataset_module
from ltdesk.engine import mapping
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.filesystem import place_of
from ltdesk.engine.formats import hdf5_chunk_index, hdf5_chunk_reader, hdf5_chunks, pieces
from ltdesk.engine.formats.hdf5_chunk_frames import ChunkFrames
from ltdesk.engine.formats.hdf5_chunks import Chunks
from ltdesk.engine.formats.hdf5_reader import H5Reader
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.engine.kernels import place_chunks  # noqa: F401  (without it, single frames are read through HDF5)
from ltdesk.engine.open import open_dataset
from ltdesk.errors import DamagedFileError
from ltdesk.job import Partition
from tests.engine.formats.helpers import DTYPES, Array, assert_holds, frames_of, scan

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "shuffle": {"shuffle": True},
    "fletcher32": {"fletcher32": True},
    "gzip": {"compression": "gzip"},
    "shuffle gzip fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "shuffle lzf": {"compression": "lzf", "shuffle": True},
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle lz4 fletcher32": {"fletcher32": True, **hdf5plugin.Bitshuffle(cname="lz4")},
    "bitshuffle lz4 in small blocks": dict(hdf5plugin.Bitshuffle(nelems=128, cname="lz4")),
    "bitshuffle zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "lz4": dict(hdf5plugin.LZ4()),
    "lz4 in small blocks": dict(hdf5plugin.LZ4(nbytes=1024)),
    "zstd": dict(hdf5plugin.Zstd()),
    "shuffle zstd": {"shuffle": True, **hdf5plugin.Zstd()},
    "blosc": dict(hdf5plugin.Blosc(cname="lz4", shuffle=1)),
    "blosc as it is": dict(hdf5plugin.Blosc(cname="blosclz", shuffle=0)),
    "blosc bitshuffle zstd": dict(hdf5plugin.Blosc(cname="zstd", shuffle=2)),
    "bzip2": dict(hdf5plugin.BZip2()),
}


@pytest.fixture
def no_hdf5(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a frame may be read by HDF5."""

    def read_direct(*_: object) -> None:
        raise AssertionError("read through HDF5")

    monkeypatch.setattr(h5py.Dataset, "read_direct", read_direct)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[int]]:
    """How often each chunk was decoded."""
    counts, original = Counter[int](), Chunks._decode

    def decode(self: Chunks, cells: Any, target: Any, out: Any) -> None:
        counts.update(cells.tolist())
        original(self, cells, target, out)

    monkeypatch.setattr(Chunks, "_decode", decode)
    return iter([counts])


def compressible(shape: tuple[int, ...], dtype: str = "<u2", seed: int = 1) -> Array:
    """Some of it noise, some of it the same over and over."""
    array = scan(shape, dtype, seed)
    flat = array.reshape(-1)
    for start in range(0, flat.size, 700):
        flat[start + 300 : start + 700] = flat[start] if flat.dtype.kind != "f" else 1.5
    return array


def write(path: Path, array: Array, chunks: tuple[int, ...], options: dict[str, Any], **more: Any) -> Path:
    with h5py.File(path, "w", **more) as file:
        file.create_dataset("data", data=array, chunks=chunks, **options)
    return path


def reader_in(dataset: Dataset) -> Any:
    assert isinstance(dataset, ReadFrames)
    return dataset._reader


def stored_chunk(path: Path, cell: tuple[int, ...]) -> tuple[int, int]:
    """Where a chunk is in the file, and its size."""
    with h5py.File(path) as file:
        info = file["data"].id.get_chunk_info_by_coord(cell)
        return info.byte_offset, info.size


def change(path: Path, offset: int, new: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(new)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shape and chunk shape of a scan or stack, chunks holding whole frames or not, dividing the shape or not."""
    shape = draw(st.tuples(*[st.integers(1, 6)] * draw(st.integers(1, 2)), st.integers(1, 40), st.integers(1, 40)))
    whole = draw(st.booleans())
    cut = [draw(st.integers(1, size)) for size in shape]
    return shape, tuple(shape[axis] if whole and axis >= len(shape) - 2 else cut[axis] for axis in range(len(shape)))


# Every layout and filter.


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data(), both=shapes())
def test_any_shape_any_chunks_any_filter(tmp_path: Path, data: st.DataObject, both: Any) -> None:
    """Tiles, pieces, batches and what is kept are as small as can be, or as large as ever."""
    (shape, chunks), sizes = both, st.sampled_from([1, 3000, 1 << 20])
    dtype, name = data.draw(st.sampled_from(DTYPES)), data.draw(st.sampled_from(list(FILTERS)))
    array = compressible(shape, dtype, data.draw(st.integers(0, 3)))
    more = {
        "userblock_size": data.draw(st.sampled_from([0, 512])),
        "libver": data.draw(st.sampled_from(["earliest", "latest"])),
    }
    path = write(tmp_path / "a.h5", array, chunks, FILTERS[name], **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_chunk_reader, "BATCH_BYTES", data.draw(sizes))
        patch.setattr(hdf5_chunk_reader, "RECENT_BYTES", data.draw(sizes))
        patch.setattr(dataset_module, "TILE_BYTES", data.draw(sizes))
        patch.setattr(pieces, "READ_BYTES", data.draw(sizes))
        with h5py.File(path) as file:
            expected = file["data"][()]
        with open_dataset(path, "data") as dataset:
            sy, sx = dataset.scan_shape
            part = (sy // 2, sy, sx // 3, sx - sx // 4)
            assert_holds(dataset, expected.reshape(dataset.shape), (part, (0, 1, sx - 1, sx)))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", ["|u1", "<u2", ">u2", "<f4", ">f8"])
@pytest.mark.parametrize("chunk", [(2, 2, 24, 31), (1, 1, 24, 31), (3, 2, 10, 31)], ids=str)
@pytest.mark.usefixtures("no_hdf5")
def test_every_filter_is_undone_outside_hdf5(tmp_path: Path, name: str, dtype: str, chunk: tuple[int, ...]) -> None:
    array = compressible((3, 5, 24, 31), dtype)
    with open_dataset(write(tmp_path / "a.h5", array, chunk, FILTERS[name])) as dataset:
        assert_holds(dataset, array, ((1, 3, 1, 4),))


@pytest.mark.parametrize(
    "options",
    [{"scaleoffset": 0}, {"scaleoffset": 0, "compression": "gzip"}, dict(hdf5plugin.Blosc2())],
    ids=["scaleoffset", "scaleoffset gzip", "blosc2"],
)
def test_other_filters_are_left_to_hdf5(tmp_path: Path, options: dict[str, Any]) -> None:
    array = scan((3, 4, 16, 16))
    with open_dataset(write(tmp_path / "a.h5", array, (1, 1, 16, 16), options)) as dataset:
        assert isinstance(reader_in(dataset), H5Reader)
        assert_holds(dataset, array)


@pytest.mark.parametrize("filters", [(2, 1, 1), (1, 2), (3, 2, 1), (1, 3, 2)], ids=str)
def test_filters_in_unusual_orders_are_left_to_hdf5(tmp_path: Path, filters: tuple[int, ...]) -> None:
    array = compressible((3, 4, 16, 16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        create_with(file, array, (1, 2, 16, 16), filters)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert isinstance(reader_in(dataset), H5Reader)
        assert_holds(dataset, array)


@pytest.mark.parametrize("filters", [(3, 1), (3, 1, 3), (2, 3, 1), (2, 3, 3)], ids=str)
@pytest.mark.usefixtures("no_hdf5")
def test_checksums_anywhere(tmp_path: Path, filters: tuple[int, ...]) -> None:
    array = compressible((3, 4, 16, 16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        create_with(file, array, (1, 2, 16, 16), filters)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array)


def create_with(file: h5py.File, array: Array, chunks: tuple[int, ...], filters: tuple[int, ...]) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(chunks)
    for number in filters:
        properties.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (4,) if number == 1 else ())
    space = h5py.h5s.create_simple(array.shape)
    identifier = h5py.h5d.create(file.id, b"data", h5py.h5t.py_create(array.dtype), space, properties)
    identifier.write(h5py.h5s.ALL, h5py.h5s.ALL, array)


@pytest.mark.usefixtures("no_hdf5")
def test_filter_masks(tmp_path: Path) -> None:
    """Each chunk skips filters of its own, as HDF5 does where compressing gains nothing."""
    array = scan((4, 5, 8, 8))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "data", array.shape, array.dtype, chunks=(1, 1, 8, 8), shuffle=True, compression="gzip"
        )
        for number, (y, x) in enumerate(np.ndindex(4, 5)):
            mask, stored = number % 4, array[y, x].tobytes()
            if not mask & 1:
                stored = np.frombuffer(stored, "u1").reshape(-1, 2).T.tobytes()
            if not mask & 2:
                stored = bytes(imagecodecs.zlib_encode(stored))
            data.id.write_direct_chunk((y, x, 0, 0), stored, mask)
    for scan_shape in (None, (5, 4)):
        with open_dataset(tmp_path / "a.h5", scan_shape=scan_shape) as dataset:
            assert_holds(dataset, array.reshape(dataset.shape))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("chunk", [(2, 3, 6, 7), (1, 1, 6, 7), (2, 2, 4, 4)], ids=str)
@pytest.mark.usefixtures("no_hdf5")
def test_chunks_never_written_are_fill_values(tmp_path: Path, name: str, chunk: tuple[int, ...]) -> None:
    array = np.full((5, 7, 6, 7), 513, ">u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", array.shape, array.dtype, chunks=chunk, fillvalue=513, **FILTERS[name])
        for part in (np.s_[2:4, 3:6], np.s_[0, 0], np.s_[4, 6]):
            data[part] = array[part] = scan(array[part].shape, ">u2")
            array[part] = data[part]
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array, ((1, 4, 2, 7),))
        assert "never written" in dataset.note


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True}], ids=["none", "gzip"])
@pytest.mark.usefixtures("no_hdf5")
def test_chunks_larger_than_what_there_is(tmp_path: Path, options: dict[str, Any]) -> None:
    """A dataset that may grow, also one that shrank."""
    array = scan((5, 6, 7, 8))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (9, 9, 12, 12), "<u2", chunks=(2, 4, 9, 10), maxshape=(None,) * 4, **options)
        data[...] = 9
        data.resize(array.shape)
        data[...] = array
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array, ((1, 5, 2, 6),))


def test_bitshuffle_blocks_that_compress_to_their_own_size(tmp_path: Path) -> None:
    """To the filter lz4, whose decoder is used, such a block would not be compressed."""
    array, sizes = blocks_around_their_size(), set[int]()
    path = write(tmp_path / "a.h5", array, (1, *array.shape[1:]), dict(hdf5plugin.Bitshuffle()))
    with h5py.File(path) as file:
        for number in range(len(array)):
            stored = file["data"].id.read_direct_chunk((number, 0, 0))[1]
            sizes.add(int.from_bytes(stored[12:16], "big"))
    assert 8192 in sizes
    with open_dataset(path) as dataset:
        assert_holds(dataset, array[None])


def blocks_around_their_size() -> Array:
    """Frames of one block each, whose bits, shuffled, are noise and then nothing: compressed to 8150 … 8230 bytes."""
    noise, frames = np.random.default_rng(1).integers(0, 256, 8192, np.uint8), []
    for zeros in range(30, 70):
        shuffled = np.concatenate((noise[: 8192 - zeros], np.zeros(zeros, np.uint8)))
        frames.append(
            np.frombuffer(imagecodecs.bitshuffle_decode(shuffled.tobytes(), itemsize=1, blocksize=8192), "u1")
        )
    return np.array(frames).reshape(-1, 64, 128)


def test_masters_too(tmp_path: Path, no_hdf5: None) -> None:
    array = compressible((20, 16, 18), "<u4")
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        for number, part in enumerate((array[:8], array[8:16], array[16:]), 1):
            write(tmp_path / f"run_data_{number:06}.h5", part, (1, 16, 18), dict(hdf5plugin.Bitshuffle()))
            file[f"entry/data/data_{number:06}"] = h5py.ExternalLink(f"run_data_{number:06}.h5", "/data")
    with open_dataset(tmp_path / "run_master.h5", scan_shape=(4, 5)) as dataset:
        assert_holds(dataset, array.reshape(4, 5, 16, 18), ((1, 3, 1, 4),))


# Whole frames in chunks without filters.


@pytest.mark.parametrize("chunk", [(1, 1), (1, 5), (2, 5), (4, 5), (2, 3), (3, 1)], ids=str)
@pytest.mark.usefixtures("no_hdf5")
def test_whole_frames_without_filters_are_seen_in_place(tmp_path: Path, chunk: tuple[int, int]) -> None:
    """Where a tile's are at regular distances: chunks as wide as the scan, or those of its row alike far apart."""
    array = scan((4, 5, 16, 16))
    path = write(tmp_path / "a.h5", array, (*chunk, 16, 16), {}, libver="latest")
    with open_dataset(path) as dataset:
        assert isinstance(dataset, ChunkFrames)
        assert_holds(dataset, array, ((1, 3, 1, 4), (0, 4, 0, 3)))
        mapped = {
            tile.mapped == tile.frames.nbytes
            for row in range(4)
            for tile in dataset.tiles(Partition(0, row, row + 1, 0, 5))
        }
        if place_of(str(path)) == "local":
            assert mapped == {chunk != (2, 3)}


def test_a_tile_of_whole_frames_shares_memory_with_the_file(tmp_path: Path) -> None:
    array = scan((4, 5, 16, 16))
    with open_dataset(write(tmp_path / "a.h5", array, (1, 5, 16, 16), {})) as dataset:
        (tile,) = dataset.tiles(Partition(0, 2, 3, 0, 5))
        assert not tile.frames.flags.owndata
        assert tile.mapped == tile.frames.nbytes or place_of(str(tmp_path)) != "local"
        np.testing.assert_array_equal(tile.frames, array[2])


# What is decoded, how often, and what is kept.


@pytest.mark.parametrize("chunk", [(2, 4, 16, 16), (1, 1, 16, 16), (2, 4, 5, 16), (3, 2, 7, 9)], ids=str)
def test_each_chunk_is_decoded_once(tmp_path: Path, chunk: tuple[int, ...], decoded: Iterator[Counter[int]]) -> None:
    array, counts = compressible((64, 64, 16, 16), "<f8"), next(decoded)
    with open_dataset(write(tmp_path / "a.h5", array, chunk, {"compression": "lzf"})) as dataset:
        plan = dataset.plan()
        assert len(plan) > 4
        for partition in plan:
            frames_of(dataset, partition)
        cells = np.prod([-(-size // part) for size, part in zip(array.shape, chunk, strict=True)])
    assert counts == dict.fromkeys(range(cells), 1)


def test_a_picked_frame_takes_its_own_chunks_and_keeps_them(tmp_path: Path, decoded: Iterator[Counter[int]]) -> None:
    array, counts = compressible((6, 6, 20, 20)), next(decoded)
    with open_dataset(write(tmp_path / "a.h5", array, (3, 3, 10, 20), {"compression": "gzip"})) as dataset:
        for y, x in ((0, 0), (2, 2), (1, 0), (0, 0)):
            np.testing.assert_array_equal(dataset.frame(y, x), array[y, x])
        assert counts == {0: 1, 1: 1}
        np.testing.assert_array_equal(dataset.frame(3, 2), array[3, 2])
        assert counts == {0: 1, 1: 1, 4: 1, 5: 1}


def test_chunks_are_kept_up_to_a_limit(
    tmp_path: Path, decoded: Iterator[Counter[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    array, counts = compressible((6, 6, 20, 20)), next(decoded)
    monkeypatch.setattr(hdf5_chunk_reader, "RECENT_BYTES", 2 * 4 * 800)
    with open_dataset(write(tmp_path / "a.h5", array, (2, 2, 20, 20), {"compression": "gzip"})) as dataset:
        for y, x in ((0, 0), (0, 2), (1, 1), (0, 4), (0, 0), (0, 2)):
            np.testing.assert_array_equal(dataset.frame(y, x), array[y, x])
    assert counts == {0: 1, 1: 2, 2: 1}


def test_one_frame_of_a_great_many_chunks_does_not_wait_for_their_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array, made = compressible((6, 6, 20, 20)), list[str]()
    original = hdf5_chunk_index._make_index

    def make_index(dataset: h5py.Dataset, layout: hdf5_chunk_index.Layout) -> hdf5_chunk_index.ChunkIndex:
        made.append(dataset.name)
        return original(dataset, layout)

    monkeypatch.setattr(hdf5_chunks, "FEW_CHUNKS", 20)
    monkeypatch.setattr(hdf5_chunk_index, "_make_index", make_index)
    for options in ({}, {"compression": "gzip"}):
        with open_dataset(write(tmp_path / "a.h5", array, (1, 1, 20, 20), options)) as dataset:
            np.testing.assert_array_equal(dataset.frame(3, 4), array[3, 4])
            assert not made
            assert_holds(dataset, array)
            assert made == ["/data"]
        made.clear()


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["none", "gzip"])
def test_a_first_frame_does_not_wait_for_numba(tmp_path: Path, options: dict[str, Any]) -> None:
    array = compressible((3, 4, 40, 40))
    path = write(tmp_path / "a.h5", array, (1, 2, 40, 40), options)
    code = f"import sys, ltdesk; print(ltdesk.open({str(path)!r}).frame(2, 1).sum(), 'numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(array[2, 1].sum()), "False"]


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["none", "gzip"])
def test_tiles_stay_as_they_are_when_the_next_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    """Memory is used again, but not while someone holds what is in it."""
    array = compressible((6, 6, 20, 20))
    with (
        open_dataset(write(tmp_path / "a.h5", array, (2, 2, 20, 20), options)) as dataset,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(dataset_module, "TILE_BYTES", 2500)
        patch.setattr(pieces, "READ_BYTES", 4000)
        partition = Partition(0, 0, 6, 0, 6)
        kept = [*dataset.tiles(partition), *dataset.tiles(partition)]
        frames = np.concatenate([tile.frames for tile in kept])
    np.testing.assert_array_equal(frames, np.concatenate([array.reshape(36, 20, 20)] * 2))


def test_many_threads_on_one_dataset(tmp_path: Path) -> None:
    array = compressible((40, 24, 16, 18))
    for options in ({}, dict(hdf5plugin.Bitshuffle()), {"compression": "gzip", "shuffle": True}):
        wrong: list[object] = []
        with open_dataset(write(tmp_path / "a.h5", array, (3, 5, 16, 18), options)) as dataset:

            def work(start: int, dataset: Dataset = dataset, wrong: list[object] = wrong) -> None:
                for number in range(20):
                    y, x = (start * 7 + number) % 36, (start * 5 + number) % 20
                    partition = Partition(0, y, y + 4, x, x + 4)
                    stack = np.array(list(frames_of(dataset, partition).values()))
                    if not np.array_equal(stack, array[partition.slices].reshape(16, 16, 18)):
                        wrong.append(partition)
                    if not np.array_equal(dataset.frame(y, x), array[y, x]):
                        wrong.append((y, x))

            threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not wrong


@pytest.mark.parametrize("chunk", [(2, 2, 20, 20), (1, 1, 20, 20), (2, 2, 7, 20)], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, dict(hdf5plugin.Bitshuffle())], ids=["none", "gzip", "bslz4"]
)
def test_on_a_network_disk_chunks_are_read(
    tmp_path: Path, chunk: tuple[int, ...], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, no_hdf5: None
) -> None:
    monkeypatch.setattr(mapping, "place_of", lambda _path: "network")
    array = compressible((5, 6, 20, 20))
    with open_dataset(write(tmp_path / "a.h5", array, chunk, options)) as dataset:
        assert_holds(dataset, array, ((1, 4, 2, 5),))
        assert not any(tile.mapped for partition in dataset.plan() for tile in dataset.tiles(partition))


# Damage.

CHECKED = [name for name in FILTERS if name not in ("none", "shuffle", "bitshuffle")]
"""Filters that notice where a chunk begins with other bytes."""


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("chunk", [(8, 8, 16, 16), (1, 1, 16, 16)], ids=str)
def test_a_damaged_chunk_fails_its_partition_alone(tmp_path: Path, name: str, chunk: tuple[int, ...]) -> None:
    array = compressible((64, 64, 16, 16), "<f8")
    path = write(tmp_path / "a.h5", array, chunk, FILTERS[name])
    offset, size = stored_chunk(path, (16, 24, 0, 0))
    change(path, offset, b"\xff" * min(24, size))
    with open_dataset(path) as dataset:
        failed = []
        for partition in dataset.plan():
            try:
                found = np.array(list(frames_of(dataset, partition).values()))
                np.testing.assert_array_equal(found, array[partition.slices].reshape(-1, 16, 16))
            except DamagedFileError as error:
                failed.append((partition, str(error)))
        ((partition, message),) = failed
        assert partition.y0 <= 16 < partition.y1
        assert partition.x0 <= 24 < partition.x1
        expected = (
            f"{path}: /data: the chunk of scan 16:{16 + chunk[0]}, 24:{24 + chunk[1]} at byte {offset:,} is damaged"
        )
        assert message.startswith(expected)
        with pytest.raises(DamagedFileError, match="the chunk of scan 16:"):
            dataset.frame(16, 24)
        np.testing.assert_array_equal(dataset.frame(16, 23), array[16, 23])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data(), both=shapes())
def test_no_damage_does_more_than_fail(tmp_path: Path, data: st.DataObject, both: Any) -> None:
    """Bytes flipped anywhere in the chunks: an error of ours or other pixels, in the chunks that were hit alone."""
    shape, chunks = both
    name = data.draw(st.sampled_from([name for name in FILTERS if name != "none"]))
    array = compressible(shape, data.draw(st.sampled_from(["|u1", "<u2", "<u4", "<f8"])))
    path = write(tmp_path / "a.h5", array, chunks, FILTERS[name])
    with h5py.File(path) as file:
        found: list[Any] = []
        file["data"].id.chunk_iter(found.append)
    hit = data.draw(st.sampled_from(found))
    for place in data.draw(st.lists(st.integers(0, hit.size - 1), min_size=1, max_size=4)):
        change(path, hit.byte_offset + place, bytes([data.draw(st.integers(0, 255))]))
    axes = len(shape) - 2
    harmless = np.ones(shape[:-2], np.bool_)
    harmless[
        tuple(slice(first, first + size) for first, size in zip(hit.chunk_offset, chunks[:axes], strict=False))
    ] = False
    with open_dataset(path, "data") as dataset:
        width = dataset.scan_shape[1]
        for position, (frame, intact) in enumerate(zip(array.reshape(-1, *shape[-2:]), harmless.ravel(), strict=True)):
            try:
                read = dataset.frame(*divmod(position, width))
            except DamagedFileError:
                assert not intact
            else:
                assert not intact or np.array_equal(read, frame, equal_nan=read.dtype.kind == "f")


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"fletcher32": True}], ids=["none", "gzip", "fletcher32"]
)
@pytest.mark.parametrize("indexed", [False, True])
def test_a_file_that_is_cut_while_open(tmp_path: Path, options: dict[str, Any], indexed: bool) -> None:
    array = compressible((8, 8, 64, 64))
    path = write(tmp_path / "a.h5", array, (2, 2, 64, 64), options)
    with open_dataset(path) as dataset:
        if indexed:
            frames_of(dataset, dataset.plan()[0])
        with open(path, "r+b") as file:
            file.truncate(path.stat().st_size // 2)
        for partition in dataset.plan():
            with pytest.raises(DamagedFileError, match=r"a\.h5: has .* bytes now|its chunks cannot be found"):
                frames_of(dataset, partition)
        with pytest.raises(DamagedFileError, match=r"a\.h5: has .* bytes now|its chunks cannot be found"):
            dataset.frame(7, 7)


# Real files.


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("simulated/srtio3_40x40x95x95.h5", "data"),
        ("rosettasciio/emd/Si100_4D.emd", "4DSTEM_simulation/data/datacubes/CBED_array_depth0000/datacube"),
        ("rosettasciio/arina/test_00_data_000001.h5", "entry/data/data"),
    ],
)
@pytest.mark.usefixtures("no_hdf5")
def test_real_files(samples: Path, name: str, inside: str) -> None:
    with h5py.File(samples / name, locking=False) as file:
        expected = file[inside][()]
    with open_dataset(samples / name, inside) as dataset:
        assert_holds(dataset, expected.reshape(dataset.shape), ((0, 1, 2, 9),))
