"""The kernels of `RadialProfile`, `AnnularSeries` and `RadialFourier`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer
from ltdesk.engine.kernels.bins import Labels, bin_sums
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.weights import Weights
from ltdesk.engine.vector_field import direction
from ltdesk.geometry import Size2D
from ltdesk.polar import AnnularSeries, RadialFourier, RadialProfile


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


class RadialFourierKernel:
    """The ring's sum, and its sums with the cosine and the sine of n times the angle."""

    def __init__(self, spec: RadialFourier, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._spec, self._name, self._sums = spec, spec.name, f"{spec.name}/sums"
        turns = np.multiply.outer(np.array([n for n in spec.orders if n]), spec.angles(frame_shape))
        waves = np.concatenate((np.ones((1, *frame_shape)), np.cos(turns), np.sin(turns)))
        sets = np.where(spec.ring(frame_shape), waves, 0.0).reshape(len(waves), -1)
        self._weights = Weights(sets)
        self.buffers = (Buffer(self._sums, "scan", np.dtype(np.float64), (len(waves),)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        buffers[self._sums][at] = self._weights.sums(frames.flat, frames.stride, frames.n)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        total, *parts = np.moveaxis(buffers[self._sums], -1, 0)
        orders = [n for n in self._spec.orders if n]
        size = np.where(total == 0, np.nan, np.abs(total))
        found = {f"{self._name}_0": total.copy()}
        for n, cosine, sine in zip(orders, parts[: len(orders)], parts[len(orders) :], strict=True):
            found[f"{self._name}_{n}"] = np.hypot(cosine, sine) / size
            found[f"{self._name}_{n}_phase"] = direction(sine, np.where(np.isnan(size), np.nan, cosine))
        return {name: found[name] for name in self._spec.result_names()}
