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
from ltdesk.engine.first_look import SampledFrames
from ltdesk.engine.preview.cube import PreviewCube


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
    values, valid = fill(cube, kernel)
    if buffer.dtype.kind in "ui":
        limits = np.iinfo(buffer.dtype)
        highest = np.nextafter(float(limits.max), 0.0)  # the limit itself is rounded up, beyond it
        values = np.clip(np.rint(values), limits.min, highest).astype(buffer.dtype)
    elif not valid.all():
        values[~valid] = np.nan
    arrays = kernel.finish({buffer.name: values}, valid, int(valid.sum()))
    return PreviewImages(arrays, valid)


def sampled(sample: SampledFrames, spec: Analysis, dataset: Dataset) -> PreviewImages:
    """The results of `spec` where the sample has a frame, exactly; elsewhere nothing is known.

    Raises UsageError where a mask does not fit the dataset.
    """
    from ltdesk.engine.analyses import kernel_for
    from ltdesk.engine.kernels.frames import as_frames

    kernel, (ys, xs) = kernel_for(spec, dataset.frame_shape, dataset.dtype), sample.positions.T
    count = len(ys)
    found = {b.name: b.empty((count,), dataset.frame_shape) for b in kernel.buffers}
    whole = {b.name: b.empty(dataset.scan_shape, dataset.frame_shape) for b in kernel.buffers}
    kernel.process(as_frames(sample.frames), slice(0, count), found)
    for name, values in found.items():
        whole[name][ys, xs] = values
    valid = np.zeros(dataset.scan_shape, dtype=np.bool_)
    valid[ys, xs] = True
    return PreviewImages(kernel.finish(whole, valid, count), valid)


def beside(first: PreviewImages | None, second: PreviewImages) -> PreviewImages:
    """`first`, and where that knows nothing `second`."""
    if first is None:
        return second
    more = second.valid & ~first.valid
    for name, values in first.arrays.items():
        values[more] = second.arrays[name][more]
    return PreviewImages(first.arrays, first.valid | more)


def can_preview(spec: Analysis) -> bool:
    """Is there a preview of such an analysis?"""
    return type(spec) in _FILL


Filled = tuple[NDArray[Any], NDArray[np.bool_]]


def _detector(cube: PreviewCube, kernel: Any) -> Filled:
    if kernel.weights is None:
        weights, cut = cube.shares_of_mask(kernel.mask)
    else:
        weights, cut = cube.shares(kernel.weights.reshape(kernel.mask.shape)), cube.bins.cut(kernel.mask)
    images, valid = cube.weigh(weights[None], cut)
    return images[0], valid


def _signal(cube: PreviewCube, kernel: Any) -> Filled:
    images, valid = cube.weigh(np.ones((1, cube.bins.count)))
    return images[0], valid


def _centre(cube: PreviewCube, kernel: Any) -> Filled:
    frame_shape = cube.bins.frame_shape
    mask = np.ones(frame_shape, np.bool_) if kernel.mask is None else kernel.mask
    (total, along_y, along_x), valid = cube.weigh(*cube.moments_of_mask(mask, kernel.centre))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            (total != 0)[..., None], np.stack([along_y, along_x], axis=-1) / total[..., None], np.nan
        ), valid


_FILL: dict[type[Analysis], Callable[[PreviewCube, Any], Filled]] = {
    VirtualDetector: _detector,
    CenterOfMass: _centre,
    SumSignal: _signal,
    MeanSignal: _signal,
}
