"""The kernels of `RadialProfile` and `AnnularSeries`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer
from ltdesk.engine.kernels.bins import Labels, bin_sums
from ltdesk.engine.kernels.frames import Frames
from ltdesk.geometry import Size2D
from ltdesk.polar import AnnularSeries, RadialProfile


class AnnularSeriesKernel:
    """The sum in each ring."""

    def __init__(self, spec: AnnularSeries, frame_shape: Size2D, dtype: DTypeLike) -> None:
        rings = len(spec.edges(frame_shape)) - 1
        self._name, self._labels = spec.name, Labels(spec.labels(frame_shape), rings)
        self.buffers = (Buffer(spec.name, "scan", sum_dtype(dtype), (rings,)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        bin_sums(frames.flat, frames.stride, self._labels, buffers[self._name][at])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name]}


class RadialProfileKernel:
    """The sum in each bin over the number of its pixels."""

    def __init__(self, spec: RadialProfile, frame_shape: Size2D, dtype: DTypeLike) -> None:
        bins = spec.bins(frame_shape)
        self._name, self._labels = spec.name, Labels(spec.labels(frame_shape), bins)
        self._sums = sum_dtype(dtype)
        self._counts = np.where(self._labels.counts > 0, self._labels.counts, np.nan)
        self.buffers = (Buffer(spec.name, "scan", np.dtype(np.float64), (bins,)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        sums = np.empty((frames.n, self._labels.bins), self._sums)
        bin_sums(frames.flat, frames.stride, self._labels, sums)
        np.divide(sums, self._counts, out=buffers[self._name][at])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name]}
