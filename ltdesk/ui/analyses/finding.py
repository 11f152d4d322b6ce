"""Parameters and detectors that the program finds: each takes its time, so in a thread, and can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass, VirtualDetector
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Combination, Rectangle, Ring, Size2D, Term
from ltdesk.polar import AboutCentre
from ltdesk.ui.live.answers import Answer

if TYPE_CHECKING:
    from ltdesk.engine.executor import Executor, JobHandle
    from ltdesk.job import Job


class Found(NamedTuple):
    """Values for the parameters of the analysis `name`, and what is said of them."""

    name: str
    values: dict[str, object]
    words: str


def find_rotation(analysis: CenterOfMass, answer: Answer) -> Found:
    """The rotation and flip that leave a centre of mass least curl. Raises UsageError."""
    from ltdesk.engine.vector_field import corrected, opposite, rotation_by_minimal_curl

    plain = analysis.model_copy(update={"rotation": 0.0, "flip": False})
    deg, flip = rotation_by_minimal_curl(*corrected(plain, *answer.arrays))
    words = f"Rotation {deg:.2f}°{', flipped' if flip else ', not flipped'}: least curl, as at {opposite(deg):.2f}°."
    if analysis.mask is None:
        words += " A mask around the direct beam tells them apart."
    return Found(analysis.name, {"rotation": deg, "flip": flip}, words)


def find_descan(analysis: CenterOfMass, answer: Answer, region: AnyShape | None, paraboloid: bool) -> Found:
    """The plane or paraboloid over the scan, or over a region without specimen, nearest to a centre of mass.

    Raises UsageError.
    """
    from ltdesk.engine.vector_field import fit_descan

    y, x = answer.arrays
    if region is not None:
        inside = region.mask((y.shape[0], y.shape[1]))
        y, x = np.where(inside, y, np.nan), np.where(inside, x, np.nan)
    surface = "paraboloid" if paraboloid else "plane"
    where = "the scan" if region is None else "the region"
    found = fit_descan(y, x, paraboloid)
    return Found(analysis.name, {"descan": found}, f"Descan: a {surface} fitted over {where}.")


def find_ellipse(analysis: AboutCentre, ring: Ring, frame: NDArray[Any]) -> Found:
    """Centre, ratio and direction of the diffraction ring that a detector surrounds on a frame. Raises UsageError."""
    from ltdesk.engine.ring_fit import fit_ring

    ellipse = fit_ring(frame, ring.r_in, ring.r_out, ring.cy, ring.cx)
    about = analysis.about(ellipse)
    values = {name: getattr(about, name) for name in ("cy", "cx", "ratio", "deg")}
    words = f"Centre ({about.cy:.2f}, {about.cx:.2f}), axes as {about.ratio:.4f} along {about.deg:.1f}°."
    return Found(analysis.name, values, words)


def rest_of(region: AnyShape, scan_shape: Size2D) -> AnyShape:
    """The scan without a region."""
    whole = Rectangle(y0=0, x0=0, y1=scan_shape[0], x1=scan_shape[1])
    return Combination(terms=(Term(op="+", shape=whole), Term(op="-", shape=region)))


class Suggestion:
    """A detector that tells two regions apart, in the making: `make` in a thread, `cancel` from any other."""

    def __init__(
        self, executor: Executor, dataset: Dataset, bright: AnyShape, dark: AnyShape | None, name: str
    ) -> None:
        self._executor, self._dataset, self._name = executor, dataset, name
        self._bright = bright
        self._dark = rest_of(bright, dataset.scan_shape) if dark is None else dark
        self._handles: list[JobHandle] = []
        self._cancelled = False

    def make(self) -> VirtualDetector:
        """The detector. Raises UsageError, JobFailed; where it was cancelled, whatever the executor raises."""
        from ltdesk.engine.suggest import suggest_detector

        return suggest_detector(self._dataset, self._bright, self._dark, self._name, executor=self)

    def cancel(self) -> None:
        """Stop the jobs."""
        self._cancelled = True
        for handle in self._handles:
            handle.cancel()

    # as an executor: its jobs are those of the real one, and known here

    def submit(self, job: Job, dataset: Dataset | None = None) -> JobHandle:
        """Start a job that `cancel` stops."""
        if self._cancelled:
            raise UsageError("the suggestion was stopped", "Ask for it again.")
        handle = self._executor.submit(job, dataset)
        self._handles.append(handle)
        if self._cancelled:
            handle.cancel()
        return handle

    def close(self) -> None:
        """The real executor lives on."""
