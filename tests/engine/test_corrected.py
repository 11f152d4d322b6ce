"""Corrected frames, against LiberTEM's definition written out pixel by pixel, and through every analysis."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, VirtualDetector
from ltdesk.correction import Correction
from ltdesk.engine.assembly import Results
from ltdesk.engine.corrected import corrected, find_patches
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.non_finite import NonFinite, count_non_finite
from ltdesk.engine.open import open_dataset, open_ref
from ltdesk.engine.preview.cache import PreviewCache
from ltdesk.engine.preview.previews import Previews
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, PixelMask, Point, Rectangle
from ltdesk.job import Job
from ltdesk.plugins import BUILT_IN
from tests.engine.everywhere import Cut, as_bytes, differing
from tests.engine.executor_suite import DISK, FRAME, RING, SCAN, job_for, make_array, write

DTYPES = ["?", "u1", "i1", "<u2", ">u2", "<i2", "<u4", ">i4", "<u8", "<i8", "<f2", "<f4", ">f4", "<f8"]
RANDOM = np.random.default_rng(4)
DARK, GAIN = RANDOM.normal(20, 3, FRAME), RANDOM.uniform(0.5, 2, FRAME)
DEAD = RANDOM.random(FRAME) < 0.1
DEAD[0, 0] = DEAD[5:8, 6:9] = True  # a corner; one in the midst of dead ones
CORRECTIONS = {
    "dead": Correction(dead_pixels=DEAD),
    "dark": Correction(dark=DARK),
    "gain": Correction(gain=GAIN),
    "all": Correction(dark=DARK, gain=GAIN, dead_pixels=DEAD),
}
EVERY: tuple[Analysis, ...] = (
    VirtualDetector(DISK, name="bf"),
    VirtualDetector(RING * 0.3, name="weighted"),
    VirtualDetector(PixelMask.from_array(np.random.default_rng(0).normal(size=FRAME)), name="many_weights"),
    CenterOfMass(name="masked", mask=DISK),
    *(spec.model_validate({}) for spec in BUILT_IN if spec is not VirtualDetector),
)


def good_beside(dead: NDArray[np.bool_], y: int, x: int) -> list[tuple[int, int]]:
    """The good pixels of the smallest square about a pixel that has any; none beyond three pixels."""
    for reach in (1, 2, 3):
        square = [
            (y + dy, x + dx)
            for dy in range(-reach, reach + 1)
            for dx in range(-reach, reach + 1)
            if 0 <= y + dy < dead.shape[0] and 0 <= x + dx < dead.shape[1] and not dead[y + dy, x + dx]
        ]
        if square:
            return square
    return []


def brute(array: NDArray[Any], correction: Correction) -> NDArray[Any]:
    """(frame - dark) * gain, then each dead pixel the mean of the good ones beside it."""
    out = array.astype(array.dtype.newbyteorder("="))
    if correction.dark is not None or correction.gain is not None:
        dark = 0.0 if correction.dark is None else correction.dark.array()
        gain = 1.0 if correction.gain is None else correction.gain.array()
        narrow = (
            np.float32 if array.dtype.itemsize <= 2 or array.dtype.kind + str(array.itemsize) == "f4" else np.float64
        )
        out = ((array.astype(np.float64) - dark) * gain).astype(narrow)
    elif array.dtype == np.float16:
        out = array.astype(np.float32)
    dead = correction.dead(array.shape[2:])
    patched = out.copy()
    for y, x in np.argwhere(dead):
        patched[..., y, x] = mean_of([out[..., y1, x1] for y1, x1 in good_beside(dead, y, x)], out.dtype)
    return patched


def mean_of(values: list[Any], dtype: np.dtype[Any]) -> Any:
    """Of each position; whole numbers to the nearest one, halves up, by Python's integers, which have no limits."""
    if dtype.kind == "f" or not values:
        return sum(value.astype(np.float64) for value in values) / max(1, len(values))
    return (2 * sum(+value.astype(object) for value in values) + len(values)) // (2 * len(values))


def run(dataset: Dataset, *analyses: Analysis, threads: int = 2, region: Any = None) -> Results:
    with LocalExecutor(threads) as executor:
        return executor.submit(job_for(dataset, *analyses, region=region), dataset).result(110)


def shown(dataset: Dataset) -> NDArray[Any]:
    """All frames, picked one by one."""
    return np.array([[dataset.frame(y, x) for x in range(SCAN[1])] for y in range(SCAN[0])])


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_picked_frame_is_corrected(tmp_path: Path, dtype: str, name: str) -> None:
    array = make_array(dtype)
    with write(tmp_path, array) as stored:
        found = shown(corrected(stored, CORRECTIONS[name]))
    expected = brute(array, CORRECTIONS[name])
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(">u2", "dead"), ("<i2", "dead"), ("<u2", "dark"), ("u1", "gain"), ("<u2", "all"), ("<u4", "all"), ("<f2", "all")],
)
def test_every_analysis_sees_the_same_corrected_pixels(tmp_path: Path, dtype: str, name: str) -> None:
    """As from a file that holds them, byte for byte, however it is run."""
    array, correction = make_array(dtype), CORRECTIONS[name]
    (tmp_path / "as_if").mkdir()
    with write(tmp_path, array) as stored, write(tmp_path / "as_if", brute(array, correction)) as as_if:
        wanted = as_bytes(run(Cut(as_if, 1000, frozenset()), *EVERY))
        for threads, size in ((2, 1000), (5, 3), (1, 1)):
            results = run(corrected(Cut(stored, size, frozenset()), correction), *EVERY, threads=threads)
            assert differing(as_bytes(results), wanted) == []
        whole = corrected(Cut(stored, 1000, frozenset()), correction)
        for analysis in EVERY:
            assert differing(as_bytes(run(whole, analysis)), wanted) == [], f"{analysis.name} alone"
    assert results.valid.all()


def test_regions_and_missing_frames_compose(tmp_path: Path) -> None:
    array, missing, region = make_array("<u2"), {(3, 4), (8, 10)}, Rectangle(y0=2, x0=3, y1=9, x1=11)
    with write(tmp_path, array) as stored:
        dataset = corrected(Cut(stored, 1, frozenset(missing)), CORRECTIONS["all"])
        results = run(dataset, SumFrame(), VirtualDetector(DISK, name="bf"), region=region)
    inside = region.mask(SCAN)
    inside[tuple(np.transpose(list(missing)))] = False
    np.testing.assert_array_equal(results.valid, inside)
    expected = brute(array, CORRECTIONS["all"]).astype(np.float64)
    np.testing.assert_allclose(results["sum_frame"], expected[inside].sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(results["bf"]), ~inside)


def test_a_nan_shows_wherever_it_is_taken_in(tmp_path: Path) -> None:
    array = make_array("<f4")
    dead = np.zeros(FRAME, bool)
    dead[5, 8] = dead[0, 0] = True
    array[1, 1, 5, 8] = np.nan  # dead itself: patched
    array[2, 2, 0, 1] = np.nan  # beside a dead one
    with write(tmp_path, array) as stored:
        dataset = corrected(stored, Correction(dead_pixels=dead))
        picked = dataset.frame(2, 2)
        image = run(dataset, VirtualDetector(DISK, name="bf"), VirtualDetector(Point(y=0, x=0), name="corner"))
        assert count_non_finite(dataset) == NonFinite(nan=2, frames=2), "what is in the file"
    assert not np.isnan(image["bf"]).any()
    assert np.argwhere(np.isnan(image["corner"])).tolist() == [[2, 2]]
    assert np.argwhere(np.isnan(picked)).tolist() == [[0, 0], [0, 1]]


def test_a_pixel_without_a_finite_gain_is_dead(tmp_path: Path) -> None:
    gain, dark = GAIN.copy(), DARK.copy()
    gain[3, 3], gain[5, 5], dark[0, 0] = np.nan, np.inf, -np.inf
    dead = np.zeros(FRAME, bool)
    dead[3, 3] = dead[5, 5] = dead[0, 0] = True
    array = make_array("<u2")
    with write(tmp_path, array) as stored:
        dataset = corrected(stored, Correction(gain=gain, dark=dark))
        assert "taken as dead for want of a finite dark or gain: 3 pixels" in dataset.note
        found = shown(dataset)
    assert np.isfinite(found).all()
    expected = Correction(gain=np.where(dead, 1, gain), dark=np.where(dead, 0, dark), dead_pixels=dead)
    np.testing.assert_array_equal(found, brute(array, expected))


def test_deep_within_dead_pixels_nothing_is_made_up(tmp_path: Path) -> None:
    array = np.full((*SCAN, 20, 20), 7, np.uint16)
    dead = np.zeros((20, 20), bool)
    dead[5:13, 5:13] = True
    with write(tmp_path, array) as stored:
        dataset = corrected(stored, Correction(dead_pixels=dead))
        assert "counted as 0, more than 3 pixels from any good one: 4 pixels" in dataset.note
        expected = np.full((20, 20), 7)
        expected[8:10, 8:10] = 0
        np.testing.assert_array_equal(dataset.frame(2, 3), expected)


@settings(deadline=None, max_examples=60)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_patches_are_the_good_pixels_of_the_smallest_square(dead: NDArray[np.bool_]) -> None:
    patches = find_patches(dead)
    assert patches.dead.tolist() == np.flatnonzero(dead).tolist()
    for i, at in enumerate(np.argwhere(dead)):
        near = patches.near[patches.starts[i] : patches.starts[i + 1]]
        assert [divmod(int(p), dead.shape[1]) for p in near] == good_beside(dead, *at)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"]), st.data())
def test_whole_numbers_are_patched_exactly(dtype: str, data: st.DataObject) -> None:
    from ltdesk.engine.kernels.correct import patch_integers

    limits = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=48))
    out = np.array([[0, *values]], dtype)
    patch_integers(out, np.array([0]), np.array([0, len(values)]), np.arange(1, len(values) + 1))
    assert int(out[0, 0]) == math.floor(Fraction(sum(values), len(values)) + Fraction(1, 2))


@pytest.mark.parametrize(
    ("correction", "words"),
    [
        (Correction(dark=np.zeros((3, 4))), "dark frame has 3x4 pixels, the frames of .*scan.npy 12x16"),
        (Correction(gain=np.zeros((16, 12))), "gain map has 16x12 pixels"),
        (Correction(dead_pixels=np.zeros((3, 4))), "scan.npy: dead pixels: the mask is 3x4, not 12x16 as the frame"),
        (Correction(dead_pixels=np.ones(FRAME)), "scan.npy: every camera pixel is marked dead"),
        (Correction(gain=np.full(FRAME, np.nan)), "every camera pixel is marked dead"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, correction: Correction, words: str) -> None:
    with write(tmp_path, make_array("u1")) as stored, pytest.raises(UsageError, match=words):
        corrected(stored, correction)


def test_nothing_to_correct_is_the_scan_itself(tmp_path: Path) -> None:
    with write(tmp_path, make_array("u1")) as stored:
        assert corrected(stored, None) is stored
        assert corrected(stored, Correction()) is stored
        assert corrected(corrected(stored, CORRECTIONS["all"]), None) is stored
        again = corrected(corrected(stored, CORRECTIONS["all"]), CORRECTIONS["dead"])
        np.testing.assert_array_equal(shown(again), brute(make_array("u1"), CORRECTIONS["dead"]))


def test_the_reference_opens_it_again_as_it_was(tmp_path: Path) -> None:
    with write(tmp_path, make_array("<u2")) as stored:
        dataset = corrected(stored, CORRECTIONS["all"])
        job = Job.model_validate_json(job_for(dataset, SumFrame()).model_dump_json())
        assert job.dataset == dataset.ref
        wanted = run(dataset, *EVERY)
        assert dataset.plan() == stored.plan()
    with open_ref(job.dataset) as again:
        results = run(again, *EVERY)
        np.testing.assert_array_equal(again.frame(2, 3), brute(make_array("<u2"), CORRECTIONS["all"])[2, 3])
    assert differing(as_bytes(results), as_bytes(wanted)) == []
    assert results.recipe == wanted.recipe


def test_an_ingested_twin_gives_the_same_bytes(tmp_path: Path) -> None:
    array = np.tile(make_array("<u2"), (1, 40, 1, 1))
    with write(tmp_path, array) as stored:
        dataset = corrected(stored, CORRECTIONS["all"])
        wanted = as_bytes(run(dataset, *EVERY))
        uri = ingest(dataset, (tmp_path / "twin").as_uri()).uri
    with open_dataset(uri) as twin:
        np.testing.assert_array_equal(twin.frame(1, 1), array[1, 1], "it is stored as the file has it")
        assert differing(as_bytes(run(corrected(twin, CORRECTIONS["all"]), *EVERY)), wanted) == []


def test_a_preview_is_of_corrected_frames_and_kept_for_them_alone(tmp_path: Path) -> None:
    array = np.random.default_rng(5).poisson(50, (16, 16, 32, 32)).astype("<u2")
    dead = np.zeros((32, 32), bool)
    dead[16, 16], array[..., 16, 16] = True, 65535
    correction = Correction(dark=np.full((32, 32), 10.0), gain=np.full((32, 32), 2.0), dead_pixels=dead)
    spec = VirtualDetector(Disk(cy=15.5, cx=15.5, r=6), name="bf")
    cache = PreviewCache(tmp_path / "previews")
    with write(tmp_path, array) as stored, LocalExecutor(2) as executor:
        dataset = corrected(stored, correction)
        assert cache.path_of(dataset) != cache.path_of(stored)
        assert cache.path_of(dataset) == cache.path_of(corrected(stored, correction))
        previews = Previews(executor, smallest=0)
        previews.open(dataset)
        exact = previews.submit(job_for(dataset, spec), dataset).result(250)["bf"]
        found = previews.images(dataset, spec)
        previews.close()
    assert found is not None
    assert found.valid.all()
    wanted = brute(array, correction)[..., Disk(cy=15.5, cx=15.5, r=6).mask((32, 32))].sum(axis=-1)
    np.testing.assert_allclose(exact, wanted, rtol=1e-6)
    np.testing.assert_allclose(found.arrays["bf"], wanted, rtol=0.05)
