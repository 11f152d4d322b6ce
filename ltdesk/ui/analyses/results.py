"""From answers to what is looked at: an analysis' results by name, one of them as an image, and how it looks best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import COM_UNITS, Analysis, CenterOfMass
from ltdesk.geometry import Size2D
from ltdesk.session import Display, Session
from ltdesk.ui.analyses.kinds import is_spectrum
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.wishes import frame_analysis, shown_analysis
from ltdesk.ui.pictures.vectors import USUAL_WHEEL

MAP_WORDS = {
    "": "vectors",
    "y": "y",
    "x": "x",
    "magnitude": "length",
    "direction": "direction",
    "divergence": "divergence",
    "curl": "curl",
    "icom": "integrated",
}
"""What the maps of a centre of mass are called; the empty one is the vectors themselves."""
ABOUT_ZERO = ("y", "x", "divergence", "curl")


def com_map(analysis: CenterOfMass, shown: str) -> str:
    """Which map of a centre of mass the name `shown` is; empty: the vectors."""
    return shown.removeprefix(analysis.name).removeprefix("_")


def arrays_of(answer: Answer, analysis: Analysis) -> dict[str, NDArray[Any]]:
    """All results of `analysis` by name, from what jobs computed for it; empty where the answer is of another one."""
    if isinstance(analysis, CenterOfMass):
        from ltdesk.engine.vector_field import maps_of

        return maps_of(analysis, *answer.arrays) if len(answer.arrays) == 2 else {}
    own = answer.wish.measured
    if type(own) is not type(analysis) or own.model_copy(update={"name": analysis.name}).result_names() != (
        analysis.result_names()
    ):
        return {}
    return dict(zip(analysis.result_names(), answer.arrays, strict=True))


def image_of(answer: Answer, analysis: Analysis, shown: str, index: int = 0) -> tuple[NDArray[Any], ...] | None:
    """The image ``(sy, sx)`` that `shown` names, or the two components ``y, x`` of vectors; None where it is none.

    index : which bin, of a result with a value a bin at each position
    """
    if isinstance(analysis, CenterOfMass):
        from ltdesk.engine.vector_field import corrected, maps_of

        which = com_map(analysis, shown)
        if len(answer.arrays) != 2 or which not in MAP_WORDS:
            return None
        if not which:
            return corrected(analysis, *answer.arrays)
        return (maps_of(analysis.model_copy(update={"maps": (which,)}), *answer.arrays)[shown],)
    values = arrays_of(answer, analysis).get(shown)
    if values is None or not is_image(answer, analysis, shown):
        return None
    bins = values.reshape(*values.shape[:2], -1)
    return (np.ascontiguousarray(bins[..., min(index, bins.shape[-1] - 1)]),)


def is_image(answer: Answer, analysis: Analysis, shown: str) -> bool:
    """Is there an image that `shown` names? Nothing is worked out."""
    if isinstance(analysis, CenterOfMass):
        return len(answer.arrays) == 2 and com_map(analysis, shown) in MAP_WORDS
    values = arrays_of(answer, analysis).get(shown)
    return values is not None and values.ndim >= 2 and values.shape[:2] == answer.valid.shape


def unit_of(analysis: Analysis, shown: str, frame_shape: Size2D, dtype: Any) -> str:
    """The unit of the result that `shown` names."""
    if isinstance(analysis, CenterOfMass):
        return COM_UNITS.get(com_map(analysis, shown), "px")
    units = {spec.name: spec.unit for spec in analysis.results(frame_shape, dtype)}
    return units.get(shown, "")


def suited_display(analysis: Analysis | None, shown: str, unit: str) -> Display:
    """How a result looks best: angles on a circle of colours, signs about zero, the rest from dark to bright."""
    which = com_map(analysis, shown) if isinstance(analysis, CenterOfMass) else None
    if which in ABOUT_ZERO:
        return Display(colour_map="coolwarm")
    if unit in ("deg", "°", "rad"):
        return Display(colour_map=USUAL_WHEEL)
    if which == "magnitude":
        return Display(colour_map="viridis")
    if unit == "" and analysis is not None:
        return Display(colour_map="viridis")
    return Display()


SPECTRUM, FRAME_SPECTRUM = "spectrum", "frame spectrum"
"""The names under which the displays of the image's and the frame's Fourier transforms are kept."""
BRIGHT_ON_LOG = Display(scale="log", colour_map="inferno")


def display_of(session: Session, frame_shape: Size2D, dtype: Any) -> Display:
    """How the image that `session` shows is shown: as it was chosen for it, else as suits it."""
    name = display_key(session)
    if name is None:
        return session.image_display
    if name in session.displays:
        return session.displays[name]
    if name == SPECTRUM:
        return BRIGHT_ON_LOG
    analysis = shown_analysis(session)
    unit = "" if analysis is None else unit_of(analysis, name, frame_shape, dtype)
    return suited_display(analysis, name, unit)


def display_key(session: Session) -> str | None:
    """The name under which the display of the image shown is kept; None: it is the one of detectors' images."""
    if session.spectrum:
        return SPECTRUM
    return None if shown_analysis(session) is None else session.shown


def frame_transform(session: Session) -> str:
    """Which Fourier transform of the frame is shown, as in `Session.frame_spectrum`; what is one already has none."""
    return "" if _is_spectrum(frame_analysis(session)) else session.frame_spectrum


def over_frequencies(session: Session) -> bool:
    """Is the left picture over frequencies, where no detector lies, and not over the camera's pixels?"""
    return bool(session.frame_spectrum) or _is_spectrum(frame_analysis(session))


def _is_spectrum(analysis: Analysis | None) -> bool:
    return analysis is not None and is_spectrum(analysis)


def frame_display_of(session: Session) -> Display:
    """How the frame that `session` shows is shown."""
    name = frame_display_key(session)
    return session.frame_display if name is None else session.displays.get(name, BRIGHT_ON_LOG)


def frame_display_key(session: Session) -> str | None:
    """The name under which the display of the frame shown is kept; None: it is the one of frames and their means."""
    if frame_transform(session):
        return FRAME_SPECTRUM
    analysis = frame_analysis(session)
    return None if analysis is None else analysis.name


def displayed(session: Session, side: str, display: Display) -> Session:
    """The session with another display of its ``image`` or its ``frame``; what analyses give has each its own."""
    if side == "image":
        name, field = display_key(session), "image_display"
    else:
        name, field = frame_display_key(session), "frame_display"
    if name is None:
        return session.but(**{field: display})
    return session.but(displays={**session.displays, name: display})
