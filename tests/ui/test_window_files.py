"""Opening, saving, dropping, and files that are not what they should be: the window says so and lives on."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QPushButton

import ltdesk
from ltdesk.analysis import Analysis
from ltdesk.geometry import Disk, PixelMask
from ltdesk.session import Detector, Session
from ltdesk.ui.dialogs.dataset_chooser import DatasetChooser
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.dialogs.mask_file_dialog import MaskFileDialog
from ltdesk.ui.dialogs.raw_open_dialog import RawOpenDialog
from ltdesk.ui.files import opening
from ltdesk.ui.files.autosave import autosave_folder
from ltdesk.ui.files.session_file import load_session, save_session
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((8, 6), (24, 20))


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.h5"
    if kind == "empty":
        path.touch()
    elif kind == "truncated":
        write_scan(path, FRAMES)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no scan at all\n" * 50)
    elif kind == "2D":
        write_scan(path, FRAMES[0, 0])
    elif kind == "zero":
        write_scan(path, FRAMES[:0])
    return path


def error_of(user: User) -> ErrorDialog:
    user.wait(lambda: isinstance(user.dialog(), ErrorDialog), "the error dialog")
    return user.dialog()


@pytest.mark.parametrize("kind", ["missing", "empty", "truncated", "folder", "text", "2D", "zero"])
def test_a_file_that_cannot_be_opened_is_explained_and_the_window_lives_on(
    user: User, scan: Path, tmp_path: Path, kind: str
) -> None:
    user.open(scan)
    bad = bad_file(kind, tmp_path)
    assert user.drop(bad)
    dialog = error_of(user)
    assert bad.name in dialog.copy_text
    assert dialog.exception.way_out
    dialog.close()
    assert user.window.page is user.window.work
    user.key(user.image_view, Qt.Key_Down)
    assert user.session.cursor == (5, 3)
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[5, 3]), "the frame")


def test_with_nothing_open_an_error_leads_back_to_the_start(user: User, tmp_path: Path) -> None:
    user.desk.files.open_path(str(tmp_path / "missing.h5"))
    error_of(user).close()
    assert user.window.page is user.window.welcome


def test_a_drag_of_words_is_not_welcome(user: User) -> None:
    from PyQt5.QtCore import QMimeData, QPoint
    from PyQt5.QtGui import QDragEnterEvent
    from PyQt5.QtWidgets import QApplication

    data = QMimeData()
    data.setText("words")
    enter = QDragEnterEvent(QPoint(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    enter.ignore()
    QApplication.sendEvent(user.window, enter)
    assert not enter.isAccepted()


def test_a_file_dropped_on_the_picture_is_the_windows(user: User, scan: Path) -> None:
    user.open(scan)
    assert not user.image_view.canvas.acceptDrops()
    assert not user.frame_view.canvas.viewport().acceptDrops()


def test_opening_can_be_cancelled(user: User, scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, begun = threading.Event(), threading.Event()
    real = opening.sample_mean

    def slow(*args: object, **kwargs: object) -> object:
        begun.set()
        go_on.wait(60)
        return real(*args, **kwargs)

    monkeypatch.setattr(opening, "sample_mean", slow)
    user.desk.files.open_path(str(scan))
    user.wait(begun.is_set, "the reading")
    user.wait(lambda: user.window.page is user.window.opening, "the page")
    assert user.window.opening.name.text() == "scan.h5"
    assert "kB" in user.window.opening.place.text()
    user.wait(lambda: user.window.opening.stage.text() == "Taking a first look", "the stage")
    QTest.mouseClick(user.window.opening.cancel_button, Qt.LeftButton)
    assert user.window.page is user.window.welcome
    go_on.set()
    for thread in user.desk.opener._threads:
        thread.join(60)
    user.settle()
    assert user.desk.dataset is None
    assert user.window.page is user.window.welcome


def save_and_open_again(user: User, path: Path) -> None:
    """The session, which has no file yet: it is as it was."""
    user.trigger("save")
    dialog = user.window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    user.wait(lambda: path.exists() and "Saved" in user.window.job_bar.hint.whole_text(), "the file")
    before = user.session
    user.trigger("close")
    user.drop(path)
    user.wait(lambda: user.window.page is user.window.work, "the session")
    user.wait_exact()
    assert user.session == before


def test_a_session_is_saved_and_opens_as_it_was(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 8))
    user.image.double_click((2, 4))
    path = tmp_path / "mine.ltdesk"
    save_and_open_again(user, path)
    user.frame.drag((5, 5), (9, 9))
    user.trigger("save")  # without asking again
    user.wait(lambda: load_session(str(path)) == user.session, "the file")
    assert user.dialog() is None


def test_a_scan_whose_name_is_no_text_is_saved_in_a_session_too(user: User, scan: Path, tmp_path: Path) -> None:
    """As those of old Windows disks are: bytes in another code than UTF-8."""
    odd = scan.rename(scan.with_name(f"caf\udce9{scan.suffix}"))
    user.open(odd)
    save_and_open_again(user, tmp_path / "mine.ltdesk")


def test_a_session_whose_scan_has_moved_with_it_is_found(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    other = tmp_path / "elsewhere"
    other.mkdir()
    save_session(user.session, str(other / "s.ltdesk"))
    user.trigger("close")
    scan.rename(other / "scan.h5")
    user.open(other / "s.ltdesk")
    assert user.session.dataset.uri == str(other / "scan.h5")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 7}', '{"version": 1}', "\udcff"])
def test_a_broken_session_is_explained(user: User, tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.ltdesk"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    user.drop(path)
    dialog = error_of(user)
    assert "broken.ltdesk" in dialog.copy_text
    dialog.close()


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".tif", ".png"])
def test_a_dropped_result_brings_its_detectors_back(user: User, scan: Path, tmp_path: Path, suffix: str) -> None:
    dataset = ltdesk.open(scan)
    results = ltdesk.run(dataset, [ltdesk.VirtualDetector(Disk(cy=4, cx=5, r=3), name="spot")])
    path = tmp_path / f"result{suffix}"
    ltdesk.save(results, path)
    dataset.close()
    user.drop(path)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    assert user.selected.name == "spot"
    assert user.selected.shape == Disk(cy=4, cx=5, r=3)
    np.testing.assert_array_equal(user.shown(), results["spot"])


@pytest.mark.parametrize(
    "analysis",
    [ltdesk.CenterOfMass(name="shift"), ltdesk.SumSignal(), ltdesk.RadialProfile(nbins=5), ltdesk.SumFrame()],
    ids=lambda analysis: analysis.kind,
)
def test_a_dropped_result_of_any_analysis_is_shown(user: User, scan: Path, tmp_path: Path, analysis: Analysis) -> None:
    with ltdesk.open(scan) as dataset:
        results = ltdesk.run(dataset, [analysis])
        ltdesk.save(results, tmp_path / "result.npz")
    user.drop(tmp_path / "result.npz")
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    if analysis.kind == "com":
        user.wait(lambda: user.image_view.prepared is not None and user.image_view.prepared.wheel, "the vectors")
    elif analysis.kind == "sum_signal":
        user.wait_exact()
        np.testing.assert_array_equal(user.shown(), results["sum_signal"])
    elif analysis.kind == "radial":
        user.wait(
            lambda: np.allclose(user.shown(), results["radial"][..., 1], equal_nan=True), "a ring that has pixels"
        )
    else:
        user.wait(lambda: user.frame_view.status == "exact", "the frame")
        np.testing.assert_array_equal(user.frame_view.prepared.picture.values, results["sum_frame"])
        assert user.image_view.plates.message.text


def test_a_picture_without_a_recipe_is_explained(user: User, tmp_path: Path) -> None:
    from PyQt5.QtGui import QImage

    path = tmp_path / "photo.png"
    image = QImage(8, 8, QImage.Format_RGB32)
    image.fill(0)
    image.save(str(path))
    user.drop(path)
    dialog = error_of(user)
    assert "photo.png" in dialog.copy_text
    dialog.close()


def test_what_a_crash_left_is_offered(qapp: object, scan: Path) -> None:
    folder = autosave_folder()
    folder.mkdir(parents=True)
    first = User()
    first.open(scan)
    first.desk.autosave.save()
    assert first.desk.autosave.wait()
    text = first.desk.autosave.path.read_text()
    saved = first.session
    first.close()
    (folder / "1-crashed.ltdesk-autosave").write_text(text)
    user = User()
    [offer] = user.window.welcome.offers
    restore = next(b for b in offer.findChildren(QPushButton) if b.text() == "Restore")
    QTest.mouseClick(restore, Qt.LeftButton)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    assert user.session == saved
    user.close()


def test_what_is_closed_unsaved_is_offered_on_the_start_page(user: User, scan: Path) -> None:
    """Ctrl+W dropped all detectors without a word."""
    user.open(scan)
    user.trigger("close")
    assert not user.window.welcome.offers, "nothing was drawn"
    user.open(scan)
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 8))
    before = user.session
    user.trigger("close")
    [offer] = user.window.welcome.offers
    [words] = [label.text() for label in offer.findChildren(QLabel)]
    assert words.startswith("Closed unsaved. scan.h5 with 2 detectors was open")
    next(b for b in offer.findChildren(QPushButton) if b.text() == "Restore").click()
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    assert user.session == before
    assert not user.window.welcome.offers


def test_what_was_saved_is_not_offered(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    user.trigger("duplicate")
    user.trigger("save")
    dialog = user.window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "mine.ltdesk"))
    dialog.close()
    user.wait(lambda: "Saved" in user.window.job_bar.hint.whole_text(), "the file")
    user.trigger("close")
    assert not user.window.welcome.offers


def mask_dialog(user: User, path: Path) -> MaskFileDialog:
    user.trigger("add_mask")
    dialog = user.window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    return user.window.findChild(MaskFileDialog)


def test_a_mask_file_becomes_a_detector(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    mask = np.zeros((24, 20), dtype=bool)
    mask[3:6, 2:9] = True
    np.save(tmp_path / "my mask.npy", mask)
    dialog = mask_dialog(user, tmp_path / "my mask.npy")
    user.wait(dialog.add_button.isEnabled, "the mask")
    dialog.add_button.click()
    user.wait_exact()
    assert user.selected.name == "my_mask"
    np.testing.assert_array_equal(user.shown(), FRAMES[..., mask].sum(axis=-1))


def test_a_mask_of_another_size_is_not_taken(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    np.save(tmp_path / "small.npy", np.ones((3, 3)))
    dialog = mask_dialog(user, tmp_path / "small.npy")
    user.wait(lambda: "3 × 3" in dialog.fit.text(), "the words")
    assert not dialog.add_button.isEnabled()
    dialog.close()


def test_a_mask_that_does_not_fit_spoils_no_other_image(user: User, scan: Path) -> None:
    user.open(scan)
    wrong = Detector(name="wrong", colour="#123456", shape=PixelMask.from_array(np.ones((3, 3))))
    user.desk.model.edit("from another scan", user.session.with_detector(wrong))
    dialog = error_of(user)
    assert "24x20" in dialog.copy_text
    dialog.close()
    user.trigger("undo")
    user.wait_exact()


def test_of_several_datasets_the_user_takes_one(user: User, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["first"], file["second"] = FRAMES, FRAMES[:3] + 7
    user.drop(tmp_path / "two.h5")
    user.wait(lambda: user.window.findChild(DatasetChooser), "the chooser")
    chooser = user.window.findChild(DatasetChooser)
    chooser.table.selectRow(1)
    chooser.buttons.button(QDialogButtonBox.Open).click()
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    assert user.desk.dataset.ref.dataset == "/second"
    assert user.desk.dataset.scan_shape == (3, 6)


def test_a_raw_file_is_asked_for_its_shapes(user: User, tmp_path: Path) -> None:
    path = tmp_path / "frames.raw"
    path.write_bytes(FRAMES.tobytes())
    user.drop(path)
    user.wait(lambda: user.window.findChild(RawOpenDialog), "the dialog")
    dialog = user.window.findChild(RawOpenDialog)
    for box, value in ((dialog.scan_y, 8), (dialog.scan_x, 6), (dialog.frame_y, 24), (dialog.frame_x, 20)):
        box.setValue(value)
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    dialog.accept()
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), FRAMES[..., user.selected.shape.mask((24, 20))].sum(axis=-1))


def test_a_scan_of_half_its_frames_says_so(user: User, tmp_path: Path) -> None:
    path = tmp_path / "half.npy"
    np.save(path, FRAMES)
    path.write_bytes(path.read_bytes()[: 128 + 30 * 24 * 20 * 2])
    user.open(path)
    assert "30 of 48 frames" in user.window.job_bar.damage.text()
    assert user.window.job_bar.damage.isVisible()
    valid = user.image_view.prepared.picture.valid
    assert valid.sum() == 30
    assert user.image_view.plates.status.text == "incomplete · 30 of 48"
    user.image.double_click((7, 5))
    user.wait(lambda: user.frame_view.plates.message.text, "why there is no frame")


def test_the_second_start_remembers_window_and_files(qapp: object, scan: Path) -> None:
    user = User()
    user.open(scan)
    user.window.resize(1100, 640)
    user.trigger("theme_light")
    user.close()
    again = User()
    again.desk.show()
    assert again.desk.settings.theme == "light"
    assert again.desk.settings.recent() == [str(scan)]
    assert [b.accessibleName() for b in again.window.welcome.recent_buttons] == [f"Open {scan}"]
    again.close()


def test_a_recent_file_that_is_gone_is_not_offered_again(user: User, scan: Path, tmp_path: Path) -> None:
    gone = write_scan(tmp_path / "gone.h5", FRAMES)
    for path in (gone, scan):
        user.open(path)
    user.trigger("close")
    gone.unlink()
    button = next(b for b in user.window.welcome.recent_buttons if "gone" in b.accessibleName())
    QTest.mouseClick(button, Qt.LeftButton)
    error_of(user).close()
    assert [b.accessibleName() for b in user.window.welcome.recent_buttons] == [f"Open {scan}"]
    assert not [action for action in user.window.recent_menu.actions() if "gone" in action.text()]


def test_closing_the_window_cancels_the_job_and_lets_the_file_go(qapp: object, scan: Path) -> None:
    user = User()
    user.open(scan)
    user.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ltdesk") and t.is_alive()]
    with h5py.File(scan, "r+") as file:  # nothing holds it
        file["data"][0, 0] = 0


def test_sessions_are_json_that_people_can_read(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    save_session(user.session, str(tmp_path / "s.ltdesk"))
    value = json.loads((tmp_path / "s.ltdesk").read_text())
    assert value["detectors"][0]["shape"]["kind"] == "disk"
    assert Session.model_validate(value) == user.session
