"""From values to colours: every dtype, every scale; what has no value is never painted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.session import Display
from ltdesk.ui.pictures import colour_maps
from ltdesk.ui.pictures.composite import Layer, prepare_composite
from ltdesk.ui.pictures.content import content_of, prepare_content
from ltdesk.ui.pictures.estimate import fill_estimate
from ltdesk.ui.pictures.prepare import Picture, Prepared, prepare
from ltdesk.ui.pictures.raster import halved, pyramid
from ltdesk.ui.pictures.vectors import Vectors, prepare_vectors

KINDS = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">u2", ">i4", ">f8"]


def greys(prepared: Prepared) -> NDArray[np.int64]:
    """The grey of each pixel, -1 where nothing is painted."""
    argb = prepared.rasters[0].pixels
    return np.where(argb >> 24 == 255, (argb & 0xFF).astype(np.int64), -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_every_dtype_is_drawn_as_defined(kind: str, scale: Any) -> None:
    values = np.arange(120).reshape(10, 12).astype(kind)
    prepared = prepare(Picture(values), Display(scale=scale, levels=(10, 100)))
    places = prepared.scale.forward(values.astype(np.float64))
    low, high = prepared.scale.place(10), prepared.scale.place(100)
    expected = np.clip(np.floor((places - low) / (high - low) * 256), 0, 255)
    assert np.abs(greys(prepared) - expected).max() <= 1  # float32 at a step's edge
    assert (greys(prepared)[values <= 10] == 0).all()
    assert (greys(prepared)[values >= 100] == 255).all()


@pytest.mark.parametrize("kind", ["i2", "i8", "f8"])
@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_negative_values_are_drawn_in_order(kind: str, scale: Any) -> None:
    values = np.linspace(-1000, 1000, 400).reshape(20, 20).astype(kind)
    shades = greys(prepare(Picture(values), Display(scale=scale))).reshape(-1)
    assert (np.diff(shades) >= 0).all()
    assert len(set(shades)) > 100


def test_small_differences_of_large_values_are_seen() -> None:
    values = 1e9 + np.arange(100.0).reshape(10, 10)
    assert len(np.unique(greys(prepare(Picture(values), Display())))) == 100


def test_infinities_lie_at_the_ends_and_nan_nowhere() -> None:
    values = np.arange(100.0).reshape(10, 10)
    values[0, :3] = np.nan, np.inf, -np.inf
    for scale in ("linear", "sqrt", "log"):
        prepared = prepare(Picture(values), Display(scale=scale))
        assert greys(prepared)[0, :3].tolist() == [-1, 255, 0]
        assert prepared.no_value is not None
        assert np.argwhere(prepared.no_value.pixels).tolist() == [[0, 0]]
        assert not prepared.waiting


def test_what_is_not_done_or_failed_is_not_painted() -> None:
    values = np.arange(100).reshape(10, 10)
    valid, failed = np.ones((2, 10, 10), dtype=np.bool_)
    failed[1:] = False
    valid[:3] = False
    prepared = prepare(Picture(values, valid, failed, status="preview"), Display())
    assert (greys(prepared)[:3] == -1).all()
    assert (greys(prepared)[3:] >= 0).all()
    assert prepared.waiting
    assert prepared.failed is not None
    assert (prepared.failed.pixels != 0).sum() == 10


def test_nothing_done_and_nothing_but_nan() -> None:
    nothing = prepare(Picture(np.zeros((4, 4)), np.zeros((4, 4), dtype=np.bool_), status="filling"), Display())
    assert nothing.waiting
    assert (greys(nothing) == -1).all()
    nans = prepare(Picture(np.full((4, 4), np.nan)), Display(scale="log"))
    assert nans.levels == (0, 1)
    assert (greys(nans) == -1).all()


@pytest.mark.parametrize("make", ["picture", "composite", "vectors"])
def test_positions_without_a_frame_are_not_waited_for(make: str) -> None:
    values = np.arange(16.0).reshape(4, 4)
    values[2, 0] = np.nan
    valid, failed = np.ones((2, 4, 4), dtype=np.bool_)
    failed[1:] = False
    valid[0] = valid[3] = False
    if make == "picture":
        prepared = prepare(Picture(values, valid, failed, missing=4), Display())
    elif make == "vectors":
        prepared = prepare_vectors(Vectors(values, values, valid, failed, missing=4), Display())
    else:
        layers = [Layer(values, valid, "#ffffff", "a", failed, 4), Layer(values, valid, "#ffffff", "b", failed, 4)]
        prepared = prepare_composite(layers, Display())
    assert not prepared.waiting
    assert (prepared.rasters[0].pixels[3] == 0).all()
    assert prepared.no_value is not None
    assert np.argwhere(prepared.no_value.pixels).tolist() == [[2, 0], [3, 0], [3, 1], [3, 2], [3, 3]]
    again = prepare_content(content_of(prepared), Display(scale="sqrt"), "", "")
    assert not again.waiting


def test_an_estimate_is_dimmed() -> None:
    values = np.full((8, 8), 100)
    values[:4] = 7  # never seen: not done
    valid = np.zeros((8, 8), dtype=np.bool_)
    valid[4:] = True
    prepared = prepare(Picture(values, valid, status="filling"), Display(levels=(0, 100)))
    argb = prepared.rasters[0].pixels
    assert (argb[4:] == 0xFFFFFFFF).all()
    assert (argb[:4] == 0x7F7F7F7F).all()


def test_levels_of_diverging_maps_lie_about_zero() -> None:
    values = np.linspace(-1, 3, 64).reshape(8, 8)
    assert prepare(Picture(values), Display(colour_map="coolwarm")).levels == (-3, 3)


def test_levels_of_angles_are_a_turn() -> None:
    values = np.linspace(-1, 1, 64).reshape(8, 8)
    prepared = prepare(Picture(values, unit="rad"), Display(colour_map="colorwheel"))
    assert prepared.levels == pytest.approx((-np.pi, np.pi))


@pytest.mark.parametrize("values", [np.zeros(4), np.zeros((0, 4)), np.zeros((2, 2, 2))])
def test_what_is_not_a_picture(values: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="picture is"):
        Picture(values)


def test_complex_values_are_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        Picture(np.zeros((2, 2), dtype=complex))


def test_all_colour_maps_have_tables_that_differ() -> None:
    tables = {colour_map.name: colour_maps.table(colour_map.name) for colour_map in colour_maps.MAPS}
    assert all(table.shape == (256, 3) for table in tables.values())
    assert len({table.tobytes() for table in tables.values()}) == len(tables)
    for name, table in tables.items():
        light = table.astype(float) @ (0.2126, 0.7152, 0.0722)
        if colour_maps.known(name).kind == "sequential" and name != "gray_r":
            assert light[0] < 60 < 180 < light[-1]
        if colour_maps.is_cyclic(name):
            assert np.abs(table[0].astype(int) - table[-1]).max() < 12


def test_an_unknown_colour_map_is_grey() -> None:
    assert (colour_maps.table("of the future") == colour_maps.table("gray")).all()


def test_composite_adds_light_of_each_detector() -> None:
    left, right = np.zeros((2, 4, 4))
    left[:, 0], right[:, 3] = 10, 500
    prepared = prepare_composite([Layer(left, None, "#ff0000"), Layer(right, None, "#0000ff")], Display())
    argb = prepared.rasters[0].pixels
    assert (argb[:, 0] == 0xFFFF0000).all()
    assert (argb[:, 3] == 0xFF0000FF).all()
    assert (argb[:, 1:3] == 0xFF000000).all()
    assert [h.colour for h in prepared.histograms] == ["#ff0000", "#0000ff"]


def test_composite_shows_only_what_all_layers_have() -> None:
    valid = np.ones((4, 4), dtype=np.bool_)
    valid[0] = False
    number = np.ones((4, 4))
    number[1, 1] = np.nan
    failed = np.zeros((4, 4), dtype=np.bool_)
    failed[3] = True
    layers = [Layer(np.ones((4, 4)), valid, "#ffffff"), Layer(number, None, "#ffffff", "n", failed)]
    prepared = prepare_composite(layers, Display())
    assert prepared.waiting
    assert (prepared.rasters[0].pixels[0] == 0).all()
    assert prepared.rasters[0].pixels[1, 1] == 0
    assert prepared.no_value is not None
    assert np.argwhere(prepared.no_value.pixels).tolist() == [[1, 1]]
    assert prepared.failed is not None
    assert (prepared.failed.pixels != 0).sum() == 4
    assert (prepared.rasters[0].pixels[3] == 0).all()


def test_estimates_take_the_nearest_position() -> None:
    rng = np.random.default_rng(3)
    valid = rng.random((17, 23)) < 0.08
    values = rng.random(valid.shape)
    filled = fill_estimate(values, valid)
    done = np.argwhere(valid)
    for y, x in np.ndindex(valid.shape):
        steps = np.abs(done - (y, x)).sum(axis=1)
        nearest = {values[tuple(at)] for at in done[steps == steps.min()]}
        assert filled[y, x] in nearest


def test_nothing_to_estimate_from() -> None:
    values = np.arange(4.0).reshape(2, 2)
    assert fill_estimate(values, np.zeros((2, 2), dtype=np.bool_)) is values


def test_large_pictures_come_in_smaller_sizes_too() -> None:
    rasters = pyramid(np.full((3000, 2100), 0xFF804020, dtype=np.uint32))
    assert [r.pixels.shape for r in rasters] == [(3000, 2100), (1500, 1050), (750, 525)]
    assert (rasters[-1].pixels == 0xFF804020).all()
    assert pyramid(np.zeros((1, 4096), dtype=np.uint32))[-1].pixels.shape == (1, 1024)


def test_halves_are_means_of_each_channel() -> None:
    argb = np.array([[0xFF000000, 0xFFFF0000], [0x00000000, 0xFF0000FF]], dtype=np.uint32)
    assert halved(argb).tolist() == [[0xBF3F003F]]
