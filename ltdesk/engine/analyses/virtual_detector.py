"""The kernels of `VirtualDetector`: sums inside a 0/1 mask, and sums with weights, several of those at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import VirtualDetector, sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer, Kernel, StepKernel
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.masks import Masks, masked_step, rows_of
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.kernels.weights import Weights
from ltdesk.engine.pixels import mask_of, pixel_dtype, weights_of
from ltdesk.geometry import Size2D


def detector_kernel(spec: VirtualDetector, frame_shape: Size2D, dtype: DTypeLike) -> Kernel:
    """The kernel for the shape's kind of mask."""
    mask = mask_of(spec.shape, frame_shape, spec.name)
    weights = weights_of(spec.shape, frame_shape)
    return MaskKernel(spec, mask, dtype) if weights is None else WeightsKernel(spec, mask, weights.ravel())


class MaskKernel(StepKernel):
    """Sums inside a 0/1 mask. The detector's weight multiplies the finished sum, so that integer sums stay exact.

    Several of these in a job become one `AllMasksKernel`.

    mask : (ky, kx); previews take it, too, and ``weights``, which a `WeightsKernel` has
    """

    weights = None

    def __init__(self, spec: VirtualDetector, mask: NDArray[np.bool_], dtype: DTypeLike) -> None:
        self.name, self.mask, self.pixel, self._weight = spec.name, mask, pixel_dtype(dtype), spec.weight
        self.rows = rows_of(mask)
        self.buffers = (Buffer(spec.name, "scan", sum_dtype(dtype)),)

    @cached_property
    def _alone(self) -> Masks:  # not in company, where it would be laid out for nothing: 0.15 ms each
        return Masks([self.mask], self.pixel)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        return masked_step(self.pixel, self._alone, [buffers[self.name][at]])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        image = buffers[self.name]
        if self._weight != 1.0:
            image = _times(image.astype(np.float64), self._weight)
        if image.dtype.kind == "f":
            image[~valid] = np.nan
        return {self.name: image}

    @staticmethod
    def join(kernels: Sequence[MaskKernel]) -> list[Kernel]:
        """One kernel for all of these."""
        return [AllMasksKernel(kernels)]


class AllMasksKernel(StepKernel):
    """Sums inside several 0/1 masks in one pass, the same numbers as one by one."""

    def __init__(self, kernels: Sequence[MaskKernel]) -> None:
        self._kernels = kernels
        self._masks = Masks([kernel.mask for kernel in kernels], kernels[0].pixel)
        self.rows = self._masks.rows
        self.buffers = tuple(buffer for kernel in kernels for buffer in kernel.buffers)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        outs = [buffers[kernel.name][at] for kernel in self._kernels]
        return masked_step(self._kernels[0].pixel, self._masks, outs)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return _all_finished(self._kernels, buffers, valid, frames)


class WeightsKernel:
    """Sums with weights. Several of these in a job become one `AllWeightsKernel`."""

    def __init__(self, spec: VirtualDetector, mask: NDArray[np.bool_], weights: NDArray[np.float64]) -> None:
        self.name, self.mask, self.weights, self._weight = spec.name, mask, weights, spec.weight
        self.buffers = (Buffer(spec.name, "scan", np.dtype(np.float64)),)

    @cached_property
    def _alone(self) -> Weights:
        return Weights(self.weights[None])

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        sums = self._alone.sums(frames.flat, frames.stride, frames.n)
        buffers[self.name][at] = sums[:, 0]

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        image = buffers[self.name]
        return {self.name: image if self._weight == 1.0 else _times(image, self._weight)}

    @staticmethod
    def join(kernels: Sequence[WeightsKernel]) -> list[Kernel]:
        """One kernel for all of these."""
        return [AllWeightsKernel(kernels)]


class AllWeightsKernel:
    """Sums with several sets of weights in one pass, the same numbers as one by one."""

    def __init__(self, kernels: Sequence[WeightsKernel]) -> None:
        self._kernels = kernels
        self._weights = Weights(np.stack([kernel.weights for kernel in kernels]))
        self.buffers = tuple(buffer for kernel in kernels for buffer in kernel.buffers)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        sums = self._weights.sums(frames.flat, frames.stride, frames.n)
        for i, kernel in enumerate(self._kernels):
            buffers[kernel.name][at] = sums[:, i]

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return _all_finished(self._kernels, buffers, valid, frames)


def _times(image: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # a weight beyond all measure gives infinity
        return image * weight


def _all_finished(kernels: Sequence[Kernel], buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
    finished: Arrays = {}
    for kernel in kernels:
        finished |= kernel.finish(buffers, valid, frames)
    return finished
