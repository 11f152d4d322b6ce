"""The kernel of `SumSignal`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import SumSignal, sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.masks import plain_sum
from ltdesk.geometry import Size2D


class SumSignalKernel:
    """The sum of each whole frame."""

    def __init__(self, spec: SumSignal, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._name = spec.name
        self.buffers = (Buffer(spec.name, "scan", sum_dtype(dtype)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        out = buffers[self._name][at]
        out[:] = 0
        plain_sum(frames.flat, frames.stride, frames.pixels, out)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {self._name: buffers[self._name]}
