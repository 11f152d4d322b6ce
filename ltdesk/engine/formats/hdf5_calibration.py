"""The calibration that HDF5 files state: our own attributes, axes of EMD and py4DSTEM, axes of NeXus."""

from __future__ import annotations

import re
from typing import Any

import h5py
import numpy as np

from ltdesk.engine.dataset import Calibration

_UNITS = {
    "nm": "nm", "n_m": "nm", "nanometer": "nm", "a": "Å", "å": "Å", "angstrom": "Å", "um": "µm", "µm": "µm", "pm": "pm",
    "mrad": "mrad", "rad": "rad", "deg": "°", "a^-1": "1/Å", "å^-1": "1/Å", "1/a": "1/Å", "1/å": "1/Å",
    "n_m^-1": "1/nm", "nm^-1": "1/nm", "1/nm": "1/nm",
}  # fmt: skip


def calibration_of(dataset: h5py.Dataset) -> Calibration:
    """What is stated, None for the rest. Nothing in a file's metadata keeps it from being opened."""
    stated: dict[str, Any] = {}
    for find in (_axes, _attributes):  # what comes later counts more
        try:
            stated |= find(dataset)
        except (KeyError, OSError, RuntimeError, TypeError, ValueError, AttributeError):
            continue
    return Calibration(**stated)


def _attributes(dataset: h5py.Dataset) -> dict[str, Any]:
    names = {"scan_step": "scan_step_nm", "frame_pixel": "frame_pixel_mrad", "energy_kev": "energy_keV"}
    found: dict[str, Any] = {
        field: value
        for field, name in names.items()
        if name in dataset.attrs and (value := _positive(dataset.attrs[name])) is not None
    }
    if "scan_step" in found:
        found["scan_unit"] = "nm"
    if "frame_pixel" in found:
        found["frame_unit"] = "mrad"
    return found


def _axes(dataset: h5py.Dataset) -> dict[str, Any]:
    """From the coordinates along the axes, which are stored beside the data."""
    axes = _axis_datasets(dataset)
    found: dict[str, Any] = {}
    if len(axes) == 4 and (scan := _step_and_unit(axes[1])):
        found["scan_step"], found["scan_unit"] = scan
    if axes and (frame := _step_and_unit(axes[-1])) and _unit(axes[-1]) == _unit(axes[-2]):
        found["frame_pixel"], found["frame_unit"] = frame
    return found


def _axis_datasets(dataset: h5py.Dataset) -> list[Any]:
    parent = dataset.parent
    if "axes" in parent.attrs and "signal" in parent.attrs:  # NeXus
        names = [_text(name) for name in np.atleast_1d(parent.attrs["axes"])]
    else:  # EMD: dim0 … in version 1, dim1 … before
        first = 0 if "dim0" in parent else 1
        names = [f"dim{first + i}" for i in range(dataset.ndim)]
    found = [parent[name] for name in names if name in parent]
    return found if len(found) == dataset.ndim else []


def _step_and_unit(axis: Any) -> tuple[float, str] | None:
    unit = _unit(axis)
    if unit is None or axis.shape[0] < 2:
        return None
    step = _positive(abs(float(axis[1]) - float(axis[0])))
    return None if step is None else (step, unit)


def _unit(axis: Any) -> str | None:
    return _UNITS.get(re.sub(r"[\[\]\s]", "", _text(axis.attrs["units"])).lower())


def _positive(value: Any) -> float | None:
    number = float(np.asarray(value).reshape(()))
    return number if np.isfinite(number) and number > 0 else None


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
