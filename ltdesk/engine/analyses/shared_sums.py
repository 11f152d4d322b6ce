"""Sums of whole frames that come with their centres of mass, where a job asks for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.analyses.base import Arrays, Kernel, StepKernel
from ltdesk.engine.kernels.steps import Step


class CentreAndSumKernel(StepKernel):
    """A centre of mass of whole frames of counts, and their sum, which it has made on its way: the same numbers."""

    goes_first = 1

    def __init__(self, centre: Any, total: Any) -> None:
        self._centre, self._sum = centre, total
        self.buffers = (*centre.buffers, *total.buffers)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        [sums] = self._sum.buffers
        step: Step = self._centre.step(at, buffers, buffers[sums.name][at])
        return step

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return {**self._centre.finish(buffers, valid, frames), **self._sum.finish(buffers, valid, frames)}


def sums_with_centres(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The same kernels, but one that `takes_sums` goes with one that `gives_sums`, where there are both."""
    centre = next((kernel for kernel in kernels if getattr(kernel, "gives_sums", False)), None)
    total = next((kernel for kernel in kernels if getattr(kernel, "takes_sums", False)), None)
    if centre is None or total is None:
        return list(kernels)
    return [CentreAndSumKernel(centre, total), *(kernel for kernel in kernels if kernel not in (centre, total))]
