"""Dialogs that choose: a dataset in a file, a mask, what to export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QDialogButtonBox, QLabel

from ltdesk.analysis import ResultSpec
from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.errors import UsageError
from ltdesk.geometry import PixelMask
from ltdesk.ui.dialogs.dataset_chooser import DatasetChooser
from ltdesk.ui.dialogs.export_dialog import ExportDialog
from ltdesk.ui.dialogs.mask_file_dialog import MaskFileDialog
from ltdesk.ui.look.sizes import dtype_words, grouped, shape_words, size_text
from ltdesk.ui.shapes.mask_file import is_zero_one, mask_name, read_mask_values

ENTRIES = [
    DatasetEntry("/scan/data", (40, 40, 95, 95), "<u2", 28_880_000),
    DatasetEntry("/other", (100, 64, 64), ">f4", 1_638_400, (1, 64, 64), "gzip", "2 files missing"),
]


@pytest.fixture
def chooser(qtbot) -> DatasetChooser:
    chooser = DatasetChooser(ENTRIES, name="scan.h5")
    qtbot.addWidget(chooser)
    chooser.show()
    return chooser


def test_what_is_known_of_each_dataset(chooser: DatasetChooser) -> None:
    rows = [[chooser.table.item(row, column).text() for column in range(5)] for row in range(2)]
    assert rows[0] == ["/scan/data", "40 × 40 × 95 × 95", "16-bit unsigned", "28.9 MB", "contiguous"]
    assert rows[1][2:] == ["32-bit float, big-endian", "1.6 MB", "gzip, chunks 1 × 64 × 64; 2 files missing"]


def test_the_first_is_chosen_at_the_start(chooser: DatasetChooser, qtbot) -> None:
    with qtbot.waitSignal(chooser.chosen) as chosen:
        QTest.keyClick(chooser.table, Qt.Key_Return)
    assert chosen.args == [ENTRIES[0]]


def test_another_by_keyboard(chooser: DatasetChooser, qtbot) -> None:
    QTest.keyClick(chooser.table, Qt.Key_Down)
    with qtbot.waitSignal(chooser.chosen) as chosen:
        QTest.mouseClick(chooser.buttons.button(QDialogButtonBox.Open), Qt.LeftButton)
    assert chosen.args == [ENTRIES[1]]


def test_cancel_chooses_nothing(chooser: DatasetChooser, qtbot) -> None:
    with qtbot.assertNotEmitted(chooser.chosen):
        QTest.keyClick(chooser, Qt.Key_Escape)


def disk() -> np.ndarray:
    y, x = np.mgrid[:20, :30]
    return (y - 9) ** 2 + (x - 12) ** 2 <= 36


@pytest.fixture
def mask_dialog(qtbot, tmp_path: Path):
    made = []

    def make(values: np.ndarray | bytes, name: str = "my mask.npy", frame=(20, 30)) -> MaskFileDialog:
        path = tmp_path / name
        if isinstance(values, bytes):
            path.write_bytes(values)
        elif name.endswith(".npy"):
            np.save(path, values)
        else:
            tifffile.imwrite(path, values)
        dialog = MaskFileDialog(str(path), frame)
        made.append(dialog)
        qtbot.addWidget(dialog)
        dialog.show()
        assert dialog.reader.wait()
        return dialog

    yield make
    for dialog in made:
        dialog.close()


def take(dialog: MaskFileDialog, qtbot) -> tuple[PixelMask, str]:
    with qtbot.waitSignal(dialog.chosen) as chosen:
        QTest.mouseClick(dialog.add_button, Qt.LeftButton)
    return tuple(chosen.args)


def test_return_adds_the_mask(mask_dialog, qtbot) -> None:
    dialog = mask_dialog(disk())
    dialog.buttons.button(QDialogButtonBox.Cancel).setFocus()  # as it had while the file was read
    assert [button.text() for button in dialog.buttons.buttons() if button.isDefault()] == ["Add"]
    with qtbot.waitSignal(dialog.chosen):
        QTest.keyClick(dialog.focusWidget(), Qt.Key_Return)


@pytest.mark.parametrize("name", ["my mask.npy", "my mask.tif"])
@pytest.mark.parametrize("dtype", ["bool", "u1", "f4"])
def test_a_mask_of_zero_and_one(mask_dialog, qtbot, name: str, dtype: str) -> None:
    mask, called = take(mask_dialog(disk().astype(dtype), name), qtbot)
    assert np.array_equal(mask.mask((20, 30)), disk())
    assert mask.weights((20, 30)) is None
    assert called == "my_mask"


def test_a_picture_of_0_and_255_is_no_weight(mask_dialog, qtbot) -> None:
    mask, _ = take(mask_dialog((disk() * 255).astype("u1"), "mask.tif"), qtbot)
    assert mask.weights((20, 30)) is None
    assert np.array_equal(mask.mask((20, 30)), disk())


def test_weights(mask_dialog, qtbot) -> None:
    weights = np.arange(600, dtype=float).reshape(20, 30) / 7
    dialog = mask_dialog(weights)
    assert not dialog.invert.isEnabled()
    mask, _ = take(dialog, qtbot)
    assert np.array_equal(mask.weights((20, 30)), weights)


def test_weights_taken_as_inside(mask_dialog, qtbot) -> None:
    dialog = mask_dialog(np.arange(600).reshape(20, 30))
    dialog.kind.setCurrentIndex(0)
    mask, _ = take(dialog, qtbot)
    assert mask.weights((20, 30)) is None
    assert mask.mask((20, 30)).sum() == 599


def test_inside_and_outside_swapped(mask_dialog, qtbot) -> None:
    dialog = mask_dialog(disk())
    QTest.mouseClick(dialog.invert, Qt.LeftButton, Qt.NoModifier, dialog.invert.rect().center() * 0.1)
    dialog.invert.setChecked(True)
    assert dialog.count.text().startswith(str((~disk()).sum()))
    mask, _ = take(dialog, qtbot)
    assert np.array_equal(mask.mask((20, 30)), ~disk())


def test_a_mask_of_another_size_cannot_be_added(mask_dialog) -> None:
    dialog = mask_dialog(disk(), frame=(30, 20))
    assert "20 × 30" in dialog.fit.text()
    assert "30 × 20" in dialog.fit.text()
    assert not dialog.add_button.isEnabled()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.npy"),
        (b"words", "words.npy"),
        (b"words", "words.tif"),
        (np.zeros((2, 3, 4)), "cube.npy"),
        (np.array([["a", "b"]]), "text.npy"),
        (np.array([[1.0, np.nan]]), "nan.npy"),
    ],
)
def test_a_file_that_is_no_mask_is_named(mask_dialog, content, name: str) -> None:
    dialog = mask_dialog(content, name)
    assert name in dialog.fit.text()
    assert not dialog.add_button.isEnabled()


def test_a_mask_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.npy"):
        read_mask_values(str(tmp_path / "gone.npy"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([[0, 1]], True), ([[0, 255]], True), ([[1, 1]], True), ([[0, 0]], True), ([[0, 1, 2]], False), ([[2, 3]], False)],
)
def test_zero_one(values, expected: bool) -> None:
    assert is_zero_one(np.array(values)) is expected


def test_names_after_files() -> None:
    assert mask_name("/a/Beam stop (2).npy") == "Beam_stop_2"
    assert mask_name("äöü.tif") == "mask"


RESULTS = [
    ResultSpec(name="BF", kind="scan", dtype="uint64"),
    ResultSpec(name="com_y", kind="scan", dtype="float64", unit="px"),
    ResultSpec(name="radial", kind="scan", dtype="float64", extra=(64,)),
]


@pytest.fixture
def export(qtbot, tmp_path: Path) -> ExportDialog:
    dialog = ExportDialog(RESULTS, tmp_path, "scan", "BF")
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def check(dialog: ExportDialog, row: int, on: bool = True) -> None:
    dialog.list.item(row).setCheckState(Qt.Checked if on else Qt.Unchecked)


def test_what_is_shown_is_offered_as_tiff(export: ExportDialog, tmp_path: Path, qtbot) -> None:
    with qtbot.waitSignal(export.chosen) as chosen:
        QTest.mouseClick(export.export_button, Qt.LeftButton)
    (choice,) = chosen.args
    assert choice.names == ("BF",)
    assert choice.paths == (tmp_path / "scan_BF.tif",)


def test_without_a_shown_result_all_are_chosen(qtbot, tmp_path: Path) -> None:
    dialog = ExportDialog(RESULTS[:2], tmp_path, "scan")
    qtbot.addWidget(dialog)
    assert dialog.choice().names == ("BF", "com_y")
    assert dialog.choice().paths == (tmp_path / "scan_BF.tif", tmp_path / "scan_com_y.tif")


def test_a_container_holds_all(export: ExportDialog, tmp_path: Path) -> None:
    check(export, 1)
    check(export, 2)
    assert not export.export_button.isEnabled()
    assert "Not all of these are pictures" in export.words.text()
    export.formats.button(2).click()
    assert export.export_button.isEnabled()
    assert export.choice().paths == (tmp_path / "scan.npz",)
    export.formats.button(3).click()
    assert export.file.text() == "scan.h5"


def test_nothing_chosen(export: ExportDialog) -> None:
    check(export, 0, False)
    assert not export.export_button.isEnabled()
    assert "at least one" in export.words.text()


def test_a_name_by_hand_stays_and_its_suffix_follows_the_format(export: ExportDialog, tmp_path: Path) -> None:
    export.file.selectAll()
    QTest.keyClicks(export.file, "fig.2")
    assert export.choice().path == tmp_path / "fig.2.tif"
    export.formats.button(1).click()
    assert export.choice().path == tmp_path / "fig.2.png"
    check(export, 1)
    assert export.file.text() == "fig.2"
    assert [path.name for path in export.choice().paths] == ["fig.2_BF.png", "fig.2_com_y.png"]


def test_a_file_that_is_there_is_named(export: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_text("")
    export.set_file(str(tmp_path / "old.png"))
    export.formats.button(1).click()
    assert export.words.property("rank") == "warning"
    assert "Replaces old.png" in export.words.text()


def test_a_folder_that_is_not_there(export: ExportDialog, tmp_path: Path) -> None:
    export.set_file(str(tmp_path / "none" / "a.tif"))
    assert not export.export_button.isEnabled()
    assert "no folder" in export.words.text()


def test_dialogs_name_their_parts(export: ExportDialog, chooser: DatasetChooser) -> None:
    assert export.list.accessibleName()
    assert export.file.accessibleName()
    assert chooser.table.accessibleName()
    assert chooser.findChildren(QLabel)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (28_880_000, "28.9 MB"), (10**13, "10.0 TB")]
)
def test_sizes(number: int, words: str) -> None:
    assert size_text(number) == words


def test_words_of_numbers() -> None:
    assert grouped(1234567).replace("\N{NARROW NO-BREAK SPACE}", " ") == "1 234 567"
    assert shape_words((1, 2)) == "1 × 2"
    assert dtype_words("|u1") == "8-bit unsigned"
    assert dtype_words(">i4") == "32-bit signed, big-endian"
    assert dtype_words("|b1") == "bool"
