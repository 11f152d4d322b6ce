"""Themes: readable, neutral, applied to what is there and what comes."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QIcon, QPalette
from PyQt5.QtWidgets import QApplication, QLabel

from ltdesk.ui.look import icons, style


@pytest.fixture(autouse=True)
def as_before(qapp: QApplication):
    yield
    style.apply(qapp, "dark")


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2."""
    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    parts = [QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [style.DARK, style.LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("role", ["text", "dim", "good", "warning", "bad"])
@pytest.mark.parametrize("surface", ["window", "panel", "field"])
def test_words_can_be_read_on_every_surface(theme: style.Theme, role: str, surface: str) -> None:
    assert contrast(getattr(theme, role), getattr(theme, surface)) >= 4.5


@pytest.mark.parametrize("theme", [style.DARK, style.LIGHT], ids=lambda theme: theme.name)
def test_accent_is_the_only_colour_that_is_not_a_state(theme: style.Theme) -> None:
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    for role in ("window", "panel", "field", "raised", "hover", "line", "text", "dim", "faint"):
        assert QColor(getattr(theme, role)).hsvSaturation() < 40


def test_a_theme_reaches_widgets_that_exist(qapp: QApplication, qtbot) -> None:
    label = QLabel("words")
    qtbot.addWidget(label)
    style.apply(qapp, "light")
    assert label.palette().color(QPalette.Window) == QColor(style.LIGHT.window)
    style.apply(qapp, "dark")
    assert label.palette().color(QPalette.Window) == QColor(style.DARK.window)
    assert style.current() is style.DARK


def test_system_follows_when_the_program_comes_to_the_front(qapp: QApplication, monkeypatch) -> None:
    dark = [True]
    monkeypatch.setattr(style, "system_is_dark", lambda app: dark[0])
    assert style.apply(qapp, "system") is style.DARK
    dark[0] = False
    qapp.applicationStateChanged.emit(Qt.ApplicationActive)
    assert style.current() is style.LIGHT
    style.apply(qapp, "dark")
    qapp.applicationStateChanged.emit(Qt.ApplicationActive)
    assert style.current() is style.DARK


def test_the_desktop_can_be_asked(qapp: QApplication) -> None:
    from ltdesk.ui.look.system_theme import system_is_dark

    assert system_is_dark(qapp) in (True, False)


def test_text_is_never_smaller_than_nine_points() -> None:
    small = QFont()
    small.setPointSizeF(7)
    assert style.readable_font(small).pointSizeF() == style.MIN_POINTS
    assert style.heading_font(small).pointSizeF() >= style.MIN_POINTS
    assert style.figures_font(small).pointSizeF() >= style.MIN_POINTS


@pytest.mark.qt_log_level_fail("WARNING")
def test_a_font_without_a_family_is_no_trouble(qapp: QApplication) -> None:
    """A system without a font of its own names none; Qt warns of what it cannot read."""
    font = QFont("")
    font.setPointSizeF(12.5)
    metrics = QFontMetricsF(style.figures_font(font))
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1


def test_figures_are_equally_wide(qapp: QApplication) -> None:
    metrics = QFontMetricsF(style.figures_font(qapp.font()))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1


def inked(picture) -> int:
    image = picture.toImage()
    return sum(image.pixelColor(x, y).alpha() > 128 for x in range(image.width()) for y in range(image.height()))


@pytest.mark.parametrize("name", icons.names())
def test_every_icon_has_a_picture(qapp: QApplication, name: str) -> None:
    assert inked(icons.icon(name).pixmap(QSize(20, 20))) > 5


def test_icons_take_the_colour_of_the_theme_when_painted(qapp: QApplication) -> None:
    def colour(icon: QIcon, mode: QIcon.Mode = QIcon.Normal) -> QColor:
        image = icon.pixmap(QSize(20, 20), mode).toImage()
        colours = [image.pixelColor(x, y) for x in range(20) for y in range(20)]
        return max(colours, key=lambda c: c.alpha())

    icon = icons.icon("add")
    style.apply(qapp, "dark")
    assert colour(icon).lightness() > 200
    style.apply(qapp, "light")
    assert colour(icon).lightness() < 60
    assert colour(icons.icon("add", "bad")).name() == style.LIGHT.bad
    assert colour(icon, QIcon.Disabled).name() == style.LIGHT.faint


def test_icons_are_sharp_at_twice_the_resolution(qapp: QApplication) -> None:
    """A glyph painted at 40 px has finer edges than one of 20 px blown up."""
    large = icons.icon("ring").pixmap(QSize(40, 40)).toImage()
    blown_up = icons.icon("ring").pixmap(QSize(20, 20)).toImage().scaled(40, 40)
    assert large.size() == blown_up.size()
    assert large != blown_up


def test_an_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(KeyError):
        icons.icon("no such thing")
