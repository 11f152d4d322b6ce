"""What went wrong, why, and the way out; for a bug, a report to copy."""

from __future__ import annotations

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.errors import LtdeskError
from ltdesk.ui.dialogs.fit import fit_height
from ltdesk.ui.errors.report import chain_text, log_path, report_text
from ltdesk.ui.look import icons, style
from ltdesk.ui.look.breaks import breakable

BUG = "Something unexpected happened"
BUG_WAY_OUT = (
    "This is a fault in ltdesk, not in your data. The window goes on working; save your session if in doubt. "
    "Please send the report below to the people who look after ltdesk."
)


class ErrorDialog(QDialog):
    """Shows one exception. An `LtdeskError` speaks for itself; anything else is a bug and comes with a report."""

    def __init__(
        self, exception: BaseException, context: str = "", session_json: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.exception = exception
        is_bug = not isinstance(exception, LtdeskError)
        self.setWindowTitle("Fault" if is_bug else context or "ltdesk")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setMinimumWidth(64 * style.GRID)
        self._details_text = report_text(exception, context, session_json) if is_bug else chain_text(exception)
        what, way_out = (BUG, BUG_WAY_OUT) if is_bug else (exception.what, exception.way_out)
        self._make_words(what, way_out, context if is_bug else "")
        self._make_details(is_bug)
        self._make_buttons(is_bug)
        self._lay_out(is_bug)
        self.show_details(False)
        self.buttons.button(QDialogButtonBox.Close).setFocus()

    @classmethod
    def show_error(
        cls, parent: QWidget | None, exception: BaseException, context: str = "", session_json: str = ""
    ) -> ErrorDialog:
        """Show the exception above `parent` and return at once. `context` says what was being done, in a few words."""
        dialog = cls(exception, context, session_json, parent)
        dialog.open()
        return dialog

    @property
    def copy_text(self) -> str:
        """What the copy button puts on the clipboard."""
        return "\n\n".join(text for text in (*self._message, self._details_text) if text)

    def copy(self) -> None:
        """Put message and details on the clipboard."""
        QApplication.clipboard().setText(self.copy_text)
        self.copy_button.setText("Copied")

    def _make_words(self, what: str, way_out: str, context: str) -> None:
        self._message = (what if what.endswith((".", "?", "!")) else f"{what}.", way_out)
        self.what = self._label(self._message[0], "What is wrong")
        self.what.setFont(style.heading_font(self.font()))
        self.context = self._label(f"While: {context}" if context else "", "What was being done")
        self.context.setProperty("rank", "dim")
        self.context.setVisible(bool(context))
        self.way_out = self._label(way_out, "What to do")
        self.way_out.setVisible(bool(way_out))

    def _label(self, text: str, name: str) -> QLabel:
        label = QLabel(breakable(text), self)
        label.setTextFormat(Qt.PlainText)
        label.setWordWrap(True)
        label.setAccessibleName(name)
        label.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
        label.setFocusPolicy(Qt.NoFocus)
        return label

    def _make_details(self, is_bug: bool) -> None:
        self.fold = QToolButton(self)
        self.fold.setText("Report" if is_bug else "Details")
        self.fold.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.fold.setIconSize(QSize(16, 16))
        self.fold.setAccessibleName("Show or hide the details")
        self.fold.setToolTip("Show or hide the details")
        self.fold.clicked.connect(lambda: self.show_details(self.details.isHidden()))
        self.details = QPlainTextEdit(self._details_text, self)
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.NoWrap)
        self.details.setAccessibleName("Details")
        self.details.setFont(style.fixed_font(self.font()))
        self.details.setMinimumHeight(20 * style.GRID)

    def show_details(self, shown: bool) -> None:
        """Unfold or fold the details."""
        self.details.setVisible(shown)
        self.fold.setIcon(icons.icon("more" if shown else "fold"))
        fit_height(self, 90 * style.GRID if shown else 0)

    def _make_buttons(self, is_bug: bool) -> None:
        self.buttons = QDialogButtonBox(QDialogButtonBox.Close, self)
        self.buttons.rejected.connect(self.reject)
        self.copy_button = QPushButton(icons.icon("copy"), "Copy report" if is_bug else "Copy", self)
        self.copy_button.setToolTip("Copy message and details")
        self.copy_button.setAutoDefault(False)
        self.copy_button.clicked.connect(self.copy)
        self.buttons.button(QDialogButtonBox.Close).setDefault(True)
        self.buttons.addButton(self.copy_button, QDialogButtonBox.ActionRole)

    def _lay_out(self, is_bug: bool) -> None:
        row, words, column = QHBoxLayout(), QVBoxLayout(), QVBoxLayout(self)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        row.setSpacing(2 * style.GRID)
        words.setSpacing(style.GRID)
        icon = QLabel(self)
        kind = icons.icon("bug", "warning") if is_bug else icons.icon("error", "bad")
        icon.setPixmap(kind.pixmap(self.windowHandle(), QSize(32, 32)))
        row.addWidget(icon, 0, Qt.AlignTop)
        for label in (self.what, self.context, self.way_out):
            words.addWidget(label)
        if is_bug and (path := log_path()):
            words.addWidget(self._log_label(str(path)))
        row.addLayout(words, 1)
        column.addLayout(row)
        column.addWidget(self.fold)
        column.addWidget(self.details, 1)
        column.addStretch(0)
        column.addWidget(self.buttons)

    def _log_label(self, path: str) -> QLabel:
        label = self._label(f"It is also in the log: {path}", "Log file")
        label.setProperty("rank", "dim")
        return label
