"""The kernel of `CenterOfMass`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import CenterOfMass
from ltdesk.engine.analyses.base import Arrays, Buffer, StepKernel
from ltdesk.engine.analyses.shared_sums import sums_with_centres
from ltdesk.engine.kernels.moments import Moments, centre_step
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.pixels import mask_of, pixel_dtype
from ltdesk.engine.vector_field import maps_of
from ltdesk.geometry import Size2D


class CenterOfMassKernel(StepKernel):
    """Reads only the rows that the mask touches. A pixel mask's weights count as inside or outside."""

    goes_first = 1
    join = staticmethod(sums_with_centres)

    def __init__(self, spec: CenterOfMass, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._spec = spec
        self._moments = f"{spec.name}/moments"
        mask = None if spec.mask is None else mask_of(spec.mask, frame_shape, spec.name)
        self._pixel = pixel_dtype(dtype)
        self._of_frames = Moments(frame_shape, spec.centre(frame_shape), self._pixel, mask)
        self.rows = self._of_frames.rows
        self.buffers = (Buffer(self._moments, "scan", np.dtype(np.float64), (2,)),)
        self.gives_sums = self._of_frames.sums_exact

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]], sums: NDArray[np.uint64] | None = None) -> Step:
        return centre_step(self._pixel, self._of_frames, buffers[self._moments][at], sums)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        y, x = (np.ascontiguousarray(buffers[self._moments][..., axis]) for axis in (0, 1))
        return maps_of(self._spec, y, x)
