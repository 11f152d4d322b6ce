"""Corrected frames on the command line: the words, the recipe, the script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ltdesk.correction import Correction
from ltdesk.engine.corrected import corrected
from ltdesk.engine.export import read_recipe
from ltdesk.engine.export.script import job_script
from ltdesk.engine.open import open_dataset
from tests.test_cli import FRAME, SCAN, ltdesk

DEAD = np.zeros(FRAME, bool)
DEAD[4, 5] = DEAD[0, 0] = True
DETECTOR = ("--detector", "all=rect:0,0,16,20", "--analysis", "sum_frame")
OPTIONS = ("--dark", "dark.npy", "--gain", "gain.npy", "--dead-pixels", "dead.npy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    np.save(tmp_path / "scan.npy", random.poisson(20, SCAN + FRAME).astype(np.uint16))
    np.save(tmp_path / "dark.npy", random.normal(5, 1, FRAME))
    np.save(tmp_path / "gain.npy", random.uniform(0.5, 2, FRAME))
    np.save(tmp_path / "dead.npy", DEAD)
    np.save(tmp_path / "small.npy", np.zeros((3, 4)))
    return tmp_path


def expected(folder: Path) -> np.ndarray:
    """The image of all pixels."""
    array, dark, gain = (np.load(folder / f"{name}.npy") for name in ("scan", "dark", "gain"))
    frames = ((array - dark) * gain).astype(np.float32).astype(np.float64)
    frames[..., 0, 0] = (frames[..., 0, 1] + frames[..., 1, 0] + frames[..., 1, 1]) / 3
    square = frames[..., 3:6, 4:7].reshape(*SCAN, 9)
    frames[..., 4, 5] = np.delete(square, 4, axis=-1).mean(axis=-1)
    return np.asarray(frames.sum(axis=(2, 3)))


def test_frames_are_corrected_and_the_recipe_repeats_it(folder: Path) -> None:
    ltdesk("run", "scan.npy", "-o", "out.npz", *OPTIONS, *DETECTOR, cwd=folder)
    (folder / "dead.npy").unlink()
    with np.load(folder / "out.npz") as result:
        np.testing.assert_allclose(result["all"], expected(folder), rtol=1e-6)
        wanted = {name: result[name].tobytes() for name in ("all", "sum_frame")}
        recipe = json.loads(str(result["recipe"]))
    assert recipe["job"]["dataset"]["correction"]["dark"]["source"] == "dark.npy"
    ltdesk("run", "scan.npy", "-o", "again.npz", "--recipe", "out.npz", cwd=folder)
    with np.load(folder / "again.npz") as result:
        assert {name: result[name].tobytes() for name in wanted} == wanted
    ltdesk("run", "scan.npy", "-o", "less.npz", "--recipe", "out.npz", "--dark", "none", cwd=folder)
    with np.load(folder / "less.npz") as result:
        assert result["all"].sum() > expected(folder).sum() * 1.1


def test_dead_pixels_alone_leave_whole_numbers(folder: Path) -> None:
    ltdesk("run", "scan.npy", "-o", "out.npz", "--dead-pixels", "point:4,5+point:0,0", *DETECTOR, cwd=folder)
    with np.load(folder / "out.npz") as result:
        assert result["all"].dtype == np.uint64
        assert result["sum_frame"].dtype == np.uint64


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--dark", "small.npy"), 2, "small.npy: the dark frame has 3x4 pixels, the frames of"),
        (("--dark", "none.npy"), 1, "none.npy: does not exist"),
        (("--gain", "file"), 2, "holds no flat field"),
        (("--dark", "point:1,2"), 2, "point:1,2: a dark frame is numbers, not a shape. Give a file"),
        (("--dead-pixels", "small.npy"), 2, "small.npy: the map of dead pixels has 3x4 pixels, the frames of"),
        (("--dead-pixels", "mask:small.npy"), 2, "small.npy: the map of dead pixels has 3x4 pixels, the frames of"),
        (("--dead-pixels", "blob:1,2"), 2, "blob:1,2: is neither a file nor a shape. Shapes are point, disk, ring,"),
        (("--dead-pixels", "disk:1"), 2, "shape 'disk:1' has 1 numbers, not 3"),
        (("--dead-pixels", "rect:0,0,99,99"), 2, "every camera pixel is marked dead"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, words: tuple[str, str], status: int, said: str) -> None:
    done = ltdesk("run", "scan.npy", "-o", "out.npz", *words, *DETECTOR, cwd=folder, status=status)
    assert said in done.stderr
    assert not (folder / "out.npz").exists()


def test_the_script_gives_the_same_numbers_without_the_files(folder: Path) -> None:
    ltdesk("run", "scan.npy", "-o", "out.npz", *OPTIONS, *DETECTOR, cwd=folder)
    (folder / "script.py").write_text(job_script(read_recipe(folder / "out.npz")))
    for name in ("dark", "gain", "dead"):
        (folder / f"{name}.npy").unlink()
    subprocess.run([sys.executable, "script.py"], cwd=folder, check=True, capture_output=True, timeout=120)
    with np.load(folder / "out.npz") as wanted, np.load(folder / "result.npz") as result:
        assert result["all"].tobytes() == wanted["all"].tobytes()
        assert result["recipe"] == wanted["recipe"]


def test_a_correction_survives_a_session(folder: Path) -> None:
    from ltdesk.session import Session, session_from_json

    with open_dataset(folder / "scan.npy") as stored:
        dataset = corrected(stored, Correction(dark=np.load(folder / "dark.npy"), dead_pixels=DEAD))
        session = Session(dataset=dataset.ref)
    assert session_from_json(session.model_dump_json(), "s.json") == session
