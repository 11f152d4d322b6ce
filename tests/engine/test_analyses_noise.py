"""How sure an image is, against repeated draws; and the detector that tells two regions apart, against scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from ltdesk.analysis import CenterOfMass, VirtualDetector
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.suggest import detector_between, fisher_weights, suggest_detector
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Disk, PixelMask, Rectangle
from ltdesk.noise import SignalToNoise
from ltdesk.polar import RadialFourier
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import FRAME, SCAN, make_array, write

DISK = Disk(cy=5, cx=7, r=4)
LEFT, RIGHT = Rectangle(y0=0, x0=0, y1=9, x1=5), Rectangle(y0=0, x0=6, y1=9, x1=11)


def some_weights() -> PixelMask:
    return PixelMask.from_array(np.random.default_rng(1).normal(size=FRAME) * DISK.mask(FRAME))


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "<u4", "<f4"])
@pytest.mark.parametrize("shape", [None, DISK, some_weights()])
def test_noise_is_counting_statistics(tmp_path: Path, dtype: str, shape: AnyShape | None) -> None:
    array = np.abs(make_array(dtype)) if dtype == "<f4" else make_array(dtype)
    array[1, 2] = 0
    weights = np.ones(FRAME) if shape is None else shape.weights(FRAME)
    weights = shape.mask(FRAME).astype(float) if weights is None and shape is not None else weights
    assert weights is not None
    results = run_everywhere(tmp_path, array, SignalToNoise(shape, weight=-2.0, gain=3.0))
    sigma = 2 * np.sqrt(3 * (array * weights**2).sum(axis=(2, 3)))
    off = 1e-6 if array.itemsize <= 2 else 1e-12  # what weighted sums of short integers may be off
    np.testing.assert_allclose(results["noise_sigma"], sigma, rtol=off)
    assert results["noise_sigma"][1, 2] == 0
    sigma[1, 2] = np.nan
    found, snr = results["noise_snr"], -2 * (array * weights).sum(axis=(2, 3)) / sigma
    allowed = off * (np.abs(snr) + 2 * (array * np.abs(weights)).sum(axis=(2, 3)) / sigma)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(snr))
    assert (np.abs(found - snr) <= allowed)[~np.isnan(snr)].all()


@pytest.mark.parametrize("shape", [DISK, some_weights()])
def test_sigma_is_the_spread_of_repeated_exposures(tmp_path: Path, shape: AnyShape) -> None:
    expected = np.random.default_rng(0).uniform(5, 50, FRAME)
    array = np.random.default_rng(1).poisson(expected, (*SCAN, *FRAME)).astype("u2")
    results = run_everywhere(tmp_path, array, SignalToNoise(shape), VirtualDetector(shape, name="image"))
    assert np.abs(results["noise_sigma"].mean() / results["image"].std() - 1) < 0.2  # of 99 draws: 7 % each


def test_a_negative_sum_has_no_sigma_and_outside_the_region_there_is_nothing(tmp_path: Path) -> None:
    array = make_array("<i2")
    array[4, 5] = -1
    array[4, 6] = 1
    for shape in (DISK, PixelMask.from_array(DISK.mask(FRAME) * 0.5)):
        results = run_everywhere(tmp_path, array, SignalToNoise(shape), region=Rectangle(y0=4, x0=5, y1=5, x1=7))
        for name in ("noise_sigma", "noise_snr"):
            assert np.argwhere(~np.isnan(results[name])).tolist() == [[4, 6]]


def test_a_weighted_shape_brings_its_weight() -> None:
    assert SignalToNoise(DISK * -0.5, name="n") == SignalToNoise(mask=DISK, weight=-0.5, name="n")


def test_a_detector_may_have_the_name_of_an_analysis_with_several_results(tmp_path: Path) -> None:
    array = make_array("<u2")
    specs = (CenterOfMass(), RadialFourier(), SignalToNoise())
    detectors = [VirtualDetector(DISK, name=spec.name) for spec in specs]
    results = run_everywhere(tmp_path, array, *specs, *detectors)
    for spec in specs:
        np.testing.assert_array_equal(results[spec.name], array[..., DISK.mask(FRAME)].sum(axis=-1))


def test_fisher_weights_are_the_discriminants() -> None:
    random = np.random.default_rng(2)
    mean_a, mean_b, var_a, var_b = (random.uniform(1, 9, FRAME) for _ in range(4))
    found = fisher_weights(mean_a, var_a, mean_b, var_b)
    between = np.outer((mean_a - mean_b).ravel(), (mean_a - mean_b).ravel())
    _, vectors = scipy.linalg.eigh(between, np.diag((var_a + var_b).ravel()))
    best = vectors[:, -1].reshape(FRAME)
    best /= best.flat[np.argmax(np.abs(found))]
    np.testing.assert_allclose(found * np.sign(found.flat[np.argmax(np.abs(found))]), best, atol=1e-9)
    assert np.abs(found).max() == 1


def two_materials() -> np.ndarray:
    """Poisson counts; the right half of the scan has a weak reflection at (2, 3)."""
    expected = np.full((*SCAN, *FRAME), 10.0)
    expected[:, 6:, 2, 3] += 8
    return np.random.default_rng(3).poisson(expected).astype("u2")


def test_the_detector_suggested_sees_what_differs(tmp_path: Path) -> None:
    array = two_materials()
    array[..., 11, 15] = 7  # a dead pixel never varies
    with write(tmp_path, array) as dataset:
        detector = suggest_detector(dataset, RIGHT, LEFT, name="best")
        with LocalExecutor(2) as executor:
            assert suggest_detector(dataset, RIGHT, LEFT, name="best", executor=executor) == detector
    weights = detector.shape.weights(FRAME)
    assert weights is not None
    assert weights[2, 3] == weights.max()
    assert weights[11, 15] == 0
    image = run_everywhere(tmp_path, array, detector)["best"]
    right, left = image[RIGHT.mask(SCAN)], image[LEFT.mask(SCAN)]
    assert (right.mean() - left.mean()) / np.hypot(right.std(), left.std()) > 2
    assert right.mean() > left.mean()


def test_regions_that_nothing_tells_apart(tmp_path: Path) -> None:
    with write(tmp_path, two_materials()) as dataset:
        with pytest.raises(UsageError, match="nothing tells"):
            suggest_detector(dataset, LEFT, LEFT)
        with pytest.raises(UsageError, match="first region"):
            suggest_detector(dataset, Rectangle(y0=50, x0=50, y1=51, x1=51), LEFT)


def test_one_frame_each_still_gives_a_detector(tmp_path: Path) -> None:
    with write(tmp_path, two_materials()) as dataset:
        one, other = Rectangle(y0=0, x0=0, y1=1, x1=1), Rectangle(y0=0, x0=9, y1=1, x1=10)
        weights = suggest_detector(dataset, one, other).shape.weights(FRAME)
    assert weights is not None
    assert np.isfinite(weights).all()


def test_pixels_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    array = two_materials().astype("f4")
    array[3, 2, 5, 5] = np.nan
    with write(tmp_path, array) as dataset:
        weights = suggest_detector(dataset, RIGHT, LEFT).shape.weights(FRAME)
    assert weights is not None
    assert weights[5, 5] == 0
    assert weights[2, 3] > 0.5


def test_results_of_regions_can_be_compared_without_running_again(tmp_path: Path) -> None:
    from ltdesk.engine.suggest import MEAN, VARIANCE

    a, b = (run_everywhere(tmp_path, two_materials(), MEAN, VARIANCE, region=r) for r in (RIGHT, LEFT))
    assert detector_between(a, b, "x").name == "x"
