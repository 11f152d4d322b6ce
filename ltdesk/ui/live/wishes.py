"""What a session wants to see, worked out from it: which analyses over which region should be kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ltdesk.analysis import Analysis, CenterOfMass, MeanFrame, SumSignal
from ltdesk.geometry import AnyShape
from ltdesk.session import Session

MEAN_FRAME = MeanFrame(name="mean_frame")
SHOWN_FROM: dict[str, Analysis] = {
    "com": CenterOfMass(),
    "com_x": CenterOfMass(),
    "com_y": CenterOfMass(),
    "com_magnitude": CenterOfMass(),
    "sum_signal": SumSignal(),
}
"""Images other than detectors' that can be shown, and the analysis that each needs unless the session has its own."""


@dataclass(frozen=True)
class Wish:
    """One analysis over one region that should be up to date.

    Attributes
    ----------
    owner : whose it is while it changes: a detector's id, or a name that stays
    analysis, region : what to compute; the name plays no part in `key`
    """

    owner: str
    analysis: Analysis
    region: AnyShape | None = None

    @cached_property
    def key(self) -> tuple[Analysis, AnyShape | None]:
        """What is computed, whatever it is called: equal keys have equal results."""
        return self.analysis.model_copy(update={"name": "_"}), self.region


Wishes = tuple[Wish, ...]


def detector_wish(session: Session, id: str | None) -> Wish | None:
    """The image of one detector; None where there is no such detector."""
    detector = session.detector(id)
    return None if detector is None else Wish(detector.id, detector.analysis())


def composite_wishes(session: Session) -> Wishes:
    """The images of the visible detectors."""
    return tuple(Wish(d.id, d.analysis()) for d in session.detectors if d.visible)


def shown_analysis(session: Session) -> Analysis | None:
    """The analysis that the image shown is from; None for a detector's image and for composites."""
    default = SHOWN_FROM.get(session.shown)
    own = [a for a in session.analyses if session.shown == a.name or session.shown.startswith(f"{a.name}_")]
    return own[0] if own else default


def analysis_wishes(session: Session) -> Wishes:
    """The further analyses, and what the image shown needs."""
    shown = shown_analysis(session)
    needed = session.analyses if shown is None or shown in session.analyses else (*session.analyses, shown)
    return tuple(Wish(f"analysis {analysis.name}", analysis) for analysis in needed)


def shown_wishes(session: Session) -> Wishes:
    """What the image shown is made of."""
    if session.shown == "composite":
        return composite_wishes(session)
    analysis = shown_analysis(session)
    if analysis is not None:
        return tuple(wish for wish in analysis_wishes(session) if wish.analysis == analysis)
    selected = detector_wish(session, session.selected)
    return () if selected is None else (selected,)


def image_wishes(session: Session) -> Wishes:
    """The selected detector first, the visible ones, then further analyses; each over the whole scan.

    The region limits the mean frame alone: an image that went blank outside it would hide what one chose from.
    """
    selected = detector_wish(session, session.selected)
    visible = tuple(wish for wish in composite_wishes(session) if wish != selected)
    first = () if selected is None else (selected,)
    return (*first, *visible, *analysis_wishes(session))


def frame_wish(session: Session) -> Wish | None:
    """The mean frame that the left view shows, if it shows one."""
    if session.frame_source == "cursor":
        return None
    if session.frame_source == "region" and session.region is not None:
        return Wish("region", MEAN_FRAME, session.region)
    return Wish("mean", MEAN_FRAME)


def wishes_of(session: Session) -> Wishes:
    """All that `session` wants, most wanted first."""
    if session.dataset is None:
        return ()
    frame = frame_wish(session)
    return image_wishes(session) + (() if frame is None else (frame,))


def urgent(now: Wishes, before: Wishes) -> Wishes:
    """Of the wishes `now` those that a drag has brought in since `before` it began."""
    known = {wish.key for wish in before}
    return tuple(wish for wish in now if wish.key not in known)
