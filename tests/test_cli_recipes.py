"""What the command line takes from a recipe, and from one that is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.test_cli import FRAME, SCAN, files, ltdesk

SUM = ("--analysis", "sum_signal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", np.random.default_rng(3).poisson(20, SCAN + FRAME).astype(np.uint16))
    return tmp_path


@pytest.mark.parametrize("name", ["cut.npz", "cut.h5", "cut.png", "cut.tif", "empty.npz", "group.h5"])
def test_a_result_that_is_damaged_is_an_error_that_names_it(folder: Path, name: str) -> None:
    if name == "group.h5":
        with h5py.File(folder / name, "w") as file:
            file.create_group("entry/recipe")
    else:
        ltdesk("run", "scan.npy", "-o", name, *SUM, cwd=folder)
        (folder / name).write_bytes((folder / name).read_bytes()[: 400 if name.startswith("cut") else 0])
    failed = ltdesk("run", "scan.npy", "-o", "out.npz", "--recipe", name, cwd=folder, status=1)
    assert failed.stderr.startswith(f"ltdesk: {name}: ")
    assert "bug" not in failed.stderr
    assert "out.npz" not in files(folder)


@pytest.mark.parametrize("recipe", [{"dataset": {"uri": "x"}, "analyses": 5}, {"job": [1]}, {"analyses": {"a": 1}}])
def test_a_recipe_that_makes_no_sense_is_a_usage_error(folder: Path, recipe: object) -> None:
    (folder / "recipe.json").write_text(json.dumps(recipe))
    failed = ltdesk("run", "scan.npy", "-o", "out.npz", "--recipe", "recipe.json", cwd=folder, status=2)
    assert failed.stderr.startswith("ltdesk: recipe.json: its recipe makes no sense: ")


def test_a_mask_whose_header_is_damaged_is_a_usage_error(folder: Path) -> None:
    header = b"{'descr': '|b1', 'fortran_order': False, 'shape': (16, 20), "  # without its end
    (folder / "mask.npy").write_bytes(b"\x93NUMPY\x01\x00" + bytes([len(header), 0]) + header + bytes(320))
    words = ("run", "scan.npy", "-o", "out.npz", "--detector", "m=mask:mask.npy")
    failed = ltdesk(*words, cwd=folder, status=2)
    assert failed.stderr.startswith("ltdesk: mask.npy: cannot be used as a mask: ")


def sums(folder: Path, *words: str) -> np.ndarray:
    """What a run gives."""
    ltdesk("run", *words, "-o", "again.npz", cwd=folder)
    with np.load(folder / "again.npz") as result:
        return np.where(result["valid"], result["sum_signal"], -1.0)


def test_a_recipe_says_where_the_scan_begins(folder: Path) -> None:
    wanted = sums(folder, "scan.npy", "--sync-offset", "5", "--scan-shape", "5,7", *SUM)
    (folder / "again.npz").rename(folder / "made.npz")
    ltdesk("ingest", "scan.npy", (folder / "twin").as_uri(), "--sync-offset", "5", "--scan-shape", "5,7", cwd=folder)
    recipe = ("--recipe", "made.npz")
    np.testing.assert_array_equal(sums(folder, "scan.npy", *recipe), wanted)
    np.testing.assert_array_equal(sums(folder, "twin", *recipe), wanted)
    plain = np.load(folder / "scan.npy").sum((2, 3)).ravel()
    np.testing.assert_array_equal(wanted.ravel(), plain[5:40])
    np.testing.assert_array_equal(sums(folder, "scan.npy", *recipe, "--sync-offset", "0").ravel(), plain[:35])


def test_a_recipe_says_how_a_file_without_a_header_is_read(folder: Path) -> None:
    frames = np.load(folder / "scan.npy")
    for name in ("monday.raw", "tuesday.raw"):
        (folder / name).write_bytes(bytes(100) + frames.tobytes())
    layout = ("--scan-shape", "7,6", "--frame-shape", "16,20", "--dtype", "<u2", "--offset", "100")
    wanted = sums(folder, "monday.raw", *layout, *SUM)
    (folder / "again.npz").rename(folder / "made.npz")
    np.testing.assert_array_equal(wanted, frames.sum((2, 3)).reshape(7, 6))
    np.testing.assert_array_equal(sums(folder, "tuesday.raw", "--recipe", "made.npz"), wanted)
    np.save(folder / "floats.npy", frames.astype(np.float32))
    np.testing.assert_array_equal(sums(folder, "floats.npy", "--recipe", "made.npz"), wanted)


def test_a_recipe_names_the_dataset_where_the_file_has_it(folder: Path) -> None:
    frames = np.load(folder / "scan.npy")
    for name, inside in (("two", ("a", "b")), ("one", ("c",))):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            for factor, path in enumerate(inside, 1):
                file[path] = frames * factor
    wanted = sums(folder, "two.h5", "--dataset", "b", *SUM)
    (folder / "again.npz").rename(folder / "made.npz")
    np.testing.assert_array_equal(wanted, frames.sum((2, 3)) * 2)
    np.testing.assert_array_equal(sums(folder, "two.h5", "--recipe", "made.npz"), wanted)
    np.testing.assert_array_equal(sums(folder, "two.h5", "--recipe", "made.npz", "--dataset", "a") * 2, wanted)
    np.testing.assert_array_equal(sums(folder, "one.h5", "--recipe", "made.npz") * 2, wanted)
