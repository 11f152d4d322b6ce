"""The kernels of `SignalToNoise`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import sum_dtype
from ltdesk.engine.analyses.base import Arrays, Buffer, Kernel, StepKernel
from ltdesk.engine.kernels.frames import Frames
from ltdesk.engine.kernels.masks import Masks, masked_step
from ltdesk.engine.kernels.steps import Step
from ltdesk.engine.kernels.weights import Weights
from ltdesk.engine.pixels import mask_of, pixel_dtype, weights_of
from ltdesk.geometry import Size2D
from ltdesk.noise import SignalToNoise


def noise_kernel(spec: SignalToNoise, frame_shape: Size2D, dtype: DTypeLike) -> Kernel:
    """The kernel for the shape's kind of mask."""
    everywhere = np.ones(frame_shape, dtype=np.bool_)
    mask = everywhere if spec.mask is None else mask_of(spec.mask, frame_shape, spec.name)
    weights = None if spec.mask is None else weights_of(spec.mask, frame_shape)
    if weights is None:
        return MaskNoiseKernel(spec, mask, dtype)
    return WeightsNoiseKernel(spec, weights.ravel())


class MaskNoiseKernel(StepKernel):
    """A 0/1 mask: one sum is both the image and its variance."""

    def __init__(self, spec: SignalToNoise, mask: NDArray[np.bool_], dtype: DTypeLike) -> None:
        self._spec, self._sum = spec, f"{spec.name}/sum"
        self._pixel = pixel_dtype(dtype)
        self._masks = Masks([mask], self._pixel)
        self.rows = self._masks.rows
        self.buffers = (Buffer(self._sum, "scan", sum_dtype(dtype)),)

    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        return masked_step(self._pixel, self._masks, [buffers[self._sum][at]])

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        total = np.where(valid, buffers[self._sum].astype(np.float64), np.nan)
        return _finished(self._spec, total, total)


class WeightsNoiseKernel:
    """Weights: sums with them and with their squares."""

    def __init__(self, spec: SignalToNoise, weights: NDArray[np.float64]) -> None:
        self._spec, self._sums = spec, f"{spec.name}/sums"
        with np.errstate(over="ignore"):
            self._weights = Weights(np.stack((weights, weights * weights)))
        self.buffers = (Buffer(self._sums, "scan", np.dtype(np.float64), (2,)),)

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        buffers[self._sums][at] = self._weights.sums(frames.flat, frames.stride, frames.n)

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        sums = buffers[self._sums]
        return _finished(self._spec, sums[..., 0], sums[..., 1])


def _finished(spec: SignalToNoise, image: NDArray[np.float64], squares: NDArray[np.float64]) -> Arrays:
    sigma_name, snr_name = spec.result_names()
    with np.errstate(over="ignore", invalid="ignore"):  # a weight beyond all measure gives infinity
        sigma = abs(spec.weight) * np.sqrt(np.where(squares >= 0, spec.gain * squares, np.nan))
        snr = spec.weight * image / np.where(sigma > 0, sigma, np.nan)
    return {sigma_name: sigma, snr_name: snr}
