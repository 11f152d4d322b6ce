"""What an analysis gives, as the window shows it: images, frames, profiles; and what it is called in menus."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from pydantic import ValidationError

from ltdesk.analysis import Analysis
from ltdesk.errors import LtdeskError
from ltdesk.polar import RadialFourier

Kind = Literal["image", "frame", "profile", "numbers"]
GROUPS: dict[Kind, str] = {
    "image": "Maps of the scan",
    "frame": "Frames over the scan or the region",
    "profile": "Profiles",
    "numbers": "Numbers",
}
TITLES = {
    "com": "Centre of mass",
    "sum_signal": "Sum of each frame",
    "mean_signal": "Mean of each frame",
    "std_signal": "Deviation within each frame",
    "max_signal": "Largest pixel of each frame",
    "snr": "Noise: σ and SNR",
    "sum_frame": "Sum of frames",
    "mean_frame": "Mean of frames",
    "std_frame": "Deviation of frames",
    "var_frame": "Variance of frames",
    "max_frame": "Maximum of frames",
    "fft_frame": "FFT of the mean frame",
    "radial": "Radial profile",
    "annular": "Annular series",
    "radial_fourier": "Radial Fourier (symmetry)",
}
FRAME = (8, 9)
"""A frame to ask an analysis what it gives."""


def title_of(spec: type[Analysis]) -> str:
    """What an analysis is called in menus; a plug-in's after its class."""
    kind = str(spec.model_fields["kind"].default)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", spec.__name__).lower()
    return TITLES.get(kind, words.capitalize())


def kind_of_result(analysis: Analysis) -> Kind:
    """How an analysis' results are shown."""
    if isinstance(analysis, RadialFourier):
        return "profile"
    try:
        specs = analysis.results(FRAME, "u1")
    except (LtdeskError, ValueError):  # a mask for frames of another size: it selects within frames
        return "image"
    if all(spec.kind == "scan" for spec in specs):
        return "profile" if any(spec.extra for spec in specs) else "image"
    shapes = {spec.shape((1, 1), FRAME) for spec in specs}
    return "frame" if shapes == {FRAME} else "numbers"


def gives_frame(analysis: Analysis) -> bool:
    """Is the result a frame ``(ky, kx)``, or as large as one?"""
    return kind_of_result(analysis) == "frame"


def is_spectrum(analysis: Analysis) -> bool:
    """Is the result as large as a frame, but over frequencies?"""
    return gives_frame(analysis) and any(spec.kind == "single" for spec in analysis.results(FRAME, "u1"))


@cache
def kind_of_spec(spec: type[Analysis]) -> Kind:
    """The same for a class: with its own parameters, or where it has none to start with, an image."""
    try:
        return kind_of_result(spec.model_validate({}))
    except ValidationError:
        return "image"
