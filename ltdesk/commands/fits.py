"""What ``centre=fit`` and ``ellipse=R_IN+R_OUT`` of an analysis stand for: numbers found in the scan itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ltdesk.analysis import Analysis, Centred
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import UsageError
from ltdesk.geometry import Disk, Ellipse, Float2D
from ltdesk.job import Job
from ltdesk.polar import AboutCentre

FORM = "Write centre=fit, or ellipse=30+50 for a ring between 30 and 50 pixels."


@dataclass(frozen=True)
class Fit:
    """What is to be fitted for an analysis.

    Attributes
    ----------
    ring : the radii between which a ring gives centre and ellipse; None: the direct beam gives the centre
    """

    ring: tuple[float, float] | None = None

    def of(self, frame: Float2D) -> Disk | Ellipse:
        """The shape found in a frame. Raises UsageError where there is none."""
        from ltdesk.engine.bright_field import fit_direct_beam
        from ltdesk.engine.ring_fit import fit_ring

        return fit_direct_beam(frame) if self.ring is None else fit_ring(frame, *self.ring)


def split_fit(text: str) -> tuple[str, Fit | None]:
    """An analysis' words without those that ask for a fit, and the fit. Raises UsageError."""
    kind, colon, options = text.partition(":")
    kept, found = [], None
    for option in options.split(","):
        key, _, value = option.partition("=")
        if key == "centre":
            if value != "fit":
                raise UsageError(f"analysis '{text}': the centre '{value}' is not known", f"{FORM} Or give cy=,cx=.")
            found = found or Fit()
        elif key == "ellipse":
            found = Fit(_radii(value, text))
        else:
            kept.append(option)
    return kind + colon + ",".join(kept) if found else text, found


def _radii(value: str, text: str) -> tuple[float, float]:
    try:
        r_in, r_out = (float(radius) for radius in value.split("+"))
    except ValueError as error:
        raise UsageError(f"analysis '{text}': '{value}' is not two radii", FORM) from error
    return r_in, r_out


def check_fit(spec: Analysis, fit: Fit | None, text: str) -> None:
    """Raises UsageError where an analysis has nothing to fit."""
    fits = isinstance(spec, Centred if fit is None or fit.ring is None else AboutCentre)
    if fit is not None and not fits:
        raise UsageError(
            f"analysis '{text}': '{spec.kind}' has no {'centre' if fit.ring is None else 'ellipse'} to fit"
        )


def with_fits(job: Job, fits: dict[str, Fit], dataset: Dataset) -> tuple[Job, list[str]]:
    """The job with fitted numbers in the place of what was asked for by name, and what was found, in words.

    They come from the mean over 64 positions spread over the scan, corrected as the scan is.
    """
    if not fits:
        return job, []
    from ltdesk.engine.first_look import sample_mean

    frame = sample_mean(dataset, seconds=math.inf).mean
    specs, words = [], []
    for spec in job.analyses:
        fit = fits.get(spec.name)
        if fit is not None and isinstance(spec, Centred):
            shape = fit.of(frame)
            spec = spec.about(shape)
            words.append(f"'{spec.name}' is about {_words(shape)}")
        specs.append(spec)
    return job.model_copy(update={"analyses": tuple(specs)}), words


def _words(shape: Disk | Ellipse) -> str:
    centre = f"cy={shape.cy:.2f},cx={shape.cx:.2f}"
    return f"{centre},ratio={shape.ry / shape.rx:.4f},deg={shape.deg:.1f}" if isinstance(shape, Ellipse) else centre
