"""What ``centre=fit`` and its like stand for in an analysis' words: numbers found in the scan itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ltdesk.analysis import Analysis, CenterOfMass, Centred
from ltdesk.engine.assembly import Results
from ltdesk.engine.bright_field import find_direct_beam, middle_disk
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, Ellipse, Float2D
from ltdesk.job import Job
from ltdesk.polar import AboutCentre

FORM = "Write centre=fit, or ellipse=30+50 for a ring between 30 and 50 pixels."
FITTED: dict[str, type[Analysis]] = {"centre": Centred, "ellipse": AboutCentre}
"""The keys that ask for a fit and are no parameters themselves, and the analyses that take them."""
FITTING = {"descan": ("plane", "paraboloid"), "rotation": ("fit",)}
"""What asks for a fit of a centre of mass in the place of numbers."""
FOUND = {
    "centre": {"cy", "cx"},
    "ellipse": {"centre", "cy", "cx", "ratio", "deg"},
    "descan": set[str](),
    "rotation": {"flip"},
}
"""What each fit finds, and nobody need say."""
WRITE = {
    "descan": "Write plane or paraboloid, or 6 or 12 numbers joined by +.",
    "rotation": "Write degrees, or fit.",
    "name": "Write as in name=other.",
}
"""How values are written that can be more than one thing, by key."""

NO_BEAM = "warning: no direct beam stands out: '{name}' is about the frame's centre"

Run = Callable[[Job], Results]


@dataclass(frozen=True)
class Fit:
    """What is to be fitted for an analysis.

    Attributes
    ----------
    centre : the centre of the direct beam
    ring : the radii between which a ring gives centre and ellipse
    descan : the plane or paraboloid nearest to a centre of mass
    rotation : rotation and flip that leave a centre of mass least curl, once descan is taken away
    """

    centre: bool = False
    ring: tuple[float, float] | None = None
    descan: str | None = None
    rotation: bool = False

    @property
    def needs_frame(self) -> bool:
        return self.centre or self.ring is not None

    @property
    def needs_vectors(self) -> bool:
        return self.rotation or self.descan is not None


def split_fit(spec: type[Analysis], given: Mapping[str, str], text: str) -> tuple[dict[str, str], Fit]:
    """The parameters of an analysis without those that ask for a fit, and the fit. Raises UsageError."""
    asked = {key: value for key, value in given.items() if key in FITTED and issubclass(spec, FITTED[key])}
    if issubclass(spec, CenterOfMass):
        asked |= {key: value for key, value in given.items() if value in FITTING.get(key, ())}
    for key in asked:
        for other in FOUND[key] & given.keys():
            what = f"{key}={given[key]} and {other}={given[other]} contradict"
            raise UsageError(f"analysis '{text}': {what}: {other} is fitted", "Leave one away.")
    if asked.get("centre", "fit") != "fit":
        raise UsageError(f"analysis '{text}': the centre '{asked['centre']}' is not known", f"{FORM} Or give cy=,cx=.")
    ring = _radii(asked["ellipse"], text) if "ellipse" in asked else None
    fit = Fit("centre" in asked, ring, asked.get("descan"), "rotation" in asked)
    return {key: value for key, value in given.items() if key not in asked}, fit


def _radii(value: str, text: str) -> tuple[float, float]:
    try:
        r_in, r_out = (float(radius) for radius in value.split("+"))
    except ValueError as error:
        raise UsageError(f"analysis '{text}': '{value}' is not two radii", FORM) from error
    return r_in, r_out


def with_fits(job: Job, fits: dict[str, Fit], dataset: Dataset, run: Run) -> tuple[Job, list[str]]:
    """The job with fitted numbers in the place of what was asked for, by analysis, and what was found, in words.

    Centres come from the mean over 64 positions spread over the scan, corrected as the scan is; descan and rotation
    from a centre of mass over the job's region, which `run` computes first.
    """
    specs, words = [], []
    frame: Float2D | None = None
    for spec in job.analyses:
        fit = fits.get(spec.name, Fit())
        if fit.needs_frame and isinstance(spec, Centred):
            frame = _mean(dataset) if frame is None else frame
            shape = _shape(spec.name, fit, frame)
            spec = spec.about(shape or middle_disk(*dataset.frame_shape))
            words.append(f"'{spec.name}' is about {_words(shape)}" if shape else NO_BEAM.format(name=spec.name))
        if fit.needs_vectors and isinstance(spec, CenterOfMass):
            spec = _with_vectors(spec, fit, job, run)
            descan = "" if spec.descan is None else f"descan={'+'.join(f'{c:.4g}' for c in spec.descan)},"
            words.append(f"'{spec.name}' has {descan}rotation={spec.rotation:.2f},flip={spec.flip}")
            if fit.rotation:
                words.append(_other_rotation(spec))
        specs.append(spec)
    return job.model_copy(update={"analyses": tuple(specs)}), words


def _mean(dataset: Dataset) -> Float2D:
    from ltdesk.engine.first_look import sample_mean

    return sample_mean(dataset, seconds=math.inf).mean


def _shape(name: str, fit: Fit, frame: Float2D) -> Disk | Ellipse | None:
    """The shape found in a frame; None: no direct beam stands out. Raises UsageError naming the analysis where there
    is no ring."""
    from ltdesk.engine.ring_fit import fit_ring

    with _named(name):
        return find_direct_beam(frame) if fit.ring is None else fit_ring(frame, *fit.ring)


def _with_vectors(spec: CenterOfMass, fit: Fit, job: Job, run: Run) -> CenterOfMass:
    """Descan first: its slope would be taken for curl."""
    from ltdesk.engine.vector_field import fit_descan, rotation_by_minimal_curl, without_descan

    plain = spec.model_copy(update={"maps": ("y", "x"), "descan": None, "rotation": 0.0, "flip": False, "name": "com"})
    found = run(job.model_copy(update={"analyses": (plain,)}))
    y, x = found["com_y"], found["com_x"]
    fitted: dict[str, Any] = {}
    with _named(spec.name):
        if fit.descan is not None:
            fitted["descan"] = fit_descan(y, x, fit.descan == "paraboloid")
        descan = fitted.get("descan", spec.descan)
        if fit.rotation:
            y, x = (y, x) if descan is None else without_descan(y, x, descan)
            fitted["rotation"], fitted["flip"] = rotation_by_minimal_curl(y, x)
    return spec.model_copy(update=fitted)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """An error of a fit says which analysis it was for."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"'{name}': {error.what}", error.way_out) from error


def _other_rotation(spec: CenterOfMass) -> str:
    """What else fits as well."""
    from ltdesk.engine.vector_field import opposite

    advice = "" if spec.mask else ": mask=NAME with a detector around the direct beam tells them apart"
    return f"'{spec.name}' would have as little curl with rotation={opposite(spec.rotation):.2f}{advice}"


def _words(shape: Disk | Ellipse) -> str:
    centre = f"cy={shape.cy:.2f},cx={shape.cx:.2f}"
    return f"{centre},ratio={shape.ry / shape.rx:.4f},deg={shape.deg:.1f}" if isinstance(shape, Ellipse) else centre
