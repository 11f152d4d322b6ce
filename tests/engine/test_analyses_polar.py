"""Rings about a centre, against masks written out pixel by pixel."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ltdesk.analysis import VirtualDetector
from ltdesk.geometry import Ellipse, Rectangle, Ring
from ltdesk.polar import AnnularSeries, RadialFourier, RadialProfile
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import FRAME, SCAN, brute_sum, make_array

DTYPES = ["?", "u1", "<u2", ">u2", "<i2", "<u4", "<i8", "<f2", "<f4", ">f8"]


def mean_at(array: Any, k: int, cy: float, cx: float) -> Any:
    """The contract's words: the mean over the pixels with k - 1/2 <= d < k + 1/2."""
    y, x = np.indices(array.shape[2:])
    distance = np.sqrt((y - cy) ** 2 + (x - cx) ** 2)
    inside = (k - 0.5 <= distance) & (distance < k + 0.5)
    return brute_sum(array, inside) / inside.sum() if inside.any() else np.full(array.shape[:2], np.nan)


@pytest.mark.parametrize("dtype", DTYPES)
def test_radial_profile(tmp_path: Path, dtype: str) -> None:
    array = make_array(dtype)
    centred, placed = RadialProfile(nbins=12), RadialProfile(name="placed", cy=2.25, cx=10, nbins=20)
    results = run_everywhere(tmp_path, array, centred, placed)
    assert results["radial"].shape == (*SCAN, 12)
    for k in range(12):
        np.testing.assert_allclose(results["radial"][..., k], mean_at(array, k, 5.5, 7.5), rtol=1e-13)
    for k in range(20):
        np.testing.assert_allclose(results["placed"][..., k], mean_at(array, k, 2.25, 10), rtol=1e-13)
    assert np.isnan(results["placed"][..., -1]).all(), "no pixel is that far"


@pytest.mark.parametrize("dtype", [">u2", "<f4"])
@pytest.mark.parametrize(("ratio", "deg"), [(0.8, 0), (0.8, 90), (1.3, 25), (0.6, -140)])
def test_radial_profile_on_ellipses(tmp_path: Path, dtype: str, ratio: float, deg: float) -> None:
    """The mean over pixels between two ellipses half a pixel inside and outside, by scipy's labels."""
    array = make_array(dtype)
    spec = RadialProfile(cy=5.2, cx=7.1, ratio=ratio, deg=deg, nbins=9)
    found = run_everywhere(tmp_path, array, spec)["radial"]
    y, x = np.indices(FRAME)
    turned = ((x - 7.1) + 1j * (y - 5.2)) * np.exp(-1j * np.radians(deg))  # into the ellipse's axes
    distance = np.hypot(turned.real, turned.imag / ratio)
    labels = np.floor(distance + 0.5).astype(int)
    for at in ((0, 0), (3, 4), (8, 10)):
        wanted = scipy.ndimage.mean(array[at].astype(float), labels, np.arange(9))
        np.testing.assert_allclose(found[at], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("cy", "cx", "bins"), [(None, None, 6), (5.0, 7.0, 6), (5.0, 7.4, 6), (0.0, 3.0, 1), (5.0, 15.4, 17)]
)
def test_bins_reach_to_the_nearest_edge(cy: float | None, cx: float | None, bins: int) -> None:
    spec = RadialProfile(cy=cy, cx=cx)
    assert spec.bins(FRAME) == bins
    assert spec.results(FRAME, "u2")[0].extra == (bins,)


@given(
    st.floats(-3, 15),
    st.floats(-3, 19),
    st.floats(0.5, 2),
    st.floats(-400, 400),
    st.lists(st.floats(0, 20), min_size=2, max_size=6, unique=True),
)
def test_rings_on_an_ellipse_are_between_ellipses(cy: float, cx: float, ratio: float, deg: float, radii: Any) -> None:
    radii = sorted(radii)
    labels = AnnularSeries(cy=cy, cx=cx, ratio=ratio, deg=deg, radii=radii).labels(FRAME)
    for i, (inner, outer) in enumerate(pairwise(radii)):
        wanted = np.zeros(FRAME, bool)
        if outer > 1e-3:
            wanted = Ellipse(cy=cy, cx=cx, ry=outer * ratio, rx=outer, deg=deg).mask(FRAME)
        if inner > 1e-3:
            wanted &= ~Ellipse(cy=cy, cx=cx, ry=inner * ratio, rx=inner, deg=deg).mask(FRAME)
        assert ((labels == i) != wanted).sum() <= 1, "but for a pixel on the edge, by rounding"


@given(st.floats(-3, 15), st.floats(-3, 19), st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True))
def test_rings_are_those_of_the_shape(cy: float, cx: float, halves: list[int]) -> None:
    radii = [half / 2 for half in sorted(halves)]
    labels = AnnularSeries(cy=cy, cx=cx, radii=tuple(radii)).labels(FRAME)
    for i, (inner, outer) in enumerate(pairwise(radii)):
        np.testing.assert_array_equal(labels == i, Ring(cy=cy, cx=cx, r_in=inner, r_out=outer).mask(FRAME))


@pytest.mark.parametrize("dtype", DTYPES)
def test_annular_series_is_a_stack_of_ring_detectors(tmp_path: Path, dtype: str) -> None:
    array, radii = make_array(dtype), (0, 1, 2.5, 6)
    rings = [Ring(cy=5, cx=7, r_in=a, r_out=b) for a, b in pairwise(radii)]
    detectors = [VirtualDetector(ring, name=f"ring{i}") for i, ring in enumerate(rings)]
    results = run_everywhere(tmp_path, array, AnnularSeries(cy=5, cx=7, radii=radii), *detectors)
    assert results["annular"].shape == (*SCAN, 3)
    assert results["annular"].dtype == results["ring0"].dtype
    for i in range(3):
        np.testing.assert_allclose(results["annular"][..., i], results[f"ring{i}"], rtol=1e-13)


def test_nan_shows_in_its_bin_alone(tmp_path: Path) -> None:
    array = make_array("<f4")
    array[1, 1, 5, 7], array[2, 2, 0, 0] = np.nan, np.nan  # at the centre, and out of the last bin
    results = run_everywhere(
        tmp_path, array, RadialProfile(cy=5, cx=7, nbins=4), AnnularSeries(cy=5, cx=7, radii=(0, 1))
    )
    assert np.argwhere(np.isnan(results["radial"])).tolist() == [[1, 1, 0]]
    assert np.argwhere(np.isnan(results["annular"])).tolist() == [[1, 1, 0]]


def test_outside_the_region_there_is_nothing(tmp_path: Path) -> None:
    region = Rectangle(y0=2, x0=3, y1=6, x1=10)
    results = run_everywhere(tmp_path, make_array("<u2"), RadialProfile(), AnnularSeries(radii=(0, 9)), region=region)
    outside = ~region.mask(SCAN)
    np.testing.assert_array_equal(np.isnan(results["radial"]).all(axis=-1), outside)
    assert not results["annular"][outside].any()
    assert results["annular"][~outside].all()


def test_sums_do_not_wrap(tmp_path: Path) -> None:
    array = np.full((*SCAN, 70, 70), 2**32 - 1, np.uint32)
    results = run_everywhere(tmp_path, array, AnnularSeries(radii=(0, 100)), RadialProfile(nbins=2))
    assert (results["annular"] == 4900 * (2**32 - 1)).all()
    assert (results["radial"][..., 1] == 2**32 - 1).all()


def test_rings_by_default_share_the_largest_circle() -> None:
    spec = AnnularSeries(cy=5, cx=7)
    assert spec.edges(FRAME) == (0, 1.25, 2.5, 3.75, 5)
    assert spec.results(FRAME, "u2")[0].extra == (4,)


@pytest.mark.parametrize("text", ["0+2.5+1e+1", "0;2.5;10"])
def test_radii_as_the_command_line_writes_them(text: str) -> None:
    assert AnnularSeries.model_validate({"radii": text}).radii == (0, 2.5, 10)


@pytest.mark.parametrize("radii", ["1", "2+1", "1+1", "0+nan", "-1+2", "a+b"])
def test_radii_that_make_no_sense(radii: str) -> None:
    with pytest.raises(ValidationError):
        AnnularSeries.model_validate({"radii": radii})


def brute_coefficient(array: Any, n: int, ring: Any, cy: float, cx: float) -> Any:
    """LiberTEM's definition, word for word."""
    y, x = np.indices(array.shape[2:])
    mask = ring * np.exp(np.arctan2(y - cy, x - cx) * n * 1j)
    return (array * mask).sum(axis=(2, 3))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i2", "<u4", "<f4"])
def test_radial_fourier(tmp_path: Path, dtype: str) -> None:
    array = make_array(dtype)
    array[2, 3] = 0
    spec = RadialFourier(cy=5, cx=7.25, r_in=1, r_out=5, orders=(0, 1, 2, 6))
    results = run_everywhere(tmp_path, array, spec)
    assert list(results) == [
        "fourier_0", "fourier_1", "fourier_1_phase", "fourier_2", "fourier_2_phase", "fourier_6", "fourier_6_phase"
    ]  # fmt: skip
    ring = Ring(cy=5, cx=7.25, r_in=1, r_out=5).mask(FRAME)
    total = brute_coefficient(array, 0, ring, 5, 7.25).real
    np.testing.assert_allclose(results["fourier_0"], total, rtol=1e-12)
    total[2, 3] = np.nan
    size = (1e-6 if array.itemsize <= 2 else 1e-12) * (np.abs(array) * ring).sum(axis=(2, 3), dtype=float)
    known = ~np.isnan(total)
    for n in (1, 2, 6):
        coefficient = brute_coefficient(array, n, ring, 5, 7.25)
        found = results[f"fourier_{n}"] * abs(total)
        turned = np.exp(1j * np.deg2rad(results[f"fourier_{n}_phase"]))
        assert (np.abs(found * turned - coefficient) <= 2 * size)[known].all()
        for name in (f"fourier_{n}", f"fourier_{n}_phase"):
            np.testing.assert_array_equal(np.isnan(results[name]), ~known)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_pattern_that_repeats_is_found_with_its_direction(tmp_path: Path, n: int) -> None:
    y, x = np.indices((64, 64)) - 31.5
    deg = np.degrees(np.arctan2(y * 2, x))  # on an ellipse: half as high as wide
    frame = 10000 * (1 + 0.5 * np.cos(np.radians(n * (deg - 20))))
    array = np.broadcast_to(frame.astype("<u2"), (*SCAN, 64, 64))
    results = run_everywhere(tmp_path, array, RadialFourier(ratio=0.5, deg=0, r_in=10, r_out=30, orders=(n, n + 1)))
    np.testing.assert_allclose(results[f"fourier_{n}"], 0.25, atol=0.005)
    np.testing.assert_allclose(results[f"fourier_{n}_phase"], 20 * n, atol=1)
    assert results[f"fourier_{n + 1}"].max() < 0.01
    turned = RadialFourier(ratio=2.0, deg=90, r_in=5, r_out=15, orders=(n,))
    np.testing.assert_allclose(run_everywhere(tmp_path, array, turned)[f"fourier_{n}_phase"], 20 * n, atol=1)


def test_a_ring_reaches_the_edge_by_default() -> None:
    np.testing.assert_array_equal(RadialFourier(cy=5, cx=7).ring(FRAME), Ring(cy=5, cx=7, r_in=0, r_out=5).mask(FRAME))


@pytest.mark.parametrize("bad", [{"orders": "2+2"}, {"orders": "-1"}, {"orders": ()}, {"r_in": 3, "r_out": 2}])
def test_orders_and_rings_that_make_no_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RadialFourier.model_validate(bad)
