"""The scales that a picture can be drawn on: linear, square root, logarithm. Display only, the data stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.session import Scale

NAMES: tuple[Scale, ...] = ("linear", "sqrt", "log")
LABELS = {"linear": "linear", "sqrt": "√", "log": "log"}
EXPLAINED = {
    "linear": "Linear",
    "sqrt": "Square root of the value; negative values mirrored: −√|v|",
    "log": "Logarithm, log(1 + |v| / unit), with the sign of the value: zero and negative values are drawn too",
}
SMALLEST_UNIT = 1e-6
"""Least unit of the logarithm, as a part of the largest value: six decades are more than eyes tell apart."""


@dataclass(frozen=True)
class DisplayScale:
    """One increasing function of the value, defined for all finite values.

    A plain logarithm has no place for zero, which is the most frequent count in a diffraction frame, nor for
    negative values; so the logarithm is ``sign(v) log(1 + |v| / unit)``: straight below `unit`, logarithmic above.
    """

    name: Scale = "linear"
    unit: float = 1.0

    def forward(self, values: Any) -> NDArray[Any]:
        """Where values lie on the scale; floats of the kind that is given."""
        values = np.asarray(values)
        if self.name == "linear":
            return values
        size = np.abs(values)
        if self.name == "sqrt":
            return np.copysign(np.sqrt(size), values)
        one, unit = size.dtype.type(1), size.dtype.type(self.unit)
        return np.copysign(np.log(one + size / unit), values)

    def inverse(self, places: Any) -> NDArray[Any]:
        """The values that lie at these places of the scale."""
        places = np.asarray(places, dtype=np.float64)
        if self.name == "linear":
            return places
        if self.name == "sqrt":
            return np.copysign(places * places, places)
        return np.copysign(np.expm1(np.abs(places)) * self.unit, places)

    def place(self, value: float) -> float:
        """Where one value lies on the scale."""
        return float(self.forward(np.float64(value)))

    def value(self, place: float) -> float:
        """The value at one place of the scale."""
        return float(self.inverse(place))


def scale_for(name: Scale, sample: NDArray[Any], counts: bool) -> DisplayScale:
    """The scale for data like `sample` (finite values).

    The logarithm's unit is 1 for whole numbers (`counts`), else the size of the smallest values that are not zero.
    """
    if name != "log" or counts:
        return DisplayScale(name)
    sizes = np.abs(sample[sample != 0])
    if not sizes.size:
        return DisplayScale(name)
    largest = float(sizes.max())
    small = float(np.quantile(sizes, 0.01))
    return DisplayScale(name, max(small, largest * SMALLEST_UNIT, np.finfo(np.float32).tiny))
