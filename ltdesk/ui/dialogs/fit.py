"""What all dialogs need of Qt's layouts: room for words that wrap."""

from __future__ import annotations

from PyQt5.QtWidgets import QDialog


def fit_height(dialog: QDialog, width: int = 0) -> None:
    """Give `dialog` the height that its words need at `width`, by default as wide as it is.

    Qt asks a window's layout for its size without telling it the width, so wrapped labels would be cut.
    """
    layout = dialog.layout()
    layout.activate()
    width = max(width, dialog.minimumWidth(), layout.totalMinimumSize().width())
    height = max(layout.totalHeightForWidth(width), layout.totalMinimumSize().height())
    dialog.setMinimumHeight(0)
    dialog.resize(width, height)
    dialog.setMinimumHeight(height)
