"""What the user has open and has drawn, as frozen data. Undo, save and restore are operations on it."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator

from ltdesk.analysis import NAME_PATTERN, RESERVED_NAMES, Analysis, Name, VirtualDetector
from ltdesk.errors import SessionError
from ltdesk.geometry import AnyShape, Finite
from ltdesk.job import DatasetRef
from ltdesk.plugins import analysis_spec
from ltdesk.validation import validation_text

OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Detector colours that colour-blind readers tell apart (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""

Scale = Literal["linear", "sqrt", "log"]


class Detector(BaseModel):
    """A virtual detector as drawn: a shape (or a combination) with a name, a colour and a weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
    shape: AnyShape
    weight: Finite = 1.0
    visible: bool = True

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            raise ValueError(f"'{name}' is a reserved name")
        return name

    def analysis(self) -> VirtualDetector:
        """What computes this detector's image."""
        return VirtualDetector(shape=self.shape, name=self.name, weight=self.weight)


class Display(BaseModel):
    """How a picture is shown; never changes the data.

    `levels` are the data values drawn darkest and brightest; None: from percentiles, robust against hot pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    scale: Scale = "linear"
    colour_map: str = "gray"
    levels: tuple[Finite, Finite] | None = None


class Follows(BaseModel):
    """A shape of an analysis that is a detector's, and changes with it: ``com``'s ``mask`` is detector `detector`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    analysis: Name
    field: str = "mask"
    detector: str


class Session(BaseModel):
    """Everything the window shows, apart from computed pixels.

    Attributes
    ----------
    cursor : scan position ``(y, x)`` whose frame is picked
    region : scan positions whose mean frame is shown and which take part in jobs; None: all
    frame_source : which frame the left view shows: ``cursor``, ``mean``, ``region``, or the name of an analysis
    frame_in_region : an analysis' frame is of the region's frames alone, where there is a region
    selected : id of the selected detector
    shown : what the right view shows: ``detector`` (the selected one), ``composite`` (the visible ones, in their
        colours), or the name of an analysis' result
    shown_slice : of a result with a value a bin at each position, the bin that is shown
    spectrum : show the absolute Fourier transform of the image instead, ``plain`` or after a Hann ``window``
    frame_spectrum : the same of the frame that the left view shows
    analyses : further analyses that are kept up to date, besides the detectors
    follows : shapes of analyses that are those of detectors
    selected_analysis : name of the analysis whose parameters are at hand
    displays : how results of analyses are shown, by name, where that is not what suits them
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1] = 1
    dataset: DatasetRef | None = None
    cursor: tuple[int, int] = (0, 0)
    region: AnyShape | None = None
    frame_source: str = "mean"
    frame_in_region: bool = False
    detectors: tuple[Detector, ...] = ()
    selected: str | None = None
    shown: str = "detector"
    shown_slice: Annotated[int, Field(ge=0)] = 0
    spectrum: Literal["", "plain", "window"] = ""
    frame_spectrum: Literal["", "plain", "window"] = ""
    analyses: tuple[SerializeAsAny[Analysis], ...] = ()
    follows: tuple[Follows, ...] = ()
    selected_analysis: str | None = None
    frame_display: Display = Display(scale="log", colour_map="inferno")
    image_display: Display = Display()
    displays: dict[str, Display] = {}

    @field_validator("analyses", mode="before")
    @classmethod
    def _by_kind(cls, values: Any) -> Any:
        return tuple(
            analysis_spec(str(value["kind"])).model_validate(value) if isinstance(value, dict) else value
            for value in values
        )

    def but(self, **changes: Any) -> Self:
        """A copy with these fields changed."""
        return self.model_copy(update=changes)

    def detector(self, id: str | None) -> Detector | None:
        """The detector with this id, or None."""
        return next((detector for detector in self.detectors if detector.id == id), None)

    @property
    def selected_detector(self) -> Detector | None:
        return self.detector(self.selected)

    def analysis(self, name: str | None) -> Analysis | None:
        """The analysis of this name as it is now, its followed shapes those of the detectors; None for no such name."""
        return next((analysis for analysis in self.analyses_now if analysis.name == name), None)

    def followed(self, analysis: str, field: str) -> Detector | None:
        """The detector whose shape an analysis' `field` is, or None."""
        ids = [link.detector for link in self.follows if (link.analysis, link.field) == (analysis, field)]
        return self.detector(ids[0]) if ids else None

    @property
    def analyses_now(self) -> tuple[Analysis, ...]:
        """The analyses, their followed shapes (and the weight that belongs to one) those of the detectors now."""
        return tuple(self._now(analysis) for analysis in self.analyses) if self.follows else self.analyses

    def _now(self, analysis: Analysis) -> Analysis:
        changes: dict[str, Any] = {}
        for link in self.follows:
            detector = self.detector(link.detector) if link.analysis == analysis.name else None
            if detector is not None:
                changes[link.field] = detector.shape
                if "weight" in type(analysis).model_fields:
                    changes["weight"] = detector.weight
        return analysis.model_copy(update=changes) if changes else analysis

    def with_detector(self, detector: Detector) -> Self:
        """`detector` replaced where its id is known, else added at the end and selected."""
        if self.detector(detector.id) is None:
            return self.but(detectors=(*self.detectors, detector), selected=detector.id)
        return self.but(detectors=tuple(detector if d.id == detector.id else d for d in self.detectors))

    def without_detector(self, id: str) -> Self:
        """The detector removed; its neighbour is selected. Shapes that followed it stay as they are."""
        ids = [d.id for d in self.detectors]
        if id not in ids:
            return self
        left = tuple(d for d in self.detectors if d.id != id)
        at = min(ids.index(id), len(left) - 1)
        selected = self.selected if self.selected != id else (left[at].id if left else None)
        follows = tuple(link for link in self.follows if link.detector != id)
        return self.but(detectors=left, selected=selected, analyses=self.analyses_now, follows=follows)

    def free_name(self, stem: str) -> str:
        """`stem`, or `stem` with the first number that no detector has: ``disk``, ``disk2``, …"""
        taken = {d.name for d in self.detectors} | {a.name for a in self.analyses} | RESERVED_NAMES
        names = (stem if n == 1 else f"{stem}{n}" for n in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def free_colour(self) -> str:
        """The Okabe–Ito colour that is used least so far."""
        used = [d.colour for d in self.detectors]
        return min(OKABE_ITO, key=used.count)


def session_from_json(text: str, path: str) -> Session:
    """Read a session. Raises SessionError naming `path` where the text is not one."""
    try:
        return Session.model_validate_json(text)
    except ValidationError as error:
        raise SessionError(
            f"{path}: is not a session of this version: {validation_text(error)}", "Open the scan itself."
        ) from error
