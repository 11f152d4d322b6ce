"""A preview cube holds the sums in its bins; its images are within their bound of the exact ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, MaxSignal, MeanSignal, SumFrame, SumSignal, VirtualDetector
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.engine.preview.bins import Bins, bins_for, block_dtype
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.engine.preview.images import PreviewImages, can_preview, preview
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Disk, PixelMask, Rectangle
from ltdesk.job import Job
from tests.engine.executor_suite import brute_sum
from tests.engine.preview.scans import Scan, binned, blocks_as_scan, cube_of, known
from tests.shape_strategies import SIZE, shapes

FACTORS = st.tuples(st.sampled_from([1, 2, 3, 4, 5, 8, 12, 16]), st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12, 16]))
DTYPES = ["?", "u1", "<u2", ">u2", "i2", "<u4", "<f4"]


def random_frames(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Up to the type's limits for small integers, so that a sum that can overflow does."""
    random, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "f":
        return random.normal(3, 2, shape).astype(kind)
    if kind.kind == "b":
        return random.random(shape) < 0.4
    limits = np.iinfo(kind)
    values = random.integers(limits.min, limits.max, shape, endpoint=True, dtype=np.int64)
    return np.where(random.random(shape) < 0.5, limits.max, values).astype(kind)


def previewed(cube: PreviewCube, spec: Analysis, scan: Scan) -> PreviewImages:
    return known(preview(cube, spec, scan))


@settings(deadline=None, max_examples=120)
@given(
    dtype=st.sampled_from(DTYPES),
    factor=FACTORS,
    scan=st.tuples(st.integers(1, 4), st.integers(1, 23)),
    frame=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    tile=st.integers(1, 40),
)
def test_the_cube_holds_the_sums_of_squares_of_pixels(
    dtype: str, factor: tuple[int, int], scan: tuple[int, int], frame: tuple[int, int], tile: int
) -> None:
    factor = min(factor[0], frame[0]), min(factor[1], frame[1])
    frames = random_frames((*scan, *frame), dtype)
    cube = cube_of(Scan(frames, tile), factor)
    found, expected = blocks_as_scan(cube), binned(frames, factor)
    if frames.dtype.kind in "uib" and frames.dtype.itemsize <= 2:
        np.testing.assert_array_equal(found, expected)
    else:  # kept as float32
        size = binned(np.abs(frames.astype(float)), factor)
        assert (np.abs(found - expected) <= 1e-6 * size).all()
    assert cube.complete
    assert cube.valid().all()


@settings(deadline=None, max_examples=40)
@given(
    dtype=st.sampled_from(["u1", "<u2", "i2", "<f4"]),
    path=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), max_size=8),
    filled=st.integers(0, 8),
)
def test_a_moved_mask_gives_what_it_would_give_at_once(dtype: str, path: list[tuple[int, int]], filled: int) -> None:
    """However the hand came there, and while partitions still come in."""
    frames = random_frames((6, 4, 40, 44), dtype)
    scan = Scan(frames)
    plan, half = scan.plan(), len(scan.plan()) // 2
    moved, at = cube_of(scan, (2, 2), until=half), np.array([20, 22])
    prepared = prepare(Job(dataset=scan.ref, analyses=(moved.analysis,)), scan)
    for number, step in enumerate(path):
        for partition in plan[half:] if number == filled else ():
            moved.take(run_partition(prepared, partition))
        at += step
        spec = VirtualDetector(Disk(cy=int(at[0]), cx=int(at[1]), r=15), name="d")
        centre = CenterOfMass(mask=spec.shape)
        for analysis in (spec, centre):
            fresh = cube_of(scan, (2, 2), until=None if number >= filled else half)
            found, expected = (previewed(cube, analysis, scan).arrays for cube in (moved, fresh))
            for name, array in expected.items():
                np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(shape=shapes, seed=st.integers(0, 99), factor=st.sampled_from([(1, 1), (2, 2), (3, 4), (4, 3), (9, 11)]))
def test_an_image_of_any_mask_is_within_its_bound_of_the_exact_one(
    shape: AnyShape, seed: int, factor: tuple[int, int]
) -> None:
    scan = Scan(np.random.default_rng(seed).poisson(2.0, (3, 5, *SIZE)).astype(np.uint16))
    cube, mask = cube_of(scan, factor), shape.mask(SIZE)
    weights = shape.weights(SIZE)
    weights = mask.astype(float) if weights is None else weights
    [found] = previewed(cube, VirtualDetector(shape, name="d"), scan).arrays.values()
    exact = np.where(mask, scan.frames * weights, 0.0).sum(axis=(2, 3))
    rounding = 0.5 + 1e-9 * np.abs(scan.frames).sum(axis=(2, 3))
    assert (np.abs(found - exact) <= cube.bound(weights) + rounding).all()


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "i2", "<u4", "f4"])
def test_a_mask_along_the_edges_of_the_bins_gives_the_exact_image(dtype: str) -> None:
    frames = random_frames((3, 7, 16, 12), dtype)
    scan = Scan(frames)
    mask = Rectangle(y0=4, x0=4, y1=16, x1=8)
    found = previewed(cube_of(scan, (4, 4)), VirtualDetector(mask, name="d"), scan)
    exact = brute_sum(frames, mask.mask((16, 12)))
    assert found.arrays["d"].dtype == exact.dtype
    if dtype in ("<u4", "f4"):
        np.testing.assert_allclose(found.arrays["d"].astype(float), exact.astype(float), rtol=1e-6, atol=1e-5)
    else:
        np.testing.assert_array_equal(found.arrays["d"], exact)


def test_beside_a_bright_disk_a_bin_counts_by_what_lies_in_it_not_by_its_area() -> None:
    """The disk's edge runs through bins: nearly all their counts lie inside it."""
    disk = Disk(cy=15.5, cx=15.5, r=7)
    frames = np.random.default_rng(1).poisson(np.where(disk.mask((32, 32)), 200.0, 1.0), (6, 6, 32, 32))
    scan = Scan(frames.astype(np.uint16))
    cube = cube_of(scan, (4, 4))
    found = previewed(cube, VirtualDetector(disk, name="d"), scan).arrays["d"].astype(float)
    exact = frames[..., disk.mask((32, 32))].sum(axis=-1)
    areas, _ = cube.moments_of_mask(disk.mask((32, 32)), (0.0, 0.0))
    by_area, _ = cube.weigh(areas[:1])
    assert np.abs(found / exact - 1).max() < 0.01
    assert np.abs(by_area[0] / exact - 1).min() > 0.1


def test_the_whole_frame_is_summed_exactly_and_its_mean_with_it() -> None:
    frames = random_frames((4, 6, 13, 11), "<u2")
    scan = Scan(frames)
    cube = cube_of(scan, (4, 3))
    exact = frames.sum(axis=(2, 3), dtype=np.uint64)
    np.testing.assert_array_equal(previewed(cube, SumSignal(), scan).arrays["sum_signal"], exact)
    mean = previewed(cube, MeanSignal(), scan).arrays["mean_signal"]
    np.testing.assert_allclose(mean, frames.mean(axis=(2, 3)), rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(factor=st.sampled_from([(1, 1), (2, 2), (4, 3)]), seed=st.integers(0, 99), masked=st.booleans())
def test_a_centre_of_mass_is_within_half_a_bin(factor: tuple[int, int], seed: int, masked: bool) -> None:
    frames = np.random.default_rng(seed).poisson(1.0, (3, 4, 16, 12)).astype(np.uint16)
    scan, mask = Scan(frames), Rectangle(y0=4, x0=0, y1=12, x1=6)  # along the edges of all these bins
    spec = CenterOfMass(cy=7, cx=5.5, mask=mask if masked else None, maps=("y", "x", "magnitude"))
    found = previewed(cube_of(scan, factor), spec, scan).arrays
    inside = np.where(mask.mask((16, 12)) if masked else True, frames, 0).astype(float)
    ys, xs = np.indices((16, 12))
    total = inside.sum(axis=(2, 3))
    exact = {"y": (inside * (ys - 7)).sum((2, 3)) / total, "x": (inside * (xs - 5.5)).sum((2, 3)) / total}
    for axis, name in enumerate("yx"):
        assert (np.abs(found[f"com_{name}"] - exact[name]) <= (factor[axis] - 1) / 2 + 1e-9).all()
    np.testing.assert_allclose(found["com_magnitude"], np.hypot(found["com_y"], found["com_x"]))


def test_a_frame_without_counts_has_no_centre() -> None:
    frames = random_frames((2, 3, 8, 8), "u1")
    frames[1, 2] = 0
    scan = Scan(frames)
    found = previewed(cube_of(scan, (2, 2)), CenterOfMass(), scan).arrays["com_y"]
    assert np.isnan(found[1, 2])
    assert np.isnan(found).sum() == 1


def test_beside_other_analyses_the_same_pass_gives_the_same_cube_and_their_results_stay() -> None:
    frames = random_frames((5, 9, 17, 12), "<u2")
    scan = Scan(frames, size=7)
    alone, beside = (
        cube_of(scan, (4, 4)),
        cube_of(scan, (4, 4), beside=(SumFrame(), VirtualDetector(Disk(cy=8, cx=6, r=4)))),
    )
    np.testing.assert_array_equal(blocks_as_scan(beside), blocks_as_scan(alone))
    np.testing.assert_array_equal(beside.sample, alone.sample)


def test_until_all_partitions_are_in_the_rest_is_not_valid() -> None:
    scan = Scan(random_frames((8, 5, 8, 8), "<u2"))
    cube = cube_of(scan, (2, 2), until=3)
    done = np.zeros((8, 5), bool)
    for partition in scan.plan()[:3]:
        done[partition.slices] = True
    counts = previewed(cube, VirtualDetector(Disk(cy=4, cx=4, r=2), name="d"), scan)
    np.testing.assert_array_equal(counts.valid, done)
    assert (counts.arrays["d"][~done] == 0).all()
    assert (counts.arrays["d"][done] > 0).all()
    assert np.isnan(previewed(cube, CenterOfMass(), scan).arrays["com_x"][~done]).all()
    assert not cube.complete


def test_a_partition_counts_once_however_often_it_comes() -> None:
    scan = Scan(random_frames((4, 5, 8, 8), "<u2"))
    cube = cube_of(scan, (2, 2))
    block, valid = cube.part(1)
    before = cube.sample
    assert not cube.put(1, np.zeros_like(block), np.zeros_like(valid), before)
    np.testing.assert_array_equal(cube.sample, before)
    np.testing.assert_array_equal(blocks_as_scan(cube), binned(scan.frames, (2, 2)))


def test_missing_frames_stay_missing() -> None:
    scan = Scan(random_frames((4, 5, 8, 8), "<u2"), missing=[(0, 0), (3, 2)])
    found = previewed(cube_of(scan, (2, 2)), VirtualDetector(Disk(cy=4, cx=4, r=3), weight=0.5, name="d"), scan)
    assert sorted(map(tuple, np.argwhere(~found.valid))) == [(0, 0), (3, 2)]
    np.testing.assert_array_equal(np.isnan(found.arrays["d"]), ~found.valid)


def test_a_pixel_that_is_never_a_number_spoils_only_masks_that_hold_it() -> None:
    """A dead pixel of a float camera. Its bin is lost for masks whose edge runs through it, but no more than that."""
    frames = np.random.default_rng(3).uniform(1, 2, (3, 4, 16, 16)).astype(np.float32)
    frames[:, :, 5, 5] = np.nan
    scan = Scan(frames)
    cube = cube_of(scan, (4, 4))
    for disk in (Disk(cy=11, cx=11, r=3), Disk(cy=8, cx=8, r=3.2)):  # far from it; its edge through the pixel's bin
        assert not disk.mask((16, 16))[5, 5]
        found = previewed(cube, VirtualDetector(disk, name="d"), scan).arrays["d"]
        exact = frames[..., disk.mask((16, 16))].sum(axis=-1)
        assert np.abs(found / exact - 1).max() < 0.25
    around = VirtualDetector(Rectangle(y0=4, x0=4, y1=8, x1=8), name="d")
    assert np.isnan(previewed(cube, around, scan).arrays["d"]).all()


def test_a_frame_of_nan_and_one_of_infinities_are_just_that() -> None:
    frames = np.random.default_rng(3).uniform(1, 2, (3, 4, 8, 8)).astype(np.float32)
    frames[1, 1], frames[2, 3] = np.nan, np.inf
    scan = Scan(frames)
    found = previewed(cube_of(scan, (2, 2)), VirtualDetector(Rectangle(y0=2, x0=2, y1=6, x1=6), name="d"), scan).arrays[
        "d"
    ]
    assert np.isnan(found[1, 1])
    assert np.isposinf(found[2, 3])
    np.testing.assert_allclose(
        np.delete(found.ravel(), [5, 11]), np.delete(frames[..., 2:6, 2:6].sum((2, 3)).ravel(), [5, 11]), rtol=1e-6
    )


def test_sums_of_the_largest_integers_do_not_wrap() -> None:
    scan = Scan(np.full((2, 2, 4, 4), np.iinfo(np.uint64).max // 16, np.uint64))
    found = previewed(cube_of(scan, (2, 2)), SumSignal(), scan).arrays["sum_signal"]
    np.testing.assert_allclose(found.astype(float), 2.0**64, rtol=1e-6)


def test_what_a_sum_of_bins_cannot_tell_has_no_preview() -> None:
    scan = Scan(random_frames((2, 3, 8, 8), "<u2"))
    for spec in (MaxSignal(), SumFrame()):
        assert not can_preview(spec)
        assert preview(cube_of(scan, (2, 2)), spec, scan) is None


def test_a_mask_of_another_size_is_refused_by_name() -> None:
    scan = Scan(random_frames((2, 3, 8, 8), "<u2"))
    with pytest.raises(UsageError, match=r"'wrong'.*3x3.*8x8"):
        previewed(cube_of(scan, (2, 2)), VirtualDetector(PixelMask.from_array(np.eye(3)), name="wrong"), scan)


@settings(deadline=None, max_examples=200)
@given(
    frame=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    scan=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    dtype=st.sampled_from(["u1", "<u2", "i2", "<f4", ">f8", "?"]),
    largest=st.sampled_from([1 << 10, 1 << 20, 512 << 20]),
)
def test_a_cube_is_never_larger_than_its_bounds_and_as_fine_as_they_allow(
    frame: tuple[int, int], scan: tuple[int, int], dtype: str, largest: int
) -> None:
    dataset = Scan(np.lib.stride_tricks.as_strided(np.zeros(1, dtype), (*scan, *frame), (0, 0, 0, 0)))
    bins, room = bins_for(dataset, largest), min(largest, dataset.nbytes // 8)

    def size(side: float) -> int:
        factor = min(int(side), frame[0]), min(int(side), frame[1])
        return Bins(factor, frame).count * scan[0] * scan[1] * block_dtype(dataset.dtype, factor).itemsize

    if bins is None:
        assert size(min(128, max(frame))) > room
    else:
        assert size(max(bins.factor)) <= room
        assert max(bins.factor) <= 3 or size(max(bins.factor) / 2) > room
