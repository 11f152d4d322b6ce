"""Darks, gains and dead pixels as users have them: in files of many kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile
from PIL import Image

import ltdesk
from ltdesk.correction import Correction
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from ltdesk.errors import LtdeskError, OpenError, UsageError
from ltdesk.geometry import PixelMask, Point, Rectangle
from tests.engine.executor_suite import FRAME, make_array

VALUES = np.random.default_rng(1).normal(20, 3, FRAME)
WHOLE = np.random.default_rng(1).integers(0, 200, FRAME).astype("<u2")
DEAD = np.random.default_rng(2).random(FRAME) < 0.1


def save_h5(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


def save_npy(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def save_tiff(path: Path, array: Any) -> Path:
    tifffile.imwrite(path, array)
    return path


def save_png(path: Path, array: Any) -> Path:
    Image.fromarray(array).save(path)
    return path


FILES: dict[str, tuple[Any, Callable[[Path], str | Path]]] = {
    "npy": (VALUES, lambda folder: save_npy(folder / "f.npy", VALUES)),
    "npy with axes of one": (VALUES, lambda folder: save_npy(folder / "f.npy", VALUES[None, None])),
    "tiff": (WHOLE, lambda folder: save_tiff(folder / "f.tif", WHOLE)),
    "float tiff": (VALUES.astype("f4"), lambda folder: save_tiff(folder / "F.TIFF", VALUES.astype("f4"))),
    "only picture in HDF5": (VALUES, lambda folder: save_h5(folder / "f.h5", a=VALUES, b=np.arange(3))),
    "only picture that fits": (VALUES, lambda folder: save_h5(folder / "f.h5", a__x=VALUES, b=np.ones((3, 4)))),
    "named in HDF5": (VALUES, lambda folder: f"{save_h5(folder / 'f.h5', a__x=VALUES, b=VALUES * 2)}:/a/x"),
    "a scan of one frame": (WHOLE, lambda folder: save_h5(folder / "f.h5", scan=WHOLE[None])),
}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return save_npy(tmp_path / "scan.npy", make_array("<u2"))


def correction_of(dataset: Dataset) -> Correction:
    assert dataset.ref.correction is not None
    return dataset.ref.correction


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("part", ["dark", "gain"])
def test_a_dark_or_gain_from_a_file(scan: Path, tmp_path: Path, kind: str, part: str) -> None:
    values, save = FILES[kind]
    path = save(tmp_path)
    given: dict[str, Any] = {part: path}
    with open_dataset(scan, **given) as dataset:
        found = getattr(correction_of(dataset), part)
    np.testing.assert_array_equal(found.array(), values)
    assert found.source == str(path)


@pytest.mark.parametrize(
    "save",
    [
        lambda folder: save_npy(folder / "f.npy", DEAD),
        lambda folder: save_npy(folder / "f.npy", np.where(DEAD, 8, 0).astype("u4")),
        lambda folder: save_tiff(folder / "f.tif", np.where(DEAD, 255, 0).astype("u1")),
        lambda folder: save_h5(folder / "f.h5", mask=DEAD),
        lambda folder: save_png(folder / "f.png", np.where(DEAD, 255, 0).astype("u1")),
        lambda folder: DEAD,
        lambda folder: PixelMask.from_array(DEAD),
    ],
)
def test_dead_pixels_are_what_is_not_0(scan: Path, tmp_path: Path, save: Callable[[Path], Any]) -> None:
    with open_dataset(scan, dead_pixels=save(tmp_path)) as dataset:
        np.testing.assert_array_equal(correction_of(dataset).dead(FRAME), DEAD)


def test_dead_pixels_as_a_shape(scan: Path) -> None:
    with open_dataset(scan, dead_pixels="point:3,7+rect:0,4,12,5") as dataset:
        shape = correction_of(dataset).dead_pixels
    assert shape == Point(y=3, x=7) + Rectangle(y0=0, x0=4, y1=12, x1=5)


@pytest.mark.parametrize(
    "save",
    [
        lambda folder, stack: save_npy(folder / "f.npy", stack),
        lambda folder, stack: save_tiff(folder / "f.tif", stack),
        lambda folder, stack: save_h5(folder / "f.h5", dark=stack),
        lambda folder, stack: save_npy(folder / "f.npy", stack.reshape(2, 3, *FRAME)),
    ],
)
def test_a_dark_of_several_frames_is_their_mean(scan: Path, tmp_path: Path, save: Callable[..., Path]) -> None:
    stack = np.random.default_rng(3).poisson(20, (6, *FRAME)).astype("<u2")
    path = save(tmp_path, stack)
    with open_dataset(scan, dark=path) as dataset:
        dark = correction_of(dataset).dark
        assert dark is not None
        np.testing.assert_allclose(dark.array(), stack.mean(axis=0), rtol=1e-15)
    with pytest.raises(UsageError, match=r"f\.\w+: holds 6 frames, a gain map is one"):
        open_dataset(scan, gain=path)


BAD: dict[str, tuple[Callable[[Path], Any], type[LtdeskError], str]] = {
    "no file": (lambda folder: folder / "no.npy", OpenError, "no.npy: does not exist"),
    "a folder": (lambda folder: folder, OpenError, "is a folder"),
    "empty": (lambda folder: touch(folder / "f.npy", b""), OpenError, "f.npy: is empty"),
    "cut npy": (lambda folder: cut(save_npy(folder / "f.npy", VALUES)), OpenError, "f.npy"),
    "cut tiff": (lambda folder: cut(save_tiff(folder / "f.tif", VALUES)), OpenError, "f.tif"),
    "no tiff": (lambda folder: touch(folder / "f.tif", b"text"), OpenError, "f.tif: cannot be used as a gain map"),
    "text": (lambda folder: touch(folder / "f.txt", b"1 2 3"), OpenError, "f.txt: text is not read"),
    "another size": (
        lambda folder: save_npy(folder / "f.npy", np.ones((3, 4))),
        UsageError,
        "f.npy: the gain map has 3x4",
    ),
    "complex": (lambda folder: save_npy(folder / "f.npy", VALUES + 1j), UsageError, "f.npy: is complex128"),
    "a line": (lambda folder: save_npy(folder / "f.npy", np.ones(16)), LtdeskError, "f.npy"),
    "colours": (lambda folder: save_tiff(folder / "f.tif", np.zeros((*FRAME, 3), "u1")), UsageError, "f.tif"),
    "several": (
        lambda folder: save_h5(folder / "f.h5", a=VALUES, b=VALUES),
        OpenError,
        "f.h5: holds 2 pictures.*f.h5:/a",
    ),
    "not inside": (lambda folder: f"{save_h5(folder / 'f.h5', a=VALUES)}:/b", OpenError, "/b is not in the file"),
    "a shape": (lambda folder: Point(y=1, x=1), UsageError, "a gain map is numbers"),
    "an array of another kind": (lambda folder: np.array([["a"]]), UsageError, "a frame is a 2D array of numbers"),
    "its own": (lambda folder: "file", UsageError, "scan.npy: holds no flat field"),
}


def touch(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cut(path: Path) -> Path:
    return touch(path, path.read_bytes()[:200])


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_will_not_do_is_named(scan: Path, tmp_path: Path, kind: str) -> None:
    make, error, words = BAD[kind]
    with pytest.raises(error, match=words):
        open_dataset(scan, gain=make(tmp_path))


def dectris(folder: Path, applied: int = 0, mask: Any = None, flat: Any = None) -> Path:
    """A master and its data file as a Dectris camera writes them; masked pixels have its largest number."""
    mask = np.where(DEAD, 8, 0).astype("<u4") if mask is None else mask
    data = np.random.default_rng(6).poisson(30, (20, *FRAME)).astype("<u4")
    data[:, mask != 0] = 2**32 - 1
    with h5py.File(folder / "scan_data_000001.h5", "w") as file:
        file.create_dataset("entry/data/data", data=data, chunks=(1, *FRAME), **hdf5plugin.Bitshuffle())
    with h5py.File(folder / "scan_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("scan_data_000001.h5", "/entry/data/data")
        detector = file.create_group("entry/instrument/detector")
        detector["flatfield_correction_applied"] = np.int8(applied)
        detector["detectorSpecific/pixel_mask"] = mask
        detector["detectorSpecific/flatfield"] = np.abs(VALUES).astype("<f4") / 20 if flat is None else flat
    return folder / "scan_master.h5"


def test_what_a_dectris_file_holds_is_offered_and_applied_when_asked(tmp_path: Path) -> None:
    path = dectris(tmp_path)
    with ltdesk.open(path, scan_shape=(4, 5)) as plain:
        assert f"holds a pixel mask of {DEAD.sum()} pixels and a flat field that is applied" in plain.note
        assert plain.frame(0, 0).max() == 2**32 - 1, "nothing is done that is not asked for"
        stored = np.array([[plain.frame(y, x) for x in range(5)] for y in range(4)])
    with ltdesk.open(path, scan_shape=(4, 5), dead_pixels="file") as dataset:
        assert dataset.dtype == np.uint32
        assert dataset.frame(0, 0).max() < 100
        total = ltdesk.run(dataset, ltdesk.SumFrame())["sum_frame"]
        np.testing.assert_array_equal(total[~DEAD], stored.sum(axis=(0, 1), dtype="u8")[~DEAD])
        assert total[DEAD].max() < 20 * 100
    with ltdesk.open(path, scan_shape=(4, 5), dead_pixels="file", gain="file") as dataset:
        gain = (np.abs(VALUES).astype("<f4") / 20).astype(float)
        np.testing.assert_allclose(dataset.frame(1, 2)[~DEAD], (stored[1, 2] * gain)[~DEAD])


def test_a_master_as_a_file_gives_its_own(scan: Path, tmp_path: Path) -> None:
    path = dectris(tmp_path)
    with open_dataset(scan, gain=path, dead_pixels=path) as dataset:
        correction = correction_of(dataset)
        assert correction.gain is not None
        np.testing.assert_array_equal(correction.gain.array(), np.abs(VALUES).astype("<f4") / 20)
        np.testing.assert_array_equal(correction.dead(FRAME), DEAD)


def test_an_ingested_twin_has_what_its_file_held(tmp_path: Path) -> None:
    with ltdesk.open(dectris(tmp_path), scan_shape=(4, 5), dead_pixels="file", gain="file") as dataset:
        uri = ingest(dataset, str(tmp_path / "twin")).uri
        with ltdesk.open(uri, dead_pixels="file", gain="file") as twin:
            assert (twin.note, correction_of(twin).digest) == (dataset.note, correction_of(dataset).digest)
            np.testing.assert_array_equal(twin.frame(1, 2), dataset.frame(1, 2))
    sidecar = tmp_path / "twin" / "dataset.json"
    sidecar.write_text(
        sidecar.read_text().replace('"own":{"dark":null,"gain":{"size":[', '"own":{"dark":null,"gain":{"size":[1')
    )
    with pytest.raises(OpenError, match=r"own"):
        ltdesk.open(uri)


def test_a_flat_field_is_not_applied_twice(tmp_path: Path) -> None:
    path = dectris(tmp_path, applied=1)
    with ltdesk.open(path) as dataset:
        assert "flat field" not in dataset.note
    with pytest.raises(UsageError, match="holds no flat field that is still to be applied"):
        ltdesk.open(path, gain="file")


def test_what_would_change_nothing_is_not_spoken_of(tmp_path: Path) -> None:
    path = dectris(tmp_path, mask=np.zeros(FRAME, "<u4"), flat=np.ones(FRAME, "<f4"))
    with ltdesk.open(path) as dataset:
        assert dataset.note == ""
    with ltdesk.open(path, dead_pixels="file") as dataset:
        assert not correction_of(dataset).dead(FRAME).any()


@pytest.mark.samples
def test_a_real_dectris_file(samples: Path) -> None:
    path = samples / "rosettasciio/arina/test_00_master.h5"
    with ltdesk.open(path, dead_pixels="file", gain="file") as dataset:
        assert dataset.frame_shape == (192, 192)
        assert not dataset.frame(0, 0).any()
        correction = correction_of(dataset)
        assert correction.gain is not None
        assert (correction.gain.array() == 1).all()


def test_parts_of_a_recipe_can_be_replaced_or_left_out(scan: Path) -> None:
    base = Correction(dark=VALUES, gain=VALUES * 2, dead_pixels=DEAD)
    with open_dataset(scan, correction=base) as dataset:
        assert correction_of(dataset) == base
    with open_dataset(scan, correction=base, dark="none", gain=WHOLE) as dataset:
        found = correction_of(dataset)
        assert found.dark is None
        assert found.gain is not None
        np.testing.assert_array_equal(found.gain.array(), WHOLE)
        np.testing.assert_array_equal(found.dead(FRAME), DEAD)
    with open_dataset(scan, correction=base, dark="none", gain="none", dead_pixels="none") as dataset:
        assert dataset.ref.correction is None
        assert dataset.dtype == np.uint16
