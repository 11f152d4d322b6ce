"""MIB, BLO, MRC and EMPAD, written here as the cameras write them."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdesk.engine.formats.mib_lines import period_of_pauses
from ltdesk.engine.open import open_dataset
from ltdesk.errors import OpenError
from tests.engine.formats.helpers import Array, assert_holds, scan


def write_mib(path: Path, array: Array, hdr: str = "", pause: float = 0.0, first: int = 1) -> Path:
    """Frames 1 ms apart, the first of each line later by `pause` seconds."""
    ky, kx = array.shape[-2:]
    pixels = {1: "U08", 2: "U16", 4: "U32"}[array.itemsize]
    content, clock = b"", 0.0
    for number, frame in enumerate(array.reshape(-1, ky, kx)):
        clock += 0.001 + (pause if number and number % array.shape[1] == 0 else 0.0)
        time = f"2026-11-24T23:59:{50 + clock:012.9f}Z" if clock < 10 else f"2026-11-25T00:00:{clock - 10:012.9f}Z"
        text = f"MQ1,{first + number:06},00384,01,{kx:04},{ky:04},{pixels},   1x1,01,x,0.001,MQ1A,{time},1ns,6,"
        content += text.encode().ljust(384, b"\0") + frame.tobytes()
    path.write_bytes(content)
    if hdr:
        path.with_suffix(".hdr").write_text(f"HDR,\t\n{hdr}\nEnd\t" + "\0" * 100)
    return path


@pytest.mark.parametrize("dtype", [">u1", ">u2", ">u4"])
@pytest.mark.parametrize(
    "hdr",
    [
        "ScanX:\t4\nScanY:\t3",
        "Frames in Acquisition (Number):\t12\nFrames per Trigger (Number):\t4",
    ],
)
def test_mib_with_its_scan_stated(tmp_path: Path, dtype: str, hdr: str) -> None:
    array = scan((3, 4, 5, 6), dtype)
    with open_dataset(write_mib(tmp_path / "a.mib", array, hdr)) as dataset:
        assert_holds(dataset, array, ((0, 3, 1, 3),))
        assert dataset.format == "MIB"
        assert dataset.note == ""


def test_mib_scan_by_the_times_of_its_frames(tmp_path: Path) -> None:
    array = scan((6, 4, 5, 6), ">u2")
    with open_dataset(write_mib(tmp_path / "a.mib", array, pause=2.0)) as dataset:  # over midnight
        assert_holds(dataset, array)
        assert "a scan of 6x4 is guessed" in dataset.note
    with open_dataset(tmp_path / "a.mib", scan_shape=(4, 6)) as dataset:
        assert_holds(dataset, array.reshape(4, 6, 5, 6))
        assert dataset.note == ""
    with open_dataset(write_mib(tmp_path / "a.mib", array)) as dataset:
        assert_holds(dataset, array.reshape(1, 24, 5, 6))


def test_periods() -> None:
    def times(gaps: list[float]) -> Any:
        return np.cumsum([0.0, *gaps])

    assert period_of_pauses(times([1, 1, 3, 1, 1, 3, 1])) == 3
    assert period_of_pauses(times([1, 1, 3, 1, 1, 1])) == 0  # no pause where the second line would begin
    assert period_of_pauses(times([1, 1, 3, 1, 3])) == 0
    assert period_of_pauses(times([1, 1, 1, 1])) == 0
    assert period_of_pauses(times([1.0, 1.01, 0.99, 1.02, 1.0])) == 0
    assert period_of_pauses(times([2, 1, 1, 1, 1])) == 0
    assert period_of_pauses(times([])) == 0


def test_mib_cut_short_or_a_later_part(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6), ">u2")
    path = write_mib(tmp_path / "a.mib", array, "ScanX:\t4\nScanY:\t3", first=1001)
    os.truncate(path, path.stat().st_size - (384 + 60) - 1)
    with open_dataset(path) as dataset:
        assert (dataset.frames_good, dataset.frames_expected) == (10, 12)
        assert dataset.note == "10 of 12 frames; begins with frame 1 001 of its acquisition"
        np.testing.assert_array_equal(dataset.frame(2, 1), array[2, 1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"MQ1,", "header cannot be read"),
        (b"MQ1,000001,00384,01,0256,what,U08,", "header cannot be read"),
        (b"MQ1,000001,00384,01,0000,0256,U08,", "makes no sense"),
        (b"MQ1,000001,00384,01,0256,0256,U08,".ljust(500, b"\0"), "ends before its first frame"),
        (b"MQ1,000001,00768,04,1024,0256,R64,".ljust(768 + 1024 * 32, b"\0"), "pixels are R64"),
    ],
)
def test_bad_mib(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.mib").write_bytes(content)
    with pytest.raises(OpenError, match=reason) as caught:
        open_dataset(tmp_path / "a.mib")
    assert "a.mib" in caught.value.what
    assert caught.value.way_out


def write_blo(path: Path, array: Array) -> Path:
    sy, sx, side, _ = array.shape
    header = struct.pack(
        "<8s3I5H2dIHI", b"IMGBLO\x02\x01", 4096, 4096 + 16, 131135, side, 0, sx, sy, 0, 2.5, 2.5, 200000, 6226, 2000
    )
    frames = (
        b"\xaa\x55" + struct.pack("<I", i) + frame.tobytes() for i, frame in enumerate(array.reshape(-1, side, side))
    )
    path.write_bytes(header.ljust(4096 + 16, b"\0") + b"".join(frames))
    return path


@pytest.mark.parametrize("dtype", ["|u1", "<u2"])
def test_blo(tmp_path: Path, dtype: str) -> None:
    array = scan((3, 4, 6, 6), dtype)
    with open_dataset(write_blo(tmp_path / "a.blo", array)) as dataset:
        assert_holds(dataset, array, ((0, 3, 1, 3),))
        calibration = dataset.calibration
        assert (calibration.scan_step, calibration.scan_unit, calibration.energy_kev) == (2.5, "nm", 200.0)
        assert calibration.frame_pixel == pytest.approx(0.16062 / 200 * 1e3, rel=1e-4)


def test_half_of_a_blo_has_its_good_frames_and_no_zeros(tmp_path: Path) -> None:
    array = scan((3, 4, 6, 6), "|u1")
    path = write_blo(tmp_path / "a.blo", array)
    os.truncate(path, 4096 + 16 + 42 * 5 + 41)
    with open_dataset(path) as dataset:
        assert dataset.note == "5 of 12 frames"
        (tile,) = dataset.tiles(dataset.plan()[0])
        np.testing.assert_array_equal(tile.frames, array.reshape(12, 6, 6)[:5])
    os.truncate(path, 40)
    with pytest.raises(OpenError, match="ends within its header"):
        open_dataset(path)


def test_a_blo_with_a_zeroed_header(tmp_path: Path) -> None:
    (tmp_path / "a.blo").write_bytes(b"IMGBLO\x02\x01" + bytes(8000))
    with pytest.raises(OpenError, match="has no frames"):
        open_dataset(tmp_path / "a.blo")


def write_mrc(path: Path, array: Array, mode: int, extended: int = 0, stamp: bytes = b"DD\0\0") -> Path:
    count, ky, kx = array.shape[0] * array.shape[1], *array.shape[2:]
    order = ">" if stamp.startswith(b"\x11") else "<"
    header = bytearray(1024)
    header[:16] = struct.pack(order + "4i", kx, ky, count, mode)
    header[92:96] = struct.pack(order + "i", extended)
    header[208:216] = b"MAP " + stamp
    path.write_bytes(bytes(header) + bytes(extended) + array.tobytes())
    return path


MRC_MODES = [(0, "|u1"), (1, "<i2"), (2, "<f4"), (6, "<u2"), (12, "<f2"), (1, ">i2"), (6, ">u2")]


@pytest.mark.parametrize(("mode", "dtype"), MRC_MODES)
@pytest.mark.parametrize("extended", [0, 768])
def test_mrc(tmp_path: Path, mode: int, dtype: str, extended: int) -> None:
    array = scan((1, 12, 4, 6), dtype)
    stamp = b"\x11\x11\0\0" if dtype.startswith(">") else b"DD\0\0"
    with open_dataset(write_mrc(tmp_path / "a.mrc", array, mode, extended, stamp)) as dataset:
        assert_holds(dataset, array)
        assert dataset.note == ""


def test_an_old_mrc_without_map_goes_by_its_name(tmp_path: Path) -> None:
    array = scan((1, 12, 4, 6), "<i2")
    path = write_mrc(tmp_path / "a.mrc", array, 1)
    content = bytearray(path.read_bytes())
    content[208:216] = bytes(8)
    path.write_bytes(content)
    with open_dataset(path) as dataset:
        assert_holds(dataset, array)


INFO = "Scan - Enable = Enable\nScan - Type = {kind}\nScan - Size X = {sx}\nScan - Size Y = {sy}\n"


def test_mrc_with_the_info_of_its_camera(tmp_path: Path) -> None:
    array = scan((3, 4, 5, 6), "<u2")
    path = write_mrc(tmp_path / "run_movie.mrc", array, 6)
    info = tmp_path / "run_info.txt"
    info.write_text(
        INFO.format(kind="Raster", sx=4, sy=3)
        + "Specimen Pixel Size X (nanometers) = 0.2\nDiffraction Pixel Size X = x"
    )
    with open_dataset(path) as dataset:
        assert_holds(dataset, array)
        assert (dataset.calibration.scan_step, dataset.calibration.frame_pixel) == (0.2, None)
    info.write_text(INFO.format(kind="Raster", sx=5, sy=5))
    with open_dataset(path) as dataset:
        assert_holds(dataset, array.reshape(1, 12, 5, 6))
        assert "a scan of 5x5, it has 12 frames" in dataset.note
    info.write_text(INFO.format(kind="XY File", sx=4, sy=3))
    with open_dataset(path) as dataset:
        assert dataset.scan_shape == (1, 12)
        assert "scanned along 'XY File'" in dataset.note


@pytest.mark.parametrize(("mode", "reason"), [(4, "MRC mode 4"), (1714250250, "MRC mode 1714250250"), (3, "mode 3")])
def test_mrc_modes_that_are_not_read(tmp_path: Path, mode: int, reason: str) -> None:
    with pytest.raises(OpenError, match=reason):
        open_dataset(write_mrc(tmp_path / "a.mrc", scan((1, 2, 4, 6), "<i2"), mode))


def test_bad_mrc(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(2000))
    with pytest.raises(OpenError, match="has no frames"):
        open_dataset(path)
    path.write_bytes(b"\xff" * 2000)
    with pytest.raises(OpenError, match="is named like MRC but is not"):
        open_dataset(path)
    array = scan((1, 12, 4, 6), "<u2")
    os.truncate(write_mrc(path, array, 6), 1024 + 48 * 7 + 47)
    with open_dataset(path) as dataset:
        assert dataset.note == "7 of 12 frames"


EMPAD_XML = '<root name="a"><raw_file filename="{raw}"/>{scan}<iom_measurements>{more}</iom_measurements></root>'


def write_empad(path: Path, array: Array) -> Path:
    """128 rows of image and 2 of something else."""
    stored = np.full((array.shape[0] * array.shape[1], 130, 128), np.nan, "<f4")
    stored[:, :128] = array.reshape(-1, 128, 128)
    path.write_bytes(stored.tobytes())
    return path


def test_empad(tmp_path: Path) -> None:
    array = scan((3, 4, 128, 128), "<f4")
    raw, xml = write_empad(tmp_path / "scan_x4_y3.raw", array), tmp_path / "a.xml"
    with open_dataset(raw) as dataset:  # its name says it all
        assert_holds(dataset, array)
        assert dataset.format == "EMPAD"
    view = "<full_scan_field_of_view><scale_factor>0.5</scale_factor><x>1e-6</x></full_scan_field_of_view>"
    more = f"<high_voltage>300000.0</high_voltage>{view}"
    xml.write_text(EMPAD_XML.format(raw="scan_x4_y3.raw", scan="", more=more))
    for path in (xml, raw):
        with open_dataset(path) as dataset:
            assert_holds(dataset, array, ((0, 3, 1, 2),))
            assert dataset.calibration.scan_step == pytest.approx(500)
            assert dataset.calibration.energy_kev == 300


def test_empad_whose_xml_states_the_scan(tmp_path: Path) -> None:
    array = scan((3, 4, 128, 128), "<f4")
    write_empad(tmp_path / "run.raw", array)
    more = (
        "<calibrated_diffraction_angle>0.0004</calibrated_diffraction_angle>"
        "<optics.get_full_scan_field_of_view>[4e-06, 3e-06]</optics.get_full_scan_field_of_view>"
    )
    xml = tmp_path / "a.xml"
    xml.write_text(EMPAD_XML.format(raw="C:\\data\\run.raw", scan="<pix_x>4</pix_x><pix_y>3</pix_y>", more=more))
    with open_dataset(xml) as dataset:
        assert_holds(dataset, array)
        assert dataset.calibration.frame_pixel == pytest.approx(0.4)
        assert dataset.calibration.scan_step == pytest.approx(1000)
    series = "<scan_parameters><series_count>12</series_count></scan_parameters>"
    xml.write_text(EMPAD_XML.format(raw="run.raw", scan=series, more=""))
    with open_dataset(xml) as dataset:
        assert_holds(dataset, array.reshape(1, 12, 128, 128))
    os.truncate(tmp_path / "run.raw", 130 * 128 * 4 * 5)
    with open_dataset(xml) as dataset:
        assert dataset.note == "5 of 12 frames"
    xml.write_text(EMPAD_XML.format(raw="gone.raw", scan=series, more=""))
    with pytest.raises(OpenError, match=r"its frames are in gone\.raw, missing") as caught:
        open_dataset(xml)
    assert "beside" in caught.value.way_out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<root><raw_file filename="a.raw"', "is not an EMPAD header"),
        ("<root><raw_file/></root>", "does not name its raw file"),
        ('<root><raw_file filename="a.raw"/></root>', "does not say the scan's shape"),
        ("<html><root/></html>", "XML is not read"),
    ],
)
def test_bad_empad(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(OpenError, match=reason):
        open_dataset(tmp_path / "a.xml")
