"""The list of shortcuts (F1), made from the actions themselves, with what the mouse does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAction,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ltdesk.ui.commands.action_words import named_actions
from ltdesk.ui.look import style

GESTURES = (
    ("Draw a detector; the image appears meanwhile", "drag on the frame with a shape tool"),
    ("Move or resize a detector", "drag it, a handle or its edge"),
    ("Keep the centre, or the aspect", "Shift while dragging"),
    ("Drag a copy", "Alt while dragging"),
    ("Nudge the selected detector by 1, 10 or 0.1 px", "arrows, Shift+arrows, Ctrl+arrows"),
    ("Pick the frame", "click on the image, or drag the cross"),
    ("Mean frame of a region", "Ctrl+drag on the image; Esc drops it"),
    ("Zoom at the pointer", "wheel"),
    ("Pan", "middle drag"),
    ("See the picture without overlays", "hold Space"),
    ("Open a file, a result or a session", "drop it on the window"),
)
"""What hands do besides actions: what it does, and how."""

OTHER = "Other"


class ShortcutsDialog(QDialog):
    """All actions that have keys, by section, and the gestures; a line to search in them."""

    def __init__(
        self,
        actions: Iterable[QAction],
        parent: QWidget | None = None,
        gestures: Sequence[tuple[str, str]] = GESTURES,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search in the shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = self._make_tree()
        self._fill(actions, gestures)
        buttons = QDialogButtonBox(QDialogButtonBox.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        for widget in (self.search, self.tree, buttons):
            column.addWidget(widget)
        self.resize(92 * style.GRID, 76 * style.GRID)
        self.search.setFocus()

    def rows(self) -> list[tuple[str, str, str]]:
        """Section, what it does, and the keys, of all rows that are shown."""
        return [
            (section.text(0), row.text(0), row.text(1))
            for section in self._sections()
            for row in map(section.child, range(section.childCount()))
            if not row.isHidden()
        ]

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget(self)
        tree.setColumnCount(2)
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setItemsExpandable(False)
        tree.setIndentation(2 * style.GRID)
        tree.setSelectionMode(QTreeWidget.NoSelection)
        tree.setFocusPolicy(Qt.TabFocus)
        tree.setAccessibleName("Shortcuts")
        tree.header().setSectionResizeMode(0, QHeaderView.Stretch)
        tree.header().setSectionResizeMode(1, QHeaderView.ResizeToContents)
        tree.header().setStretchLastSection(False)
        return tree

    def _fill(self, actions: Iterable[QAction], gestures: Sequence[tuple[str, str]]) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for words in named_actions(actions):
            if words.keys:
                what = words.text.rstrip("…")
                sections.setdefault(words.section or OTHER, []).append((what, ",  ".join(words.keys)))
        if gestures:
            sections["Mouse and hands"] = list(gestures)
        for name, rows in sections.items():
            self._add_section(name, rows)
        self.tree.expandAll()

    def _add_section(self, name: str, rows: Sequence[tuple[str, str]]) -> None:
        section = QTreeWidgetItem(self.tree, [name])
        section.setFont(0, style.heading_font(self.font()))
        section.setFirstColumnSpanned(True)
        for what, keys in rows:
            row = QTreeWidgetItem(section, [what, keys])
            row.setForeground(1, self.palette().placeholderText())
            row.setData(0, Qt.AccessibleTextRole, f"{what}: {keys}")

    def _sections(self) -> list[QTreeWidgetItem]:
        return [self.tree.topLevelItem(place) for place in range(self.tree.topLevelItemCount())]

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for section in self._sections():
            for row in map(section.child, range(section.childCount())):
                shown = f"{section.text(0)} {row.text(0)} {row.text(1)}".lower()
                row.setHidden(not all(word in shown for word in words))
            section.setHidden(all(section.child(n).isHidden() for n in range(section.childCount())))
