"""Each file that can't be opened: one error that names it, says what is wrong and what to do."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ltdesk.engine.open import list_datasets, open_dataset
from ltdesk.errors import DamagedFileError, LtdeskError, OpenError, ShapeNeeded, UsageError
from tests.engine.formats.helpers import open_raw, scan, write_h5, write_npy

RAW: dict[str, Any] = {"scan_shape": (4, 5), "frame_shape": (6, 7), "dtype": "<u2"}


def bytes_of_npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def half(path: Path) -> Path:
    content = path.read_bytes()
    return write(path, content[: len(content) // 2])


def missing(folder: Path) -> Path:
    return folder / "missing.h5"


def refused(path: Path | str, **options: Any) -> LtdeskError:
    """The error: it names the file and says what to do."""
    with pytest.raises(LtdeskError) as caught:
        open_dataset(path, **options).close()
    error = caught.value
    assert os.path.basename(str(path)) in error.what
    assert error.way_out
    assert "\n" not in str(error)
    return error


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "scan.h5", "does not exist"),
    "empty": (lambda folder: write(folder / "scan.h5", b""), "is empty"),
    "empty raw": (lambda folder: write(folder / "scan.raw", b""), "is empty"),
    "a folder": (lambda folder: folder, "is a folder"),
    "below a file": (lambda folder: write(folder / "scan.h5", b"x") / "a.h5", "Not a directory"),
    "not HDF5": (lambda folder: write(folder / "scan.h5", b"hello world"), "is named like HDF5 but is not"),
    "not npy": (lambda folder: write(folder / "scan.npy", b"hello world"), "is named like npy but is not"),
    "half of an HDF5": (
        lambda folder: half(write_h5(folder / "scan.h5", scan((4, 4, 8, 8)))),
        "bytes (HDF5: truncated file)",
    ),
    "an HDF5 signature alone": (
        lambda folder: write(folder / "scan.h5", b"\x89HDF\r\n\x1a\n" + bytes(500)),
        "HDF5 cannot open it",
    ),
    "half of an npy in Fortran order": (
        lambda folder: half(write_npy(folder / "scan.npy", np.asfortranarray(scan((4, 4, 8, 8))))),
        "in Fortran order no frame is whole",
    ),
    "an npy cut in its header": (
        lambda folder: write(folder / "scan.npy", bytes_of_npy(scan((4, 4, 8, 8)))[:50]),
        "header cannot be read",
    ),
    "an npy of an unknown version": (
        lambda folder: write(folder / "scan.npy", b"\x93NUMPY\x09\x00" + bytes(200)),
        "header cannot be read",
    ),
    "an npy header that is no literal": (
        lambda folder: write(folder / "scan.npy", b"\x93NUMPY\x01\x00\x10\x00__import__('os')" + bytes(200)),
        "header cannot be read",
    ),
    "an npy with its header alone": (
        lambda folder: write(folder / "scan.npy", bytes_of_npy(scan((4, 4, 8, 8)))[:130]),
        "ends before its first frame",
    ),
    "2D npy": (lambda folder: write_npy(folder / "scan.npy", scan((8, 8))), "neither 4D"),
    "5D npy": (lambda folder: write_npy(folder / "scan.npy", scan((1, 2, 2, 4, 4))), "neither 4D"),
    "npy of objects": (
        lambda folder: write(folder / "scan.npy", bytes_of_npy(np.array([[[[None]]]], object))),
        "not integers, floats or bool",
    ),
    "an npy header with an open bracket": (
        lambda folder: write(folder / "scan.npy", b"\x93NUMPY\x01\x00\x10\x00{'shape': (1, 2, " + bytes(200)),
        "header cannot be read",
    ),
    "a pickle": (lambda folder: write(folder / "scan.npy", b"\x80\x04N."), "is named like npy but is not"),
    "complex npy": (lambda folder: write_npy(folder / "scan.npy", np.zeros((2, 2, 4, 4), "c8")), "complex64"),
    "structured npy": (
        lambda folder: write_npy(folder / "scan.npy", np.zeros((2, 2, 4, 4), [("a", "u2"), ("b", "f4")])),
        "not integers, floats or bool",
    ),
    "npy of text": (lambda folder: write_npy(folder / "scan.npy", np.full((2, 2, 4, 4), "a")), "not integers"),
    "npy without frames": (lambda folder: write_npy(folder / "scan.npy", np.zeros((0, 4, 8, 8))), "has no frames"),
    "npy without pixels": (lambda folder: write_npy(folder / "scan.npy", np.zeros((4, 4, 8, 0))), "has no frames"),
    "text": (lambda folder: write(folder / "notes.txt", b"hello"), "text is not read"),
    "DM4": (lambda folder: write(folder / "scan.dm4", b"\0\0\0\4"), "is named like DM but is not"),
    "headerless": (lambda folder: write(folder / "scan.raw", bytes(100)), "does not say its shapes"),
    "headerless with a name of its own": (lambda folder: write(folder / "scan.xyz", bytes(100)), "does not say"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file(tmp_path: Path, case: str) -> None:
    make, reason = BAD[case]
    path = make(tmp_path)
    error = refused(path)
    assert isinstance(error, OpenError)
    assert reason in str(error)
    assert isinstance(error, ShapeNeeded) == case.startswith("headerless")


def test_what_a_headerless_file_needs_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.raw", bytes(100))
    for given in ({}, {"scan_shape": (2, 2)}, {"frame_shape": (2, 2)}, {"dtype": "<u2"}):
        error = refused(path, **given)
        assert isinstance(error, ShapeNeeded)
        assert all(option in error.way_out for option in ("--frame-shape", "--scan-shape", "--dtype"))


MAKE_NO_SENSE: list[dict[str, Any]] = [
    {"scan_shape": (0, 5)},
    {"scan_shape": (-1, 5)},
    {"scan_shape": (4,)},
    {"scan_shape": (4, 5, 6)},
    {"scan_shape": (2.5, 4)},
    {"scan_shape": (2**40, 2**40)},
    {"frame_shape": (0, 7)},
    {"frame_shape": (6, -7)},
    {"frame_shape": (2**33, 2**33)},
    {"dtype": "nonsense"},
    {"dtype": "<u3"},
    {"dtype": "c8"},
    {"dtype": "O"},
    {"dtype": "U4"},
    {"dtype": "u2,f4"},
    {"dtype": "M8[s]"},
    {"offset": -1},
    {"offset": 0.5},
]


@pytest.mark.parametrize("options", MAKE_NO_SENSE, ids=str)
def test_shapes_that_make_no_sense_are_a_usage_error(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "scan.raw", bytes(4 * 5 * 6 * 7 * 2))
    (name,) = options
    with pytest.raises(UsageError) as caught:
        open_dataset(path, **(RAW | options))
    assert "--" + name.replace("_", "-") in caught.value.what
    assert caught.value.way_out
    assert caught.value.exit_status == 2


def test_a_frame_larger_than_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.raw", bytes(83))
    assert "has 83 bytes, one frame of 6x7 <u2 at byte 0 needs 84" in str(refused(path, **RAW))
    path.write_bytes(bytes(84))
    assert "at byte 1" in str(refused(path, **RAW, offset=1))
    assert "at byte 1,000" in str(refused(path, **RAW, offset=1000))


@pytest.mark.parametrize("shape", [(2**62, 2**62, 4, 4), (1, 1, 2**40, 2**40), (2**40, 1, 1)])
@pytest.mark.parametrize("fortran", [False, True])
def test_an_npy_whose_header_promises_more_than_any_disk(tmp_path: Path, shape: tuple[int, ...], fortran: bool) -> None:
    with open(tmp_path / "scan.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": fortran, "descr": "<u2"})
        file.write(bytes(4096))
    assert isinstance(refused(tmp_path / "scan.npy"), OpenError)


@pytest.mark.parametrize("options", [{"frame_shape": (5, 5)}, {"dtype": "<u4"}, {"offset": 12}], ids=str)
@pytest.mark.parametrize("suffix", [".npy", ".h5"])
def test_shapes_that_contradict_the_file_are_a_usage_error(
    tmp_path: Path, suffix: str, options: dict[str, Any]
) -> None:
    array = scan((4, 4, 6, 7))
    path = write_npy(tmp_path / "a.npy", array) if suffix == ".npy" else write_h5(tmp_path / "a.h5", array)
    assert isinstance(refused(path, **options), UsageError)
    with open_dataset(path, frame_shape=(6, 7), dtype="<u2") as dataset:
        assert dataset.shape == array.shape


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are not POSIX here")
def test_no_permission(tmp_path: Path) -> None:
    """As another user where this one may read everything."""
    path = write_npy(tmp_path / "scan.npy", scan((2, 2, 4, 4)))
    path.chmod(0)
    if os.geteuid() != 0:
        assert "may not be read" in str(refused(path))
        return
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    before = os.geteuid()
    os.seteuid(65534)
    try:
        error = refused(path)
    finally:
        os.seteuid(before)
    assert "may not be read" in str(error)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in the file system here")
    os.mkfifo(tmp_path / "scan.raw")
    assert "is not a file" in str(refused(tmp_path / "scan.raw", **RAW))


def test_a_path_with_a_null_byte() -> None:
    assert "null" in str(refused("sc\0an.h5"))


# What is inside an HDF5 file.

INSIDE: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "nothing": (lambda file: None, "it holds no dataset at all"),
    "other datasets": (lambda file: file.create_dataset("a/b", data=np.zeros((3, 4))), "it holds /a/b (3, 4)"),
    "5D": (lambda file: file.create_dataset("five", data=np.zeros((1, 2, 2, 3, 3))), "/five (1, 2, 2, 3, 3)"),
    "complex": (lambda file: file.create_dataset("c", data=np.zeros((2, 2, 3, 3), "c8")), "complex64"),
    "no frames": (lambda file: file.create_dataset("z", shape=(0, 2, 3, 3), dtype="f4"), "/z (0, 2, 3, 3)"),
    "a null dataset": (lambda file: file.create_dataset("e", data=h5py.Empty("f4")), "/e None"),
    "text": (lambda file: file.create_dataset("t", data=np.full((1, 1, 1, 1), "a", "O")), "/t (1, 1, 1, 1) object"),
    "a broken soft link": (
        lambda file: file.__setitem__("soft", h5py.SoftLink("/nowhere")),
        "broken links: /soft -> /nowhere",
    ),
    "a broken external link": (
        lambda file: file.__setitem__("out", h5py.ExternalLink("gone.h5", "/data")),
        "gone.h5",
    ),
    "links in a circle": (
        lambda file: [file.__setitem__("a", h5py.SoftLink("/b")), file.__setitem__("b", h5py.SoftLink("/a"))],
        "broken links: /a -> /b, /b -> /a",
    ),
    "a group in itself": (lambda file: file.create_group("g").__setitem__("self", file["g"]), "no dataset at all"),
}


@pytest.mark.parametrize("case", INSIDE)
def test_hdf5_without_frames_says_what_it_holds(tmp_path: Path, case: str) -> None:
    fill, reason = INSIDE[case]
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        fill(file)
    assert reason in str(refused(tmp_path / "scan.h5"))
    assert list_datasets(tmp_path / "scan.h5") == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nope", "/nope is not in the file. Choose one of: /g/data, /stack"),
        ("/g", "/g is a group. Choose one of: /g/data, /stack"),
        ("flat", "has the shape (3, 4)"),
        ("five", "has the shape (1, 2, 2, 3, 3)"),
        ("complex", "complex64"),
        ("away", "/away is broken"),
        ("", "is a group"),
    ],
)
def test_a_dataset_that_is_named_but_cannot_be_opened(tmp_path: Path, name: str, reason: str) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["g/data"] = scan((2, 2, 3, 3))
        file["stack"] = scan((2, 3, 3))
        file["flat"] = np.zeros((3, 4))
        file["five"] = np.zeros((1, 2, 2, 3, 3))
        file["complex"] = np.zeros((2, 2, 3, 3), "c8")
        file["away"] = h5py.ExternalLink("gone.h5", "/data")
    assert reason in str(refused(tmp_path / "scan.h5", dataset=name))


def test_a_filter_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_h5(tmp_path / "scan.h5", scan((2, 2, 3, 3)), compression="lzf")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
    assert "compressed by lzf (HDF5 filter 32000)" in str(refused(path))


def test_a_file_that_another_program_writes(tmp_path: Path) -> None:
    """It is never locked against its writer; HDF5's refusal of a half-written one is told."""
    path = tmp_path / "scan.h5"
    writer = (
        "import h5py, sys, numpy as np\n"
        "file = h5py.File(sys.argv[1], 'w', libver='latest')\n"
        "file['data'] = np.zeros((2, 2, 3, 3), 'u2'); file.flush()\n"
        "print('open', flush=True); sys.stdin.readline(); file.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert "Close the program that writes it" in str(refused(path))
        process.communicate("\n")
    assert process.returncode == 0
    with open_dataset(path) as dataset, h5py.File(path, "r+") as again:
        again["data"][0, 0, 0, 0] = 3
        assert dataset.shape == (2, 2, 3, 3)


# Damage in what HDF5 keeps about its data.


def test_a_dataset_of_a_type_that_numpy_lacks_is_no_frames(tmp_path: Path) -> None:
    """HDF5's own times, say: a sound file with some is opened."""
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        space = h5py.h5s.create_simple((2, 2, 3, 3))
        h5py.h5d.create(file.id, b"a_time", h5py.h5t.UNIX_D32LE, space)
    assert "it holds /a_time (2, 2, 3, 3) of a type that is no number" in str(refused(tmp_path / "scan.h5"))
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        file["data"] = scan((2, 2, 3, 3))
    assert [entry.path for entry in list_datasets(tmp_path / "scan.h5")] == ["/data"]
    with open_dataset(tmp_path / "scan.h5") as dataset:
        assert (dataset.ref.dataset, dataset.note) == ("/data", "")
    assert "/a_time is of a type that is no number" in str(refused(tmp_path / "scan.h5", dataset="a_time"))


DAMAGED = {
    "a tree of objects": (b"TREE", "cannot read what it holds: wrong B-tree signature"),
    "a heap of names": (b"HEAP", "cannot read what it holds: bad local heap signature"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_in_what_an_hdf5_file_says_of_itself_is_told(tmp_path: Path, case: str) -> None:
    signature, reason = DAMAGED[case]
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["group/data"] = scan((2, 2, 3, 3))
    content = path.read_bytes()
    last = content.rindex(signature)
    path.write_bytes(content[:last] + bytes(4) + content[last + 4 :])
    error = refused(path)
    assert isinstance(error, DamagedFileError)
    assert reason in str(error)
    with pytest.raises(DamagedFileError, match=re.escape(reason)):
        list_datasets(path)


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (2**63, "its chunks cannot be found"),
        (2**62, "its chunks cannot be found"),
        (2**32, "beyond the end of the file"),
    ],
)
def test_chunks_that_lie_nowhere_are_told(tmp_path: Path, place: int, reason: str, options: dict[str, Any]) -> None:
    path = write_h5(tmp_path / "scan.h5", scan((2, 2, 3, 3)), chunks=(1, 2, 3, 3), **options)
    with h5py.File(path) as file:
        true_place = file["data"].id.get_chunk_info(1).byte_offset
    content = path.read_bytes()
    assert content.count(true_place.to_bytes(8, "little")) == 1
    path.write_bytes(content.replace(true_place.to_bytes(8, "little"), place.to_bytes(8, "little")))
    with open_dataset(path) as dataset, pytest.raises(DamagedFileError) as caught:
        list(dataset.tiles(dataset.plan()[0]))
    assert "scan.h5: /data" in caught.value.what
    assert reason in caught.value.what
    assert caught.value.way_out


def test_a_dm4_whose_array_is_longer_than_any_file(tmp_path: Path) -> None:
    about = b"".join(number.to_bytes(8, "big") for number in (3, 20, 4, 2**63))
    tag = b"\x15\0\4Data" + bytes(8) + b"%%%%" + about
    head = b"\0\0\0\4" + (100).to_bytes(8, "big") + b"\0\0\0\1\0\0" + (1).to_bytes(8, "big")
    assert "cannot be read: a tag of " in str(refused(write(tmp_path / "scan.dm4", head + tag)))


# Damage that shows later.


def test_a_chunk_that_cannot_be_decompressed_fails_as_damage(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "scan.h5", scan((2, 2, 30, 30)), chunks=(1, 2, 30, 30), compression="gzip")
    with h5py.File(path) as file:
        place = file["data"].id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 100] = bytes(100)
    path.write_bytes(content)
    with open_dataset(path) as dataset:
        assert dataset.frame(0, 0).shape == (30, 30)
        with pytest.raises(DamagedFileError) as caught:
            dataset.frame(1, 0)
        assert "scan.h5: /data" in str(caught.value)
        with pytest.raises(DamagedFileError):
            list(dataset.tiles(dataset.plan()[0]))


def test_a_file_that_shrinks_while_open(tmp_path: Path) -> None:
    array = scan((4, 8, 64, 64))
    with open_raw(tmp_path / "scan.raw", array) as dataset:
        tiles = dataset.tiles(dataset.plan()[0])
        next(tiles)
        os.truncate(tmp_path / "scan.raw", array.nbytes // 2)
        with pytest.raises(DamagedFileError) as caught:
            list(tiles)
        assert "scan.raw" in caught.value.what
        with pytest.raises(DamagedFileError):
            dataset.frame(3, 7)


def test_a_chunked_file_that_shrinks_while_open(tmp_path: Path) -> None:
    array = scan((4, 8, 64, 64))
    path = write_h5(tmp_path / "scan.h5", array, chunks=(1, 1, 64, 64), compression="gzip")
    with open_dataset(path) as dataset:
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(DamagedFileError) as caught:
            list(dataset.tiles(dataset.plan()[0]))
        assert "scan.h5" in caught.value.what


def write_kind(folder: Path, suffix: str) -> Path:
    """A scan of frames that are seen in their file, in one of the ways in which they can lie there."""
    array, path = scan((4, 8, 64, 64)), folder / f"a{suffix}"
    if suffix == ".npy":
        return write_npy(path, array)
    return write_h5(path, array, **({"chunks": (1, 1, 64, 64)} if "chunked" in suffix else {}))


@pytest.mark.parametrize("suffix", [".npy", ".h5", "_chunked.h5"])
def test_a_file_that_is_overwritten_while_its_frames_are_used(tmp_path: Path, suffix: str) -> None:
    """Of the old frames and the new ones there is no right sum."""
    path = write_kind(tmp_path, suffix)
    with open_dataset(path) as dataset:
        tiles = dataset.tiles(dataset.plan()[0])
        next(tiles)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(bytes(1000))
        os.utime(path, ns=(1, 1))  # file systems' clocks may be too coarse for a test
        with pytest.raises(DamagedFileError, match="was overwritten"):
            list(tiles)


@pytest.mark.parametrize("suffix", [".npy", ".h5", "_chunked.h5"])
def test_a_closed_dataset_says_so(tmp_path: Path, suffix: str) -> None:
    dataset = open_dataset(write_kind(tmp_path, suffix))
    tiles = dataset.tiles(dataset.plan()[0])
    next(tiles)
    dataset.close()
    dataset.close()
    for use in (lambda: dataset.frame(0, 0), lambda: list(dataset.tiles(dataset.plan()[0]))):
        with pytest.raises(OpenError, match="is closed"):
            use()
    tiles.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["plain", "gzip"])
def test_a_dataset_that_is_closed_while_its_chunks_are_looked_for_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    path = write_h5(tmp_path / "a.h5", scan((4, 8, 64, 64)), chunks=(1, 1, 64, 64), **options)
    dataset, ndim = open_dataset(path), h5py.Dataset.ndim

    def closed_just_before(item: h5py.Dataset) -> int:
        dataset.close()  # as another thread would
        return int(ndim.fget(item))

    monkeypatch.setattr(h5py.Dataset, "ndim", property(closed_just_before))
    with pytest.raises(OpenError, match=r"a\.h5: is closed"):
        list(dataset.tiles(dataset.plan()[0]))
