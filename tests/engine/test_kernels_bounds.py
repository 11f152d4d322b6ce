"""Kernels against exact arithmetic: any frames, masks and cuts, and the sizes at which narrower sums would wrap."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.kernels.folds import max_frames, sum_step
from ltdesk.engine.kernels.frames import as_frames
from ltdesk.engine.kernels.masks import Masks, masked_step, plain_step
from ltdesk.engine.kernels.moments import Moments, centre_step
from ltdesk.engine.kernels.squares import add_squares
from ltdesk.engine.kernels.steps import Step, take

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]


@st.composite
def stacks(draw: st.DrawFn, dtypes: list[str]) -> NDArray[Any]:
    """Frames ``(n, ky, kx)``, extremes among them."""
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 40)))
    if dtype.kind == "f":
        return draw(arrays.arrays(dtype, shape, elements=st.floats(-1e6, 1e6, width=32)))
    info = np.iinfo(dtype.str)
    return draw(
        arrays.arrays(dtype, shape, elements=st.integers(max(int(info.min), -(2**50)), min(int(info.max), 2**50)))
    )


def masks_for(draw: Any, frames: NDArray[Any], count: int) -> list[NDArray[np.bool_]]:
    return [draw(arrays.arrays(np.bool_, frames.shape[1:])) for _ in range(count)]


def take_all(frames: NDArray[Any], step: Step, block: int = 2**40, cached: bool = False) -> None:
    """Give the step all frames, `block` at a time."""
    take(as_frames(frames)._replace(cached=cached), [step], block)


def sums_of(frames: NDArray[Any], cached: bool = False) -> NDArray[Any]:
    """The sum ``(p)`` of all frames."""
    total = np.zeros(frames[0].size, sum_dtype(frames.dtype))
    take_all(frames, sum_step(frames.dtype, total), cached=cached)
    return total


def sums_inside(
    frames: NDArray[Any], masks: list[NDArray[np.bool_]], block: int = 2**40, cached: bool = False
) -> NDArray[Any]:
    """The sum of each frame inside each mask ``(n, masks)``."""
    out = np.full((len(masks), len(frames)), 7, sum_dtype(frames.dtype))
    take_all(frames, masked_step(frames.dtype, Masks(masks, frames.dtype), list(out)), block, cached)
    return out.T.copy()


def centres(
    frames: NDArray[Any], origin: tuple[float, float], mask: NDArray[np.bool_] | None = None, cached: bool = False
) -> NDArray[np.float64]:
    """The centre of mass ``(n, 2)`` of each frame."""
    out = np.empty((len(frames), 2))
    take_all(frames, centre_step(frames.dtype, Moments(frames.shape[1:], origin, frames.dtype, mask), out), 7, cached)
    return out


@settings(deadline=None)  # the first call compiles
@given(st.data())
def test_masks_select_exactly(data: st.DataObject) -> None:
    frames = data.draw(stacks(DTYPES))
    masks = masks_for(data.draw, frames, data.draw(st.integers(1, 5)))
    found = sums_inside(frames, masks, data.draw(st.sampled_from([1, 4, 5, 2**40])))
    expected = [[sum(int(v) for v in frame[mask]) for mask in masks] for frame in frames]
    assert found.tolist() == expected


@settings(deadline=None)  # the first call compiles
@given(st.data())
def test_floats_come_out_the_same_in_any_company(data: st.DataObject) -> None:
    """Which frames and masks are beside one changes no byte; NaN outside a mask changes nothing."""
    frames = data.draw(stacks(["f4", "f8"]))
    masks = masks_for(data.draw, frames, 3)
    together = sums_inside(frames, masks)
    for f, frame in enumerate(frames):
        for m, mask in enumerate(masks):
            holed = np.where(mask, frame, np.nan).astype(frame.dtype)[None]
            assert sums_inside(holed, [mask]).tobytes() == together[f, m].tobytes()
            np.testing.assert_allclose(together[f, m], frame[mask].astype(float).sum(), rtol=1e-12, atol=1e-6)


@settings(deadline=None)  # the first call compiles
@given(st.data())
def test_masks_that_touch_few_lines_of_a_frame(data: st.DataObject) -> None:
    """Alone, together, behind another analysis, and on either kind of processor: other pixels are read, never other
    ones counted."""
    dtype = np.dtype(data.draw(st.sampled_from([*DTYPES, "f4", "f8"])))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 40), st.integers(60, 300)))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    frames = random.integers(0, 100, shape).astype(dtype)
    spots = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 1 << 16)), min_size=1, max_size=9)
    masks = [np.zeros(shape[1:], np.bool_) for _ in range(data.draw(st.integers(1, 3)))]
    for mask in masks:
        for y, x in data.draw(spots):
            y, x = y % shape[1], x % shape[2]
            mask[y : y + 3, x : x + 5] = True
    expected = np.stack([frames[:, mask].sum(axis=1, dtype=np.int64) for mask in masks], axis=1)
    block = data.draw(st.sampled_from([4, 7, 2**40]))
    for cached, asks in itertools.product((False, True), (False, True)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ltdesk.engine.kernels.masks.ASKS", asks)
            assert sums_inside(frames, masks, block, cached).tolist() == expected.tolist()
    if dtype.kind == "f":
        frames[:, ~np.logical_or.reduce(masks)] = np.nan
        assert sums_inside(frames, masks, block).tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["u2", "i2"])
def test_more_pieces_than_narrow_sums_hold(dtype: str) -> None:
    """One pixel in a hundred, all in the same place of their piece, each as far from 0 as can be."""
    extreme = int(np.iinfo(dtype).min or np.iinfo(dtype).max)
    frames, mask = np.full((1, 1, 7_000_000), extreme, dtype), np.zeros((1, 7_000_000), np.bool_)
    mask[:, ::100] = True
    assert sums_inside(frames, [mask]).tolist() == [[70_000 * extreme]]


@settings(deadline=None)  # the first call compiles
@given(st.data())
def test_centre_of_mass_by_fractions(data: st.DataObject) -> None:
    frames = data.draw(stacks(["u1", "i2", "u2", "u4", "i4"]))
    mask = data.draw(st.none() | arrays.arrays(np.bool_, frames.shape[1:]))
    origin = (data.draw(st.integers(-4, 4)) / 2, data.draw(st.integers(-4, 4)) / 2)
    out = centres(frames, origin, mask)
    y, x = np.indices(frames.shape[1:])
    for frame, (found_y, found_x) in zip(frames, out, strict=True):
        inside = frame.astype(object) * (1 if mask is None else mask.astype(object))
        total = int(inside.sum())
        if total == 0:
            assert np.isnan([found_y, found_x]).all()
            continue
        scale = max(1.0, float(abs(inside).sum()) / abs(total)) * max(frames.shape)
        assert abs(found_y - (int((inside * y).sum()) / total - origin[0])) <= 1e-12 * scale
        assert abs(found_x - (int((inside * x).sum()) / total - origin[1])) <= 1e-12 * scale


LEVELS = (0, 1, 50, 255, 256, 1820, 1821, 4095, 4096, 8191, 8192, 65535)
"""Counts at which narrow sums end, and some to either side."""


@st.composite
def counts(draw: st.DrawFn) -> NDArray[Any]:
    """Frames ``(n, ky, kx)`` of few counts with some of many, in some frames or all over."""
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(["u1", "u2"])))
    height = st.integers(1, 70) | st.sampled_from([8, 64])  # in rows and columns that blocks fill, or don't
    width = st.integers(1, 9) | st.integers(60, 70) | st.sampled_from([32, 64])
    shape = draw(st.tuples(st.integers(1, 40), height, width))
    few, many = draw(st.sampled_from(LEVELS)), draw(st.sampled_from(LEVELS))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    bright = random.random(shape) < draw(st.sampled_from([0, 0.001, 0.1, 1]))
    frames = np.where(bright, many, random.integers(0, few + 1, shape))
    frames[: draw(st.integers(0, len(frames)))] = min(few, 1)
    return np.minimum(frames, np.iinfo(dtype).max).astype(dtype)


@settings(deadline=None)  # the first call compiles
@given(counts(), st.booleans())
def test_counts_of_any_size_are_summed_exactly(stack: NDArray[Any], cached: bool) -> None:
    seen, wide = as_frames(stack), stack.astype(np.uint64).reshape(len(stack), -1)
    each = np.full(len(stack), 7, np.uint64)
    take_all(stack, plain_step(stack.dtype, seen.pixels, each))
    assert each.tolist() == wide.sum(axis=1).tolist()
    sums, squares, largest = (np.zeros(seen.pixels, dtype) for dtype in (np.uint64, np.uint64, stack.dtype))
    assert sums_of(stack, cached).tolist() == wide.sum(axis=0).tolist()
    add_squares(seen.flat, seen.stride, seen.n, [sums], [squares], largest)
    assert sums.tolist() == wide.sum(axis=0).tolist()
    assert squares.tolist() == (wide**2).sum(axis=0).tolist()
    assert largest.tolist() == wide.max(axis=0).tolist()


@settings(deadline=None)  # the first call compiles
@given(counts(), st.data())
def test_centres_of_counts_come_out_the_same_in_any_company(stack: NDArray[Any], data: st.DataObject) -> None:
    """A frame that counts much sends others another way; that changes no byte of theirs."""
    shape = stack.shape[1:]
    mask = data.draw(st.none() | arrays.arrays(np.bool_, shape))
    together = centres(stack, (1.5, -2.0), mask, cached=data.draw(st.booleans()))
    y, x = np.indices(shape)
    for frame, found in zip(stack, together, strict=True):
        assert centres(frame[None], (1.5, -2.0), mask).tobytes() == found.tobytes()
        inside = frame.astype(np.int64) * (1 if mask is None else mask)
        total = int(inside.sum())
        expected = [int((inside * i).sum()) / total - c for i, c in ((y, 1.5), (x, -2.0))] if total else [np.nan] * 2
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("level", [1820, 1821, 65535])
@pytest.mark.parametrize("part", [0.001, 0.3, 1, None])
def test_centres_of_a_tall_frame(level: int, part: float | None) -> None:
    shape = (2064, 64) if part is None else (2061, 45)
    random = np.random.default_rng(1)
    stack = np.full((3, *shape), level, np.uint16)
    stack[1] = random.integers(0, level, shape)
    mask = None if part is None else random.random(shape) < part
    y, x = np.indices(shape)
    for frame, found in zip(stack, centres(stack, (10.5, 3.0), mask), strict=True):
        inside = frame.astype(object) * (1 if mask is None else mask)
        total = int(inside.sum())
        assert found.tolist() == [int((inside * y).sum()) / total - 10.5, int((inside * x).sum()) / total - 3.0]


@settings(deadline=None)  # the first call compiles
@given(
    st.sampled_from(["u1", "u2", "i2", "u4", "i4", "f4", "f8"]), st.integers(30, 140), st.integers(1, 20),
    st.floats(0, 1), st.floats(0, 1), st.integers(0, 99),
)  # fmt: skip
def test_a_mask_that_is_narrower_than_the_frame(
    dtype: str, kx: int, width: int, left: float, top: float, seed: int
) -> None:
    """Wherever it lies, at the edges too; what is outside counts nothing, NaN neither."""
    shape = (11, kx)
    y0, x0 = round(top * 8), round(left * (kx - width))
    mask = np.zeros(shape, np.bool_)
    mask[y0 : y0 + 3, x0 : x0 + width] = True
    frames = np.random.default_rng(seed).integers(0, 100, (9, *shape)).astype(dtype)
    y, x = np.indices(shape)
    inside = np.where(mask, frames, 0).astype(np.float64)
    total = inside.sum(axis=(1, 2))
    expected = np.stack([(inside * i).sum(axis=(1, 2)) / total for i in (y - 2.0, x - 3.5)], axis=1)
    if np.dtype(dtype).kind == "f":
        frames[:, ~mask] = np.nan
    np.testing.assert_allclose(centres(frames, (2.0, 3.5), mask), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("shape", [(4200, 520), (4100, 3), (3, 4100)])
def test_the_centre_of_many_rows_of_counts(dtype: str, shape: tuple[int, int]) -> None:
    frames = np.full((2, *shape), min(1820, np.iinfo(dtype).max), dtype)
    assert centres(frames, (0.0, 0.0), cached=True).tolist() == [[(shape[0] - 1) / 2, (shape[1] - 1) / 2]] * 2


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("extreme", ["max", "min"])
def test_more_frames_than_narrow_sums_hold(dtype: str, extreme: str) -> None:
    value = int(getattr(np.iinfo(dtype), extreme))
    stack = np.full((70_001, 2, 3), value, dtype)
    assert sums_of(stack).tolist() == [value * 70_001] * 6
    frames = as_frames(stack)
    largest = np.full(6, np.iinfo(dtype).min, dtype)
    max_frames(frames.flat, frames.stride, frames.n, largest)
    assert largest.tolist() == [value] * 6


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("extreme", ["max", "min"])
@pytest.mark.parametrize("shape", [(700, 900), (3, 40_000), (40_000, 3), (1, 1)])
def test_frames_wider_than_narrow_sums_hold(dtype: str, extreme: str, shape: tuple[int, int]) -> None:
    value = int(getattr(np.iinfo(dtype), extreme))
    frames = np.full((5, *shape), value, dtype)
    whole = np.full(5, 7, sum_dtype(dtype))
    take_all(frames, plain_step(frames.dtype, frames[0].size, whole))
    assert whole.tolist() == [value * frames[0].size] * 5
    mask = np.zeros(shape, np.bool_)
    mask[:, ::2] = True
    assert sums_inside(frames, [mask, ~mask]).tolist() == [[value * int(mask.sum()), value * int((~mask).sum())]] * 5
    centre = centres(frames, (0.0, 0.0))
    middle = [(shape[0] - 1) / 2, (shape[1] - 1) / 2]
    np.testing.assert_allclose(centre, [middle if value else [np.nan, np.nan]] * 5, rtol=1e-12)
