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
