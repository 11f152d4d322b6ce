"""Kernels against exact arithmetic: any frames, masks and cuts, and the sizes at which narrower sums would wrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.kernels.folds import max_frames, sum_frames
from ltdesk.engine.kernels.frames import as_frames
from ltdesk.engine.kernels.masks import Masks, masked_sums, plain_sum
from ltdesk.engine.kernels.moments import Moments, centre_of_mass

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


def sums_inside(frames: NDArray[Any], masks: list[NDArray[np.bool_]]) -> NDArray[Any]:
    seen = as_frames(frames)
    out = np.full((seen.n, len(masks)), 7, sum_dtype(frames.dtype))
    masked_sums(seen.flat, seen.stride, Masks(masks, seen.flat.dtype), out)
    return out


@settings(deadline=None)  # the first call compiles
@given(st.data())
def test_masks_select_exactly(data: st.DataObject) -> None:
    frames = data.draw(stacks(DTYPES))
    masks = masks_for(data.draw, frames, data.draw(st.integers(1, 5)))
    found = sums_inside(frames, masks)
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
def test_centre_of_mass_by_fractions(data: st.DataObject) -> None:
    frames = data.draw(stacks(["u1", "i2", "u2", "u4", "i4"]))
    mask = data.draw(st.none() | arrays.arrays(np.bool_, frames.shape[1:]))
    seen, out = as_frames(frames), np.empty((len(frames), 2))
    origin = (data.draw(st.integers(-4, 4)) / 2, data.draw(st.integers(-4, 4)) / 2)
    centre_of_mass(seen.flat, seen.stride, Moments(frames.shape[1:], origin, frames.dtype, mask), out)
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


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("extreme", ["max", "min"])
def test_more_frames_than_narrow_sums_hold(dtype: str, extreme: str) -> None:
    value = int(getattr(np.iinfo(dtype), extreme))
    frames = as_frames(np.full((70_001, 2, 3), value, dtype))
    total = np.zeros(6, sum_dtype(dtype))
    sum_frames(frames.flat, frames.stride, frames.n, total)
    assert total.tolist() == [value * 70_001] * 6
    largest = np.full(6, np.iinfo(dtype).min, dtype)
    max_frames(frames.flat, frames.stride, frames.n, largest)
    assert largest.tolist() == [value] * 6


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("extreme", ["max", "min"])
@pytest.mark.parametrize("shape", [(700, 900), (3, 40_000), (40_000, 3), (1, 1)])
def test_frames_wider_than_narrow_sums_hold(dtype: str, extreme: str, shape: tuple[int, int]) -> None:
    value = int(getattr(np.iinfo(dtype), extreme))
    frames = as_frames(np.full((5, *shape), value, dtype))
    whole = np.zeros(5, sum_dtype(dtype))
    plain_sum(frames.flat, frames.stride, frames.pixels, whole)
    assert whole.tolist() == [value * frames.pixels] * 5
    mask = np.zeros(shape, np.bool_)
    mask[:, ::2] = True
    assert (
        sums_inside(np.full((5, *shape), value, dtype), [mask, ~mask]).tolist()
        == [[value * int(mask.sum()), value * int((~mask).sum())]] * 5
    )
    centre = np.empty((5, 2))
    centre_of_mass(frames.flat, frames.stride, Moments(shape, (0.0, 0.0), frames.flat.dtype, None), centre)
    middle = [(shape[0] - 1) / 2, (shape[1] - 1) / 2]
    np.testing.assert_allclose(centre, [middle if value else [np.nan, np.nan]] * 5, rtol=1e-12)
