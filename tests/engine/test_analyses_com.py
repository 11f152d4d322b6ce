"""Centre of mass: corrections and derived maps, against complex numbers, scipy and fields whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ltdesk.analysis import COM_UNITS, CenterOfMass, ComMap, MeanSignal, SumSignal
from ltdesk.engine.vector_field import (
    MAPS,
    curl,
    direction,
    divergence,
    fit_descan,
    integrated,
    opposite,
    rotated,
    rotation_by_minimal_curl,
    without_descan,
)
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, Rectangle
from tests.engine.everywhere import run_everywhere, run_with_missing
from tests.engine.executor_suite import FRAME, SCAN, make_array

ALL: Any = get_args(ComMap)


def moments(array: Any, mask: Any = None) -> tuple[Any, Any]:
    """Brute force, relative to the frame's centre."""
    inside = array.astype(float) * (1 if mask is None else mask)
    y, x = np.indices(FRAME)
    total = inside.sum(axis=(2, 3))
    return (inside * (y - 5.5)).sum(axis=(2, 3)) / total, (inside * (x - 7.5)).sum(axis=(2, 3)) / total


def atoms(shape: tuple[int, int], seed: int = 0) -> tuple[Any, Any]:
    """The field of a probe that is drawn towards a few places: the gradient of a potential, free of curl."""
    y, x = np.indices(shape)
    random = np.random.default_rng(seed)
    wells = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 18)
        for cy, cx in zip(random.uniform(0, shape[0], 9), random.uniform(0, shape[1], 9), strict=True)
    )
    return np.gradient(wells, axis=0), np.gradient(wells, axis=1)


def test_every_map_has_a_unit_and_a_formula() -> None:
    assert set(ALL) == set(COM_UNITS) == set(MAPS)


def test_y_and_x_are_the_default() -> None:
    assert CenterOfMass().result_names() == ("com_y", "com_x")
    assert [spec.unit for spec in CenterOfMass().results(FRAME, "u2")] == ["px", "px"]


@pytest.mark.parametrize("mask", [None, Disk(cy=5, cx=7, r=4)])
@pytest.mark.parametrize(("rotation", "flip"), [(0, False), (30, False), (-100.5, True), (180, False)])
def test_all_maps(tmp_path: Path, mask: Disk | None, rotation: float, flip: bool) -> None:
    array = make_array("<u2")
    descan = (0.5, 0.01, -0.02, -0.25, 0.03, 0.04)
    spec = CenterOfMass(mask=mask, maps=ALL, rotation=rotation, flip=flip, descan=descan)
    found = run_everywhere(tmp_path, array, spec)
    y, x = moments(array, None if mask is None else mask.mask(FRAME))
    sy, sx = np.indices(SCAN)
    vector = (x - (-0.25 + 0.03 * sy + 0.04 * sx)) + 1j * (y - (0.5 + 0.01 * sy - 0.02 * sx))
    vector = (vector.conj() if flip else vector) * np.exp(1j * np.radians(rotation))
    y, x = vector.imag, vector.real
    expected = {
        "y": y,
        "x": x,
        "magnitude": abs(vector),
        "direction": np.angle(vector, deg=True) % 360,
        "divergence": np.gradient(y, axis=0) + np.gradient(x, axis=1),
        "curl": np.gradient(y, axis=1) - np.gradient(x, axis=0),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"com_{name}"], value, rtol=1e-9, atol=1e-12, err_msg=name)
    ky, kx = scipy.fft.fftfreq(SCAN[0])[:, None], scipy.fft.fftfreq(SCAN[1])[None, :]
    k2 = np.where(ky**2 + kx**2 > 0, ky**2 + kx**2, 1)  # where both are 0, so is the sum below
    icom = scipy.fft.ifft2((ky * scipy.fft.fft2(y) + kx * scipy.fft.fft2(x)) / (2j * np.pi * k2))
    np.testing.assert_allclose(found["com_icom"], icom.real, atol=1e-12)
    assert [found.specs[f"com_{name}"].unit for name in ALL] == [COM_UNITS[name] for name in ALL]


def test_derived_maps_are_nan_beside_what_is_missing(tmp_path: Path) -> None:
    found = run_with_missing(tmp_path, make_array("<u2"), {(4, 5)}, CenterOfMass(maps=ALL))
    beside = {(4, 5), (3, 5), (5, 5), (4, 4), (4, 6)}
    for name in ALL:
        unknown = beside if name in ("divergence", "curl") else {(4, 5)}
        assert {tuple(at) for at in np.argwhere(np.isnan(found[f"com_{name}"]))} == unknown, name


def test_derived_maps_are_nan_beside_a_frame_without_counts(tmp_path: Path) -> None:
    array = make_array("<u2")
    array[4, 5] = 0
    found = run_everywhere(tmp_path, array, CenterOfMass(maps=("divergence", "magnitude", "icom")))
    assert np.isnan(found["com_divergence"]).sum() == 5
    assert np.isnan(found["com_magnitude"]).sum() == np.isnan(found["com_icom"]).sum() == 1
    assert found.valid.all()


def test_a_region_is_known_inside_alone(tmp_path: Path) -> None:
    region = Rectangle(y0=2, x0=3, y1=6, x1=10)
    found = run_everywhere(tmp_path, make_array("<u2"), CenterOfMass(maps=ALL), region=region)
    inside, inner = region.mask(SCAN), Rectangle(y0=3, x0=4, y1=5, x1=9).mask(SCAN)
    np.testing.assert_array_equal(np.isnan(found["com_icom"]), ~inside)
    np.testing.assert_array_equal(np.isnan(found["com_curl"]), ~inner)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 4), st.integers(0, 4))
def test_a_periodic_potential_comes_back_from_its_gradient(height: int, width: int, ny: int, nx: int) -> None:
    y, x = np.indices((height, width)) * 2 * np.pi / np.array([height, width])[:, None, None]
    ny, nx = (n if 2 * n < size else 0 for n, size in ((ny, height), (nx, width)))
    potential = np.cos(ny * y + nx * x + 0.3)
    slope = -np.sin(ny * y + nx * x + 0.3)
    found = integrated(slope * 2 * np.pi * ny / height, slope * 2 * np.pi * nx / width)
    np.testing.assert_allclose(found, potential - potential.mean(), atol=1e-12)


def test_nothing_known_is_nothing_integrated() -> None:
    nothing = np.full((3, 4), np.nan)
    assert np.isnan(integrated(nothing, nothing)).all()


def test_a_line_has_no_divergence_and_no_curl() -> None:
    line = np.arange(5.0)[None, :]
    assert np.isnan(divergence(line, line)).all()
    assert np.isnan(curl(line, line)).all()


def test_directions_are_angles_of_the_screen() -> None:
    y, x = np.array([[0, 1, 0, -1, 0, -1e-300]]), np.array([[1, 0, -1, 0, 0, 1.0]])
    np.testing.assert_array_equal(direction(y, x), [[0, 90, 180, 270, np.nan, 0]])


@given(st.floats(-720, 720), st.booleans(), st.integers(0, 100))
def test_least_curl_undoes_rotation_and_flip(deg: float, flip: bool, seed: int) -> None:
    y, x = atoms((24, 20), seed)
    seen = rotated(y, x, -deg, False)
    seen = rotated(*seen, 0.0, flip)
    found_deg, found_flip = rotation_by_minimal_curl(*seen)
    assert -180 < found_deg <= 180
    assert found_flip == flip
    again = rotated(*seen, found_deg, found_flip)
    np.testing.assert_allclose(again, (y, x), atol=1e-9)


def test_least_curl_leaves_out_what_is_not_known() -> None:
    y, x = rotated(*atoms((24, 20)), -40.0, False)
    y[5, 6], x[10, 3] = np.nan, np.inf
    deg, flip = rotation_by_minimal_curl(y, x)
    assert (round(deg, 6), flip) == (40.0, False)
    with pytest.raises(UsageError, match="no position"):
        rotation_by_minimal_curl(y[:1], x[:1])


def test_what_says_nothing_of_a_rotation_is_no_fit() -> None:
    nowhere, still = np.full((4, 5), np.nan), np.full((4, 5), 0.25)
    for fit in (rotation_by_minimal_curl, fit_descan):
        with pytest.raises(UsageError, match="known nowhere: no frame has counts"):
            fit(nowhere, nowhere)
    with pytest.raises(UsageError, match="the same everywhere"):
        rotation_by_minimal_curl(still, still)


@pytest.mark.parametrize("deg", [0.0, 40.0, 175.72, 180.0, -40.0, -179.5])
def test_the_opposite_rotation_leaves_as_little_curl(deg: float) -> None:
    y, x = atoms((24, 20))
    assert -180 < opposite(deg) <= 180
    assert abs(deg - opposite(deg)) == 180
    left = [np.nansum(curl(*rotated(y, x, angle, False)) ** 2) for angle in (deg, opposite(deg))]
    assert left[0] == pytest.approx(left[1], abs=1e-12)


@pytest.mark.parametrize("count", [3, 6])
def test_a_descan_fit_takes_away_what_was_added(count: int) -> None:
    random = np.random.default_rng(count)
    added = random.normal(size=2 * count)
    zero = np.zeros((12, 15))
    y, x = without_descan(zero, zero, (-added).tolist())
    y[3, 4] = np.nan
    found = fit_descan(y, x, paraboloid=count == 6)
    np.testing.assert_allclose(found, added, atol=1e-10)
    flat = without_descan(y, x, found)
    assert np.nanmax(np.abs(flat)) < 1e-10


def test_a_descan_fit_needs_two_axes() -> None:
    with pytest.raises(UsageError, match="too few"):
        fit_descan(np.zeros((1, 9)), np.zeros((1, 9)))


def test_options_as_the_command_line_writes_them() -> None:
    spec = CenterOfMass.model_validate(
        {"maps": "magnitude+icom", "rotation": "-12.5", "flip": "true", "descan": "1;2e+1;-3;0;0;0"}
    )
    assert spec.result_names() == ("com_magnitude", "com_icom")
    assert (spec.rotation, spec.flip, spec.descan) == (-12.5, True, (1, 20, -3, 0, 0, 0))


@pytest.mark.parametrize("bad", [{"maps": "y+y"}, {"maps": "z"}, {"maps": ()}, {"descan": "1+2"}, {"rotation": "nan"}])
def test_options_that_make_no_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CenterOfMass.model_validate(bad)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i2", "<u4", "<f4"])
def test_sums_in_company_of_centres(tmp_path: Path, dtype: str) -> None:
    """A centre of mass of counts makes the sum on its way: the same numbers as alone, however much is counted."""
    array = make_array(dtype)
    array[2, 3], array[3] = 0, array[3].max() if dtype == "<f4" else np.iinfo(dtype).max
    specs = (SumSignal(), CenterOfMass(), MeanSignal(), CenterOfMass(name="inside", mask=Disk(cy=5, cx=7, r=4)))
    results = run_everywhere(tmp_path, array, *specs)
    total = array.sum(axis=(2, 3), dtype=np.float64 if dtype == "<f4" else None)
    np.testing.assert_allclose(results["sum_signal"], total, rtol=1e-12 if dtype == "<f4" else 0)
    np.testing.assert_allclose(results["mean_signal"], total / (FRAME[0] * FRAME[1]), rtol=1e-12)
    with np.errstate(invalid="ignore"):
        expected_y, expected_x = moments(array)
    np.testing.assert_allclose(results["com_y"], expected_y, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(results["com_x"], expected_x, rtol=1e-9, atol=1e-9)
