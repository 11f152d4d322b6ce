"""Vectors as colours: the hue of a direction is the wheel's hue there, the light grows with the length."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtGui import QColor
from pytestqt.qtbot import QtBot

from ltdesk.session import Display
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.pictures.vectors import Vectors, prepare_vectors, wheel_picture

YS, XS = np.mgrid[-10:11, -10:11].astype(float)


def hue(argb: int) -> float:
    return QColor.fromRgba(int(argb)).hueF() * 360


@pytest.mark.parametrize("angle", range(0, 360, 30))
def test_hue_tells_the_direction_as_the_wheel_does(angle: int) -> None:
    dy, dx = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    pixels = prepare_vectors(Vectors(np.full((1, 3), dy), np.full((1, 3), dx)), Display()).rasters[0].pixels
    wheel = wheel_picture(201, "gray").pixels
    there = wheel[round(100 + 90 * dy), round(100 + 90 * dx)]
    difference = abs(hue(pixels[0, 1]) - hue(there)) % 360
    assert min(difference, 360 - difference) < 8


def test_wheel_directions_have_different_hues() -> None:
    wheel = wheel_picture(201, "of the future").pixels
    hues = {round(hue(wheel[at]) / 20) for at in ((100, 195), (195, 100), (100, 5), (5, 100))}
    assert len(hues) == 4
    assert wheel[0, 0] == 0
    assert wheel[100, 100] == 0xFF000000


def test_light_grows_with_the_length() -> None:
    lengths = np.linspace(0, 2, 40).reshape(4, 10)
    prepared = prepare_vectors(Vectors(np.zeros_like(lengths), lengths), Display())
    light = [QColor.fromRgba(int(c)).valueF() for c in prepared.rasters[0].pixels.reshape(-1)]
    assert prepared.levels == (0, 2)
    assert light[0] == 0
    assert (np.diff(light) >= 0).all()
    assert prepared.histograms[0].counts.sum() == 40


def test_vectors_without_a_value_are_left_out() -> None:
    dy, valid = YS.copy(), np.ones(YS.shape, dtype=np.bool_)
    dy[0, 0], valid[1] = np.nan, False
    prepared = prepare_vectors(Vectors(dy, XS, valid), Display())
    assert prepared.rasters[0].pixels[0, 0] == 0
    assert (prepared.rasters[0].pixels[1] == 0).all()
    assert prepared.waiting
    assert prepared.no_value is not None


@pytest.fixture
def view(qtbot: QtBot) -> PictureView:
    """Held until `qtbot`, which doesn't hold it, has closed it: it must not be collected as garbage while it paints."""
    view = PictureView("Image", "scan")
    qtbot.addWidget(view)
    return view


def test_vectors_in_the_view(view: PictureView) -> None:
    view.resize(400, 460)
    view.set_vectors(Vectors(YS, XS, unit="px", status="exact"))
    view.show()
    view.set_cursor((13, 10))
    assert view.readout == "(13, 10) = 3 px, 90°"
    view.set_cursor((10, 10))
    assert view.readout == "(10, 10) = 0 px"
    assert view.plates.wheel.isVisible()
    assert len({view.plates.wheel.grab().toImage().pixelColor(x, 40).name() for x in range(10, 50)}) > 10
    assert view.levels_bar.high.text()
    again = view.prepared
    assert again is not None
    view.show_prepared(again)
    view.next_scale()
    assert view.prepared is not None
    assert view.prepared.wheel
    image = view.to_image()
    assert image.pixelColor(image.width() - image.width() // 10, image.height() // 10).isValid()
    view.set_picture(YS)
    assert not view.plates.wheel.isVisible()
