"""Dark, gain and dead pixels: which files they come from, what is in them, and what they make of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.correction import Correction
from ltdesk.engine.corrected import CorrectedDataset, corrected
from ltdesk.engine.correction_files import NONE, OWN, Part, correction_for
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.dialogs.fit import fit_height, let_return_press
from ltdesk.ui.files.opening import file_title
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.look import style
from ltdesk.ui.look.breaks import breakable
from ltdesk.ui.look.sizes import grouped
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.thumbnail import FRAME, Thumbnail, thumbnail_of

HINT = (
    "Each frame becomes (frame − dark) · gain; each dead pixel then takes the mean of the good ones beside it. The "
    "file itself stays as it is. The numbers go into the session and the recipe of each result."
)
ROWS: tuple[tuple[Part, str, str], ...] = (
    ("dark", "Dark", "Counts that are taken away; of several frames their mean"),
    ("gain", "Gain", "What the rest is multiplied by; pixels without a finite gain are dead"),
    ("dead_pixels", "Dead pixels", "A mask that is not 0 where a pixel is dead"),
)
FILES = "Arrays, pictures, scans (*.npy *.tif *.tiff *.png *.h5 *.hdf5 *.nxs *.mib *.mrc *.blo);;All files (*)"


@dataclass(frozen=True)
class Looked:
    """What choosing files came to: the correction as far as it makes sense, words and pictures of it."""

    correction: Correction | None
    words: dict[Part, str]
    errors: dict[Part, str] = field(default_factory=dict)
    note: str = ""
    before: tuple[Prepared, str] | None = None
    after: tuple[Prepared, str] | None = None


class CorrectionDialog(QDialog):
    """Reads what is chosen in a thread and shows the frame under the cursor before and after.

    Signals
    -------
    chosen : (Correction or None) the user pressed Apply
    """

    chosen = pyqtSignal(object)

    def __init__(
        self, dataset: Dataset, position: tuple[int, int], folder: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Correct frames")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._stored, self._base = corrected(dataset, None), dataset.ref.correction
        self._position, self._folder = position, folder
        self._given: dict[Part, str] = {}
        self._looked: Looked | None = None
        self.words: dict[Part, QLabel] = {}
        self.buttons_of: dict[Part, dict[str, QPushButton]] = {}
        self._make_widgets()
        self._lay_out()
        self.reader = LatestAnswer(self, "correction files")
        self.reader.answered.connect(self._show)
        self.reader.failed.connect(self._fail)
        self.finished.connect(lambda _: self.reader.close())
        self.accepted.connect(lambda: self.chosen.emit(self._looked.correction))
        self._look()

    def take(self, part: Part, path: str) -> None:
        """Use a file for a part; ``"file"`` for the scan's own, ``"none"`` for nothing."""
        self._given = {**self._given, part: path}
        self._look()

    def _make_widgets(self) -> None:
        for part, name, tip in ROWS:
            self.words[part] = label = QLabel(self)
            label.setWordWrap(True)
            label.setMinimumWidth(36 * style.GRID)
            label.setAccessibleName(name)
            label.setToolTip(tip)
            own = self._button("From the scan", "What the scan's own file holds", partial(self.take, part, OWN))
            own.setVisible(part in self._stored.own_frames)
            self.buttons_of[part] = {
                "choose": self._button("Choose…", f"{tip}: choose a file", partial(self._choose, part, name)),
                "own": own,
                "none": self._button("None", "Nothing of this kind is done", partial(self.take, part, NONE)),
            }
            for what, button in self.buttons_of[part].items():
                button.setAccessibleName(f"{name}: {what}")
        self.before, self.after = (Thumbnail(title, 26 * style.GRID, self) for title in ("As stored", "Corrected"))
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What to know about the correction")
        self.buttons = QDialogButtonBox(QDialogButtonBox.Cancel, self)
        self.apply = self.buttons.addButton("Apply", QDialogButtonBox.AcceptRole)
        let_return_press(self.apply, self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _button(self, text: str, tip: str, slot: Any) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: slot())
        return button

    def _lay_out(self) -> None:
        hint = QLabel(HINT, self)
        hint.setWordWrap(True)
        hint.setProperty("rank", "dim")
        grid, pictures, column = QGridLayout(), QHBoxLayout(), QVBoxLayout(self)
        grid.setHorizontalSpacing(style.GRID)
        grid.setVerticalSpacing(style.GRID)
        grid.setColumnStretch(1, 1)
        for row, (part, name, _) in enumerate(ROWS):
            label = QLabel(name, self)
            label.setFont(style.heading_font(self.font()))
            grid.addWidget(label, row, 0)
            grid.addWidget(self.words[part], row, 1)
            for place, button in enumerate(self.buttons_of[part].values()):
                grid.addWidget(button, row, 2 + place)
        pictures.setSpacing(2 * style.GRID)
        for thumbnail in (self.before, self.after):
            pictures.addWidget(thumbnail, 1)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(2 * style.GRID)
        column.addWidget(hint)
        column.addLayout(grid)
        column.addLayout(pictures, 1)
        column.addWidget(self.note)
        column.addWidget(self.buttons)
        self.resize(92 * style.GRID, 60 * style.GRID)

    def _choose(self, part: Part, name: str) -> None:
        dialog = QFileDialog(self, name, self._folder, FILES)
        dialog.setFileMode(QFileDialog.ExistingFile)
        dialog.finished.connect(dialog.deleteLater)
        dialog.fileSelected.connect(lambda path: self.take(part, path))
        dialog.open()

    def _look(self) -> None:
        stored, base, given, position = self._stored, self._base, self._given, self._position
        self.apply.setEnabled(False)
        self.after.show_words("Reading…")
        self.reader.ask(lambda: look(stored, base, given, position))

    def _show(self, looked: Looked) -> None:
        self._looked = looked
        for part, label in self.words.items():
            error = looked.errors.get(part)
            self._rank(label, f"✗ {breakable(error)}" if error else looked.words[part], "bad" if error else "")
            self.buttons_of[part]["none"].setEnabled(bool(error) or looked.words[part] != "none")
        for thumbnail, shown in ((self.before, looked.before), (self.after, looked.after)):
            if shown is None:
                thumbnail.show_words("The frame is missing")
            else:
                thumbnail.show_picture(*shown)
        self._rank(self.note, looked.note, "warning" if looked.note else "")
        self.note.setVisible(bool(looked.note))
        self.apply.setEnabled(not looked.errors and looked.correction != self._base)
        fit_height(self, self.width())

    def _fail(self, error: Exception) -> None:
        raise error  # a bug: `look` takes in all others; the hook reports it

    def _rank(self, label: QLabel, text: str, rank: str) -> None:
        label.setText(text)
        label.setProperty("rank", rank)
        label.style().polish(label)


def look(stored: Dataset, base: Correction | None, given: dict[Part, str], position: tuple[int, int]) -> Looked:
    """Read the files, as far as they can be, and correct one frame. In any thread."""
    correction, errors = base, {}
    for part, path in given.items():
        options: dict[str, Any] = {part: path}
        try:
            changed = correction_for(stored, **options, base=correction)
            corrected(stored, changed)  # refuses what does not fit
        except LtdeskError as error:
            errors[part] = str(error)
        else:
            correction = changed
    dataset = corrected(stored, correction)
    note = dataset.note if isinstance(dataset, CorrectedDataset) else stored.note
    return Looked(
        correction, _words(correction, stored), errors, note, _frame(stored, position), _frame(dataset, position)
    )


def _frame(dataset: Dataset, position: tuple[int, int]) -> tuple[Prepared, str] | None:
    try:
        frame = dataset.frame(*position)
    except LtdeskError:
        return None
    return thumbnail_of(frame, FRAME), _range_words(frame)


def _range_words(values: NDArray[Any]) -> str:
    """``0 … 310, mean 12.3``"""
    known = values[np.isfinite(values)].astype(np.float64)
    if not known.size:
        return "no number"
    return f"{known.min():.4g} … {known.max():.4g}, mean {known.mean():.4g}"


def _words(correction: Correction | None, stored: Dataset) -> dict[Part, str]:
    """What each part is."""
    found: dict[Part, str] = {part: "none" for part, _, _ in ROWS}
    for part in ("dark", "gain"):
        values = None if correction is None else getattr(correction, part)
        if values is not None:
            source = "the scan's own file" if values.source == OWN else file_title(values.source) or "an array"
            found[part] = f"{source}: {_range_words(values.array())}"
    if correction is not None and correction.dead_pixels is not None:
        count = int(correction.dead_pixels.mask(stored.frame_shape).sum())
        found["dead_pixels"] = f"{grouped(count)} pixel{'' if count == 1 else 's'}"
    return found
