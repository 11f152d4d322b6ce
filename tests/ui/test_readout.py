"""Numbers, positions and scale bars as they are written on a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.session import Display
from ltdesk.ui.pictures.composite import Layer, prepare_composite
from ltdesk.ui.pictures.levels_bar import number_from
from ltdesk.ui.pictures.prepare import Picture, prepare
from ltdesk.ui.pictures.readout import PixelScale, number_text, readout_text
from ltdesk.ui.pictures.scale_bar import bar_for, round_length


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8214, "8\u202f214"),
        (np.uint64(2**63), "9\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808"),
        (-12, "−12"),
        (0, "0"),
        (0.0, "0"),
        (1.5, "1.5"),
        (np.float32(0.25), "0.25"),
        (-0.0123456, "−0.012346"),
        (12345.678, "12\u202f346"),
        (1234567.0, "1\u202f234\u202f567"),
        (1.5e-9, "1.5×10⁻⁹"),
        (-2.5e12, "−2.5×10¹²"),
        (float("nan"), "not a number"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_as_people_read_them(value: Any, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_what_is_written_can_be_typed(value: float) -> None:
    typed = number_from(number_text(value))
    assert typed == pytest.approx(value, rel=1e-4, abs=1e-300)


@pytest.mark.parametrize("text", ["", "x", "1e999", "--1", "nan"])
def test_what_is_no_number(text: str) -> None:
    assert number_from(text) is None


def test_readout_of_scan_and_frame() -> None:
    values = np.zeros((20, 60), dtype=np.uint16)
    values[12, 31] = 8214
    prepared = prepare(Picture(values, unit="e"), Display())
    assert readout_text(prepared, 12, 31, "scan", None) == "(12, 31) = 8\u202f214 e"
    assert readout_text(prepared, 12, 31, "frame", None) == "k 12, 31 = 8\u202f214 e"
    scale = PixelScale(0.5, "nm")
    assert readout_text(prepared, 12, 31, "scan", scale) == "(12, 31) · 6, 15.5 nm = 8\u202f214 e"
    angle = PixelScale(2.0, "mrad", origin=(9, 27))
    assert readout_text(prepared, 12, 31, "frame", angle) == "k 12, 31 · 10 mrad = 8\u202f214 e"


def test_readout_says_why_there_is_no_value() -> None:
    values = np.array([[1.0, 2.0, np.nan]])
    valid, failed = np.array([[True, False, True]]), np.array([[True, False, False]])
    prepared = prepare(Picture(values, valid, failed, unit="e"), Display())
    texts = [readout_text(prepared, 0, x, "scan", None) for x in range(3)]
    assert texts == ["(0, 0) = failed", "(0, 1) = not yet done", "(0, 2) = not a number"]
    cut = prepare(Picture(values, valid, failed, unit="e", missing=1), Display())
    texts = [readout_text(cut, 0, x, "scan", None) for x in range(3)]
    assert texts == ["(0, 0) = failed", "(0, 1) = missing", "(0, 2) = not a number"]


def test_readout_of_a_composite_has_every_layer() -> None:
    layers = [Layer(np.full((2, 2), n), None, "#ff0000", name) for n, name in ((5, "BF"), (7, "ADF"))]
    prepared = prepare_composite(layers, Display())
    assert readout_text(prepared, 1, 0, "scan", None) == "(1, 0)  BF 5  ADF 7"


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_lengths_are_round_and_as_long_as_they_can_be(longest: float) -> None:
    length = round_length(longest)
    digits = f"{length:.6e}"[0]
    assert digits in "125"
    assert float(f"{length:.6e}".replace(digits, "1", 1)) > 0
    assert length <= longest * (1 + 1e-6)
    assert length * 2.5 * (1 + 1e-6) > longest


def test_bars_in_units_and_in_pixels() -> None:
    bar = bar_for(4.0, PixelScale(0.5, "nm"), 160)
    assert bar is not None
    assert (bar.text, bar.pixels) == ("20 nm", 160)
    assert bar_for(4.0, None, 160) == (80, "20 px")
    assert bar_for(300.0, None, 160) is None
    larger = bar_for(1.0, PixelScale(20.0, "nm"), 150)
    assert larger is not None
    assert larger.text == "2 µm"
