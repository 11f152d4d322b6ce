"""HDF5 in all its layouts: which dataset is taken, links, external and virtual storage, masters, fill values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from ltdesk.engine.dataset import Dataset, Identity
from ltdesk.engine.formats.frames_file import FramesFile
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.engine.open import list_datasets, open_dataset
from ltdesk.errors import DamagedFileError, OpenError
from tests.engine.formats.helpers import Array, assert_holds, frames_of, scan, write_h5


def frames_by_position(dataset: Dataset) -> dict[int, Array]:
    width, found = dataset.scan_shape[1], dict[int, Array]()
    for partition in dataset.plan():
        columns = partition.shape[1]
        for place, frame in frames_of(dataset, partition).items():
            found[(partition.y0 + place // columns) * width + partition.x0 + place % columns] = frame
    return found


# Which dataset.


def test_the_first_4d_one_by_path_then_masters_then_stacks(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a_stack"] = array[0]
        file["b/z"] = array + np.uint16(1)
        file.create_dataset("b/y", data=array, chunks=(1, 4, 5, 6), compression="gzip", shuffle=True)
        file["image"] = np.zeros((3, 4))
        file["five"] = np.zeros((1, 1, 1, 1, 1))
    entries = list_datasets(tmp_path / "a.h5")
    assert [entry.path for entry in entries] == ["/b/y", "/b/z", "/a_stack"]
    first = entries[0]
    assert (first.shape, first.dtype, first.nbytes) == (array.shape, "<u2", array.nbytes)
    assert (first.chunks, first.compression) == ((1, 4, 5, 6), "shuffle+gzip")
    assert (entries[1].chunks, entries[1].compression) == (None, "")
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array)
        assert dataset.note == "opened /b/y; also inside: /b/z, /a_stack"
    for name in ("a_stack", "/a_stack", "a_stack/"):
        with open_dataset(tmp_path / "a.h5", name) as dataset:
            assert_holds(dataset, array[:1])
            assert dataset.note == ""


def test_a_dataset_is_listed_once_under_its_real_path(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["z/data"] = array
        file["alias"] = h5py.SoftLink("/z")
        file["also"] = h5py.SoftLink("/z/data")
        file["same"] = file["z/data"]
        file["z/up"] = file["/"]
        file["loop"] = h5py.ExternalLink("a.h5", "/")
    assert [entry.path for entry in list_datasets(tmp_path / "a.h5")] == ["/same"]
    for name in ("/z/data", "alias/data", "also", "z/up/z/up/same", "loop/z/data"):
        with open_dataset(tmp_path / "a.h5", name) as dataset:
            assert_holds(dataset, array)


def test_a_file_with_many_objects_is_not_searched_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ltdesk.engine.formats.hdf5_tree.MOST_OBJECTS", 3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = scan((3, 4, 5, 6))
        for number in range(5):
            file[f"b/{number}"] = number
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert "too many objects" in dataset.note


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 1, 5, 6)}])
def test_a_file_that_the_same_process_has_open(tmp_path: Path, options: dict[str, Any]) -> None:
    """As in a notebook. HDF5 wants both openings to lock, or neither."""
    array = scan((3, 4, 5, 6))
    path = write_h5(tmp_path / "a.h5", array, **options)
    with h5py.File(path) as file, open_dataset(path) as dataset:
        assert_holds(dataset, array)
        assert file["data"].shape == array.shape


# Where the bytes are.


@pytest.mark.parametrize("userblock", [0, 512, 4096])
def test_contiguous_is_mapped_after_any_user_block(tmp_path: Path, userblock: int) -> None:
    array = scan((3, 4, 5, 6))
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=userblock) as file:
        file["data"] = array
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert isinstance(dataset, FramesFile)
        assert_holds(dataset, array)


COMPRESSIONS: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip"},
    "lzf": {"compression": "lzf", "shuffle": True, "fletcher32": True},
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "blosc": dict(hdf5plugin.Blosc()),
    "zstd": dict(hdf5plugin.Zstd()),
    "scaleoffset": {"scaleoffset": 0},
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_compressions(tmp_path: Path, name: str) -> None:
    array = scan((5, 6, 8, 8))
    path = write_h5(tmp_path / "a.h5", array, chunks=(2, 4, 8, 8), **COMPRESSIONS[name])
    (entry,) = list_datasets(path)
    assert name in entry.compression
    with open_dataset(path) as dataset:
        assert isinstance(dataset, ReadFrames)
        assert dataset.chunk == (2, 4)
        assert_holds(dataset, array, ((1, 4, 1, 5), (0, 5, 5, 6)))


def test_compact_storage(tmp_path: Path) -> None:
    array = scan((2, 2, 3, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(array.shape)
        identifier = h5py.h5d.create(file.id, b"data", h5py.h5t.py_create(array.dtype), space, properties)
        identifier.write(h5py.h5s.ALL, h5py.h5s.ALL, array)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array)


def test_types_that_numpy_lacks_are_translated(tmp_path: Path) -> None:
    """12 bits at bit 4 of 16: the bytes are not the numbers, so they must not be mapped."""
    array = scan((2, 2, 3, 3)) & np.uint16(0x0FFF)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = h5py.h5t.STD_U16LE.copy()
        stored.set_precision(12)
        stored.set_offset(4)
        identifier = h5py.h5d.create(file.id, b"data", stored, h5py.h5s.create_simple(array.shape))
        identifier.write(h5py.h5s.ALL, h5py.h5s.ALL, array)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert isinstance(dataset, ReadFrames)
        assert_holds(dataset, array)


def test_never_written_is_fill_values_and_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("none", (3, 4, 5, 6), "u2", fillvalue=7)
        some = file.create_dataset("some", (3, 4, 5, 6), "u2", chunks=(1, 4, 5, 6), fillvalue=7)
        some[1] = 3
    with open_dataset(tmp_path / "a.h5", "none") as dataset:
        assert_holds(dataset, np.full((3, 4, 5, 6), 7, "u2"))
        assert dataset.note == "no frame was ever written: all are fill values"
    with open_dataset(tmp_path / "a.h5", "some") as dataset:
        expected = np.full((3, 4, 5, 6), 7, "u2")
        expected[1] = 3
        assert_holds(dataset, expected)
        assert dataset.note == "2 of 3 chunks were never written: they are fill values"


def test_external_raw_files_are_mapped_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 itself looks for them in the current folder."""
    monkeypatch.chdir(tmp_path)
    array = scan((3, 4, 5, 6))
    with h5py.File("a.h5", "w") as file:
        parts = [("a.raw", 16, 7 * 60), ("b.raw", 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("data", data=array, external=parts)
    monkeypatch.chdir("/")
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert isinstance(dataset, FramesFile)
        assert_holds(dataset, array)
    (tmp_path / "b.raw").unlink()
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.frames_good == 7
        assert "7 of 12 frames" in dataset.note
        assert sorted(frames_by_position(dataset)) == list(range(7))
    (tmp_path / "a.raw").unlink()
    with pytest.raises(OpenError, match=r"its frames are in a\.raw, b\.raw, missing") as caught:
        open_dataset(tmp_path / "a.h5")
    assert caught.value.way_out


def test_external_files_that_split_a_frame_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("data", data=scan((3, 4, 5, 6)), external=[("a.raw", 0, 100), ("b.raw", 0, 12 * 60 - 100)])
    with pytest.raises(OpenError, match="split between raw files"):
        open_dataset(tmp_path / "a.h5")


# Virtual datasets.


def make_virtual(folder: Path, array: Array, interleaved: bool) -> None:
    """One source a scan row; or two sources whose positions alternate, as two readouts write them."""
    layout = h5py.VirtualLayout(array.shape, array.dtype)
    rows = [slice(0, None, 2), slice(1, None, 2)] if interleaved else [slice(y, y + 1) for y in range(len(array))]
    for number, row in enumerate(rows):
        source = write_h5(folder / f"part{number}.h5", array[row], chunks=(1, 1, *array.shape[2:]))
        layout[row] = h5py.VirtualSource(source.name, "data", shape=array[row].shape)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout, fillvalue=9)


@pytest.mark.parametrize("interleaved", [False, True])
def test_virtual(tmp_path: Path, interleaved: bool) -> None:
    array = scan((4, 3, 5, 6))
    make_virtual(tmp_path, array, interleaved)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, array, ((1, 3, 1, 2),))
        assert dataset.note == ""


@pytest.mark.parametrize(("interleaved", "missing"), [(False, [3, 4, 5]), (True, [3, 4, 5, 9, 10, 11])])
@pytest.mark.parametrize("how", ["file", "dataset"])
def test_a_virtual_source_that_is_missing_is_no_zero(
    tmp_path: Path, interleaved: bool, missing: list[int], how: str
) -> None:
    array = scan((4, 3, 5, 6))
    make_virtual(tmp_path, array, interleaved)
    if how == "file":
        (tmp_path / "part1.h5").unlink()
    else:
        with h5py.File(tmp_path / "part1.h5", "w") as file:
            file["other"] = 1
    with open_dataset(tmp_path / "a.h5") as dataset:
        found = frames_by_position(dataset)
        assert sorted(found) == [i for i in range(12) if i not in missing]
        for position, frame in found.items():
            np.testing.assert_array_equal(frame, array.reshape(12, 5, 6)[position])
        assert f"{12 - len(missing)} of 12 frames" in dataset.note
        with pytest.raises(DamagedFileError, match="is missing"):
            dataset.frame(1, 0)


def test_a_virtual_dataset_of_the_same_file_and_a_part_that_nothing_fills(tmp_path: Path) -> None:
    array = scan((4, 3, 5, 6))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["inner"] = array[:3].reshape(9, 5, 6)
        layout = h5py.VirtualLayout((12, 5, 6), array.dtype)
        layout[:9] = h5py.VirtualSource(file["inner"])
        file.create_virtual_dataset("data", layout)
    with open_dataset(tmp_path / "a.h5", "data", scan_shape=(4, 3)) as dataset:
        assert sorted(frames_by_position(dataset)) == list(range(9))


Selections = list[tuple[Any, Any]]
MAPPED: dict[str, tuple[tuple[int, ...], tuple[int, ...], Selections]] = {
    "all of a stack": ((12, 5, 6), (12, 5, 6), [(..., None)]),
    "all of a source in a part": ((12, 5, 6), (14, 5, 6), [(np.s_[2:], None)]),
    "a scan from all of a stack": ((12, 5, 6), (3, 4, 5, 6), [(..., None)]),
    "a stack from all of a scan": ((3, 4, 5, 6), (12, 5, 6), [(..., None)]),
    "frames from rows of pixels": ((60, 6), (12, 5, 6), [(..., np.s_[:])]),
    "frames from pixels in a row": ((360,), (12, 5, 6), [(..., np.s_[:])]),
    "a part of larger frames": ((3, 4, 7, 9), (3, 4, 5, 6), [(..., np.s_[:, :, 1:6, 2:8])]),
    "every second from the fourth on": ((12, 5, 6), (3, 4, 5, 6), [(np.s_[1], np.s_[3:10:2])]),
    "alternating": ((12, 5, 6), (12, 5, 6), [(np.s_[::2], np.s_[::2]), (np.s_[1::2], np.s_[1::2])]),
    "columns of a scan": ((12, 5, 6), (3, 4, 5, 6), [(np.s_[:, 1:3], np.s_[4:10])]),
    "halves of frames": ((12, 5, 6), (12, 5, 6), [(np.s_[:, :2], np.s_[:, :2]), (np.s_[:, 2:], np.s_[:, 2:])]),
    "some pixels of frames": ((12, 5, 6), (12, 5, 6), [(np.s_[:, 1:3], np.s_[:, :2])]),
    "a source for two places": ((6, 5, 6), (12, 5, 6), [(np.s_[:6], None), (np.s_[6:], np.s_[:])]),
}
IRREGULAR: dict[str, tuple[tuple[int, ...], tuple[int, ...], Selections]] = {
    "to here and there": ((6, 5, 6), (12, 5, 6), [([0, 1, 5], np.s_[:3]), ([2, 4, 9], np.s_[3:])]),
    "from here and there": ((12, 5, 6), (8, 5, 6), [(np.s_[:4], [0, 1, 2, 7]), (np.s_[4:], np.s_[4:8])]),
}


@pytest.mark.parametrize("options", [{}, {"chunks": True}], ids=["contiguous", "chunked"])
@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("name", [*MAPPED, *IRREGULAR])
def test_frames_beyond_the_end_of_a_virtual_source_are_missing(
    tmp_path: Path, name: str, lost: int, options: dict[str, Any]
) -> None:
    """As of a scan that was stopped: HDF5 gives zeros, other frames or errors in their place."""
    source_shape, shape, mappings = (MAPPED | IRREGULAR)[name]
    source, number = scan(source_shape), np.full(shape, -1)
    held = source[: len(source) * (4 - lost) // 4]
    layout, every = h5py.VirtualLayout(shape, "<u2"), np.arange(source.size).reshape(source_shape)
    for target, part in mappings:
        whole = h5py.VirtualSource("part.h5", "data", shape=source_shape)
        layout[target] = whole if part is None else whole[part]
        number[target] = every[... if part is None else part].reshape(number[target].shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    write_h5(tmp_path / "part.h5", held, **options)
    mapped, there = np.any(number >= 0, axis=(-2, -1)), np.all(number < held.size, axis=(-2, -1))
    expected = np.where(number < 0, 0, source.ravel()[number]).reshape(-1, *shape[-2:])
    with open_dataset(tmp_path / "a.h5") as dataset:
        found = frames_by_position(dataset)
        for position, frame in found.items():
            np.testing.assert_array_equal(frame, expected[position])
        good = np.flatnonzero(mapped & there).tolist()
        assert set(found) <= set(good)
        assert sorted(found) == good or (lost and name in IRREGULAR)
        assert ("with fewer frames than are mapped: part.h5" in dataset.note) == (not there[mapped].all())


@pytest.mark.parametrize("count", [5, 7, 12])
def test_virtual_datasets_without_end_go_as_far_as_there_is_data(tmp_path: Path, count: int) -> None:
    """Alternating in blocks of two from one source that grows, as from a second one that is behind."""
    array, end = scan((20, 5, 6)), h5py.h5s.UNLIMITED
    layout = h5py.VirtualLayout((1, 5, 6), array.dtype, maxshape=(None, 5, 6))
    for number, length in enumerate((count, 5)):
        write_h5(tmp_path / f"part{number}.h5", array[10 * number :][:length], maxshape=(None, 5, 6), chunks=(1, 5, 6))
        part = h5py.VirtualSource(f"part{number}.h5", "data", (1, 5, 6), maxshape=(None, 5, 6))
        space, all_frames = h5py.h5s.create_simple((1, 5, 6), (end, 5, 6)), part[:end].sel.id
        space.select_hyperslab((2 * number, 0, 0), (end, 1, 1), (4, 1, 1), (2, 5, 6))
        layout.dcpl.set_virtual(space, f"part{number}.h5".encode(), b"data", all_frames)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    places = [*((k // 2 * 4 + k % 2, k) for k in range(count)), *((k // 2 * 4 + k % 2 + 2, 10 + k) for k in range(5))]
    with open_dataset(tmp_path / "a.h5") as dataset:
        found = frames_by_position(dataset)
        assert sorted(found) == sorted(place for place, _ in places)
        for place, frame in places:
            np.testing.assert_array_equal(found[place], array[frame])


@pytest.mark.parametrize("short", [None, 1])
def test_virtual_datasets_of_numbered_files(tmp_path: Path, short: int | None) -> None:
    array, end = scan((12, 5, 6)), h5py.h5s.UNLIMITED
    for number in range(4):
        held = array[3 * number : 3 * number + (2 if number == short else 3)]
        write_h5(tmp_path / f"100% {number}.h5", held, maxshape=(None, 5, 6), chunks=(1, 5, 6))
    layout, space = h5py.VirtualLayout((1, 5, 6), array.dtype, maxshape=(None, 5, 6)), h5py.h5s.create_simple((3, 5, 6))
    virtual = h5py.h5s.create_simple((3, 5, 6), (end, 5, 6))
    virtual.select_hyperslab((0, 0, 0), (end, 1, 1), (3, 1, 1), (3, 5, 6))
    space.select_hyperslab((0, 0, 0), (1, 1, 1), block=(3, 5, 6))
    layout.dcpl.set_virtual(virtual, b"100%% %b.h5", b"data", space)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    with open_dataset(tmp_path / "a.h5") as dataset:
        found = frames_by_position(dataset)
        assert sorted(found) == [place for place in range(12) if short is None or place != 5]
        for place, frame in found.items():
            np.testing.assert_array_equal(frame, array[place])


@pytest.mark.parametrize("nested", [False, True])
def test_virtual_datasets_of_virtual_datasets(tmp_path: Path, nested: bool) -> None:
    """As of detectors whose modules are put together first. Of one that is its own source nothing can be read."""
    array = scan((4, 3, 5, 6))
    make_virtual(tmp_path, array, interleaved=False)
    outer, inside = h5py.VirtualLayout((12, 5, 6), array.dtype), "data" if nested else "outer"
    outer[...] = h5py.VirtualSource("a.h5", inside, shape=array.shape)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.create_virtual_dataset("outer", outer)
    (tmp_path / "part1.h5").unlink()
    if not nested:
        with pytest.raises(OpenError, match=r"/outer has no whole frame; missing, .*: a\.h5"):
            open_dataset(tmp_path / "a.h5", "outer")
        return
    with open_dataset(tmp_path / "a.h5", "outer") as dataset:
        assert sorted(frames_by_position(dataset)) == [0, 1, 2, *range(6, 12)]
    with open_dataset(tmp_path / "a.h5", "outer", scan_shape=(4, 3)) as dataset:
        np.testing.assert_array_equal(dataset.frame(2, 1), array[2, 1])


def test_virtual_sources_are_looked_for_beside_the_file_too(tmp_path: Path) -> None:
    """As HDF5 does, where the folder was moved since; and beside the file that a link leads to."""
    array, folder, moved = scan((4, 5, 6)), tmp_path / "before", tmp_path / "moved"
    folder.mkdir()
    layout = h5py.VirtualLayout((8, 5, 6), array.dtype)
    for part, name in ((np.s_[:4], str(folder / "part.h5")), (np.s_[4:], "part.h5")):
        layout[part] = h5py.VirtualSource(name, "data", array.shape)
    write_h5(folder / "part.h5", array)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    folder.rename(moved)
    (tmp_path / "link.h5").symlink_to(moved / "a.h5")
    for path in (moved / "a.h5", tmp_path / "link.h5"):
        with open_dataset(path) as dataset:
            assert_holds(dataset, np.concatenate([array, array])[None])


def test_a_virtual_source_in_a_folder_is_looked_for_there_alone(tmp_path: Path) -> None:
    array = scan((4, 5, 6))
    layout = h5py.VirtualLayout((8, 5, 6), array.dtype)
    layout[:4] = h5py.VirtualSource("below/part.h5", "data", array.shape)
    layout[4:] = h5py.VirtualSource("part.h5", "data", array.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    write_h5(tmp_path / "part.h5", array)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert sorted(frames_by_position(dataset)) == [4, 5, 6, 7]
    (tmp_path / "below").mkdir()
    write_h5(tmp_path / "below" / "part.h5", array)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert_holds(dataset, np.concatenate([array, array])[None])


def test_all_virtual_sources_are_missing(tmp_path: Path) -> None:
    make_virtual(tmp_path, scan((4, 3, 5, 6)), interleaved=True)
    for number in range(2):
        (tmp_path / f"part{number}.h5").unlink()
    with pytest.raises(
        OpenError, match=r"a\.h5: /data has no whole frame; missing, .*: part0\.h5, part1\.h5"
    ) as caught:
        open_dataset(tmp_path / "a.h5")
    assert caught.value.way_out


# Masters with data files.


def make_master(folder: Path, array: Array, sizes: tuple[int, ...], **options: Any) -> Path:
    start = 0
    with h5py.File(folder / "run_master.h5", "w") as file:
        group = file.create_group("entry/data")
        specific = file.create_group("entry/instrument/detector/detectorSpecific")
        specific["nimages"], specific["ntrigger"] = 1, len(array)
        specific["pixel_mask"] = np.zeros(array.shape[1:], "u4")
        for number, size in enumerate(sizes, 1):
            name = f"run_data_{number:06}.h5"
            with h5py.File(folder / name, "w") as part:
                part.create_dataset("entry/data/data", data=array[start : start + size], **options)
            group[f"data_{number:06}"] = h5py.ExternalLink(name, "/entry/data/data")
            start += size
    return folder / "run_master.h5"


MASTERS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "bitshuffle": {"chunks": (1, 5, 6), **hdf5plugin.Bitshuffle()},
    "chunks of frames": {"chunks": (3, 5, 6), "compression": "gzip"},
}


@pytest.mark.parametrize("options", MASTERS)
def test_data_files_of_a_master_are_one_dataset(tmp_path: Path, options: str) -> None:
    array = scan((20, 5, 6), "<u4")
    path = make_master(tmp_path, array, (8, 8, 4), **MASTERS[options])
    (entry,) = list_datasets(path)
    assert (entry.path, entry.shape, entry.detail) == ("/entry/data", (20, 5, 6), "3 data files")
    for name in (None, "/entry/data"):
        with open_dataset(path, name) as dataset:
            assert_holds(dataset, array[None], ((0, 1, 7, 17),))
            assert dataset.ref.dataset == "/entry/data"
    with open_dataset(path, scan_shape=(4, 5)) as dataset:
        assert_holds(dataset, array.reshape(4, 5, 5, 6), ((1, 4, 1, 3),))
    with open_dataset(path, "entry/data/data_000002") as dataset:
        assert_holds(dataset, array[None, 8:16])


@pytest.mark.parametrize("options", MASTERS)
@pytest.mark.parametrize(("lost", "good"), [(1, range(8, 20)), (2, [*range(8), *range(16, 20)]), (3, range(16))])
def test_a_data_file_that_is_missing(tmp_path: Path, options: str, lost: int, good: Any) -> None:
    array = scan((20, 5, 6), "<u4")
    path = make_master(tmp_path, array, (8, 8, 4), **MASTERS[options])
    (tmp_path / f"run_data_{lost:06}.h5").unlink()
    with open_dataset(path, scan_shape=(4, 5)) as dataset:
        found = frames_by_position(dataset)
        assert sorted(found) == list(good)
        for position, frame in found.items():
            np.testing.assert_array_equal(frame, array[position])
            np.testing.assert_array_equal(dataset.frame(*divmod(position, 5)), frame)
        assert dataset.note.startswith(f"{len(good)} of 20 frames")
        assert f"missing: run_data_{lost:06}.h5" in dataset.note


def test_a_data_file_that_is_virtual_and_has_lost_a_source(tmp_path: Path) -> None:
    array = scan((20, 5, 6), "<u4")
    path = make_master(tmp_path, array, (8, 8, 4))
    layout = h5py.VirtualLayout((8, 5, 6), "<u4")
    for number, rows in enumerate((slice(0, 5), slice(5, 8))):
        part = write_h5(tmp_path / f"part{number}.h5", array[8:16][rows])
        layout[rows] = h5py.VirtualSource(part.name, "data", array[8:16][rows].shape)
    with h5py.File(tmp_path / "run_data_000002.h5", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)
    with open_dataset(path) as dataset:
        assert_holds(dataset, array[None])
    (tmp_path / "part0.h5").unlink()
    with open_dataset(path) as dataset:
        found = frames_by_position(dataset)
        assert sorted(found) == [*range(8), *range(13, 20)]
        np.testing.assert_array_equal(found[14], array[14])


def test_a_last_data_file_that_is_missing_and_a_master_that_does_not_say_how_much(tmp_path: Path) -> None:
    path = make_master(tmp_path, scan((20, 5, 6)), (8, 8, 4))
    with h5py.File(path, "r+") as file:
        del file["entry/instrument"]
    (tmp_path / "run_data_000003.h5").unlink()
    with open_dataset(path) as dataset:
        assert dataset.scan_shape == (1, 16)
        assert "missing: run_data_000003.h5 (how many frames it has is not known)" in dataset.note


def test_a_master_without_its_data_files(tmp_path: Path) -> None:
    path = make_master(tmp_path, scan((20, 5, 6)), (8, 8, 4))
    for number in (1, 2, 3):
        (tmp_path / f"run_data_{number:06}.h5").unlink()
    with pytest.raises(OpenError, match=r"data files it links to are missing: run_data_000001\.h5, run_data_000002"):
        open_dataset(path)


def test_data_files_that_differ(tmp_path: Path) -> None:
    path = make_master(tmp_path, scan((20, 5, 6)), (8, 8, 4))
    with h5py.File(tmp_path / "run_data_000002.h5", "w") as file:
        file["entry/data/data"] = scan((8, 5, 7))
    with pytest.raises(OpenError, match="/entry/data/data_000002 has frames of") as caught:
        open_dataset(path)
    assert "--dataset" in caught.value.way_out


def test_an_external_link_to_one_scan(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    for options in ({}, {"chunks": (1, 1, 5, 6)}):
        write_h5(tmp_path / "away.h5", array, **options)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["here"] = h5py.ExternalLink("away.h5", "/data")
        with open_dataset(tmp_path / "a.h5") as dataset:
            assert_holds(dataset, array)
            assert dataset.identity().path.endswith("a.h5")


# Calibration.


def test_calibration_from_attributes(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", scan((3, 4, 5, 6)))
    with h5py.File(path, "r+") as file:
        file["data"].attrs.update({"scan_step_nm": 0.25, "frame_pixel_mrad": [1.5], "energy_keV": 200})
    with open_dataset(path) as dataset:
        assert dataset.calibration.model_dump() == {
            "scan_step": 0.25, "scan_unit": "nm", "frame_pixel": 1.5, "frame_unit": "mrad", "energy_kev": 200.0,
        }  # fmt: skip


@pytest.mark.parametrize("value", ["text", np.nan, -1.0, 0.0, [1.0, 2.0], h5py.Empty("f4")], ids=str)
def test_a_calibration_that_makes_no_sense_is_none(tmp_path: Path, value: Any) -> None:
    path = write_h5(tmp_path / "a.h5", scan((3, 4, 5, 6)))
    with h5py.File(path, "r+") as file:
        file["data"].attrs["scan_step_nm"] = value
    with open_dataset(path) as dataset:
        assert dataset.calibration.scan_step is None


@pytest.mark.parametrize("kind", ["emd", "nexus"])
def test_calibration_from_axes(tmp_path: Path, kind: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/data"] = scan((3, 4, 5, 6))
        names = ["dim1", "dim2", "dim3", "dim4"] if kind == "emd" else ["y", "x", "ky", "kx"]
        steps, units = [0.5, 0.5, 0.1, 0.1], [b"[n_m]", "nm", "A^-1", "1/Å"]
        for name, size, step, unit in zip(names, (3, 4, 5, 6), steps, units, strict=True):
            file[f"scan/{name}"] = np.arange(size) * step
            file[f"scan/{name}"].attrs["units"] = unit
        if kind == "nexus":
            file["scan"].attrs.update({"signal": "data", "axes": names})
    with open_dataset(tmp_path / "a.h5") as dataset:
        calibration = dataset.calibration
        assert calibration.scan_step == pytest.approx(0.5)
        assert calibration.frame_pixel == pytest.approx(0.1)
        assert (calibration.scan_unit, calibration.frame_unit) == ("nm", "1/Å")


# Which files a scan is from.


def make_of_several(folder: Path, kind: str, array: Array) -> Path:
    """A scan whose frames lie in other files than the one that is opened."""
    opened = folder / "a.h5"
    if kind.startswith("master"):
        return make_master(folder, array.reshape(12, 5, 6), (8, 4), **MASTERS[kind.partition(", ")[2]])
    if kind == "virtual":
        make_virtual(folder, array, interleaved=False)
    elif kind == "virtual of virtual":
        make_virtual(folder, array, interleaved=True)
        (folder / "a.h5").rename(folder / "between.h5")
        layout = h5py.VirtualLayout(array.shape, array.dtype)
        layout[...] = h5py.VirtualSource("between.h5", "data", shape=array.shape)
        with h5py.File(opened, "w") as file:
            file.create_virtual_dataset("data", layout)
    elif kind == "raw":
        with h5py.File(opened, "w") as file:
            file.create_dataset("data", data=array, external=[("a.raw", 0, h5py.h5f.UNLIMITED)])
    else:
        write_h5(folder / "b.h5", array, chunks=(1, 1, 5, 6))
        with h5py.File(opened, "w") as file:
            file["data"] = h5py.ExternalLink("b.h5", "data")
    return opened


@pytest.mark.parametrize(
    "kind", ["master, contiguous", "master, bitshuffle", "virtual", "virtual of virtual", "raw", "linked"]
)
def test_a_scan_is_another_once_any_file_that_its_frames_lie_in_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where HDF5 writes raw files
    path = make_of_several(tmp_path, kind, scan((4, 3, 5, 6)))
    others = [other for other in sorted(tmp_path.iterdir()) if other != path]
    known = [identity_of(path)]
    assert identity_of(path) == known[0]
    for number, other in enumerate(others):
        os.utime(other, ns=(1, number))
        known.append(identity_of(path))
    assert len(set(known)) == 1 + len(others) > 1


def identity_of(path: Path) -> Identity:
    with open_dataset(path) as dataset:
        return dataset.identity()
