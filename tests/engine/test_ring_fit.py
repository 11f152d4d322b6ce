"""A ring is found as the ellipse it was drawn as, whatever it stands on; scipy fits the same one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass
from ltdesk.engine.ring_fit import fit_ring
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, Ellipse
from ltdesk.polar import RadialProfile

Frame = NDArray[np.float64]
SIZE = (160, 180)


def reach(ellipse: Ellipse, size: tuple[int, int] = SIZE) -> Frame:
    """1 on the ellipse, less inside."""
    y, x = np.indices(size, dtype=float) - np.array([ellipse.cy, ellipse.cx])[:, None, None]
    t = np.radians(ellipse.deg)
    along, across = x * np.cos(t) + y * np.sin(t), y * np.cos(t) - x * np.sin(t)
    return np.asarray(np.hypot(along / ellipse.rx, across / ellipse.ry))


def pattern(ellipse: Ellipse, width: float = 2.5, level: float = 60) -> Frame:
    """A direct beam, a ring, and a background that falls off."""
    y, x = np.indices(SIZE, dtype=float) - np.array([ellipse.cy, ellipse.cx])[:, None, None]
    r = np.hypot(y, x)
    ring = np.exp(-(((reach(ellipse) - 1) * (ellipse.rx + ellipse.ry) / 2 / width) ** 2) / 2)
    return np.asarray(5000.0 * (r < 8) + 200 * np.exp(-r / 25) + level * ring)


def same(found: Ellipse, wanted: Ellipse, within: float) -> None:
    assert abs(found.cy - wanted.cy) < within
    assert abs(found.cx - wanted.cx) < within
    assert abs(found.rx - wanted.rx) < within
    assert abs(found.ry - wanted.ry) < within
    assert found.rx >= found.ry
    assert -90 < found.deg <= 90
    turned = (found.deg - wanted.deg + 90) % 180 - 90
    assert abs(turned) * (wanted.rx - wanted.ry) < 60 * within, "a circle has no direction"


@settings(deadline=None, max_examples=12)
@given(
    st.floats(74, 84), st.floats(84, 95), st.floats(40, 50), st.floats(0.9, 1.0), st.floats(-89, 90), st.integers(0, 99)
)
def test_a_ring_in_counts_is_found(cy: float, cx: float, rx: float, ratio: float, deg: float, seed: int) -> None:
    wanted = Ellipse(cy=cy, cx=cx, rx=rx, ry=rx * ratio, deg=deg)
    frame = np.random.default_rng(seed).poisson(pattern(wanted) * 4)
    same(fit_ring(frame.astype("u2"), 30, 60), wanted, 0.15)


def test_scipy_finds_the_same_from_the_same_model() -> None:
    wanted = Ellipse(cy=78.4, cx=91.2, rx=47, ry=44, deg=25)
    frame = np.random.default_rng(1).poisson(pattern(wanted) * 20).astype(float)
    y, x = np.indices(SIZE)
    inside = (np.hypot(y - 78, x - 91) > 34) & (np.hypot(y - 78, x - 91) < 57)

    def off(p: NDArray[np.float64]) -> NDArray[np.float64]:
        cy, cx, rx, ry, deg, level, width, base, slope = p
        ring = reach(Ellipse(cy=cy, cx=cx, rx=rx, ry=ry, deg=deg))
        model = level * np.exp(-(((ring - 1) * (rx + ry) / 2 / width) ** 2) / 2) + base + slope * (ring - 1)
        return np.asarray((model - frame)[inside])

    best = scipy.optimize.least_squares(off, [78, 91, 46, 45, 10, 1000, 3, 500, 0], x_scale="jac").x
    same(fit_ring(frame, 32, 60), Ellipse(cy=best[0], cx=best[1], rx=best[2], ry=best[3], deg=best[4]), 0.2)


def test_gaps_hot_pixels_and_a_beam_stop_do_no_harm() -> None:
    wanted = Ellipse(cy=80, cx=90, rx=48, ry=45, deg=-40)
    frame = pattern(wanted)
    frame[78:83, :90] = 0  # a beam stop from the left
    frame[100:103] = np.nan
    frame[60, 60] = frame[40, 95] = 1e6
    same(fit_ring(frame, 34, 60, cy=80, cx=90), wanted, 0.3)


def test_the_centre_need_not_be_known() -> None:
    wanted = Ellipse(cy=80, cx=90, rx=45, ry=44, deg=0)
    same(fit_ring(pattern(wanted), 30, 60, cy=83, cx=86), wanted, 0.1)


@pytest.mark.parametrize(
    "frame", [np.zeros(SIZE), np.full(SIZE, np.nan), np.ones(SIZE), pattern(Ellipse(cy=80, cx=90, rx=9, ry=9))]
)
def test_where_there_is_no_ring(frame: Frame) -> None:
    with pytest.raises(UsageError, match="no ring between 20 and 60 pixels"):
        fit_ring(frame, 20, 60)


def test_radii_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="between 5 and 3"):
        fit_ring(np.ones(SIZE), 5, 3)


def test_a_profile_about_the_ellipse_is_as_sharp_as_the_ring() -> None:
    wanted = Ellipse(cy=80, cx=90, rx=48, ry=43, deg=30)
    frame = pattern(wanted, width=1.5)
    spec = RadialProfile(nbins=60).about(fit_ring(frame, 34, 60))
    assert spec.ratio == pytest.approx(43 / 48, abs=0.005)
    labels = spec.labels(SIZE)
    profile = np.array([frame[labels == k].mean() for k in range(60)])
    round_ = RadialProfile(nbins=60).about(Disk(cy=80, cx=90, r=1)).labels(SIZE)
    blurred = np.array([frame[round_ == k].mean() for k in range(60)])
    assert np.argmax(profile[30:]) == 18, "distances are along the longer axis"
    assert profile[30:].max() > 1.3 * blurred[30:].max()


def test_other_analyses_take_the_centre_alone() -> None:
    assert CenterOfMass().about(Ellipse(cy=3, cx=4, rx=2, ry=1)) == CenterOfMass(cy=3, cx=4)
