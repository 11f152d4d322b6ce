"""The kernels of `SumSignal`, `MeanSignal`, `StdSignal` and `MaxSignal`: one number from each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import Analysis, sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer, StepKernel
from ltdesk.engine.analyses.shared_sums import sums_with_centres
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.masks import plain_step
from ltdesk.engine.kernels.signals import max_of_each, variance_of_each
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.pixels import pixel_dtype
from ltdesk.geometry import Size2D


class SumSignalKernel(StepKernel):
    """The sum of each whole frame."""

    goes_first = 1
    takes_sums = True
    join = staticmethod(sums_with_centres)

    def __init__(self, spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._pixel = pixel_dtype(dtype)
        self._name, self._pixels = spec.name, frame_shape[0] * frame_shape[1]
        self.buffers = (Buffer(spec.name, "scan", sum_dtype(dtype)),)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        return plain_step(self._pixel, self._pixels, buffers[self._name][at])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name]}


class MeanSignalKernel(SumSignalKernel):
    """The sum of each frame over the number of its pixels."""

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        mean = buffers[self._name] / self._pixels
        mean[~valid] = np.nan
        return {self._name: mean}


class StdSignalKernel:
    """The spread of the pixels of each frame."""

    def __init__(self, spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._name = spec.name
        self.buffers = (Buffer(spec.name, "scan", np.dtype(np.float64)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        buffers[self._name][at] = np.sqrt(variance_of_each(frames.flat, frames.stride, frames.n, frames.pixels))

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name]}


class MaxSignalKernel:
    """The largest pixel of each frame."""

    def __init__(self, spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._name = spec.name
        self._dtype = np.dtype(dtype).newbyteorder("=")
        self.buffers = (Buffer(spec.name, "scan", pixel_dtype(dtype)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        max_of_each(frames.flat, frames.stride, frames.pixels, buffers[self._name][at])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name].astype(self._dtype)}
