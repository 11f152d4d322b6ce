"""`BinnedFrames`: what a job computes beside its analyses so that a preview cube comes from the same pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import Analysis, ResultSpec
from ltdesk.engine.analyses.base import Arrays, Buffer, StepKernel
from ltdesk.engine.pixels import pixel_dtype
from ltdesk.engine.preview.bins import Bins, block_dtype
from ltdesk.geometry import Size2D

if TYPE_CHECKING:
    from ltdesk.engine.kernels.steps import Step

BLOCK, SAMPLE = "preview/block", "preview/sample"
"""The buffers of a partial: the binned frames ``(bins, positions)``, and a sum of some frames ``(ky * kx)``."""
SAMPLED = 16
"""One frame of so many goes into the sample."""


class BinnedFrames(Analysis):
    """Frames summed in bins. It has no result: its blocks stay with the partials, for whoever watches them.

    Attributes
    ----------
    factor : camera pixels to a bin, (y, x)
    """

    kind: Literal["binned_frames"] = "binned_frames"
    name: str = "binned_frames"
    factor: Size2D
    kernel: ClassVar[str] = "ltdesk.engine.preview.binned:BinnedFramesKernel"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return ()

    def result_names(self) -> tuple[str, ...]:
        return ()


class BinnedFramesKernel(StepKernel):
    """Fills the blocks, and adds up a frame now and then."""

    at_once = 16

    def __init__(self, spec: BinnedFrames, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._factor, self._shape, self._pixel = spec.factor, frame_shape, pixel_dtype(dtype)
        bins = Bins(spec.factor, frame_shape)
        out = block_dtype(np.dtype(dtype), spec.factor)
        self.buffers = (
            Buffer(BLOCK, "block", out, (bins.count,)),
            Buffer(SAMPLE, "aside", np.dtype(np.float64), (frame_shape[0] * frame_shape[1],)),
        )

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        from ltdesk.engine.kernels.bin_frames import bin_step

        return bin_step(self._pixel, self._shape, self._factor, buffers[BLOCK], at.start, buffers[SAMPLE], SAMPLED)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {}
