"""The kernel of `CenterOfMass`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
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
        self._frame_shape, self._pixel = frame_shape, pixel_dtype(dtype)
        self.mask = None if spec.mask is None else mask_of(spec.mask, frame_shape, spec.name)
        self.centre = spec.centre(frame_shape)
        self.buffers = (Buffer(self._moments, "scan", np.dtype(np.float64), (2,)),)

    @cached_property
    def _of_frames(self) -> Moments:  # not for a preview: 20 ms of frames of 2048x2048
        return Moments(self._frame_shape, self.centre, self._pixel, self.mask)

    @property
    def rows(self) -> tuple[int, int]:
        return self._of_frames.rows

    @property
    def gives_sums(self) -> bool:
        return self._of_frames.sums_exact

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]], sums: NDArray[np.uint64] | None = None) -> Step:
        return centre_step(self._pixel, self._of_frames, buffers[self._moments][at], sums)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        y, x = (np.ascontiguousarray(buffers[self._moments][..., axis]) for axis in (0, 1))
        return maps_of(self._spec, y, x)
