"""Suggest a detector: the weights that tell two regions of a scan apart best."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import MeanFrame, VarFrame, VirtualDetector
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Float2D, PixelMask
from ltdesk.job import job_for

MEAN, VARIANCE = MeanFrame(), VarFrame()


def suggest_detector(
    dataset: Dataset,
    region_a: AnyShape | NDArray[Any],
    region_b: AnyShape | NDArray[Any],
    name: str = "suggested",
    executor: Executor | None = None,
) -> VirtualDetector:
    """The weighted detector whose image separates two regions best: bright in `region_a`, dark in `region_b`.

    Parameters
    ----------
    dataset : the scan; the frames of both regions are read once
    region_a, region_b : shapes on the scan, or arrays ``(sy, sx)`` of bools
    name : the detector's
    executor : what runs the two jobs, by default threads in this process

    Raises UsageError where a region holds no frame or nothing tells the two apart.
    """
    with ExitStack() as stack:
        if executor is None:
            from ltdesk.engine.local import LocalExecutor

            executor = stack.enter_context(LocalExecutor())
        jobs = [job_for(dataset.ref, (MEAN, VARIANCE), region) for region in (region_a, region_b)]
        handles = [executor.submit(job, dataset) for job in jobs]
        a, b = (handle.result() for handle in handles)
    return detector_between(a, b, name)


def detector_between(a: Results, b: Results, name: str = "suggested") -> VirtualDetector:
    """The same from finished results of `MEAN` and `VARIANCE` over either region."""
    for which, results in (("first", a), ("second", b)):
        if not results.valid.any():
            sy, sx = results.valid.shape
            raise UsageError(f"the {which} region holds no frame of the {sy}x{sx} scan", "Draw it over some.")
    means = [results[MEAN.name] for results in (a, b)]
    spreads = [steadied(results[VARIANCE.name], int(results.valid.sum())) for results in (a, b)]
    weights = fisher_weights(means[0], spreads[0], means[1], spreads[1])
    if not weights.any():
        raise UsageError("nothing tells the two regions apart: their mean frames are the same", "Choose others.")
    return VirtualDetector(PixelMask.from_array(weights), name=name)


def fisher_weights(mean_a: Float2D, var_a: Float2D, mean_b: Float2D, var_b: Float2D) -> Float2D:
    """Fisher's linear discriminant for pixels that vary independently: ``(mean_a - mean_b) / (var_a + var_b)``.

    Scaled so that the largest weight is 1 in size. A pixel that is not finite has weight 0. Where nothing varies at
    all, the difference of the means is left.
    """
    difference, spread = mean_a - mean_b, var_a + var_b
    if not (spread > 0).any():
        spread = np.ones_like(difference)
    known = np.isfinite(difference) & (spread > 0)
    weights = np.divide(difference, spread, out=np.zeros_like(difference), where=known)
    return weights / (np.abs(weights).max() or 1.0)


def steadied(variance: Float2D, frames: int) -> Float2D:
    """A variance estimated from few frames, drawn towards the mean over all pixels as if by one frame more.

    Where a pixel happened not to vary, its weight would be infinite otherwise.
    """
    known = variance[np.isfinite(variance)]
    return (frames * variance + (known.mean() if known.size else 0.0)) / (frames + 1)
