"""The small buttons over and under a panel's list."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import QToolButton, QWidget

from ltdesk.ui.look import icons


def tool_button(parent: QWidget, icon: str, name: str, tip: str, do: Callable[[], None] | None = None) -> QToolButton:
    """A button with an icon that `do` answers; `name` is what a screen reader says, `tip` what hovering shows."""
    button = QToolButton(parent)
    button.setIcon(icons.icon(icon))
    button.setIconSize(QSize(icons.SIZE, icons.SIZE))
    button.setToolTip(tip)
    button.setAccessibleName(name)
    button.setFocusPolicy(Qt.TabFocus)
    if do is not None:
        button.clicked.connect(lambda: do())
    return button
