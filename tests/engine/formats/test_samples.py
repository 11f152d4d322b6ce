"""Real files of cameras and programs, with the sums that two other readers agree on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.open import list_datasets, open_dataset
from ltdesk.errors import OpenError
from tests.engine.formats.helpers import Array

pytestmark = pytest.mark.samples

MERLIN = "rosettasciio/quantumdetector/"
SINGLE_QUAD = f"{MERLIN}Merlin_Single_Quad/"
SUMS = [
    (f"{MERLIN}Merlin_navigation4x2_ROI/001_4x2_6bit.mib", (2, 4, 256, 256), "|u1", 3623664),
    (f"{MERLIN}Merlin_navigation4x2_ROI/002_4x2_6bit_roi128.mib", (2, 4, 128, 256), "|u1", 3263829),
    (f"{SINGLE_QUAD}Single_9_Frame_CounterDepth_6_Rows_256.mib", (1, 9, 256, 256), "|u1", 217684),
    (f"{SINGLE_QUAD}Single_9_Frame_CounterDepth_12_Rows_256.mib", (1, 9, 256, 256), ">u2", 260753),
    (f"{SINGLE_QUAD}Single_9_Frame_CounterDepth_1_Rows_256.mib", (1, 9, 256, 256), "|u1", 21614),
    (f"{SINGLE_QUAD}Quad_9_Frame_CounterDepth_6_Rows_256.mib", (1, 9, 512, 512), "|u1", 1032369),
    (f"{SINGLE_QUAD}Quad_1_Frame_CounterDepth_12_Rows_256.mib", (1, 1, 512, 512), ">u2", 845907),
    (f"{SINGLE_QUAD}Quad_1_Frame_CounterDepth_24_Rows_256.mib", (1, 1, 512, 512), ">u4", 778764),
    ("rosettasciio/blockfile/test1.blo", (3, 2, 144, 144), "|u1", 5164570),
    ("rosettasciio/mrc/20241021_00405_movie.mrc", (4, 8, 4, 8), "<u2", 32 * sum(range(32))),
    ("openNCEM/dmTest_3D_int16_64,65,66.dm4", (1, 66, 65, 64), "<i2", 8648640),
    ("rosettasciio/digitalmicrograph/test_diffraction_pattern.dm3", (1, 1, 87, 87), "<i4", 9459771),
    ("rosettasciio/tvips/test_tvips_2345_000.tvips", (1, 6, 4, 5), "<u2", 7140),
    ("rosettasciio/tvips/test_tvips_2345_split_000.tvips", (1, 6, 4, 5), "<u2", 7140),
    ("rosettasciio/tvips/test_tvips_2233_000.tvips", (1, 4, 3, 3), "<u2", 630),
    ("rosettasciio/arina/test_00_master.h5", (1, 16, 192, 192), "<u4", 0),
    ("simulated/srtio3_40x40x95x95.h5", (40, 40, 95, 95), "<u2", 31686429),
]


def total(dataset: Dataset) -> float:
    return sum(float(tile.frames.sum(dtype="f8")) for part in dataset.plan() for tile in dataset.tiles(part))


@pytest.mark.parametrize(("name", "shape", "dtype", "known"), SUMS)
def test_sums(samples: Path, name: str, shape: tuple[int, ...], dtype: str, known: int) -> None:
    with open_dataset(samples / name) as dataset:
        assert (dataset.shape, dataset.dtype.str) == (shape, dtype)
        assert dataset.frames_good == dataset.frames_expected == shape[0] * shape[1]
        assert total(dataset) == known


def test_block_file_frame_by_frame(samples: Path) -> None:
    with open_dataset(samples / "rosettasciio/blockfile/test1.blo") as dataset:
        sums = [int(dataset.frame(y, x).sum()) for y in range(3) for x in range(2)]
    assert sums == [845297, 867000, 861801, 872369, 847954, 870149]


def test_two_scans_in_one_emd(samples: Path) -> None:
    path = samples / "rosettasciio/emd/Si100_4D.emd"
    entries = list_datasets(path)
    assert [entry.shape for entry in entries] == [(11, 11, 8, 8)] * 2
    with open_dataset(path) as dataset:
        assert total(dataset) == pytest.approx(110.668, abs=1e-3)
        assert dataset.ref.dataset == entries[0].path
        assert entries[1].path in dataset.note
        assert (dataset.calibration.scan_unit, dataset.calibration.frame_unit) == ("nm", "1/nm")
    with open_dataset(path, entries[1].path) as dataset:
        assert dataset.shape == (11, 11, 8, 8)
        assert dataset.note == ""


def test_py4dstem_is_mapped_and_calibrated(samples: Path) -> None:
    with open_dataset(samples / "rosettasciio/emd/py4DSTEM_size2x3x4x5.h5") as dataset:
        assert dataset.shape == (2, 3, 4, 5)
        assert dataset.calibration.scan_step == pytest.approx(0.126796875)
        assert dataset.calibration.frame_unit == "1/Å"


def test_simulated_scan_is_calibrated_and_has_its_columns(samples: Path) -> None:
    with open_dataset(samples / "simulated/srtio3_40x40x95x95.h5") as dataset:
        calibration = dataset.calibration
        assert (calibration.frame_pixel, calibration.frame_unit) == (1.60580837, "mrad")
        assert calibration.energy_kev == 200
        assert dataset.chunk == (1, 40)
        y, x = np.mgrid[:95, :95] - 47
        ring = y**2 + x**2 > 38**2
        at_columns = [int(dataset.frame(*at)[ring].sum()) for at in ((0, 0), (0, 20), (20, 0), (20, 20))]
        at_columns += [int(dataset.frame(*at)[ring].sum()) for at in ((10, 10), (10, 30), (30, 10), (30, 30))]
        between = [int(dataset.frame(*at)[ring].sum()) for at in ((5, 5), (15, 5), (5, 25), (25, 35))]
    assert min(at_columns) > 5 * max(between)


def test_de_scan_gives_the_images_that_its_camera_made(samples: Path) -> None:
    """The camera's own virtual image is the sum of each frame, or of a part of it."""
    folder = samples / "rosettasciio/mrc"
    with open_dataset(folder / "20241021_00405_movie.mrc") as dataset:
        sums: Array = np.array([[dataset.frame(y, x).sum() for x in range(8)] for y in range(4)], float)
    with open_dataset(folder / "20241021_00405_0_Virt 0_sum.mrc") as dataset:
        image = dataset.frame(0, 0)
    assert np.corrcoef(sums.ravel(), image.ravel())[0, 1] == pytest.approx(1)


def test_custom_scan_is_a_stack(samples: Path) -> None:
    with open_dataset(samples / "rosettasciio/mrc/Custom_movie.mrc") as dataset:
        assert dataset.shape == (1, 30, 16, 16)
        assert "XY File" in dataset.note


def test_half_of_the_real_hdf5_is_refused(samples: Path, tmp_path: Path) -> None:
    whole = (samples / "simulated/srtio3_40x40x95x95.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        OpenError, match=r"half\.h5: is cut short: it has [\d ]+ of [\d ]+ bytes \(HDF5: truncated file\)"
    ):
        open_dataset(tmp_path / "half.h5")


def test_half_of_a_real_block_file_is_opened_with_what_is_there(samples: Path, tmp_path: Path) -> None:
    whole = (samples / "rosettasciio/blockfile/test1.blo").read_bytes()
    (tmp_path / "half.blo").write_bytes(whole[: len(whole) // 2])
    with open_dataset(tmp_path / "half.blo") as dataset:
        assert (dataset.frames_good, dataset.frames_expected) == (2, 6)
        assert total(dataset) == 845297 + 867000


def test_a_master_moved_without_its_data_file(samples: Path, tmp_path: Path) -> None:
    shutil.copyfile(samples / "rosettasciio/arina/test_00_master.h5", tmp_path / "test_00_master.h5")
    with pytest.raises(OpenError, match=r"test_00_data_000001\.h5"):
        open_dataset(tmp_path / "test_00_master.h5")


NOT_OPENED = [
    ("openNCEM/au_145mm_68kx_microprobe_01_master.h5", r"data_000001\.h5"),
    ("rosettasciio/arina/test_00.h5", "no dataset at all"),
    ("rosettasciio/topspin/topspin_test_A.app5", r"/0/Data \(14, 12\)"),
    ("rosettasciio/empad/map4x4.xml", r"its frames are in scan_x4_y4\.raw, missing"),
    ("rosettasciio/empad/stack_images.xml", r"series_x10\.raw"),
    (f"{SINGLE_QUAD}Quad_9_Frame_CounterDepth_1_Rows_256RAW.mib", "R64"),
    ("rosettasciio/pantarhei/panta_rhei_sample.prz", "Panta Rhei is not read"),
    ("kikuchipy/edax_binary/edax_binary.up2", "does not say its shapes"),
]


@pytest.mark.parametrize(("name", "reason"), NOT_OPENED)
def test_what_is_not_opened_says_why_and_what_to_do(samples: Path, name: str, reason: str) -> None:
    with pytest.raises(OpenError, match=reason) as caught:
        open_dataset(samples / name)
    assert caught.value.way_out
