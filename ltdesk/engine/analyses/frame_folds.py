"""The kernels of `SumFrame`, `MeanFrame`, `FftFrame` and `MaxFrame`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import Analysis, FftFrame, sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer, StepKernel
from ltdesk.engine.analyses.spread import join_frames
from ltdesk.engine.kernels.folds import max_frames, sum_step
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.pixels import pixel_dtype
from ltdesk.engine.spectrum import fft_magnitude
from ltdesk.geometry import Size2D


class SumFrameKernel(StepKernel):
    """The sum of all frames. Together with others that need it, or sums of squares, it is made once for all."""

    goes_first = 2
    join = staticmethod(join_frames)

    def __init__(self, spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._name, self._pixel = spec.name, pixel_dtype(dtype)
        self.buffers = (Buffer(spec.name, "frame", sum_dtype(dtype)),)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        return sum_step(self._pixel, buffers[self._name].reshape(-1))

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return self.finish_sum(buffers[self._name], frames)

    def finish_sum(self, total: NDArray[Any], frames: int) -> Arrays:
        """The result from the sum."""
        return {self._name: total}


class MeanFrameKernel(SumFrameKernel):
    """The sum of all frames over their number."""

    def finish_sum(self, total: NDArray[Any], frames: int) -> Arrays:
        return {self._name: total / frames if frames else np.full(total.shape, np.nan)}


class FftFrameKernel(SumFrameKernel):
    """The spectrum of the mean."""

    def __init__(self, spec: FftFrame, frame_shape: Size2D, dtype: DTypeLike) -> None:
        super().__init__(spec, frame_shape, dtype)
        self._window = spec.window

    def finish_sum(self, total: NDArray[Any], frames: int) -> Arrays:
        nothing = np.full(total.shape, np.nan)
        return {self._name: fft_magnitude(total / frames, self._window) if frames else nothing}


class MaxFrameKernel:
    """The largest value of each camera pixel; 0 (NaN for floats) before the first frame.

    Together with sums of squares of counts it is made in their loop."""

    join = staticmethod(join_frames)

    def __init__(self, spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._name = spec.name
        self._dtype = np.dtype(dtype).newbyteorder("=")
        self.buffers = (Buffer(spec.name, "frame", pixel_dtype(dtype), fold="max"),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        max_frames(frames.flat, frames.stride, frames.n, buffers[self._name].reshape(-1))

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return self.finish_largest(buffers[self._name], frames)

    def finish_largest(self, largest: NDArray[Any], frames: int) -> Arrays:
        """The result from the maximum."""
        if frames == 0:
            largest[:] = np.nan if largest.dtype.kind == "f" else 0
        return {self._name: largest.astype(self._dtype)}
