"""Specs about how sure a result is: counting statistics of a linear detector."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from numpy.typing import DTypeLike
from pydantic import Field

from ltdesk.analysis import Analysis, Name, ResultSpec, with_weight
from ltdesk.geometry import AnyShape, Finite, Size2D, Weighted


class SignalToNoise(Analysis):
    """How sure the image of a virtual detector is, by counting statistics: two images ``(sy, sx) float64``.

    A detector gives ``weight * sum(w * I)``. Where I are counts of independent electrons, its standard deviation is
    ``NAME_sigma = |weight| * sqrt(gain * sum(w * w * I))``, and ``NAME_snr`` is the image over it. Both are NaN where
    the sum under the root is negative, and the ratio where it is 0.

    Attributes
    ----------
    mask : the detector's shape, as `VirtualDetector` takes it; by default the whole frame
    weight : the detector's weight
    gain : the camera's counts for one electron
    """

    kind: Literal["snr"] = "snr"
    name: Name = "noise"
    mask: AnyShape | None = None
    weight: Finite = 1.0
    gain: Annotated[float, Field(allow_inf_nan=False, gt=0)] = 1.0

    def __init__(self, mask: AnyShape | Weighted | None = None, /, **data: Any) -> None:
        super().__init__(**with_weight("mask", mask, data))

    def result_names(self) -> tuple[str, ...]:
        return f"{self.name}_sigma", f"{self.name}_snr"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        sigma, snr = self.result_names()
        return (
            ResultSpec(name=sigma, kind="scan", dtype="float64"),
            ResultSpec(name=snr, kind="scan", dtype="float64", unit=""),
        )
