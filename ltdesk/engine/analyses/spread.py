"""The kernels of `StdFrame` and `VarFrame`: exact for integers, by running deviations for floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import Analysis
from ltdesk.engine.analyses.base import Arrays, Buffer, Kernel, StepKernel
from ltdesk.engine.kernels.counts import is_counts
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.squares import add_squares, digit_counts, total, variance
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.kernels.welford import add_deviations, merge_deviations
from ltdesk.engine.pixels import pixel_dtype
from ltdesk.geometry import Size2D

FLOAT, WORD = np.dtype(np.float64), np.dtype(np.uint64)


def spread_kernel(spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> Kernel:
    """The kernel for frames of `dtype`."""
    pixel = pixel_dtype(dtype)
    return DeviationsKernel(spec) if pixel.kind == "f" else SquaresKernel(spec, pixel)


class FromSum(Kernel, Protocol):
    """A kernel whose one buffer is the sum of frames."""

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        """What makes the sum."""

    def finish_sum(self, total: NDArray[Any], frames: int) -> Arrays:
        """The result from the sum."""


class Largest(Kernel, Protocol):
    """A kernel whose one buffer is the maximum of frames."""

    def finish_largest(self, largest: NDArray[Any], frames: int) -> Arrays:
        """The result from the maximum."""


def join_frames(kernels: Sequence[Kernel]) -> list[Kernel]:
    """As few kernels as can be for these, which are `SquaresKernel`, `FromSum` or `Largest`."""
    spreads = [kernel for kernel in kernels if isinstance(kernel, SquaresKernel)]
    maxima = [cast(Largest, kernel) for kernel in kernels if hasattr(kernel, "finish_largest")]
    others = [kernel for kernel in kernels if not isinstance(kernel, SquaresKernel) and kernel not in maxima]
    sums = [cast(FromSum, kernel) for kernel in others]
    if spreads:
        raised = maxima if spreads[0].raises_largest else []
        return [SumsAndSquaresKernel(sums, spreads, raised), *(kernel for kernel in maxima if kernel not in raised)]
    return [*([SharedSumKernel(sums)] if sums else []), *maxima]


class SquaresKernel:
    """Integers: digits of the sum and of the sum of squares."""

    goes_first = 3
    join = staticmethod(join_frames)

    def __init__(self, spec: Analysis, pixel: np.dtype[Any]) -> None:
        self._name, self._is_std, self._pixel = spec.name, spec.kind == "std_frame", pixel
        self.raises_largest = is_counts(pixel)
        sums, squares = digit_counts(pixel)
        self._sums = [f"{spec.name}/sum{i}" for i in range(sums)]
        self._squares = [f"{spec.name}/square{i}" for i in range(squares)]
        self.buffers = tuple(Buffer(name, "frame", WORD) for name in (*self._sums, *self._squares))

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        self.add(frames, buffers)

    def add(self, frames: Frames, buffers: Mapping[str, NDArray[Any]], largest: NDArray[Any] | None = None) -> None:
        """Take in frames; if `raises_largest`, ``largest (p)`` is raised to them as well."""
        sums = [buffers[name].reshape(-1) for name in self._sums]
        squares = [buffers[name].reshape(-1) for name in self._squares]
        add_squares(frames.flat, frames.stride, frames.n, sums, squares, largest)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        return self.finish_spread(self.spread(buffers, frames))

    def finish_spread(self, spread: NDArray[np.float64]) -> Arrays:
        """The result from the variance."""
        return {self._name: np.sqrt(spread) if self._is_std else spread}

    def spread(self, buffers: Arrays, frames: int) -> NDArray[np.float64]:
        """The variance."""
        sums, squares = ([buffers[name] for name in names] for names in (self._sums, self._squares))
        return variance(frames, sums, squares)

    def total(self, buffers: Arrays, frames: int) -> NDArray[Any]:
        """The sum of all frames, as `SumFrame` has it."""
        return total(frames, [buffers[name] for name in self._sums], self._pixel)


class SumsAndSquaresKernel:
    """Sums, means, deviations, variances and maxima of frames from one pass over them, the same numbers as one by
    one."""

    goes_first = 3

    def __init__(self, sums: Sequence[FromSum], spreads: Sequence[SquaresKernel], maxima: Sequence[Largest]) -> None:
        self._sums, self._spreads, self._maxima = sums, spreads, maxima
        self.buffers = (*spreads[0].buffers, *(maxima[0].buffers if maxima else ()))

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        largest = buffers[self.buffers[-1].name].reshape(-1) if self._maxima else None
        self._spreads[0].add(frames, buffers, largest)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        spread = self._spreads[0].spread(buffers, frames)
        summed = self._spreads[0].total(buffers, frames)
        finished: Arrays = {}
        for kernel in self._spreads:
            finished |= kernel.finish_spread(spread.copy())
        for sum_kernel in self._sums:
            finished |= sum_kernel.finish_sum(summed.copy(), frames)
        for largest in self._maxima:
            finished |= largest.finish_largest(buffers[self.buffers[-1].name].copy(), frames)
        return finished


class SharedSumKernel(StepKernel):
    """Sums and means of frames from one sum."""

    goes_first = 2

    def __init__(self, sums: Sequence[FromSum]) -> None:
        self._sums = sums
        self.buffers = sums[0].buffers

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        return self._sums[0].step(at, buffers)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        finished: Arrays = {}
        for kernel in self._sums:
            finished |= kernel.finish_sum(buffers[self.buffers[0].name].copy(), frames)
        return finished


class DeviationsKernel:
    """Floats: mean and squared deviations of each partition, merged in the plan's order."""

    goes_first = 3

    def __init__(self, spec: Analysis) -> None:
        self._name, self._is_std = spec.name, spec.kind == "std_frame"
        self._count, self._mean, self._m2 = (f"{spec.name}/{what}" for what in ("count", "mean", "m2"))
        self.buffers = (
            Buffer(self._count, "single", np.dtype(np.int64)),
            Buffer(self._mean, "frame", FLOAT),
            Buffer(self._m2, "frame", FLOAT),
        )

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        count = buffers[self._count]
        mean, m2 = buffers[self._mean].reshape(-1), buffers[self._m2].reshape(-1)
        add_deviations(frames.flat, frames.stride, frames.n, int(count), mean, m2)
        count += frames.n

    def merge(self, into: Arrays, new: Arrays) -> None:
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in the data are counted elsewhere
            merge_deviations(
                int(into[self._count]),
                into[self._mean],
                into[self._m2],
                int(new[self._count]),
                new[self._mean],
                new[self._m2],
            )
        into[self._count] += new[self._count]

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        count, m2 = int(buffers[self._count]), buffers[self._m2]
        spread = m2 / count if count else np.full_like(m2, np.nan)
        return {self._name: np.sqrt(spread) if self._is_std else spread}
