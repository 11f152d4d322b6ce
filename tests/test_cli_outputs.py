"""Where results of the command line go: never in the place of what is read, nor of one another."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from tests.test_cli import FRAME, SCAN, files, ltdesk

SUM = ("--analysis", "sum_signal")
TWO = ("--detector", "b_bf=disk:8,9,3", "--detector", "bf=disk:8,9,2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    (tmp_path / "deeper").mkdir()
    for name in ("a", "x_a", "deeper/a"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["data"] = random.poisson(20, SCAN + FRAME).astype(np.uint16)
            file["dark"] = np.zeros(FRAME)
    for name in ("a-2", "A", "a_b"):
        np.save(tmp_path / f"{name}.npy", random.poisson(20, SCAN + FRAME).astype(np.uint16))
    with (tmp_path / "mask.npz").open("wb") as file:  # by name, a result may take its place
        np.save(file, np.ones(FRAME))
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.h5", "x_a.h5", "-o", "x.h5"), "x_a.h5: is the scan itself"),
        (("{uri}/a.h5", "-o", "a.h5"), "a.h5: is the scan itself"),
        (("~/a.h5", "-o", "a.h5"), "a.h5: is the scan itself"),
        (("a.h5", "-o", "x_a.h5", "--dark", "x_a.h5"), "x_a.h5: is the file of --dark"),
        (("a.h5", "-o", "x_a.h5", "--gain", "x_a.h5:/dark"), "x_a.h5: is the file of --gain"),
        (("a.h5", "-o", "mask.npz", "--dead-pixels", "point:1,1-mask:mask.npz"), "mask.npz: is a mask that is read"),
        (("a.h5", "-o", "mask.npz", "--detector", "m=disk:1,1,9&mask:mask.npz"), "mask.npz: is a mask that is read"),
        (("a.h5", "a_b.npy", "-o", "o.tif", *TWO), "o_a_b_bf.tif: two results would have this name"),
        (("a.h5", "-o", "o.tif", "--detector", "A=disk:8,9,3", "--detector", "a=disk:8,9,2"), "two results would"),
    ],
)
def test_nothing_that_is_read_is_replaced(
    folder: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    before = contents(folder)
    asked = [word.replace("{uri}", folder.as_uri()) for word in words]
    assert said in ltdesk("run", *asked, *SUM, cwd=folder, status=2).stderr
    assert contents(folder) == before


def test_a_result_is_not_written_over_its_recipe(folder: Path) -> None:
    ltdesk("run", "a.h5", "-o", "a.npz", *SUM, cwd=folder)
    failed = ltdesk("run", "x_a.h5", "-o", "a.npz", "--recipe", "a.npz", cwd=folder, status=2)
    assert "a.npz: is the file of --recipe" in failed.stderr


def test_files_of_one_name_get_results_of_their_own(folder: Path) -> None:
    scans = ("a.h5", "deeper/a.h5", "a-2.npy", "A.npy")
    out = ltdesk("run", *scans, "-o", "results/", *SUM, cwd=folder)
    assert out.stdout.split() == [str(Path("results", name)) for name in ("a.npz", "a-3.npz", "a-2.npz", "A-4.npz")]
    assert len(files(folder / "results")) == 4
    with np.load(folder / "results" / "a-2.npz") as result:
        np.testing.assert_array_equal(result["sum_signal"], np.load(folder / "a-2.npy").sum((2, 3)))
    with np.load(folder / "results" / "a-3.npz") as result, h5py.File(folder / "deeper" / "a.h5") as file:
        np.testing.assert_array_equal(result["sum_signal"], file["data"][()].sum((2, 3)))


def test_what_is_in_a_file_in_the_home_folder_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert "6 x 7 positions" in ltdesk("info", "~/a.h5", cwd=folder).stdout


@pytest.mark.parametrize("out", ["out.npz", "out.h5", "out.tif"])
def test_a_result_may_have_any_name(folder: Path, out: str) -> None:
    """Also one that a library's function has as a keyword."""
    names = ("file", "allow_pickle", "..", "a.b", "0", "data", "scan_y")
    words = [word for name in names for word in ("--detector", f"{name}=disk:8,9,3")]
    ltdesk("run", "a.h5", "--dataset", "data", "-o", out, *words, cwd=folder)
    ltdesk("run", "a.h5", "--dataset", "data", "-o", "sum.npz", "--detector", "bf=disk:8,9,3", cwd=folder)
    with np.load(folder / "sum.npz") as result:
        expected = result["bf"]
    for name in names:
        np.testing.assert_array_equal(read_result(folder / out, name), expected)


def read_result(path: Path, name: str) -> np.ndarray:
    """The array in a file of results."""
    if path.suffix == ".npz":
        with np.load(path) as result:
            return np.asarray(result[name])
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return np.asarray(file[f"entry/{name}/data"])
    picture = path.with_stem(f"{path.stem}_{name}")
    return np.asarray(tifffile.imread(picture))


@pytest.mark.parametrize("name", ["program_name", ".", "valid"])
def test_a_name_that_result_files_have_themselves_is_refused(folder: Path, name: str) -> None:
    words = ("run", "a.h5", "-o", "out.h5", "--detector", f"{name}=disk:8,9,3")
    assert f"'{name}' is a reserved name" in ltdesk(*words, cwd=folder, status=2).stderr


def test_results_that_are_no_pictures_are_named(folder: Path) -> None:
    words = ("run", "a.h5", "--dataset", "data", "-o", "out.png", "--analysis", "radial")
    out = ltdesk(*words, "--detector", "bf=disk:8,9,3", cwd=folder)
    assert out.stdout.split() == ["out_bf.png"]
    assert out.stderr == "ltdesk: out.png: radial can't be a picture; .npz and .h5 hold all\n"
    assert "out.png: no result is a picture: radial. Use .npz" in ltdesk(*words, cwd=folder, status=2).stderr
