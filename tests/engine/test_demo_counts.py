"""The demo's counts follow Poisson's distribution: against scipy's, and seeded."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ltdesk.engine.demo.counts import count

PIXELS = (400, 500)


def counted(expected: NDArray[np.float64], seed: int = 5) -> NDArray[np.uint16]:
    out = np.full(expected.shape, 9999, np.uint16)
    count(expected, np.random.default_rng(seed), out)
    return out


@pytest.mark.parametrize("mean", [0.02, 1 / 32, 0.9, 3.017, 7.999, 8.0, 55.5])
def test_counts_of_a_mean_are_poissons(mean: float) -> None:
    drawn = counted(np.full(PIXELS, mean))
    few, most = (int(n) for n in stats.poisson.ppf([1e-4, 1 - 1e-4], mean))
    found = np.bincount(np.clip(drawn, few, most).ravel())[few:]
    n = np.arange(few, most + 1)
    chance = stats.poisson.pmf(n, mean)
    chance[0], chance[-1] = stats.poisson.cdf(few, mean), stats.poisson.sf(most - 1, mean)
    assert stats.chisquare(found, chance * drawn.size).pvalue > 1e-3


def test_nothing_expected_gives_nothing_and_the_mean_varies_by_pixel() -> None:
    expected = np.linspace(0, 12, 200_000).reshape(PIXELS)
    expected[:3] = 0
    found = counted(expected)
    assert not found[:3].any()
    error = (found - expected)[3:] / np.sqrt(expected[3:])
    assert abs(error.mean()) < 0.01
    assert error.var() == pytest.approx(1, abs=0.02)


def test_same_seed_same_counts() -> None:
    expected = np.full((50, 60), 0.7)
    np.testing.assert_array_equal(counted(expected), counted(expected))
    assert (counted(expected) != counted(expected, seed=6)).any()
