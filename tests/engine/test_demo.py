"""The demo scan is what it says it is: its pictures, worked out with plain numpy, show what its truth holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.engine import demo
from ltdesk.engine.demo import DemoTruth, demo_path, ensure_demo, make_demo, read_truth
from ltdesk.errors import ExportError, JobCancelled, UsageError

Frames = NDArray[np.uint16]
Float = NDArray[np.float64]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "small.h5"
    make_demo(path, "small")
    return path


@pytest.fixture(scope="module")
def truth(small: Path) -> DemoTruth:
    return read_truth(small)


@pytest.fixture(scope="module")
def frames(small: Path) -> Iterator[Frames]:
    with h5py.File(small) as file:
        yield file["data"][()]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that isn't there yet."""
    monkeypatch.setenv("LTDESK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def from_centre(frames: Frames) -> tuple[Float, Float]:
    ky, kx = frames.shape[2:]
    y, x = np.mgrid[:ky, :kx]
    return y - (ky - 1) / 2, x - (kx - 1) / 2


def com(frames: Frames, mask: NDArray[np.bool_]) -> Float:
    y, x = from_centre(frames)
    counts = np.where(mask, frames, 0).astype(np.float64)
    moments = np.stack([(counts * axis).sum((2, 3)) for axis in (y, x)], -1)
    return np.asarray(moments / counts.sum((2, 3))[..., None])


def slopes(measured: Float, true: Float) -> list[float]:
    return [float(np.polyfit(true[..., i].ravel(), measured[..., i].ravel(), 1)[0]) for i in (0, 1)]


def test_file_is_a_contiguous_u16_scan_with_the_calibration_of_real_ones(small: Path) -> None:
    with h5py.File(small) as file:
        data = file["data"]
        assert data.shape == (64, 64, 96, 96)
        assert data.dtype == np.dtype("<u2")
        assert data.chunks is None
        assert data.id.get_offset() % 4096 == 0
        assert list(data.attrs["axes"]) == ["scan_y", "scan_x", "k_y", "k_x"]
        calibration = {name: float(data.attrs[name]) for name in ("scan_step_nm", "frame_pixel_mrad", "energy_keV")}
    assert calibration == {"scan_step_nm": 2.0, "frame_pixel_mrad": pytest.approx(0.54), "energy_keV": 200.0}


def test_frames_can_be_mapped_at_the_offset_that_hdf5_gives(small: Path, frames: Frames) -> None:
    with h5py.File(small) as file:
        offset = file["data"].id.get_offset()
    mapped = np.memmap(small, "<u2", "r", offset, frames.shape)
    np.testing.assert_array_equal(mapped, frames)
    assert small.stat().st_size - offset - frames.nbytes < 10_000  # no room lost


def test_the_truth_is_not_offered_as_a_scan(small: Path) -> None:
    dimensions = {}
    with h5py.File(small) as file:
        file.visititems(lambda name, item: dimensions.update({name: getattr(item, "ndim", 0)}))
    assert {name for name, n in dimensions.items() if n > 2} == {"data"}
    assert dimensions["truth/beam_shift_y"] == dimensions["truth/beam_shift_x"] == 2


def test_truth_returned_is_truth_kept(tmp_path: Path, small: Path, truth: DemoTruth) -> None:
    made = make_demo(tmp_path / "again.h5", "small", seed=7, threads=1)
    for name, kept in vars(read_truth(tmp_path / "again.h5")).items():
        np.testing.assert_array_equal(getattr(made, name), kept)
    assert truth.beam_shift.shape == (64, 64, 2)
    assert truth.grain.dtype == np.int16


def test_every_grain_is_there_with_its_spots(truth: DemoTruth) -> None:
    grains = np.unique(truth.grain)
    np.testing.assert_array_equal(grains, np.arange(-1, len(truth.orientation) + 1))
    np.testing.assert_array_equal(truth.spot_grain[truth.dark_field], grains[2:])
    np.testing.assert_array_equal(truth.thickness > 0, truth.grain > 0)


def test_dark_field_of_a_grains_spot_shows_that_grain(frames: Frames, truth: DemoTruth) -> None:
    y, x = from_centre(frames)
    grains = range(1, len(truth.orientation) + 1)
    for grain in grains:
        sy, sx = truth.spot_yx[truth.dark_field[grain - 1]]
        detector = (y - sy) ** 2 + (x - sx) ** 2 <= truth.disk_radius**2
        image = frames[:, :, detector].sum(-1, dtype=np.uint64)
        mean = {n: image[truth.grain == n].mean() for n in (-1, 0, *grains)}
        others = [mean[n] for n in mean if n != grain]
        assert mean[grain] > 2.5 * max(others), f"grain {grain}"
        assert mean[grain] > 10 * mean[0], f"grain {grain}"


def test_spots_hold_the_electrons_that_the_truth_says(frames: Frames, truth: DemoTruth) -> None:
    y, x = from_centre(frames)
    good = np.ones(y.shape, bool)
    good[tuple(truth.bad_pixels.T)] = False
    for index in truth.dark_field:
        here = truth.grain == truth.spot_grain[index]
        inside = np.zeros(int(here.sum()))
        for n, (frame, shift) in enumerate(zip(frames[here], truth.beam_shift[here], strict=True)):
            sy, sx = truth.spot_yx[index] + shift
            inside[n] = frame[good & ((y - sy) ** 2 + (x - sx) ** 2 <= (truth.disk_radius + 1) ** 2)].sum()
        assert inside.mean() == pytest.approx(truth.spot_electrons[index], rel=0.15, abs=60)


def test_com_within_the_mask_is_the_beam_shift(frames: Frames, truth: DemoTruth) -> None:
    y, x = from_centre(frames)
    found = com(frames, y**2 + x**2 <= truth.com_mask_radius**2)
    error = found - truth.beam_shift
    assert np.sqrt((error**2).mean((0, 1))).max() < 0.05
    assert np.abs(error).max() < 0.25
    assert all(0.97 < slope < 1.0 for slope in slopes(found, truth.beam_shift))


def test_com_of_whole_frames_is_the_beam_shift_on_carbon_alone(frames: Frames, truth: DemoTruth) -> None:
    found = com(frames, np.ones(frames.shape[2:], bool))
    carbon, gold = truth.grain == 0, truth.grain > 0
    offset = (found - truth.beam_shift)[carbon].mean(0)
    error = found - truth.beam_shift - offset
    assert np.abs(offset).max() < 0.4  # the hot pixels
    assert np.sqrt((error[carbon] ** 2).mean(0)).max() < 0.1
    assert all(0.9 < slope < 1.0 for slope in slopes(found[carbon], truth.beam_shift[carbon]))
    assert np.sqrt((error[gold] ** 2).mean(0)).min() > 1.0


def test_direct_disk_stays_well_inside_the_mask_and_the_bragg_disks_outside(truth: DemoTruth) -> None:
    furthest = np.linalg.norm(truth.beam_shift, axis=-1).max()
    nearest = np.linalg.norm(truth.spot_yx, axis=-1).min()
    assert 1.0 < furthest < 3.0
    assert truth.disk_radius + furthest + 1 < truth.com_mask_radius
    assert truth.com_mask_radius < nearest - truth.disk_radius - furthest - 1


def test_beam_shift_is_a_gradient(truth: DemoTruth) -> None:
    curl = np.gradient(truth.beam_shift[..., 1], axis=0) - np.gradient(truth.beam_shift[..., 0], axis=1)
    assert curl.std() < 0.02 * np.gradient(truth.beam_shift[..., 0], axis=0).std()


def test_vacuum_passes_every_electron_and_carbon_scatters_some(frames: Frames, truth: DemoTruth) -> None:
    y, x = from_centre(frames)
    direct = frames[:, :, y**2 + x**2 <= truth.com_mask_radius**2].sum(-1, dtype=np.uint64)
    assert direct[truth.grain == -1].mean() == pytest.approx(30_000, rel=0.01)
    assert direct[truth.grain == 0].mean() == pytest.approx(30_000 * np.exp(-0.13), rel=0.03)


def test_counts_are_poisson_and_bad_pixels_are_the_known_ones(frames: Frames, truth: DemoTruth) -> None:
    for (y, x), counts in zip(truth.bad_pixels, truth.bad_pixel_counts, strict=True):
        pixel = frames[:, :, y, x].astype(np.float64)
        assert abs(pixel.mean() - counts) <= 5 * np.sqrt(counts / pixel.size)
        assert counts == 0 or pixel.var() / pixel.mean() == pytest.approx(1, abs=0.15)
    dead = np.argwhere(~frames.any((0, 1)))
    np.testing.assert_array_equal(dead, truth.bad_pixels[truth.bad_pixel_counts == 0])


def test_same_bytes_on_any_number_of_threads_others_with_another_seed(tmp_path: Path, small: Path) -> None:
    make_demo(tmp_path / "three.h5", "small", threads=3)
    make_demo(tmp_path / "seed.h5", "small", seed=1)
    assert (tmp_path / "three.h5").read_bytes() == small.read_bytes()
    assert (tmp_path / "seed.h5").read_bytes() != small.read_bytes()


def test_progress_ends_at_all_frames(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_demo(tmp_path / "demo.h5", "small", progress=lambda done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert done == sorted(set(done))
    assert seen[-1] == (4096, 4096)
    assert len(seen) > 3


def test_cancel_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "demo.h5"
    path.write_bytes(b"mine")
    seen: list[int] = []
    with pytest.raises(JobCancelled):
        make_demo(path, "small", progress=lambda done, _: seen.append(done), cancelled=lambda: len(seen) == 2)
    assert os.listdir(tmp_path) == ["demo.h5"]
    assert path.read_bytes() == b"mine"


def test_an_error_in_a_callback_leaves_nothing(tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_demo(tmp_path / "demo.h5", "small", progress=progress)
    assert os.listdir(tmp_path) == []


def test_too_little_room_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12, 10**9))
    with pytest.raises(ExportError, match=r"large\.h5: .*34\.4 GB .* 1\.0 GB .*smaller size"):
        make_demo(tmp_path / "large.h5", "large")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits on a file's size are POSIX")
def test_a_write_that_fails_half_way_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import resource, sys
        from ltdesk.engine.demo import make_demo
        from ltdesk.errors import ExportError
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))
        try:
            make_demo(sys.argv[1])
        except ExportError as error:
            print(error)
        """
    )
    path = tmp_path / "folder" / "demo.h5"
    path.parent.mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path}: cannot be written: File too large")
    assert done.stderr == ""
    assert os.listdir(path.parent) == []


def test_missing_folder_folder_as_file_and_unknown_size_say_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no/demo\.h5: .*No such file or directory\. Make the folder"):
        make_demo(tmp_path / "no" / "demo.h5")
    with pytest.raises(ExportError, match="is a folder"):
        make_demo(tmp_path)
    with pytest.raises(UsageError, match="small, medium, large"):
        make_demo(tmp_path / "demo.h5", "tiny")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="seed -1"):
        make_demo(tmp_path / "demo.h5", seed=-1)
    assert os.listdir(tmp_path) == []


def test_a_place_that_refuses_the_new_name_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Any, target: Any) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ExportError, match=r"demo\.h5: .*Permission denied\. Choose a folder"):
        make_demo(tmp_path / "demo.h5")
    assert os.listdir(tmp_path) == []


def test_demo_is_made_once_and_then_reused(cache: Path) -> None:
    path = ensure_demo("small")
    assert path == demo_path("small") == cache / "demo-small.h5"
    made = path.stat()
    assert ensure_demo("small", progress=lambda done, total: pytest.fail("made again")) == path
    assert path.stat().st_ino == made.st_ino


@pytest.mark.parametrize("damage", ["cut", "version", "not hdf5"])
def test_a_demo_that_is_not_whole_is_made_again(cache: Path, small: Path, damage: str) -> None:
    path = demo_path("small")
    cache.mkdir()
    path.write_bytes(small.read_bytes())
    if damage == "cut":
        os.truncate(path, path.stat().st_size - 1000)
    elif damage == "version":
        with h5py.File(path, "r+") as file:
            file["truth"].attrs["version"] = 0
    else:
        path.write_bytes(b"text")
    ensure_demo("small")
    assert path.read_bytes() == small.read_bytes()


def test_what_a_killed_process_left_is_removed_and_what_is_being_made_is_not(cache: Path) -> None:
    cache.mkdir()
    old, young = cache / ".demo-small-aaaa.h5", cache / ".demo-small-bbbb.h5"
    old.touch()
    young.touch()
    long_ago = time.time() - 1e5
    os.utime(old, (long_ago, long_ago))
    ensure_demo("small")
    assert sorted(os.listdir(cache)) == [young.name, "demo-small.h5"]


def test_sizes_are_those_of_the_design() -> None:
    assert {name: size.shape for name, size in demo.SIZES.items()} == {
        "small": (64, 64, 96, 96),
        "medium": (256, 256, 128, 128),
        "large": (512, 512, 256, 256),
    }
