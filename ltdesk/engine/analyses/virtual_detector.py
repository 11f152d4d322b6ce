"""The kernel of `VirtualDetector`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import VirtualDetector, sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.masks import masked_sum, segments, selector, weighted_sum
from ltdesk.engine.pixels import mask_of, pixel_dtype, weights_of
from ltdesk.geometry import Size2D


class VirtualDetectorKernel:
    """Sums inside the shape. With 0/1 masks the weight multiplies the finished sum, so that integer sums stay exact."""

    def __init__(self, spec: VirtualDetector, frame_shape: Size2D, dtype: DTypeLike) -> None:
        mask = mask_of(spec.shape, frame_shape, spec.name).ravel()
        weights = weights_of(spec.shape, frame_shape)
        self._name, self._weight = spec.name, spec.weight
        self._segments = segments(mask)
        self._weights = None if weights is None else weights.ravel()
        self._selector = selector(mask, pixel_dtype(dtype))
        out = np.dtype(np.float64) if weights is not None else sum_dtype(dtype)
        self.buffers = (Buffer(spec.name, "scan", out),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        out = buffers[self._name][at]
        out[:] = 0
        if self._weights is not None:
            weighted_sum(frames.flat, frames.stride, self._segments, self._weights, out)
        else:
            masked_sum(frames.flat, frames.stride, self._segments, self._selector, out)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        image = buffers[self._name]
        if self._weight != 1.0:
            image = image.astype(np.float64) * self._weight
        if image.dtype.kind == "f":
            image[~valid] = np.nan
        return {self._name: image}
