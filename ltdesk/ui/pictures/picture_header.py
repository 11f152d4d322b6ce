"""The row over a picture: what it is, and how it is drawn (scale, colour map, automatic contrast)."""

from __future__ import annotations

from typing import TypeVar

from PyQt5.QtCore import QEvent, QPoint, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon
from PyQt5.QtWidgets import (
    QAction,
    QActionGroup,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ltdesk.session import Display, Scale
from ltdesk.ui.look import icons, style
from ltdesk.ui.pictures import colour_maps, display_scale
from ltdesk.ui.pictures.colour_map_list import ColourMapList, swatch

SMALL_SWATCH = QSize(32, 12)
Button = TypeVar("Button", bound=QToolButton)


class ElidedLabel(QLabel):
    """A label that ends in … where it has no room, with the whole text as its tool tip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Preferred)
        self.setMinimumWidth(2 * style.GRID)
        self.set_text(text)

    @property
    def whole_text(self) -> str:
        return self._whole

    def set_text(self, text: str) -> None:
        self._whole = text
        self.setAccessibleName(text)
        self._elide()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 4, super().sizeHint().height())

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.ElideRight, max(self.width(), 1))
        self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")


class ElidedButton(QToolButton):
    """A button whose words end in … where they have no room, so that what stands beside it keeps its own."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self._hint = super().sizeHint()
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Fixed)

    @property
    def whole_text(self) -> str:
        return self._whole

    def set_text(self, text: str) -> None:
        self._whole = text
        self._measure()

    def sizeHint(self) -> QSize:
        return self._hint

    def minimumSizeHint(self) -> QSize:
        return QSize(min(6 * style.GRID, self._hint.width()), self._hint.height())

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.FontChange, QEvent.StyleChange):
            self._measure()

    def _measure(self) -> None:
        """How large the button is with all its words: Qt knows only with those that it shows."""
        self.setText(self._whole)
        self._hint = super().sizeHint()
        self._elide()
        self.updateGeometry()

    def _elide(self) -> None:
        room = self.width() - style.GRID  # the style's padding: the rest of what Qt asks for may be taken by words
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.ElideMiddle, max(room, 1)))


class PictureHeader(QWidget):
    """Title, source, scale, colour map, contrast. What the user picks is told as signals; `show_display` shows it.

    Signals
    -------
    scale_chosen : (name)
    colour_map_chosen : (name)
    auto_wanted : ()
    """

    scale_chosen = pyqtSignal(str)
    colour_map_chosen = pyqtSignal(str)
    auto_wanted = pyqtSignal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = ElidedLabel(title)
        self.title.setFont(style.heading_font(self.title.font()))
        self.title.setMinimumWidth(self.title.sizeHint().width())
        self.source = self._dress(ElidedButton(), "Source", "What is shown here")
        self.source.setFont(style.figures_font(style.readable_font(self.source.font())))
        self.source.hide()
        self.scale = self._button("Scale", "")
        self.scale.setMenu(self._scale_menu())
        self.scale.setPopupMode(QToolButton.InstantPopup)
        self.scale.setMinimumWidth(self.scale.fontMetrics().horizontalAdvance("linear ▾") + 2 * style.GRID)
        self.colours = self._button("Colour map", "")
        self.colours.setIconSize(SMALL_SWATCH)
        self.colours.clicked.connect(self._pop_up_colours)
        self.auto = self._button("Automatic contrast", "")
        self.auto.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self.auto.clicked.connect(self.auto_wanted)
        self._list: ColourMapList | None = None
        self._display = Display()
        self._lay_out()

    def show_display(self, display: Display) -> None:
        """Show how the picture is drawn now."""
        self._display = display
        self.scale.setText(f"{display_scale.LABELS[display.scale]} ▾")
        self._scales[display.scale].setChecked(True)
        explained = display_scale.EXPLAINED[display.scale]
        self.scale.setToolTip(f"Scale. {explained}.\nDisplay only: the data are not changed (L)")
        colour_map = colour_maps.known(display.colour_map)
        self.colours.setIcon(QIcon(swatch(colour_map.name, SMALL_SWATCH)))
        self.colours.setToolTip(f"Colour map: {colour_map.label}. Display only")
        automatic = display.levels is None
        self.auto.setIcon(icons.icon("contrast", "accent" if automatic else ""))
        self.auto.setAccessibleDescription("on" if automatic else "off")
        self.auto.setToolTip(
            "Contrast is automatic: percentiles, not led astray by hot or dead pixels (A)"
            if automatic
            else "Levels are fixed. Click for automatic contrast (A)"
        )

    def show_composite(self, on: bool) -> None:
        """In a composite the colours are the detectors' and the contrast is each one's own."""
        self.colours.setEnabled(not on)
        self.auto.setEnabled(not on)

    def set_source(self, text: str, menu: QMenu | None = None) -> None:
        """The words beside the title, with a menu to choose others; empty: none."""
        self.source.setToolTip(f"What is shown here: {text}")
        self.source.setAccessibleName(f"Source: {text}")
        if menu is not self.source.menu():
            self.source.setMenu(menu)
        self.source.setFocusPolicy(Qt.TabFocus if menu else Qt.NoFocus)
        self.source.setPopupMode(QToolButton.InstantPopup if menu else QToolButton.DelayedPopup)
        self.source.set_text(f"{text} ▾" if menu is not None else text)
        self.source.setVisible(bool(text))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(style.GRID // 2, 0, 0, 0)
        row.setSpacing(style.GRID // 2)
        row.addWidget(self.title)
        row.addWidget(self.source)
        row.addStretch(1)
        for button in (self.scale, self.colours, self.auto):
            row.addWidget(button)

    def _button(self, name: str, tip: str) -> QToolButton:
        return self._dress(QToolButton(), name, tip)

    def _dress(self, button: Button, name: str, tip: str) -> Button:
        button.setAutoRaise(True)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setFont(style.readable_font(button.font()))
        return button

    def _scale_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        self._scales: dict[Scale, QAction] = {}
        for name in display_scale.NAMES:
            label = {"sqrt": "square root"}.get(name, name)
            action = QAction(f"{label}  (display only)", menu)
            action.triggered.connect(lambda _, name=name: self.scale_chosen.emit(name))
            menu.addAction(action)
            action.setCheckable(True)
            action.setToolTip(display_scale.EXPLAINED[name])
            group.addAction(action)
            self._scales[name] = action
        return menu

    def _pop_up_colours(self) -> None:
        if self._list is None:
            self._list = ColourMapList(self)
            self._list.chosen.connect(self.colour_map_chosen)
        below = self.colours.mapToGlobal(QPoint(0, self.colours.height()))
        self._list.popup(below, self._display.colour_map)
