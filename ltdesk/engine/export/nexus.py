"""Results as HDF5 in NeXus' shape: an NXdata a result, with axes and units, plottable by silx view."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ltdesk.analysis import ResultSpec
from ltdesk.engine.assembly import Results


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
    names = _axes(spec, array.ndim)
    group.attrs["axes"] = names
    for axis, name in enumerate(names):
        step, unit = _step(spec, axis, results)
        group[name] = np.arange(array.shape[axis]) * step
        group[name].attrs["units"] = unit


def _axes(spec: ResultSpec, ndim: int) -> list[str]:
    first = {"scan": ["scan_y", "scan_x"], "frame": ["frame_y", "frame_x"], "single": []}[spec.kind]
    return [*first, *(f"axis{i}" for i in range(len(first), ndim))]


def _step(spec: ResultSpec, axis: int, results: Results) -> tuple[float, str]:
    calibration = results.calibration
    if spec.kind == "scan" and axis < 2 and calibration.scan_step:
        return calibration.scan_step, calibration.scan_unit
    if spec.kind == "frame" and axis < 2 and calibration.frame_pixel:
        return calibration.frame_pixel, calibration.frame_unit
    return 1.0, "px"
