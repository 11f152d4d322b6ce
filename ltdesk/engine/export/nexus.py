"""Results as HDF5 in NeXus' shape: an NXdata a result, with axes and units, plottable by silx view."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import Axis, ResultSpec
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Calibration
from ltdesk.engine.spectrum import inverse_unit


def write_nexus(results: Results, path: Path) -> None:
    """``/entry`` (NXentry) with a group (NXdata) per result name, ``valid``, ``recipe``, ``execution``.

    Made in memory: where a disk is full a plain write fails as it should, while an HDF5 file on it can't even be
    closed, so that its space stays lost until the program ends.
    """
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["default"] = "entry"
        entry = _group(file, "entry", "NXentry")
        entry.attrs["default"] = next(iter(results))
        for name, array in results.items():
            _add_result(entry, results.specs[name], array, results)
        entry["valid"] = results.valid
        entry["recipe"] = json.dumps(results.recipe)
        entry["execution"] = json.dumps(results.execution)
        entry["program_name"] = "ltdesk"
        entry["program_name"].attrs["version"] = str(results.recipe.get("version", ""))
    path.write_bytes(content.getbuffer())


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _add_result(entry: Any, spec: ResultSpec, array: Any, results: Results) -> None:
    group = _group(entry, spec.name, "NXdata")
    group.attrs["signal"] = "data"
    group["data"] = array
    group["data"].attrs["units"] = spec.unit
    scales = _scales(spec, array.shape, results.calibration)
    group.attrs["axes"] = [scale.name for scale in scales]
    for name, places, unit in scales:
        group[name] = places
        group[name].attrs["units"] = unit


class _Scale(NamedTuple):
    """An axis as it is written."""

    name: str
    places: NDArray[np.float64]
    unit: str


def _scales(spec: ResultSpec, shape: tuple[int, ...], calibration: Calibration) -> list[_Scale]:
    """The pixels of the scan or frame, then what further axes are over; their numbers alone where that isn't known."""
    first = () if spec.kind == "single" else (f"{spec.kind}_y", f"{spec.kind}_x")
    step, unit = _pixel(spec.kind, calibration)
    scales = [
        _Scale(name, np.arange(size, dtype=np.float64) * step, unit) for name, size in zip(first, shape, strict=False)
    ]
    if spec.axes:
        return [*scales, *(_further(axis, calibration) for axis in spec.axes)]
    return [
        *scales,
        *(_Scale(f"axis{i}", np.arange(shape[i], dtype=np.float64), "") for i in range(len(first), len(shape))),
    ]


def _further(axis: Axis, calibration: Calibration) -> _Scale:
    step, unit = _pixel(axis.of, calibration)
    places = np.array(axis.places)
    if axis.is_frequency:
        return _Scale(axis.name, places / step, inverse_unit(unit))
    return _Scale(axis.name, places * step, unit)


def _pixel(of: str, calibration: Calibration) -> tuple[float, str]:
    if of == "scan" and calibration.scan_step:
        return calibration.scan_step, calibration.scan_unit
    if of == "frame" and calibration.frame_pixel:
        return calibration.frame_pixel, calibration.frame_unit
    return 1.0, "px"
