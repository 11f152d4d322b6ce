"""Choosing a colour map: a list with a swatch of each, by kind. A menu has no room for swatches this wide."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QPoint, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImage, QPixmap
from PyQt5.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ltdesk.ui.look import style
from ltdesk.ui.pictures import colour_maps

SWATCH = QSize(72, 14)


def swatch(name: str, size: QSize = SWATCH) -> QPixmap:
    """The colours of a map from darkest to brightest, sharp on a screen of any resolution."""
    ratio = 2
    columns = np.linspace(0, colour_maps.SIZE - 1, size.width() * ratio).astype(np.intp)
    row = colour_maps.argb(name)[columns]
    image = QImage(row.tobytes(), row.size, 1, 4 * row.size, QImage.Format_RGB32)
    pixmap = QPixmap.fromImage(image.scaled(row.size, size.height() * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class ColourMapList(QFrame):
    """A pop-up with all colour maps. Signal `chosen` has the name."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.Popup)
        self.setFrameShape(QFrame.StyledPanel)
        self.list = QListWidget()
        self.list.setAccessibleName("Colour maps")
        self.list.setIconSize(SWATCH)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*([style.GRID // 2] * 4))
        layout.addWidget(self.list)
        self._fill()
        self.list.itemClicked.connect(self._take)
        self.list.itemActivated.connect(self._take)
        self._taken = False

    def popup(self, at: QPoint, current: str) -> None:
        """Open below `at` (global) with `current` chosen."""
        self._taken = False
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.UserRole) == current:
                self.list.setCurrentRow(row)
        width = self.list.sizeHintForColumn(0) + 4 * style.GRID
        height = sum(self.list.sizeHintForRow(row) for row in range(self.list.count())) + 2 * style.GRID
        room = self.screen().availableGeometry()
        self.resize(width, min(height, room.height() * 3 // 4))
        self.move(min(at.x(), room.right() - width), min(at.y(), room.bottom() - self.height()))
        self.show()
        self.list.setFocus()

    def _fill(self) -> None:
        for kind, heading in colour_maps.KINDS.items():
            title = QListWidgetItem(heading, self.list)
            title.setFlags(Qt.NoItemFlags)
            title.setFont(style.heading_font(self.font()))
            for colour_map in colour_maps.MAPS:
                if colour_map.kind == kind:
                    item = QListWidgetItem(QIcon(swatch(colour_map.name)), colour_map.label, self.list)
                    item.setData(Qt.UserRole, colour_map.name)

    def _take(self, item: QListWidgetItem) -> None:
        name = item.data(Qt.UserRole)
        if name and not self._taken:  # a double click is both clicked and activated
            self._taken = True
            self.hide()
            self.chosen.emit(name)
