"""What a user names and what is opened: paths, URIs, content before suffix, frames that are missing, identity."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdesk.engine.formats import registry
from ltdesk.engine.formats.arranged import Source
from ltdesk.engine.formats.format import Format
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.engine.open import list_datasets, local_path, open_dataset, open_ref
from ltdesk.errors import DamagedFileError, LtdeskError, OpenError, UsageError
from ltdesk.job import DatasetRef
from tests.engine.formats.helpers import assert_holds, frames_of, open_raw, scan, write_h5, write_npy


def test_a_path_or_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = scan((3, 4, 5, 6))
    path = write_npy(tmp_path / "a b%.npy", array)
    monkeypatch.chdir(tmp_path)
    for name in (path, str(path), path.as_uri(), path.as_uri().replace("file://", "file://localhost"), "a b%.npy"):
        with open_dataset(name) as dataset:
            assert_holds(dataset, array)
            assert os.path.samefile(dataset.identity().path, path)


def test_a_ref_opens_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = scan((3, 4, 5, 6))
    open_raw(tmp_path / "a.raw", array).close()
    monkeypatch.chdir(tmp_path)
    with open_dataset("a.raw", scan_shape=(4, 3), frame_shape=(5, 6), dtype=np.uint16, sync_offset=-2) as first:
        ref = DatasetRef.model_validate(json.loads(first.ref.model_dump_json()))
    monkeypatch.chdir(tmp_path.parent)
    assert ref.dtype == "<u2"
    with open_ref(ref) as dataset:
        assert (dataset.shape, dataset.frames_good) == ((4, 3, 5, 6), 10)


def test_a_ref_is_checked_like_what_a_user_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_npy(tmp_path / "a.npy", scan((3, 4, 5, 6)))
    with open_ref(DatasetRef(uri="a.npy", dtype="uint16")) as dataset:
        assert (dataset.ref.uri, dataset.ref.dtype) == (str(tmp_path / "a.npy"), "<u2")
    for wrong in ({"scan_shape": (0, 4)}, {"frame_shape": (-1, 4)}, {"dtype": "x"}, {"offset": -1}):
        with pytest.raises(UsageError):
            open_ref(DatasetRef(uri="a.npy", **wrong))


def test_the_dataset_that_was_chosen_is_in_the_ref(tmp_path: Path) -> None:
    with open_dataset(write_h5(tmp_path / "a.h5", scan((3, 4, 5, 6)))) as dataset:
        assert dataset.ref.dataset == "/data"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://node/scan.h5", "ftp:// is not known"),
        ("file://elsewhere/scan.h5", "names a file on elsewhere"),
        ("file://[elsewhere/scan.h5", "is no URI"),
        ("webhdfs://[node/scan", "is no URI"),
    ],
)
def test_uris_that_cannot_be_opened(uri: str, reason: str) -> None:
    with pytest.raises((OpenError, UsageError), match=reason) as caught:
        open_dataset(uri)
    assert uri in caught.value.what
    assert caught.value.way_out


def test_a_uri_may_have_what_names_of_files_have(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    path = write_npy(tmp_path / "a#1?b%20.npy", array)
    for uri in (path.as_uri(), f"file://{tmp_path}/a#1?b%2520.npy"):
        with open_dataset(uri) as dataset:
            assert_holds(dataset, array)


def test_a_drive_letter_is_no_scheme() -> None:
    assert local_path(r"C:\data\scan.raw") == r"C:\data\scan.raw"
    assert local_path("C:/data/scan.raw") == "C:/data/scan.raw"


def test_content_counts_before_the_suffix(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    hdf5, npy = write_h5(tmp_path / "scan.dat", array), tmp_path / "scan.h5"
    npy.write_bytes(write_npy(tmp_path / "a.npy", array).read_bytes())
    for path, name in ((hdf5, "HDF5"), (npy, "npy")):
        with open_dataset(path) as dataset:
            assert dataset.format == name
            assert_holds(dataset, array)


def test_given_shapes_make_a_raw_of_any_name(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6), ">f4")
    for name in ("scan", "scan.h5", "scan.dm4", "scan.RAW"):
        with open_raw(tmp_path / name, array, b"header") as dataset:
            assert dataset.format == "raw"
            assert_holds(dataset, array)
    hdf5 = write_h5(tmp_path / "really_hdf5.raw", array)
    with open_dataset(hdf5, None, (1, 2), (5, 6), "u1") as dataset:
        assert dataset.format == "raw"


def test_a_raw_without_scan_shape_is_a_stack(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    open_raw(tmp_path / "a.raw", array).close()
    with open_dataset(tmp_path / "a.raw", frame_shape=(5, 6), dtype="<u2") as dataset:
        assert_holds(dataset, array.reshape(1, 12, 5, 6))
        assert dataset.note == ""


@pytest.mark.parametrize("lost", [1, 60, 61, 300, 12 * 60 - 61])
@pytest.mark.parametrize("suffix", [".raw", ".npy"])
def test_a_file_cut_short_has_its_good_frames(tmp_path: Path, suffix: str, lost: int) -> None:
    array = scan((3, 4, 5, 6))
    path = tmp_path / f"a{suffix}"
    open_raw(path, array).close()
    if suffix == ".npy":
        np.save(path, array)
    os.truncate(path, path.stat().st_size - lost)
    good = (12 * 60 - lost) // 60
    raw: dict[str, Any] = {"scan_shape": (3, 4), "frame_shape": (5, 6), "dtype": "<u2"} if suffix == ".raw" else {}
    with open_dataset(path, **raw) as dataset:
        assert (dataset.frames_good, dataset.frames_expected) == (good, 12)
        assert f"{good} of 12 frames" in dataset.note
        found = {
            int(np.ravel_multi_index((p.y0 + place // p.shape[1], p.x0 + place % p.shape[1]), (3, 4))): frame
            for p in dataset.plan()
            for place, frame in frames_of(dataset, p).items()
        }
        assert sorted(found) == list(range(good))
        np.testing.assert_array_equal(np.array([found[i] for i in range(good)]), array.reshape(12, 5, 6)[:good])
        with pytest.raises(DamagedFileError, match=f"has {good} of 12 frames"):
            dataset.frame(2, 3)
        np.testing.assert_array_equal(dataset.frame(0, 0), array[0, 0])


def test_numbers_in_notes_are_readable(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(4091))
    with open_dataset(tmp_path / "a.raw", None, (64, 64), (1, 1), "u1") as dataset:
        assert dataset.note == "4 091 of 4 096 frames"


def test_more_frames_or_bytes_than_the_scan_has_positions(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    open_raw(tmp_path / "a.raw", array).close()
    with open_dataset(tmp_path / "a.raw", None, (2, 5), (5, 6), "<u2") as dataset:
        assert_holds(dataset, array.reshape(12, 5, 6)[:10].reshape(2, 5, 5, 6))
        assert dataset.note == "2 more frames in the file than the scan has positions"
    (tmp_path / "a.raw").write_bytes(array.tobytes() + b"tail")
    with open_dataset(tmp_path / "a.raw", None, (3, 4), (5, 6), "<u2") as dataset:
        assert_holds(dataset, array)
        assert dataset.note == "4 bytes after the last whole frame"


@pytest.mark.parametrize("sync", [-12, 12, 10**6, -(10**30)])
def test_a_sync_offset_that_leaves_nothing(tmp_path: Path, sync: int) -> None:
    path = write_npy(tmp_path / "a.npy", scan((3, 4, 5, 6)))
    with pytest.raises(OpenError, match="no scan position has a frame") as caught:
        open_dataset(path, sync_offset=sync)
    assert "--sync-offset" in caught.value.way_out


def test_a_position_outside_the_scan(tmp_path: Path) -> None:
    with open_dataset(write_npy(tmp_path / "a.npy", scan((3, 4, 5, 6)))) as dataset:
        for y, x in ((3, 0), (0, 4), (-1, 0)):
            with pytest.raises(UsageError, match="outside the scan"):
                dataset.frame(y, x)


@pytest.mark.parametrize("size", [100, 64 * 1024, 100_000, 300_000])
def test_identity(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(1).bytes(size)
    path = tmp_path / "a.raw"
    path.write_bytes(content)
    with open_dataset(path, None, None, (5, 5), "u1") as dataset:
        identity = dataset.identity()
        assert (identity.path, identity.size) == (str(path), size)
        assert identity.mtime_ns == path.stat().st_mtime_ns
        ends = content if size < 2 * 64 * 1024 else content[: 64 * 1024] + content[-64 * 1024 :]
        assert identity.header_hash == hashlib.sha256(ends).hexdigest()


def test_frames_in_several_files_are_one_dataset(tmp_path: Path) -> None:
    """Tiles that cross from one file to the next, and a file in the middle that is cut short."""
    array = scan((10, 10, 5, 6))
    frames = array.reshape(100, 5, 6)
    parts = []
    for number, (start, stop) in enumerate([(0, 7), (7, 50), (50, 100)]):
        path = tmp_path / f"part{number}"
        path.write_bytes(b"head" * (number + 1) + frames[start:stop].tobytes())
        parts.append(Frames(str(path), 4 * (number + 1), 60, array.dtype, (5, 6), stop - start))
    source = Source(parts[0].path, "parts", (10, 10), (5, 6), array.dtype, good=())
    with FramesFile(DatasetRef(uri=parts[0].path), source, parts) as dataset:
        assert_holds(dataset, array, ((0, 10, 3, 8), (4, 6, 0, 10)))
    os.truncate(parts[1].path, 8 + 60 * 20)
    with FramesFile(DatasetRef(uri=parts[0].path), source, parts) as dataset:
        assert (dataset.frames_good, dataset.frames_expected) == (77, 100)
        found = frames_of(dataset, dataset.plan()[0])
        assert sorted(found) == [*range(27), *range(50, 100)]
        np.testing.assert_array_equal(found[26], frames[26])
        np.testing.assert_array_equal(found[50], frames[50])


def test_frames_with_gaps_between_them_are_views(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    records = b"".join(b"header66" + frame.tobytes() + b"tail" for frame in array.reshape(12, 5, 6))
    (tmp_path / "a").write_bytes(records[:-4])  # the last tail isn't needed
    frames = Frames(str(tmp_path / "a"), 8, 72, array.dtype, (5, 6), 12)
    source = Source(frames.path, "records", (3, 4), (5, 6), array.dtype, good=())
    with FramesFile(DatasetRef(uri=frames.path), source, [frames]) as dataset:
        assert_holds(dataset, array, ((0, 3, 1, 3),))
        (tile,) = dataset.tiles(dataset.plan()[0])
        assert tile.frames.strides == (72, 12, 2)
        assert tile.frames.base is not None


def test_tiles_are_views_that_cannot_be_written_and_outlive_the_dataset(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6))
    dataset = open_dataset(write_npy(tmp_path / "a.npy", array))
    (tile,) = dataset.tiles(dataset.plan()[0])
    dataset.close()
    assert not tile.frames.flags.writeable
    assert not tile.frames.flags.owndata
    np.testing.assert_array_equal(tile.frames, array.reshape(12, 5, 6))


def test_only_hdf5_files_have_datasets_inside(tmp_path: Path) -> None:
    assert list_datasets(write_npy(tmp_path / "a.npy", scan((3, 4, 5, 6)))) == []
    (tmp_path / "a.raw").write_bytes(bytes(100))
    assert list_datasets(tmp_path / "a.raw") == []
    assert list_datasets("webhdfs://node:9870/scan") == []
    with pytest.raises(OpenError, match="does not exist"):
        list_datasets(tmp_path / "b.h5")


def test_npy_and_raw_are_opened_without_h5py(tmp_path: Path) -> None:
    path = write_npy(tmp_path / "a.npy", scan((3, 4, 5, 6)))
    code = (
        "import sys; from ltdesk.engine.open import open_dataset, list_datasets\n"
        "with open_dataset(sys.argv[1]) as dataset: print(dataset.shape)\n"
        "list_datasets(sys.argv[1])\n"
        "print([name for name in ('h5py', 'hdf5plugin', 'numba', 'dask', 'PyQt5') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "(3, 4, 5, 6)\n[]\n"


class _Point:
    """An entry point as a plug-in would have it."""

    value, dist = "plug.in:FORMAT", None

    def __init__(self, loaded: object) -> None:
        self.loaded = loaded

    def load(self) -> object:
        return self.loaded


def test_a_plug_in_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = scan((3, 4, 5, 6))

    def open_plugged(path: str, ref: DatasetRef) -> FramesFile:
        source = Source(path, "plugged", (3, 4), (5, 6), array.dtype, good=())
        return FramesFile(ref, source, [Frames(path, 4, 60, array.dtype, (5, 6), 12)])

    known = Format("plugged", (".plug",), lambda path, head: head.startswith(b"PLUG"), open_plugged)
    points: list[_Point] = [_Point(known)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "ltdesk.formats" else [])
    registry.plugged_in.cache_clear()
    try:
        (tmp_path / "a.plug").write_bytes(b"PLUG" + array.tobytes())
        with open_dataset(tmp_path / "a.plug") as dataset:
            assert dataset.format == "plugged"
            assert_holds(dataset, array)
        (tmp_path / "b.plug").write_bytes(array.tobytes())
        with pytest.raises(OpenError, match="is named like plugged but is not"):
            open_dataset(tmp_path / "b.plug")
        points[0] = _Point("nonsense")
        registry.plugged_in.cache_clear()
        with pytest.raises(LtdeskError, match=r"plug-in plug.in:FORMAT: is not a Format"):
            open_dataset(tmp_path / "a.plug")
    finally:
        registry.plugged_in.cache_clear()
