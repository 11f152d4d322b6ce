"""How each analysis is computed, found by its spec's ``kind``.

To add one: a spec among the nouns (`ltdesk.analysis`, listed in `ltdesk.plugins`), a `Kernel` here.

A plug-in's spec class names its kernel by a class attribute ``kernel = "package.module:Class"``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from numpy.typing import DTypeLike

from ltdesk.analysis import Analysis
from ltdesk.engine.analyses.base import FOLDED, Buffer, Kernel, StepKernel, is_order_free, merge
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Size2D

_KERNELS = {
    "virtual_detector": "ltdesk.engine.analyses.virtual_detector:detector_kernel",
    "com": "ltdesk.engine.analyses.center_of_mass:CenterOfMassKernel",
    "sum_frame": "ltdesk.engine.analyses.frame_folds:SumFrameKernel",
    "mean_frame": "ltdesk.engine.analyses.frame_folds:MeanFrameKernel",
    "max_frame": "ltdesk.engine.analyses.frame_folds:MaxFrameKernel",
    "fft_frame": "ltdesk.engine.analyses.frame_folds:FftFrameKernel",
    "std_frame": "ltdesk.engine.analyses.spread:spread_kernel",
    "var_frame": "ltdesk.engine.analyses.spread:spread_kernel",
    "sum_signal": "ltdesk.engine.analyses.signals:SumSignalKernel",
    "mean_signal": "ltdesk.engine.analyses.signals:MeanSignalKernel",
    "std_signal": "ltdesk.engine.analyses.signals:StdSignalKernel",
    "max_signal": "ltdesk.engine.analyses.signals:MaxSignalKernel",
    "radial": "ltdesk.engine.analyses.polar:RadialProfileKernel",
    "annular": "ltdesk.engine.analyses.polar:AnnularSeriesKernel",
    "radial_fourier": "ltdesk.engine.analyses.polar:RadialFourierKernel",
    "snr": "ltdesk.engine.analyses.noise:noise_kernel",
}


def kernel_for(spec: Analysis, frame_shape: Size2D, dtype: DTypeLike) -> Kernel:
    """The kernel of an analysis for frames ``(ky, kx)`` of `dtype`.

    Raises LtdeskError if it has none, UsageError if it makes no sense of such frames.
    """
    path = _KERNELS.get(spec.kind) or getattr(type(spec), "kernel", None)
    if path is None:
        raise LtdeskError(f"analysis '{spec.kind}' has no kernel", "Its plug-in must name one.")
    spec.check(frame_shape)
    module, _, name = str(path).partition(":")
    return getattr(import_module(module), name)(spec, frame_shape, dtype)  # type: ignore[no-any-return]


def kernels_for(specs: Iterable[Analysis], frame_shape: Size2D, dtype: DTypeLike) -> tuple[Kernel, ...]:
    """The kernels of a job's analyses, in the order that they take a block; those that can work together are joined."""
    groups: dict[Any, list[Kernel]] = {}
    for kernel in (kernel_for(spec, frame_shape, dtype) for spec in specs):
        groups.setdefault(getattr(kernel, "join", kernel), []).append(kernel)
    joined = (join(group) if len(group) > 1 else group for join, group in groups.items())
    kernels = [kernel for group in joined for kernel in group]
    return tuple(sorted(kernels, key=lambda kernel: -getattr(kernel, "goes_first", 0)))


__all__ = ["FOLDED", "Buffer", "Kernel", "StepKernel", "is_order_free", "kernel_for", "kernels_for", "merge"]
