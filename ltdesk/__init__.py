"""Open a 4D-STEM scan, draw virtual detectors, see the images that they give.

>>> import ltdesk
>>> ds = ltdesk.open("scan.h5")
>>> bf = ltdesk.VirtualDetector(ltdesk.Disk(cy=64, cx=64, r=12), name="bf")
>>> results = ltdesk.run(ds, [bf, ltdesk.CenterOfMass()])

Names are loaded when they are first used: importing ltdesk loads neither Qt nor dask nor numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ltdesk.analysis import (
        CenterOfMass,
        FftFrame,
        MaxFrame,
        MaxSignal,
        MeanFrame,
        MeanSignal,
        StdFrame,
        StdSignal,
        SumFrame,
        SumSignal,
        VarFrame,
        VirtualDetector,
    )
    from ltdesk.api import connect, open, run, save, submit
    from ltdesk.correction import Correction
    from ltdesk.engine.bright_field import fit_direct_beam
    from ltdesk.engine.ring_fit import fit_ring
    from ltdesk.engine.spectrum import fft_magnitude
    from ltdesk.engine.suggest import suggest_detector
    from ltdesk.engine.vector_field import fit_descan, rotation_by_minimal_curl
    from ltdesk.errors import LtdeskError
    from ltdesk.geometry import Disk, Ellipse, PixelMask, Point, Polygon, Rectangle, Ring, Sector
    from ltdesk.noise import SignalToNoise
    from ltdesk.polar import AnnularSeries, RadialFourier, RadialProfile

_PLACES = {
    "ltdesk.api": ("open", "run", "submit", "save", "connect"),
    "ltdesk.geometry": ("Point", "Disk", "Ring", "Sector", "Rectangle", "Ellipse", "Polygon", "PixelMask"),
    "ltdesk.analysis": (
        "VirtualDetector",
        "CenterOfMass",
        "SumFrame",
        "MeanFrame",
        "MaxFrame",
        "SumSignal",
        "StdFrame",
        "VarFrame",
        "MeanSignal",
        "StdSignal",
        "MaxSignal",
        "FftFrame",
    ),
    "ltdesk.correction": ("Correction",),
    "ltdesk.polar": ("RadialProfile", "AnnularSeries", "RadialFourier"),
    "ltdesk.engine.bright_field": ("fit_direct_beam",),
    "ltdesk.engine.ring_fit": ("fit_ring",),
    "ltdesk.engine.vector_field": ("fit_descan", "rotation_by_minimal_curl"),
    "ltdesk.noise": ("SignalToNoise",),
    "ltdesk.engine.suggest": ("suggest_detector",),
    "ltdesk.engine.spectrum": ("fft_magnitude",),
    "ltdesk.errors": ("LtdeskError",),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "AnnularSeries",
    "CenterOfMass",
    "Correction",
    "Disk",
    "Ellipse",
    "FftFrame",
    "LtdeskError",
    "MaxFrame",
    "MaxSignal",
    "MeanFrame",
    "MeanSignal",
    "PixelMask",
    "Point",
    "Polygon",
    "RadialFourier",
    "RadialProfile",
    "Rectangle",
    "Ring",
    "Sector",
    "SignalToNoise",
    "StdFrame",
    "StdSignal",
    "SumFrame",
    "SumSignal",
    "VarFrame",
    "VirtualDetector",
    "connect",
    "fft_magnitude",
    "fit_descan",
    "fit_direct_beam",
    "fit_ring",
    "open",
    "rotation_by_minimal_curl",
    "run",
    "save",
    "submit",
    "suggest_detector",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ltdesk.engine.recipe import program_version

        return program_version()
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ltdesk' has no attribute '{name}'")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, "__version__"})
