"""Shapes of a headerless file, by hand and by guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox, QLabel, QSpinBox

from ltdesk.engine.formats.guess import guess_shapes
from ltdesk.job import DatasetRef
from ltdesk.ui.dialogs.raw_open_dialog import RawOpenDialog
from ltdesk.ui.files.raw_judge import best_looking, smoothness

SCAN, FRAME = (6, 10), (96, 64)


def frames() -> np.ndarray:
    """Disks on a dark ground, the sum growing over the scan."""
    y, x = np.mgrid[: FRAME[0], : FRAME[1]]
    disk = ((y - 47) ** 2 + (x - 32) ** 2 <= 18**2).astype(np.float64)
    level = np.arange(SCAN[0] * SCAN[1])[:, None, None] + 50
    return np.random.default_rng(1).poisson(disk * level + 0.2).astype("<u2")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "scan.raw"
    path.write_bytes(frames().tobytes())
    return path


@pytest.fixture
def make(qtbot):
    made = []

    def make(path: Path, known: DatasetRef | None = None) -> RawOpenDialog:
        dialog = RawOpenDialog(str(path), known=known)
        made.append(dialog)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    yield make
    for dialog in made:
        dialog.close()


def retype(box: QSpinBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)


def set_shapes(dialog: RawOpenDialog, scan: tuple[int, int] = SCAN, frame: tuple[int, int] = FRAME) -> None:
    boxes = (dialog.scan_y, dialog.scan_x, dialog.frame_y, dialog.frame_x)
    for box, value in zip(boxes, (*scan, *frame), strict=True):
        retype(box, str(value))


def open_button(dialog: RawOpenDialog):
    return dialog.buttons.button(QDialogButtonBox.Open)


def test_shapes_by_hand(make, raw: Path, qtbot) -> None:
    dialog = make(raw)
    set_shapes(dialog)
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    assert dialog.status.text().startswith("✓")
    assert dialog.status.property("rank") == "good"
    with qtbot.waitSignal(dialog.chosen) as chosen:
        QTest.mouseClick(open_button(dialog), Qt.LeftButton)
    assert chosen.args == [DatasetRef(uri=str(raw), scan_shape=SCAN, frame_shape=FRAME, dtype="<u2")]


@pytest.mark.parametrize(
    ("scan", "rank", "words"),
    [
        ((7, 10), "bad", "60 of the scan's 70 frames"),
        ((5, 10), "warning", "10 frames at the end are left over"),
    ],
)
def test_a_scan_that_does_not_fit_is_said(make, raw: Path, scan, rank: str, words: str) -> None:
    dialog = make(raw)
    set_shapes(dialog, scan)
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    assert dialog.status.property("rank") == rank
    assert words in dialog.status.text()
    assert open_button(dialog).isEnabled()  # the good frames can be opened knowingly


def test_a_frame_larger_than_the_file_cannot_be_opened(make, raw: Path) -> None:
    dialog = make(raw)
    set_shapes(dialog, (1, 1), (4000, 4000))
    assert not open_button(dialog).isEnabled()
    assert "too small" in dialog.status.text()
    dialog.preview.wait()
    assert dialog.preview.frame.picture is None


def test_words_about_other_shapes_go_at_once(make, raw: Path, qtbot) -> None:
    dialog = make(raw)
    set_shapes(dialog, (1, 1), (4000, 4000))
    assert dialog.preview.frame.words == "Not one frame fits"
    dialog.frame_y.setValue(4)
    assert dialog.preview.frame.words == "Reading…"
    qtbot.waitUntil(lambda: dialog.preview.frame.picture is not None)


def test_an_offset_that_is_left_over(make, raw: Path) -> None:
    raw.write_bytes(b"\0" * 100 + raw.read_bytes())
    dialog = make(raw)
    set_shapes(dialog)
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    assert "100 bytes at the end are left over" in dialog.status.text()
    retype(dialog.offset, "100")
    assert dialog.status.text().startswith("✓")
    assert dialog.ref().offset == 100


def test_the_preview_shows_the_frame_and_the_scan(make, raw: Path) -> None:
    dialog = make(raw)
    set_shapes(dialog)
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    dialog.preview.wait()
    data = frames().reshape(*SCAN, *FRAME)
    shown = dialog.preview.frame.picture.picture.values
    assert np.array_equal(shown, data[SCAN[0] // 2, SCAN[1] // 2])
    sums = dialog.preview.scan.picture.picture.values
    assert np.array_equal(sums, data.sum(axis=(2, 3)))


def test_frames_that_are_missing_are_left_out_of_the_preview(make, raw: Path) -> None:
    dialog = make(raw)
    set_shapes(dialog, (12, 10))
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("<u2"))
    dialog.preview.wait()
    sums = dialog.preview.scan.picture.picture.values
    assert np.isfinite(sums[:6]).all()
    assert np.isnan(sums[6:]).all()


def test_a_click_on_a_candidate_takes_it(make, raw: Path) -> None:
    dialog = make(raw)
    guesses = guess_shapes(raw)
    row = 3
    item = dialog.candidates.item(row, 0)
    place = dialog.candidates.visualItemRect(item).center()
    QTest.mouseClick(dialog.candidates.viewport(), Qt.LeftButton, Qt.NoModifier, place)
    taken = dialog.ref()
    assert (taken.scan_shape, taken.frame_shape) == (guesses[row].scan_shape, guesses[row].frame_shape)
    assert (taken.dtype, taken.offset) == (guesses[row].dtype, guesses[row].offset)


def test_tab_leaves_the_table_of_likely_shapes(make, raw: Path) -> None:
    """It went round the cells for ever."""
    dialog = make(raw)
    QApplication.setActiveWindow(dialog)
    dialog.candidates.setFocus()
    QTest.keyClick(dialog.candidates, Qt.Key_Tab)
    assert QApplication.focusWidget() is not dialog.candidates


def test_the_guess_that_looks_like_frames_is_taken(make, tmp_path: Path) -> None:
    """By size alone 64 x 64 frames are likelier than 96 x 96."""
    y, x = np.mgrid[:96, :96]
    disk = ((y - 40) ** 2 + (x - 50) ** 2 <= 300) * 90
    path = tmp_path / "scan.bin"
    path.write_bytes(np.random.default_rng(2).poisson(disk + 0.3, (16 * 16, 96, 96)).astype("<u2").tobytes())
    assert guess_shapes(path)[0].frame_shape != (96, 96)
    dialog = make(path)
    assert dialog.judge.wait()
    assert dialog.frame_shape == (96, 96)
    assert dialog.scan_shape == (16, 16)
    row = dialog.candidates.currentRow()
    assert "looks like frames" in dialog.candidates.item(row, 3).text()


def test_what_the_user_chose_is_not_taken_away(make, tmp_path: Path) -> None:
    path = tmp_path / "scan.bin"
    path.write_bytes(np.tile(np.arange(96, dtype="<u2"), (16 * 16, 96, 1)).tobytes())
    dialog = make(path)
    retype(dialog.frame_y, "33")
    assert dialog.judge.wait()
    assert dialog.frame_y.value() == 33


def test_shapes_that_are_known_are_kept(make, raw: Path) -> None:
    known = DatasetRef(uri=str(raw), scan_shape=SCAN, frame_shape=FRAME, dtype="<u2", offset=2, sync_offset=-3)
    dialog = make(raw, known)
    assert dialog.judge.wait()
    assert dialog.ref() == known


def test_a_file_that_is_gone(make, tmp_path: Path) -> None:
    dialog = make(tmp_path / "gone.raw")
    assert not open_button(dialog).isEnabled()
    assert dialog.candidates.rowCount() == 0


def test_a_file_without_usual_shapes_says_what_to_do(make, tmp_path: Path) -> None:
    odd = tmp_path / "odd.raw"
    odd.write_bytes(bytes(3_681_401))
    dialog = make(odd)
    assert not dialog.candidates.rowCount()
    assert "give them above" in dialog.candidates.accessibleDescription()
    assert any(
        "give them above" in label.text() for label in dialog.candidates.findChildren(QLabel) if label.isVisible()
    )


def test_noise_looks_like_nothing(tmp_path: Path) -> None:
    path = tmp_path / "noise.raw"
    path.write_bytes(np.random.default_rng(3).bytes(64 * 64 * 2 * 64))
    guesses = guess_shapes(path)
    assert best_looking(str(path), guesses) is None
    assert all(smoothness(str(path), guess) < 0.05 for guess in guesses)


def test_every_field_has_a_name(make, raw: Path) -> None:
    dialog = make(raw)
    fields = [dialog.scan_y, dialog.scan_x, dialog.frame_y, dialog.frame_x, dialog.offset, dialog.sync_offset]
    names = {field.accessibleName() for field in [*fields, dialog.dtype, dialog.candidates]}
    assert len(names) == 8
    assert "" not in names
