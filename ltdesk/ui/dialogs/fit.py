"""What all dialogs need of Qt: room for words that wrap, and one button that Return presses."""

from __future__ import annotations

from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QPushButton


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


def let_return_press(button: QPushButton, buttons: QDialogButtonBox) -> None:
    """Return presses this one of `buttons`, or none while it is disabled: by itself Qt has it press Cancel where that
    has the keyboard, as it has where nothing else could take it when the dialog came."""
    for other in buttons.buttons():
        other.setAutoDefault(other is button)
    button.setDefault(True)
