"""HyperSpy and pyxem on a scan in memory, where they are fastest. They take one thing at a time."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import dask
import h5py
import hdf5plugin  # noqa: F401  (registers filters)
import hyperspy.api as hs
import numpy as np
import pyxem
from protocol import NotOffered, Work, one_after_the_other, serve

OWN_BINS = 0.15
"""pyxem shares a pixel between the bins that it touches: its profile differs a little, in the first bins more."""


class HyperSpy:
    """Its axes are in pixels, x first."""

    version = f"HyperSpy {version('hyperspy')}, pyxem {version('pyxem')}"

    def open(self, path: str, dataset: str, threads: int) -> None:
        dask.config.set(scheduler="threads", num_workers=threads)
        hs.preferences.General.show_progressbar = False
        with h5py.File(path, "r") as file:
            self.signal = pyxem.signals.Diffraction2D(file[dataset][()])

    def prepare(self, analyses: list[dict[str, Any]], masks: np.ndarray | None) -> Work:
        return one_after_the_other([self._one(analysis) for analysis in analyses])

    def _one(self, analysis: dict[str, Any]) -> Work:
        kind, name, signal = analysis["kind"], analysis["name"], self.signal
        if kind == "virtual_detector":
            return self._detector(name, analysis["ring"])
        if kind == "com":
            return lambda: self._com(analysis["cy"], analysis["cx"])
        if kind == "radial":
            return self._radial(analysis["cy"], analysis["cx"], analysis["nbins"])
        simple = {
            "sum_frame": lambda: signal.sum(axis=signal.axes_manager.navigation_axes),
            "max_frame": lambda: signal.max(axis=signal.axes_manager.navigation_axes),
            "std_frame": lambda: signal.std(axis=signal.axes_manager.navigation_axes),
            "sum_signal": lambda: signal.sum(axis=signal.axes_manager.signal_axes),
        }
        if kind not in simple:
            raise NotOffered(f"has no {kind}")
        return lambda: {name: simple[kind]().data}

    def _detector(self, name: str, ring: list[float] | None) -> Work:
        if ring is None:
            raise NotOffered("a detector is a region with edges, no weights")
        cy, cx, r_in, r_out = ring
        roi = hs.roi.CircleROI(cx, cy, r_out, r_in)
        return lambda: {name: self.signal.get_integrated_intensity(roi).data}

    def _com(self, cy: float, cx: float) -> dict[str, np.ndarray]:
        """From shifts to the middle of the frame's edges, which pyxem takes for its centre."""
        shifts = self.signal.get_direct_beam_position(method="center_of_mass").data
        width, height = self.signal.axes_manager.signal_shape
        return {"com_y": height / 2 - shifts[..., 1] - cy, "com_x": width / 2 - shifts[..., 0] - cx}

    def _radial(self, cy: float, cx: float, nbins: int) -> Work:
        self.signal.calibration(scale=1, center=(cy, cx))
        reach = (0.5, nbins - 0.5)

        def run() -> dict[str, np.ndarray]:
            """Bin 0, the half pixel about the centre, can't be asked for: radii begin at 0."""
            rest = self.signal.get_azimuthal_integral1d(npt=nbins - 1, radial_range=reach, mean=True).data
            return {"radial": np.concatenate([np.full((*rest.shape[:2], 1), np.nan), rest], axis=-1)}

        run.tolerance = OWN_BINS
        return run


if __name__ == "__main__":
    serve(HyperSpy())
