"""How the window looks: a theme's colours as frozen data, a palette and a small style sheet made from them.

Dark by default, since a microscope room is dark; light on request; ``system`` follows the desktop. One
accent, neutral greys, a grid of 8 px. Text is never smaller than 9 pt: rank is shown by weight and grey, not by size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PyQt5 import sip
from PyQt5.QtCore import QObject, Qt, QTimer
from PyQt5.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QFontMetricsF, QPalette
from PyQt5.QtWidgets import QApplication, QStyleFactory, QToolTip

from ltdesk.ui.look.style_sheet import sheet
from ltdesk.ui.look.system_theme import system_is_dark

GRID = 8
"""Pixels (device independent) that every gap and size is a multiple of, or half of."""
MIN_POINTS = 9.0

ThemeName = Literal["dark", "light", "system"]
THEME_NAMES: tuple[ThemeName, ...] = ("dark", "light", "system")


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, ``#rrggbb``.

    window, panel, field, raised, hover : surfaces, from the furthest back to the nearest
    line : a hairline where space alone does not do
    text, dim, faint : words, less important words, what cannot be used now
    accent, on_accent : the one colour for what is chosen or in progress, and words on it
    good, warning, bad : states; always beside words
    """

    name: str
    window: str
    panel: str
    field: str
    raised: str
    hover: str
    line: str
    text: str
    dim: str
    faint: str
    accent: str
    on_accent: str
    good: str
    warning: str
    bad: str

    @property
    def is_dark(self) -> bool:
        return QColor(self.window).lightness() < 128


DARK = Theme(
    name="dark", window="#191a1c", panel="#202225", field="#151617", raised="#2c2f33", hover="#373b40",
    line="#34373c", text="#e4e6e8", dim="#a0a5ac", faint="#696e75", accent="#7aa7f0", on_accent="#0d1420",
    good="#6cc08b", warning="#e3b455", bad="#ee7d72",
)  # fmt: skip
LIGHT = Theme(
    name="light", window="#eeeff1", panel="#f7f8f9", field="#ffffff", raised="#e2e4e7", hover="#d6d9dd",
    line="#d0d3d7", text="#1c1e21", dim="#575c64", faint="#989da5", accent="#2a62c4", on_accent="#ffffff",
    good="#1f7a41", warning="#8a5a00", bad="#b3261e",
)  # fmt: skip


def current() -> Theme:
    """The theme that was applied last; dark before that."""
    app = QApplication.instance()
    return LIGHT if app is not None and app.property("ltdesk_theme") == "light" else DARK


def apply(app: QApplication, theme: ThemeName = "dark") -> Theme:
    """Give `app` the theme, now and for widgets to come, and return its colours.

    With ``system`` the desktop's own choice is asked for again whenever the program comes to the front.
    """
    _follow(app, theme == "system")
    colours = _resolve(app, theme)
    _finish_changes(app)
    for _ in _changes(app, colours):
        pass
    return colours


def change(app: QApplication, theme: ThemeName) -> Theme:
    """`apply` for windows in use: in steps between which the user is served, painted anew once all is done."""
    _follow(app, theme == "system")
    colours = _resolve(app, theme)
    _Change(app, colours)
    return colours


def figures_font(base: QFont) -> QFont:
    """`base` where its digits are all equally wide (tabular), else the system's fixed font at that size.

    Qt 5 cannot ask a font for its tabular figures, and numbers must not jump while they change.
    """
    return readable_font(base) if _has_tabular_figures(base) else fixed_font(base)


def _has_tabular_figures(font: QFont) -> bool:
    name = font.toString()  # not a way back to it: Qt reads none without a family, which a bare system's font has
    if name not in _TABULAR:
        metrics = QFontMetricsF(font)
        _TABULAR[name] = len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1
    return _TABULAR[name]


_TABULAR: dict[str, bool] = {}


def fixed_font(base: QFont) -> QFont:
    """A font whose characters are all equally wide, as large as `base`."""
    fixed = QFontDatabase.systemFont(QFontDatabase.FixedFont)
    if not QFontInfo(fixed).fixedPitch():  # a platform without an answer names its normal font
        fixed = QFont("monospace")
        fixed.setStyleHint(QFont.TypeWriter)
    fixed.setPointSizeF(max(MIN_POINTS, base.pointSizeF()))
    return fixed


def readable_font(base: QFont) -> QFont:
    """`base`, at least 9 pt."""
    font = QFont(base)
    if 0 < font.pointSizeF() < MIN_POINTS:
        font.setPointSizeF(MIN_POINTS)
    return font


def heading_font(base: QFont, factor: float = 1.0) -> QFont:
    """`base` in demi-bold, `factor` times as large."""
    font = readable_font(base)
    font.setWeight(QFont.DemiBold)
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * factor)
    return font


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette, so that whatever is not in the style sheet fits too."""
    colours = QPalette()
    for role, colour in _roles(theme).items():
        colours.setColor(role, QColor(colour))
    for role in (QPalette.WindowText, QPalette.Text, QPalette.ButtonText, QPalette.HighlightedText):
        colours.setColor(QPalette.Disabled, role, QColor(theme.faint))
    colours.setColor(QPalette.Disabled, QPalette.Highlight, QColor(theme.raised))
    return colours


def _roles(theme: Theme) -> dict[QPalette.ColorRole, str]:
    return {
        QPalette.Window: theme.window,
        QPalette.WindowText: theme.text,
        QPalette.Base: theme.field,
        QPalette.AlternateBase: theme.panel,
        QPalette.Text: theme.text,
        QPalette.Button: theme.raised,
        QPalette.ButtonText: theme.text,
        QPalette.BrightText: theme.bad,
        QPalette.ToolTipBase: theme.raised,
        QPalette.ToolTipText: theme.text,
        QPalette.PlaceholderText: theme.dim,
        QPalette.Highlight: theme.accent,
        QPalette.HighlightedText: theme.on_accent,
        QPalette.Link: theme.accent,
        QPalette.LinkVisited: theme.accent,
        QPalette.Light: theme.hover,
        QPalette.Midlight: theme.raised,
        QPalette.Mid: theme.line,
        QPalette.Dark: theme.line,
        QPalette.Shadow: "#000000",
    }


def _resolve(app: QApplication, theme: ThemeName) -> Theme:
    if theme == "system":
        return DARK if system_is_dark(app) else LIGHT
    return LIGHT if theme == "light" else DARK


def _changes(app: QApplication, theme: Theme) -> Iterator[None]:
    """Give `app` the colours, in steps of about equal length."""
    if app.property("ltdesk_theme") == theme.name:
        return
    first = app.property("ltdesk_theme") is None
    app.setProperty("ltdesk_theme", theme.name)
    if first:
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(readable_font(app.font()))
    app.setStyleSheet("")  # to polish all anew takes Qt 33 ms, to change a sheet 120
    yield
    app.setPalette(palette(theme))
    QToolTip.setPalette(palette(theme))
    yield
    app.setStyleSheet(sheet(theme, GRID))
    yield


class _Change(QObject):
    """Another theme, a step a turn of the event loop. Meanwhile nothing is painted: it would be in both at once."""

    def __init__(self, app: QApplication, theme: Theme) -> None:
        _finish_changes(app)
        super().__init__(app)
        self._steps = _changes(app, theme)
        self._waiting = [window for window in app.topLevelWidgets() if window.isVisible() and window.updatesEnabled()]
        for window in self._waiting:
            window.setUpdatesEnabled(False)
        self._step()

    def finish(self) -> None:
        """Do what is left at once."""
        for _ in self._steps:
            pass
        for window in self._waiting:
            if not sip.isdeleted(window):
                window.setUpdatesEnabled(True)
        self._waiting = []
        self.deleteLater()

    def _step(self) -> None:
        for _ in self._steps:
            QTimer.singleShot(0, self._step)
            return
        self.finish()


def _finish_changes(app: QApplication) -> None:
    for under_way in app.findChildren(_Change):
        under_way.finish()


def _follow(app: QApplication, on: bool) -> None:
    old: QObject | None = app.findChild(_Follower)
    if old is not None and not on:
        old.setParent(None)
        old.deleteLater()
    elif on and old is None:
        _Follower(app)


class _Follower(QObject):
    """Asks for the desktop's choice again when the program comes to the front: all platforms have that."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        app.applicationStateChanged.connect(self._look)

    def _look(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationActive:
            _Change(self._app, _resolve(self._app, "system"))
