"""The first look covers the scan evenly, takes its time and no more, and leaves out what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.engine.first_look import FEWEST, sample_mean, spread_positions
from tests.ui.fakes import MemoryDataset, counts

sides = st.integers(1, 600)


@given(sides, sides, st.integers(1, 100))
def test_positions_are_inside_apart_and_spread(sy: int, sx: int, count: int) -> None:
    positions = spread_positions((sy, sx), count)
    assert len(set(positions)) == len(positions)
    assert 1 <= len(positions) <= max(count, 1) + 1
    assert all(0 <= y < sy and 0 <= x < sx for y, x in positions)
    middle_y, middle_x = (np.mean([p[axis] for p in positions]) for axis in (0, 1))
    assert abs(middle_y - (sy - 1) / 2) <= 0.5 + sy / 4
    assert abs(middle_x - (sx - 1) / 2) <= 0.5 + sx / 4


def test_the_mean_is_that_of_the_positions() -> None:
    dataset = MemoryDataset(counts((9, 7), (8, 8)))
    sample = sample_mean(dataset, count=12)
    expected = np.mean([dataset.frames[p] for p in spread_positions((9, 7), 12)], axis=0)
    np.testing.assert_allclose(sample.mean, expected)
    assert sample.frames == len(spread_positions((9, 7), 12))


def test_missing_frames_are_left_out() -> None:
    dataset = MemoryDataset(counts((4, 4), (8, 8)))
    dataset.broken = {(y, x) for y in range(4) for x in range(4)} - {(1, 2)}
    sample = sample_mean(dataset)
    assert sample.frames == 1
    np.testing.assert_array_equal(sample.mean, dataset.frames[1, 2])
    dataset.broken.add((1, 2))
    empty = sample_mean(dataset)
    assert empty.frames == 0
    assert np.isnan(empty.mean).all()


@pytest.mark.parametrize(("seconds_a_frame", "expected"), [(0.0001, 64), (0.02, 18), (0.1, FEWEST), (1.0, 3)])
def test_a_slow_file_gives_fewer_frames(monkeypatch: pytest.MonkeyPatch, seconds_a_frame: float, expected: int) -> None:
    dataset = MemoryDataset(counts((16, 16), (8, 8)))
    now = [0.0]
    read = dataset._read_frame

    def slow(y: int, x: int) -> NDArray[Any]:
        now[0] += seconds_a_frame
        return read(y, x)

    monkeypatch.setattr(dataset, "_read_frame", slow)
    monkeypatch.setattr("ltdesk.engine.first_look.time.monotonic", lambda: now[0])
    assert sample_mean(dataset).frames == pytest.approx(expected, abs=1)


def test_it_stops_when_it_is_not_wanted_any_more() -> None:
    dataset = MemoryDataset(counts((4, 4), (8, 8)))
    assert sample_mean(dataset, cancelled=lambda: True).frames == 0
