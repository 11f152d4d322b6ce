"""Which results to write, in which format, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.analysis import ResultSpec
from ltdesk.ui.dialogs.fit import let_return_press
from ltdesk.ui.look import style
from ltdesk.ui.look.breaks import breakable


@dataclass(frozen=True)
class ExportFormat:
    """A format: its suffix, what it is called, what is in it, and whether it holds one picture or all arrays."""

    suffix: str
    name: str
    words: str
    is_picture: bool


FORMATS = (
    ExportFormat(".tif", "TIFF", "the numbers as they are, for ImageJ and Gatan", True),
    ExportFormat(".png", "PNG", "a picture to look at, with a scale bar", True),
    ExportFormat(".npz", "NumPy", "all numbers, for Python", False),
    ExportFormat(".h5", "HDF5", "all numbers with axes and units (NeXus)", False),
)


def files_of(names: Sequence[str], path: Path) -> dict[str, Path]:
    """The file that each result is written to: `path`, but of several pictures each its own, ``stem_NAME.tif``."""
    if len(names) == 1 or path.suffix.lower() not in [form.suffix for form in FORMATS if form.is_picture]:
        return dict.fromkeys(names, path)
    return {name: path.with_stem(f"{path.stem}_{name}") for name in names}


@dataclass(frozen=True)
class ExportChoice:
    """What the user chose: what is written, by name, and a path whose suffix says the format; `paths` are the files."""

    names: tuple[str, ...]
    path: Path
    format: ExportFormat

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(files_of(self.names, self.path).values()))


class ExportDialog(QDialog):
    """Asks what to write.

    Signals
    -------
    chosen : (ExportChoice) the user pressed Export
    """

    chosen = pyqtSignal(object)

    def __init__(
        self,
        results: Sequence[ResultSpec],
        folder: Path,
        stem: str,
        shown: str = "",
        parent: QWidget | None = None,
        parts: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`results`: what there is; `shown`: the one on the screen, chosen at the start; `stem`: of the file's name;
        `parts`: of what can be seen but has no numbers of its own, the results that hold its numbers."""
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._results, self._folder, self._stem = tuple(results), folder, stem
        self._parts = dict(parts or {})
        self._named_by_hand = False
        self._make_list(shown)
        self._make_formats()
        self._make_file_row()
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.words.setAlignment(Qt.AlignTop)
        self.buttons = QDialogButtonBox(QDialogButtonBox.Cancel, self)
        self.export_button = self.buttons.addButton("Export", QDialogButtonBox.AcceptRole)
        let_return_press(self.export_button, self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.chosen.emit(self.choice()))
        self._lay_out()
        self._update()

    def choice(self) -> ExportChoice:
        """What is chosen now."""
        return ExportChoice(self._names(), self._path(), self._format())

    def _names(self) -> tuple[str, ...]:
        """What is written: in place of what has no numbers, those that it is made of, but as a picture itself."""
        items = [self.list.item(row) for row in range(self.list.count())]
        names = [item.data(Qt.UserRole) for item in items if item.checkState() == Qt.Checked]
        if self._format().suffix == ".png":
            return tuple(names)
        return tuple(dict.fromkeys(part for name in names for part in self._parts.get(name, (name,))))

    def _format(self) -> ExportFormat:
        return FORMATS[self.formats.checkedId()]

    def _path(self) -> Path:
        """As typed, in the folder where it says none, with the suffix that the format has."""
        typed = Path(self.file.text().strip() or self._suggestion())
        path = typed if typed.is_absolute() else self._folder / typed
        known = {form.suffix for form in FORMATS} | {".tiff", ".hdf5", ".nxs"}
        return path.with_suffix(self._format().suffix) if path.suffix.lower() in known else _added(path, self._format())

    def _suggestion(self) -> str:
        names = self._names()
        one = self._format().is_picture and len(names) == 1
        return f"{self._stem}_{names[0]}{self._format().suffix}" if one else f"{self._stem}{self._format().suffix}"

    def _make_list(self, shown: str) -> None:
        self.list = QListWidget(self)
        self.list.setAccessibleName("Results to export")
        self.list.setSelectionMode(QListWidget.NoSelection)
        self.list.setSpacing(3)
        known = shown in [spec.name for spec in self._results]
        for spec in self._results:
            item = QListWidgetItem(f"{spec.name}   {_spec_words(spec)}", self.list)
            item.setData(Qt.UserRole, spec.name)
            item.setFlags(Qt.ItemIsEnabled | Qt.ItemIsUserCheckable)
            item.setCheckState(Qt.Checked if not known or spec.name == shown else Qt.Unchecked)
        self.list.itemChanged.connect(self._update)
        rows = min(7, max(3, self.list.count()))
        self.list.setMinimumHeight(rows * (self.fontMetrics().height() + style.GRID))

    def _make_formats(self) -> None:
        self.formats = QButtonGroup(self)
        for number, form in enumerate(FORMATS):
            button = QRadioButton(f"{form.name}: {form.words}", self)
            button.setChecked(number == 0)
            self.formats.addButton(button, number)
        self.formats.idToggled.connect(self._update)

    def _make_file_row(self) -> None:
        self.file = QLineEdit(self)
        self.file.setAccessibleName("File")
        self.file.textEdited.connect(self._take_name)
        self.browse = QPushButton("Browse…", self)
        self.browse.setAutoDefault(False)
        self.browse.setToolTip("Choose folder and name")
        self.browse.clicked.connect(self._browse)

    def _lay_out(self) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        row.addWidget(self.file, 1)
        row.addWidget(self.browse)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        column.addWidget(self._heading("Results"))
        column.addWidget(self.list, 1)
        column.addWidget(self._heading("Format"))
        for button in self.formats.buttons():
            column.addWidget(button)
        column.addWidget(self._heading("File"))
        column.addLayout(row)
        column.addWidget(self.words)
        column.addWidget(self.buttons)
        self.resize(70 * style.GRID, 62 * style.GRID)

    def _heading(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setFont(style.heading_font(self.font()))
        return label

    def _take_name(self, text: str) -> None:
        self._named_by_hand = bool(text.strip())
        self._update()

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Export to", str(self._path().parent))
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        dialog.setOption(QFileDialog.DontConfirmOverwrite)  # said below the name
        dialog.selectFile(self._path().name)
        dialog.fileSelected.connect(self.set_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def set_file(self, path: str) -> None:
        """Write to this path."""
        self.file.setText(path)
        self._take_name(path)

    def _update(self) -> None:
        if not self._named_by_hand:
            self.file.setText(self._suggestion())
        rank, words = self._verdict()
        self.words.setText(breakable(words))
        self.words.setProperty("rank", rank)
        self.words.style().polish(self.words)
        self.export_button.setEnabled(rank != "bad")

    def _verdict(self) -> tuple[str, str]:
        choice = self.choice()
        if not choice.names:
            return "bad", "Choose at least one result."
        if not choice.path.parent.is_dir():
            return "bad", f"There is no folder {choice.path.parent}."
        if choice.format.is_picture and not self._all_pictures(choice.names):
            return "bad", f"Not all of these are pictures: choose {FORMATS[2].name} or {FORMATS[3].name}."
        there = [path.name for path in choice.paths if path.exists()]
        if there:
            return "warning", f"Replaces {', '.join(there)} in {choice.path.parent}."
        many = f"{len(choice.paths)} files " if len(choice.paths) > 1 else ""
        return "dim", f"Writes {many}{', '.join(path.name for path in choice.paths)} to {choice.path.parent}."

    def _all_pictures(self, names: Sequence[str]) -> bool:
        chosen = [spec for spec in self._results if spec.name in names]
        return all(_is_picture(spec) for spec in chosen)


def _added(path: Path, form: ExportFormat) -> Path:
    return path.with_name(path.name + form.suffix)


def _is_picture(spec: ResultSpec) -> bool:
    return len(spec.shape((1, 1), (1, 1))) == 2


def _spec_words(spec: ResultSpec) -> str:
    spectrum = spec.kind == "single" and _is_picture(spec)
    kind = "spectrum" if spectrum else {"scan": "image", "frame": "frame", "single": "number"}[spec.kind]
    return f"{kind} of {spec.dtype}, {spec.unit}"
