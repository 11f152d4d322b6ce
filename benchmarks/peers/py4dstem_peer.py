"""py4DSTEM on a scan in memory, where it is fastest. It takes one thing at a time, and means for sums."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers filters)
import numpy as np
import py4DSTEM
from protocol import NotOffered, Work, one_after_the_other, serve
from py4DSTEM.process.phase import DPC


class Py4DSTEM:
    """Its axes x and y are ltdesk's y and x."""

    version = f"py4DSTEM {version('py4DSTEM')}"

    def open(self, path: str, dataset: str, threads: int) -> None:
        with h5py.File(path, "r") as file:
            self.cube = py4DSTEM.DataCube(data=file[dataset][()])

    def prepare(self, analyses: list[dict[str, Any]], masks: np.ndarray | None) -> Work:
        return one_after_the_other([self._one(analysis, masks) for analysis in analyses])

    def _one(self, analysis: dict[str, Any], masks: np.ndarray | None) -> Work:
        kind, name = analysis["kind"], analysis["name"]
        frames = self.cube.data.shape[0] * self.cube.data.shape[1]
        if kind == "virtual_detector":
            return self._detector(name, masks[analysis["mask"]])
        if kind == "com":
            return lambda: self._com(analysis["cy"], analysis["cx"])
        if kind == "sum_frame":
            return lambda: {name: self._diffraction("mean") * frames}
        if kind == "max_frame":
            return lambda: {name: self._diffraction("max")}
        raise NotOffered(f"has no {kind}")

    def _detector(self, name: str, mask: np.ndarray) -> Work:
        """Circles and rings become masks too; by the mask, their edges are the same pixels."""
        how = {"mode": "mask", "geometry": mask}
        return lambda: {name: self.cube.get_virtual_image(**how, name="image", verbose=False, returncalc=True).data}

    def _diffraction(self, method: str) -> np.ndarray:
        return self.cube.get_virtual_diffraction(method=method, name="frame", verbose=False, returncalc=True).data

    def _com(self, cy: float, cx: float) -> dict[str, np.ndarray]:
        phase = DPC(datacube=self.cube, energy=200e3, verbose=False)
        still = {"plot_center_of_mass": False, "plot_rotation": False}
        phase.preprocess(force_com_rotation=0, force_com_transpose=False, **still)
        return {"com_y": phase._com_measured_x - cy, "com_x": phase._com_measured_y - cx}


if __name__ == "__main__":
    serve(Py4DSTEM())
