"""What analyses show leaves the window as it is: numbers with their corrections, pictures as seen, scripts that run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication

import ltdesk
from ltdesk.engine.export import read_recipe
from tests.ui.fakes import counts
from tests.ui.test_analysis_panel import add, choose, type_in
from tests.ui.test_window_export import dialog_of, export
from tests.ui.user import User

pytestmark = pytest.mark.usefixtures("at_analyses")
FRAMES = counts((8, 6), (24, 20))


def add_turned_com(user: User, show: str) -> None:
    add(user, "com")
    type_in(user, "rotation", "25")
    choose(user, "mask", "BF")
    choose(user, "show", show)
    user.wait(lambda: user.image_view.prepared.picture.unit in ("deg", "px"), "the map")
    user.wait_exact()


def expected(user: User, tmp_path: Path, which: str) -> np.ndarray:
    """As Python gives it."""
    spec = ltdesk.CenterOfMass(mask=user.selected.shape, rotation=25, maps=(which,))
    with ltdesk.open(tmp_path / "scan.h5") as dataset:
        return ltdesk.run(dataset, [spec])[f"com_{which}"]


def test_a_map_is_written_with_the_corrections_that_it_is_shown_with(user: User, tmp_path: Path) -> None:
    add_turned_com(user, "direction")
    values = expected(user, tmp_path, "direction")
    user.wait(lambda: np.array_equal(user.shown(), values), "the direction")
    export(user, tmp_path / "out.npz", everything=True)
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_array_equal(arrays["com_direction"], values)
        np.testing.assert_array_equal(arrays["com_x"], expected(user, tmp_path, "x"))
    recipe = {spec.name: spec for spec in read_recipe(tmp_path / "out.npz").analyses}
    assert recipe["com"].rotation == 25
    assert recipe["com"].mask == user.selected.shape


def test_vectors_are_written_as_they_look(user: User, tmp_path: Path) -> None:
    add_turned_com(user, "vectors")
    user.wait(lambda: user.image_view.prepared.wheel, "the vectors")
    export(user, tmp_path / "out.png")
    assert QImage(str(tmp_path / "out.png")) == user.image_view.to_image()
    assert read_recipe(tmp_path / "out.png").analyses[0].kind == "com"


def test_frames_of_the_region_are_not_mixed_with_images_of_the_scan(user: User, tmp_path: Path) -> None:
    add(user, "std_frame")
    user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
    user.window.analyses.list.itemClicked.emit(user.window.analyses.list.item(0))
    user.window.analyses.form.widget("in_region").click()
    user.wait(lambda: user.frame_view.status == "exact", "the frame")
    dialog = dialog_of(user)
    rows = {dialog.list.item(row).data(Qt.UserRole): dialog.list.item(row) for row in range(dialog.list.count())}
    for name, item in rows.items():
        item.setCheckState(Qt.Checked if name == "std_frame" else Qt.Unchecked)
    dialog.formats.button(2).click()
    dialog.set_file(str(tmp_path / "out.npz"))
    dialog.export_button.click()
    user.wait(lambda: (tmp_path / "out.npz").exists(), "the file")
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_allclose(arrays["std_frame"], FRAMES[1:5, 1:4].std(axis=(0, 1)))
    assert read_recipe(tmp_path / "out.npz").region == user.session.region
    user.desk.exports.export(["std_frame", "BF"], tmp_path / "both.npz")
    user.wait(user.dialog, "an error")
    assert "one after the other" in user.dialog().copy_text
    user.dialog().close()


@pytest.mark.parametrize("kind", ["radial", "annular"])
def test_the_slice_that_is_shown_is_a_picture(user: User, tmp_path: Path, kind: str) -> None:
    """All slices together were the only thing offered, and they are no picture."""
    add(user, kind)
    user.window.slice_bar.slider.setValue(3)
    user.wait(lambda: np.isfinite(user.shown()).all(), "bin 3")
    user.wait_exact()
    dialog = dialog_of(user)
    assert dialog.choice().path.name == f"scan_{kind}_3.tif"
    dialog.close()
    user.settle()
    export(user, tmp_path / "out.tif")
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), user.shown(), rtol=1e-6)
    export(user, tmp_path / "out.png")
    assert QImage(str(tmp_path / "out.png")) == user.image_view.to_image()


@pytest.mark.parametrize(("kind", "show"), [("com", "direction"), ("radial", "")])
def test_copy_as_python_gives_the_numbers_that_are_shown(user: User, tmp_path: Path, kind: str, show: str) -> None:
    if kind == "com":
        add_turned_com(user, show)
    else:
        add(user, kind)
        user.window.slice_bar.slider.setValue(3)
        user.wait(lambda: np.isfinite(user.shown()).all(), "bin 3")
        user.wait_exact()
    user.trigger("copy_python")
    text = QApplication.clipboard().text()
    script = tmp_path / "script.py"
    script.write_text(f'{text}\nimport numpy\nnumpy.save("image.npy", image)\n')
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "image.npy"), user.shown())
