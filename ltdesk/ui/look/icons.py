"""Icons by what they are for, from one set (Material Design Icons, which QtAwesome ships).

An icon takes its colour from the palette when it is painted, so a change of theme needs nothing done, and
is painted at the resolution of the screen. The font is loaded at the first paint: 20 ms for one face, against
130 ms for `qtawesome.icon`, which loads all twelve.
"""

from __future__ import annotations

from functools import cache

from PyQt5.QtCore import QPoint, QRect, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PyQt5.QtWidgets import QApplication

SIZE = 20
"""Side of an icon in device-independent pixels."""

NAMES = {
    "select": "cursor-default-outline",
    "point": "circle-medium",
    "disk": "circle-outline",
    "ring": "circle-double",
    "sector": "chart-pie-outline",
    "rect": "rectangle-outline",
    "ellipse": "ellipse-outline",
    "polygon": "pentagon-outline",
    "freehand": "lasso",
    "mask": "checkerboard",
    "combination": "set-center",
    "undo": "undo-variant",
    "redo": "redo-variant",
    "add": "plus",
    "duplicate": "content-duplicate",
    "delete": "trash-can-outline",
    "or": "set-all",
    "without": "set-left",
    "and": "set-center",
    "weight": "scale-balance",
    "split": "set-split",
    "remove": "close",
    "open": "folder-open-outline",
    "recent": "history",
    "demo": "flask-outline",
    "connect": "server-network",
    "disconnect": "server-network-off",
    "stored": "database-outline",
    "send": "database-arrow-up-outline",
    "verify": "shield-check-outline",
    "folder": "folder-outline",
    "up": "arrow-up",
    "good": "check-circle-outline",
    "save": "content-save-outline",
    "export": "export-variant",
    "copy": "content-copy",
    "python": "language-python",
    "cancel": "close-circle-outline",
    "retry": "refresh",
    "fit": "fit-to-page-outline",
    "contrast": "contrast-circle",
    "palette": "palette-outline",
    "theme": "theme-light-dark",
    "search": "magnify",
    "keyboard": "keyboard-outline",
    "help": "help-circle-outline",
    "info": "information-outline",
    "warning": "alert-outline",
    "error": "alert-circle-outline",
    "bug": "bug-outline",
    "more": "chevron-down",
    "fold": "chevron-right",
    "visible": "eye-outline",
    "hidden": "eye-off-outline",
    "settings": "cog-outline",
    "dataset": "cube-outline",
    "image": "image-outline",
    "frame": "grain",
    "profile": "chart-line",
    "suggest": "auto-fix",
    "noise": "signal-variant",
    "spectrum": "sine-wave",
    "rotation": "rotate-3d-variant",
    "composite": "circle-multiple-outline",
    "region": "selection",
    "vector": "arrow-top-right",
    "scale": "chart-bell-curve-cumulative",
    "close": "close",
}


@cache
def icon(name: str, role: str = "") -> QIcon:
    """The icon for `name` (a key of `NAMES`), painted as text or as `role`, a field of `style.Theme`.

    Raises KeyError for a name that is not known.
    """
    return QIcon(_Engine(NAMES[name], role))


def names() -> tuple[str, ...]:
    """All names that `icon` knows."""
    return tuple(NAMES)


@cache
def _iconic():  # no types: qtawesome ships none
    from qtawesome.iconic_font import IconicFont

    face = "materialdesignicons6-webfont-6.9.96"
    return IconicFont(("mdi6", f"{face}.ttf", f"{face.replace('webfont', 'webfont-charmap')}.json"))


def _font(pixels: int) -> QFont:
    font: QFont = _iconic().font("mdi6", pixels)
    font.setHintingPreference(QFont.PreferNoHinting)
    return font


class _Engine(QIconEngine):
    """Paints one glyph in the colour that the palette gives at that moment."""

    def __init__(self, glyph: str, role: str) -> None:
        super().__init__()
        self._glyph, self._role = glyph, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.save()
        painter.setRenderHint(QPainter.TextAntialiasing)
        painter.setFont(_font(min(rect.width(), rect.height())))
        painter.setPen(self._colour(mode, state))
        painter.drawText(rect, int(Qt.AlignCenter), _iconic().charmap["mdi6"][self._glyph])
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        picture.fill(Qt.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _Engine(self._glyph, self._role)

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        colours = QApplication.palette()
        if mode == QIcon.Disabled:
            return colours.color(QPalette.Disabled, QPalette.ButtonText)
        if self._role:
            from ltdesk.ui.look import style

            return QColor(getattr(style.current(), self._role))
        return colours.color(QPalette.HighlightedText if state == QIcon.On else QPalette.ButtonText)
