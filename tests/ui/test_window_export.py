"""What leaves the window: files with their recipe, the clipboard, a script that runs as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication

import ltdesk
from ltdesk.engine.export import read_recipe
from ltdesk.engine.spectrum import fft_magnitude
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.dialogs.export_dialog import FORMATS, ExportDialog
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((8, 6), (24, 20))


@pytest.fixture
def user(qapp: object, tmp_path: Path) -> Iterator[User]:
    user = User()
    user.open(write_scan(tmp_path / "scan.h5", FRAMES))
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 8))
    user.wait_exact()
    yield user
    user.close()


def image(user: User, name: str) -> np.ndarray:
    shape = next(d.shape for d in user.session.detectors if d.name == name)
    return FRAMES[..., shape.mask((24, 20))].sum(axis=-1)


def dialog_of(user: User) -> ExportDialog:
    user.trigger("export")
    return user.window.findChild(ExportDialog)


def export(user: User, path: Path, everything: bool = False) -> None:
    """As a user: choose the format, type the file, maybe tick all, press Export."""
    user.window.job_bar.tell("")
    dialog = dialog_of(user)
    suffixes = [form.suffix for form in FORMATS]
    dialog.formats.button(suffixes.index(path.suffix)).click()
    for row in range(dialog.list.count()):
        if everything:
            dialog.list.item(row).setCheckState(Qt.Checked)
    dialog.set_file(str(path))
    assert dialog.export_button.isEnabled(), dialog.words.text()
    dialog.export_button.click()
    user.wait(lambda: "Written" in user.window.job_bar.hint.whole_text() or user.dialog(), "the file")


def test_a_tiff_holds_the_values_of_the_image_shown(user: User, tmp_path: Path) -> None:
    export(user, tmp_path / "out.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), image(user, "disk"))
    assert [a.name for a in read_recipe(tmp_path / "out.tif").analyses] == ["disk"]


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_container_holds_all_images(user: User, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    export(user, path, everything=True)
    if suffix == ".npz":
        with np.load(path) as arrays:
            found = {name: arrays[name] for name in ("BF", "disk", "valid")}
            assert json.loads(str(arrays["recipe"]))["dataset"]["path"].endswith("scan.h5")
    else:
        with h5py.File(path) as file:
            found = {name: file[f"entry/{name}/data"][()] for name in ("BF", "disk")}
            found["valid"] = np.ones(1)
    for name in ("BF", "disk"):
        np.testing.assert_array_equal(found[name], image(user, name))
    assert found["valid"].all()


def test_a_png_is_the_picture_as_it_looks_and_can_be_dropped(user: User, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    export(user, path)
    assert QImage(str(path)) == user.image_view.to_image()
    user.trigger("close")
    user.drop(path)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    assert [d.name for d in user.session.detectors] == ["disk"]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of POSIX stands for the disk")
@pytest.mark.parametrize("suffix", [form.suffix for form in FORMATS])
def test_a_full_disk_is_said_and_leaves_nothing(user: User, tmp_path: Path, suffix: str) -> None:
    """Qt itself did not hear of it: an empty PNG was there, and said to be written."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = set(tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        export(user, tmp_path / f"out{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    dialog = user.dialog()
    assert isinstance(dialog, ErrorDialog)
    assert f"out{suffix}: cannot be written: File too large" in dialog.what.text()
    dialog.close()
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("shown", ["com", "com_x", "com_magnitude", "sum_signal", "composite"])
def test_other_images_are_exported_too(user: User, tmp_path: Path, shown: str) -> None:
    user.trigger(f"show_{shown}")
    user.wait_exact()
    export(user, tmp_path / "out.npz", everything=True)
    with np.load(tmp_path / "out.npz") as arrays:
        assert {"BF", "disk", "mean_frame"} < set(arrays)
        assert ("com_x" in arrays) == shown.startswith("com_") or shown == "com"
        np.testing.assert_allclose(arrays["mean_frame"], FRAMES.mean(axis=(0, 1)))
    export(user, tmp_path / "out.png")
    assert QImage(str(tmp_path / "out.png")) == user.image_view.to_image()
    assert read_recipe(tmp_path / "out.png").analyses


@pytest.mark.parametrize(
    ("shown", "parts"), [("composite", ("BF", "disk")), ("com", ("com_y", "com_x"))], ids=["composite", "com"]
)
def test_the_files_that_are_named_are_those_that_are_written(
    user: User, tmp_path: Path, shown: str, parts: tuple[str, ...]
) -> None:
    """A picture made of several results was said to be one file; others were written, and replaced unasked."""
    user.trigger(f"show_{shown}")
    user.wait_exact()
    (tmp_path / f"out_{parts[1]}.tif").write_bytes(b"precious")
    dialog = dialog_of(user)
    dialog.set_file(str(tmp_path / "out.tif"))
    assert [path.name for path in dialog.choice().paths] == [f"out_{part}.tif" for part in parts]
    assert f"Replaces out_{parts[1]}.tif" in dialog.words.text().replace("\u200b", "")
    dialog.close()
    user.settle()
    export(user, tmp_path / "out.tif")
    assert {path.name for path in tmp_path.glob("out*")} == {f"out_{part}.tif" for part in parts}
    assert tifffile.imread(tmp_path / f"out_{parts[1]}.tif").shape == (8, 6)
    export(user, tmp_path / "new.png")
    assert {path.name for path in tmp_path.glob("new*")} == {"new.png"}


def test_a_composite_and_one_of_its_images_are_two_pictures(user: User, tmp_path: Path) -> None:
    user.trigger("show_composite")
    user.wait_exact()
    export(user, tmp_path / "out.png", everything=True)
    names = {path.name for path in tmp_path.glob("out*")}
    assert names == {f"out_{name}.png" for name in ("composite", "disk", "BF", "mean_frame")}
    assert QImage(str(tmp_path / "out_composite.png")) == user.image_view.to_image()


@pytest.mark.parametrize("action", ["spectrum", "spectrum_window"])
def test_a_spectrum_is_exported_as_numbers_and_as_it_looks(user: User, tmp_path: Path, action: str) -> None:
    user.trigger(action)
    user.wait(lambda: user.shown().dtype == np.float64, "the spectrum")
    user.wait_exact()
    dialog = dialog_of(user)
    assert dialog.choice().path.stem == f"scan_disk_spectrum{'_hann' if action == 'spectrum_window' else ''}"
    dialog.close()
    user.settle()
    export(user, tmp_path / "out.tif")
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), user.shown(), rtol=1e-6)
    assert [a.name for a in read_recipe(tmp_path / "out.tif").analyses] == ["disk"]
    export(user, tmp_path / "out.png")
    assert QImage(str(tmp_path / "out.png")) == user.image_view.to_image()


def test_the_spectrum_of_vectors_is_that_of_their_lengths(user: User, tmp_path: Path) -> None:
    user.trigger("show_com")
    user.trigger("spectrum")
    user.wait(lambda: not user.image_view.prepared.wheel, "the spectrum")
    user.wait_exact()
    export(user, tmp_path / "out.tif")
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), user.shown(), rtol=1e-6)


@pytest.mark.parametrize("source", ["cursor", "region"])
def test_the_frame_that_is_shown_can_be_exported(user: User, tmp_path: Path, source: str) -> None:
    """Only the mean of all frames was offered."""
    if source == "region":
        user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
        name, expected = "region_mean_frame", FRAMES[1:5, 1:4].mean(axis=(0, 1))
    else:
        user.image.drag((3, 2), (3, 2))
        name, expected = "frame_3_2", FRAMES[3, 2]
    user.wait(lambda: np.allclose(user.frame_view.prepared.picture.values, expected), "the frame")
    user.wait(lambda: user.frame_view.status in ("", "exact"), "an exact frame")
    for suffix in (".tif", ".png", ".npz"):
        user.desk.exports.export([name], tmp_path / f"out{suffix}")
        user.wait(lambda suffix=suffix: (tmp_path / f"out{suffix}").exists(), "the file")
    assert name in [spec.name for spec in dialog_of(user)._results]
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), expected)
    assert QImage(str(tmp_path / "out.png")) == user.frame_view.to_image()
    again = ltdesk.run(ltdesk.open(tmp_path / "scan.h5"), *_recipe(tmp_path / "out.npz"))
    np.testing.assert_array_equal(again[name], np.load(tmp_path / "out.npz")[name])


@pytest.mark.parametrize("source", ["cursor", "mean"])
def test_the_spectrum_of_the_frame_is_exported_as_numbers_and_as_it_looks(
    user: User, tmp_path: Path, source: str
) -> None:
    user.trigger(f"frame_{source}")
    user.trigger("frame_spectrum")
    frame, expected = ("frame_4_3", FRAMES[4, 3]) if source == "cursor" else ("mean_frame", FRAMES.mean(axis=(0, 1)))
    name, magnitude = f"{frame}_spectrum", fft_magnitude(expected)
    user.wait(lambda: np.allclose(user.frame_view.prepared.picture.values, magnitude), "the spectrum")
    for chosen in (name, frame):
        for suffix in (".tif", ".png"):
            path = tmp_path / f"{chosen}{suffix}"
            user.desk.exports.export([chosen], path)
            user.wait(path.exists, "the file")
    np.testing.assert_allclose(tifffile.imread(tmp_path / f"{name}.tif"), magnitude, rtol=1e-6)
    np.testing.assert_allclose(tifffile.imread(tmp_path / f"{frame}.tif"), expected, rtol=1e-6)
    assert QImage(str(tmp_path / f"{name}.png")) == user.frame_view.to_image()
    assert QImage(str(tmp_path / f"{frame}.png")) != user.frame_view.to_image()


def _recipe(path: Path) -> tuple[Any, Any]:
    job = read_recipe(path)
    return job.analyses, job.region


def test_several_pictures_get_their_names(user: User, tmp_path: Path) -> None:
    export(user, tmp_path / "out.tif", everything=True)
    names = {path.name for path in tmp_path.glob("out*")}
    assert names == {"out_BF.tif", "out_disk.tif", "out_mean_frame.tif"}
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out_BF.tif"), image(user, "BF"))
    export(user, tmp_path / "out.png", everything=True)
    assert QImage(str(tmp_path / "out_disk.png")) == user.image_view.to_image()
    assert (tmp_path / "out_BF.png").exists()


def test_a_folder_that_cannot_be_written_is_explained_and_nothing_is_left(user: User, tmp_path: Path) -> None:
    dialog = dialog_of(user)
    dialog.set_file(str(tmp_path / "missing" / "out.tif"))
    assert not dialog.export_button.isEnabled()
    assert "missing" in dialog.words.text()
    dialog.close()
    (tmp_path / "taken.tif").mkdir()
    user.desk.exports.export(["disk"], tmp_path / "taken.tif")
    user.wait(lambda: isinstance(user.dialog(), ErrorDialog), "the dialog")
    assert "taken.tif" in user.dialog().copy_text
    user.dialog().close()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_without_an_image_there_is_nothing_to_export(user: User) -> None:
    user.trigger("frame_cursor")
    for _ in range(2):
        user.trigger("delete")
    assert not user.session.detectors
    user.trigger("copy_python")
    user.wait(lambda: isinstance(user.dialog(), ErrorDialog), "the dialog")
    assert "no image" in user.dialog().copy_text
    user.dialog().close()


def test_the_clipboard_takes_both_pictures(user: User) -> None:
    user.trigger("copy_image")
    assert QApplication.clipboard().image() == user.image_view.to_image()
    user.trigger("copy_frame")
    assert QApplication.clipboard().image() == user.frame_view.to_image()


def test_copy_as_python_gives_the_spectrum_that_is_shown(user: User, tmp_path: Path) -> None:
    user.trigger("spectrum_window")
    user.wait(lambda: user.shown().dtype == np.float64, "the spectrum")
    user.trigger("copy_python")
    script = tmp_path / "script.py"
    script.write_text(f'{QApplication.clipboard().text()}\nnp.save("image.npy", image)\n')
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), user.shown())


@pytest.mark.parametrize("shown", ["detector", "com_x"])
def test_copy_as_python_runs_as_it_is_and_gives_the_image(user: User, tmp_path: Path, shown: str) -> None:
    user.trigger(f"show_{shown}")
    user.wait_exact()
    user.trigger("copy_python")
    script = tmp_path / "script.py"
    script.write_text(QApplication.clipboard().text())
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "result.npz") as arrays:
        np.testing.assert_array_equal(arrays["disk" if shown == "detector" else shown], user.shown())
