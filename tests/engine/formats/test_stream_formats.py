"""Digital Micrograph and TVIPS files, written here byte by byte: what is read, and what is cut or makes no sense."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdesk.engine.open import open_dataset
from ltdesk.errors import OpenError
from tests.engine.formats.helpers import Array

SCAN = np.random.default_rng(8).integers(0, 4000, (3, 4, 6, 5)).astype("<u2")


def dm_group(members: dict[str, Any], version: int) -> bytes:
    long = ">Q" if version == 4 else ">I"
    out = b"\1\0" + struct.pack(long, len(members))
    for name, value in members.items():
        named = b"" if name.isdigit() else name.encode()
        inside = dm_group(value, version) if isinstance(value, dict) else dm_value(value, long)
        size = struct.pack(">Q", len(inside)) if version == 4 else b""
        out += bytes([20 if isinstance(value, dict) else 21]) + struct.pack(">H", len(named)) + named + size + inside
    return out


def dm_value(value: Any, long: str) -> bytes:
    if isinstance(value, np.ndarray):
        about, data = [20, {"u2": 4, "i4": 3, "u1": 8}[value.dtype.str[1:]], value.size], value.tobytes()
    elif isinstance(value, str):
        about, data = [20, 4, len(value)], value.encode("utf-16-le")
    elif isinstance(value, tuple):  # a struct of floats
        about, data = [15, 0, len(value), *(0, 6) * len(value)], struct.pack(f"<{len(value)}f", *value)
    elif isinstance(value, float):
        about, data = [6], struct.pack("<f", value)
    else:
        about, data = [5], struct.pack("<I", value)
    return b"%%%%" + struct.pack(long, len(about)) + b"".join(struct.pack(long, n) for n in about) + data


def write_dm(path: Path, array: Array, code: int, version: int = 4, swapped: int = 1) -> Path:
    """`array` as the second image, behind a thumbnail in colour that has more bytes."""
    dimensions = {str(n): size for n, size in enumerate(array.shape[::-1])}
    axes = {str(n): {"Origin": 0.0, "Scale": 0.5, "Units": "1/nm" if n < 2 else "nm"} for n in range(array.ndim)}
    image = {"Calibrations": {"Dimension": axes}, "Data": array, "DataType": code, "Dimensions": dimensions}
    tags = {"Microscope Info": {"Voltage": 300000.0, "Stage": (1.0, 2.0)}, "Meta Data": {"Data Order Swapped": swapped}}
    thumbnail = {"Data": np.zeros(9000, "<i4"), "DataType": 23, "Dimensions": {"0": 90, "1": 100}}
    images = {"0": {"ImageData": thumbnail}, "1": {"ImageData": image, "ImageTags": tags, "Name": "scan"}}
    root = dm_group({"ImageList": images, "Thumbnails": {"0": {"ImageIndex": 0}}}, version)
    head = struct.pack(">I", version) + struct.pack(">Q" if version == 4 else ">I", len(root)) + struct.pack(">I", 1)
    path.write_bytes(head + root + bytes(8))
    return path


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(("frames", "shape"), [(SCAN, SCAN.shape), (SCAN[0], (1, 4, 6, 5)), (SCAN[0, 0], (1, 1, 6, 5))])
def test_digital_micrograph_frames_are_the_files(
    tmp_path: Path, frames: Array, shape: tuple[int, ...], version: int
) -> None:
    with open_dataset(write_dm(tmp_path / "scan.dm4", frames, 10, version)) as dataset:
        assert dataset.shape == shape
        found = np.array([[dataset.frame(y, x) for x in range(shape[1])] for y in range(shape[0])])
        np.testing.assert_array_equal(found, frames.reshape(shape))
        calibration = dataset.calibration
        assert (calibration.frame_pixel, calibration.frame_unit, calibration.energy_kev) == (0.5, "1/nm", 300)
        assert calibration.scan_step == (0.5 if frames.ndim == 4 else None)


def test_rosettasciio_reads_the_same_from_what_is_written_here(tmp_path: Path) -> None:
    from rsciio.digitalmicrograph import file_reader

    images = file_reader(str(write_dm(tmp_path / "stack.dm4", SCAN[0], 10)))
    assert any(np.array_equal(image["data"], SCAN[0]) for image in images)


def test_a_scan_pixel_by_pixel_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match=r"scan\.dm4: holds a 4D scan pixel by pixel.*npy"):
        open_dataset(write_dm(tmp_path / "scan.dm4", SCAN, 10, swapped=0))


def test_a_cut_or_changed_digital_micrograph_file_is_an_error_or_has_fewer_frames(tmp_path: Path) -> None:
    whole = write_dm(tmp_path / "scan.dm4", SCAN, 10).read_bytes()
    rng = np.random.default_rng(4)
    for cut in [*range(1, len(whole), 997), len(whole) - 300]:
        (tmp_path / "cut.dm4").write_bytes(whole[:cut])
        with pytest.raises(OpenError, match=r"cut\.dm4: "):
            open_dataset(tmp_path / "cut.dm4").close()
    for _ in range(200):
        changed = bytearray(whole)
        for place in rng.integers(0, 600, 3):
            changed[place] = rng.integers(256)
        (tmp_path / "changed.dm4").write_bytes(changed)
        with suppress(OpenError):  # nothing else may come of it
            open_dataset(tmp_path / "changed.dm4").close()


def write_tvips(path: Path, frames: Array, extra: int = 8, first: bool = True) -> Path:
    n, ky, kx = frames.shape
    before = 60 + extra
    words = (256, 2, kx, ky, 8 * frames.itemsize, 0, 0, 1, 1, 15, 200, 80, before)
    head = struct.pack("<13I", *words).ljust(256, b"T") if first else b""
    path.write_bytes(head + b"".join(bytes([k]) * before + frames[k].tobytes() for k in range(n)))
    return path


def test_tvips_parts_are_one_stack(tmp_path: Path) -> None:
    frames = SCAN.reshape(12, 6, 5)
    path = write_tvips(tmp_path / "scan_000.tvips", frames[:5])
    write_tvips(tmp_path / "scan_001.tvips", frames[5:], first=False)
    with open_dataset(path) as dataset:
        assert dataset.shape == (1, 12, 6, 5)
        assert "until a scan shape is given" in dataset.note
        assert "--" not in dataset.note  # it is read in the window and in Python too
        np.testing.assert_array_equal([dataset.frame(0, n) for n in range(12)], frames)
        assert dataset.calibration.energy_kev == 200
    with open_dataset(path, scan_shape=(3, 4)) as dataset:
        np.testing.assert_array_equal(dataset.frame(2, 1), SCAN[2, 1])
        assert not dataset.note


def test_a_tvips_stream_that_was_cut_has_the_whole_frames(tmp_path: Path) -> None:
    path = write_tvips(tmp_path / "scan_000.tvips", SCAN.reshape(12, 6, 5))
    path.write_bytes(path.read_bytes()[:-7])
    with open_dataset(path) as dataset:
        assert (dataset.frames_good, dataset.frames_expected) == (11, 12)
        assert dataset.note.startswith("11 of 12 frames")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(OpenError, match=r"scan_000\.tvips: "):
        open_dataset(path)
