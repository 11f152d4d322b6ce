"""What a preview cube answers in an analysis' stead: near the exact result, in the same form.

A detector's image is within Σ max|w_p − w_bin| · I_bin of the exact one (`PreviewCube.bound`): only bins that the
mask's edge runs through, or whose weights differ, add to it; a mask along the bins' edges gives the exact image.
A centre of mass takes each bin's counts to be at the middle of the pixels under the mask: where the mask runs along
the bins' edges it is within (factor − 1) / 2 pixels of the exact one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, MeanSignal, SumSignal, VirtualDetector
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.pixels import mask_of, weights_of
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.geometry import AnyShape, Float2D, pixel_grid


class PreviewImages(NamedTuple):
    """An analysis' results by name, and the positions ``(sy, sx)`` that they are known for."""

    arrays: dict[str, NDArray[Any]]
    valid: NDArray[np.bool_]


def preview(cube: PreviewCube, spec: Analysis, dataset: Dataset) -> PreviewImages | None:
    """The results of `spec` from the cube; None where the cube cannot tell.

    Raises UsageError where a mask does not fit the dataset.
    """
    fill = _FILL.get(type(spec))
    if fill is None:
        return None
    from ltdesk.engine.analyses import kernel_for

    kernel = kernel_for(spec, dataset.frame_shape, dataset.dtype)
    [buffer] = kernel.buffers
    values, valid = fill(cube, spec)
    if buffer.dtype.kind in "ui":
        values = np.rint(values).astype(buffer.dtype)
    elif not valid.all():
        values[~valid] = np.nan
    arrays = kernel.finish({buffer.name: values}, valid, int(valid.sum()))
    return PreviewImages(arrays, valid)


def can_preview(spec: Analysis) -> bool:
    """Is there a preview of such an analysis?"""
    return type(spec) in _FILL


def _weights(shape: AnyShape, frame_shape: tuple[int, int], name: str) -> Float2D:
    mask = mask_of(shape, frame_shape, name)  # first: it says what is wrong
    weights = weights_of(shape, frame_shape)
    return mask.astype(np.float64) if weights is None else weights


def _detector(cube: PreviewCube, spec: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    images, valid = cube.weigh(cube.shares(_weights(spec.shape, cube.bins.frame_shape, spec.name))[None])
    return images[0], valid


def _signal(cube: PreviewCube, spec: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    images, valid = cube.weigh(np.ones((1, cube.bins.count)))
    return images[0], valid


def _centre(cube: PreviewCube, spec: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    frame_shape = cube.bins.frame_shape
    inside = np.ones(frame_shape) if spec.mask is None else mask_of(spec.mask, frame_shape, spec.name).astype(float)
    ys, xs = pixel_grid(frame_shape)
    cy, cx = spec.centre(frame_shape)
    weights = np.stack([cube.areas(inside), cube.areas(inside * (ys - cy)), cube.areas(inside * (xs - cx))])
    (total, along_y, along_x), valid = cube.weigh(weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            (total != 0)[..., None], np.stack([along_y, along_x], axis=-1) / total[..., None], np.nan
        ), valid


_FILL: dict[type[Analysis], Callable[[PreviewCube, Any], tuple[NDArray[Any], NDArray[np.bool_]]]] = {
    VirtualDetector: _detector,
    CenterOfMass: _centre,
    SumSignal: _signal,
    MeanSignal: _signal,
}
