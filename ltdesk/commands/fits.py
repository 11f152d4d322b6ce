"""What ``centre=fit`` and its like stand for in an analysis' words: numbers found in the scan itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ltdesk.analysis import Analysis, CenterOfMass, Centred
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, Ellipse, Float2D
from ltdesk.job import Job
from ltdesk.polar import AboutCentre

FORM = "Write centre=fit, or ellipse=30+50 for a ring between 30 and 50 pixels."
DESCANS = ("plane", "paraboloid")

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


def split_fit(text: str) -> tuple[str, Fit]:
    """An analysis' words without those that ask for a fit, and the fit. Raises UsageError."""
    kind, colon, options = text.partition(":")
    kept: list[str] = []
    asked: dict[str, Any] = {}
    for option in options.split(","):
        key, _, value = option.partition("=")
        if key == "centre":
            if value != "fit":
                raise UsageError(f"analysis '{text}': the centre '{value}' is not known", f"{FORM} Or give cy=,cx=.")
            asked["centre"] = True
        elif key == "ellipse":
            asked["ring"] = _radii(value, text)
        elif key == "descan" and value in DESCANS:
            asked["descan"] = value
        elif key == "rotation" and value == "fit":
            asked["rotation"] = True
        else:
            kept.append(option)
    return kind + colon + ",".join(kept) if asked else text, Fit(**asked)


def _radii(value: str, text: str) -> tuple[float, float]:
    try:
        r_in, r_out = (float(radius) for radius in value.split("+"))
    except ValueError as error:
        raise UsageError(f"analysis '{text}': '{value}' is not two radii", FORM) from error
    return r_in, r_out


def check_fit(spec: Analysis, fit: Fit, text: str) -> None:
    """Raises UsageError where an analysis has nothing to fit."""
    wanted = {
        "centre": (fit.centre, Centred),
        "ellipse": (fit.ring is not None, AboutCentre),
        "descan": (fit.descan is not None, CenterOfMass),
        "rotation": (fit.rotation, CenterOfMass),
    }
    for what, (is_asked, kind) in wanted.items():
        if is_asked and not isinstance(spec, kind):
            raise UsageError(f"analysis '{text}': '{spec.kind}' has no {what} to fit")


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
            shape = _shape(fit, frame)
            spec = spec.about(shape)
            words.append(f"'{spec.name}' is about {_words(shape)}")
        if fit.needs_vectors and isinstance(spec, CenterOfMass):
            spec = _with_vectors(spec, fit, job, run)
            descan = "" if spec.descan is None else f"descan={'+'.join(f'{c:.4g}' for c in spec.descan)},"
            words.append(f"'{spec.name}' has {descan}rotation={spec.rotation:.2f},flip={spec.flip}")
        specs.append(spec)
    return job.model_copy(update={"analyses": tuple(specs)}), words


def _mean(dataset: Dataset) -> Float2D:
    from ltdesk.engine.first_look import sample_mean

    return sample_mean(dataset, seconds=math.inf).mean


def _shape(fit: Fit, frame: Float2D) -> Disk | Ellipse:
    """The shape found in a frame. Raises UsageError where there is none."""
    from ltdesk.engine.bright_field import fit_direct_beam
    from ltdesk.engine.ring_fit import fit_ring

    return fit_direct_beam(frame) if fit.ring is None else fit_ring(frame, *fit.ring)


def _with_vectors(spec: CenterOfMass, fit: Fit, job: Job, run: Run) -> CenterOfMass:
    """Descan first: its slope would be taken for curl."""
    from ltdesk.engine.vector_field import fit_descan, rotation_by_minimal_curl, without_descan

    plain = spec.model_copy(update={"maps": ("y", "x"), "descan": None, "rotation": 0.0, "flip": False, "name": "com"})
    found = run(job.model_copy(update={"analyses": (plain,)}))
    y, x = found["com_y"], found["com_x"]
    fitted: dict[str, Any] = {}
    if fit.descan is not None:
        fitted["descan"] = fit_descan(y, x, fit.descan == "paraboloid")
    descan = fitted.get("descan", spec.descan)
    if fit.rotation:
        y, x = (y, x) if descan is None else without_descan(y, x, descan)
        fitted["rotation"], fitted["flip"] = rotation_by_minimal_curl(y, x)
    return spec.model_copy(update=fitted)


def _words(shape: Disk | Ellipse) -> str:
    centre = f"cy={shape.cy:.2f},cx={shape.cx:.2f}"
    return f"{centre},ratio={shape.ry / shape.rx:.4f},deg={shape.deg:.1f}" if isinstance(shape, Ellipse) else centre
