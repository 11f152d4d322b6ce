"""Contrast that hot and dead pixels don't ruin, on what microscopes give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ltdesk.ui.pictures.display_scale import DisplayScale, scale_for
from ltdesk.ui.pictures.levels import auto_levels, histogram, sample_of

ANY_DTYPE = st.sampled_from(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"])


def levels_of(values: NDArray[Any], shown: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    return auto_levels(values, shown, sample_of(values, shown))


def disk(size: int = 96, radius: float = 12.0, height: float = 100.0) -> NDArray[np.float64]:
    """A bright-field disk of `height` on a faint ground that falls off."""
    ys, xs = np.mgrid[:size, :size] - (size - 1) / 2
    distance = np.hypot(ys, xs)
    return np.where(distance <= radius, height, 10 * np.exp(-distance / 20))


def test_one_hot_pixel_does_not_count() -> None:
    frame = disk()
    expected = levels_of(frame)
    frame[3, 4] = 1e9
    assert levels_of(frame) == pytest.approx(expected, rel=0.05)
    assert levels_of(frame)[1] == pytest.approx(100)


@pytest.mark.parametrize("dead", [65535.0, 5000.0])
def test_a_dead_column_and_row_do_not_count(dead: float) -> None:
    frame = disk()
    frame[:, 20] = dead
    frame[70, :] = dead
    assert levels_of(frame)[1] == pytest.approx(100)


def test_a_block_of_dead_pixels_does_not_count() -> None:
    frame = disk()
    frame[50:53, 10:13] = 1e6
    assert levels_of(frame)[1] == pytest.approx(100)


def test_saturated_pixels_do_not_count() -> None:
    frame = disk().astype(np.uint16)
    frame[:20, :20] = 65535
    assert levels_of(frame)[1] == 100


def test_small_bragg_spots_count_in_full() -> None:
    frame = np.ones((512, 512), dtype=np.uint32)
    for y in range(100, 420, 80):
        frame[y : y + 3, y : y + 3] = 5000  # far less than a thousandth of the pixels
    assert levels_of(frame) == (1, 5000)


def test_single_electrons_on_an_empty_frame_are_seen() -> None:
    frame = np.zeros((1024, 1024), dtype=np.uint16)
    frame[::200, ::200] = 1  # a sample of the pixels may miss them all
    frame[500, 500] = 3000
    assert levels_of(frame) == (0, 1)


def test_extremes_of_a_tiny_scan() -> None:
    assert levels_of(np.arange(8.0).reshape(2, 4)) == (0, 7)


def test_positions_that_are_not_done_do_not_count() -> None:
    image = np.full((64, 64), 1e6)
    image[:10] = np.linspace(2, 3, 64)
    done = np.zeros(image.shape, dtype=np.bool_)
    done[:10] = True
    low, high = levels_of(image, done)
    assert 2 <= low < 2.1
    assert 2.9 < high <= 3


@pytest.mark.parametrize(("value", "levels"), [(0, (0, 1)), (4, (2, 6)), (-4, (-6, -2))])
def test_a_constant_picture_has_levels_about_it(value: int, levels: tuple[float, float]) -> None:
    assert levels_of(np.full((20, 20), value)) == levels


def test_dark_outliers_do_not_count_either() -> None:
    frame = -disk()
    frame[:, 20] = -65535
    assert levels_of(frame)[0] == pytest.approx(-100)


@given(
    ANY_DTYPE.flatmap(
        lambda kind: hnp.arrays(
            kind,
            hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
            elements={"allow_nan": False, "allow_infinity": False} if kind[0] == "f" else None,
        )
    )
)
def test_levels_are_finite_and_in_order_for_any_picture(values: NDArray[Any]) -> None:
    with np.errstate(over="ignore"):
        low, high = levels_of(values)
    assert low < high or not np.isfinite(high - low)
    if values.size < 256 and values.min() < values.max() and values.dtype.itemsize == 8:
        assert (low, high) == (float(values.min()), float(values.max())) or low < high


SCALES = (DisplayScale("linear"), DisplayScale("sqrt"), DisplayScale("log", 1.0), DisplayScale("log", 0.01))


@pytest.mark.parametrize("scale", SCALES)
def test_scales_grow_and_can_be_undone(scale: DisplayScale) -> None:
    values = np.concatenate([-np.geomspace(1e-3, 1e6, 50)[::-1], [0.0], np.geomspace(1e-3, 1e6, 50)])
    places = scale.forward(values)
    assert (np.diff(places) > 0).all()
    assert places[50] == 0
    np.testing.assert_allclose(scale.inverse(places), values, rtol=1e-9)


def test_the_logarithm_knows_the_size_of_the_data() -> None:
    counts = np.array([0, 0, 1, 5, 1000])
    assert scale_for("log", counts, counts=True).unit == 1
    means = counts / 64
    assert scale_for("log", means, counts=False).unit == pytest.approx(1 / 64, rel=0.2)
    assert scale_for("log", np.zeros(4), counts=False).unit == 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ["u2", "f8"])
def test_the_histogram_counts_every_pixel_about_the_levels(scale: DisplayScale, kind: str) -> None:
    values = np.random.default_rng(1).gamma(2, 40, (60, 70)).astype(kind)
    levels = float(values.min()), float(values.max())
    counted = histogram(scale, values.reshape(-1), levels, values.size)
    assert counted.counts.sum() == values.size
    assert counted.edges[0] <= scale.place(levels[0])
    assert counted.edges[-1] >= scale.place(levels[1])
    borders = scale.inverse(counted.edges)
    expected, _ = np.histogram(values.reshape(-1), borders)
    assert np.abs(counted.counts - expected).max() <= 2  # a value on a border may fall on either side


def test_whole_numbers_leave_no_gaps_in_the_histogram() -> None:
    values = np.arange(40, dtype=np.uint16).repeat(10)
    for scale in SCALES[:3]:
        assert (histogram(scale, values, (0.0, 39.0), values.size).counts > 0).all()
