"""What a session wants to see, worked out from it: which analyses over which region should be kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ltdesk.analysis import COM_UNITS, Analysis, CenterOfMass, MeanFrame, SumSignal
from ltdesk.geometry import AnyShape
from ltdesk.session import Session
from ltdesk.ui.analyses.kinds import gives_frame

MEAN_FRAME = MeanFrame(name="mean_frame")
SHOWN_FROM: dict[str, Analysis] = {
    "com": CenterOfMass(),
    "com_x": CenterOfMass(),
    "com_y": CenterOfMass(),
    "com_magnitude": CenterOfMass(),
    "sum_signal": SumSignal(),
}
"""Images other than detectors' that can be shown, and the analysis that each needs unless the session has its own."""


PLAIN_COM = {"maps": ("y", "x"), "descan": None, "flip": False, "rotation": 0.0}


def measured(analysis: Analysis) -> Analysis:
    """What of an analysis has to be computed from frames; all else is worked out from that (`results.results_of`).

    So a rotation, or another map of a centre of mass, is there at once.
    """
    return analysis.model_copy(update=PLAIN_COM) if isinstance(analysis, CenterOfMass) else analysis


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
    def measured(self) -> Analysis:
        """What jobs compute for it."""
        return measured(self.analysis)

    @cached_property
    def key(self) -> tuple[Analysis, AnyShape | None]:
        """What is computed, whatever it is called: equal keys have equal results."""
        return self.measured.model_copy(update={"name": "_"}), self.region


Wishes = tuple[Wish, ...]


def detector_wish(session: Session, id: str | None) -> Wish | None:
    """The image of one detector; None where there is no such detector."""
    detector = session.detector(id)
    return None if detector is None else Wish(detector.id, detector.analysis())


def composite_wishes(session: Session) -> Wishes:
    """The images of the visible detectors."""
    return tuple(Wish(d.id, d.analysis()) for d in session.detectors if d.visible)


def image_names(analysis: Analysis) -> tuple[str, ...]:
    """The names under which an analysis can be shown: those of its results; a centre of mass has all its maps, and as
    vectors its own name."""
    if isinstance(analysis, CenterOfMass):
        return (analysis.name, *(f"{analysis.name}_{which}" for which in COM_UNITS))
    return analysis.result_names()


def shown_analysis(session: Session) -> Analysis | None:
    """The analysis that the image shown is from; None for a detector's image and for composites."""
    own = [a for a in session.analyses_now if session.shown in image_names(a)]
    return own[0] if own else SHOWN_FROM.get(session.shown)


def frame_analysis(session: Session) -> Analysis | None:
    """The analysis whose frame the left view shows; None for the frame at the cursor and for means."""
    return session.analysis(session.frame_source)


def analysis_wish(session: Session, analysis: Analysis) -> Wish:
    """An analysis over the whole scan; a frame that is to be of the region, over the region.

    An image that went blank outside the region would hide what one chose from.
    """
    region = session.region if session.frame_in_region and gives_frame(analysis) else None
    return Wish(f"analysis {analysis.name}", analysis, region)


def analysis_wishes(session: Session) -> Wishes:
    """The further analyses, and what the image shown needs."""
    shown, analyses = shown_analysis(session), session.analyses_now
    needed = analyses if shown is None or shown in analyses else (*analyses, shown)
    return tuple(analysis_wish(session, analysis) for analysis in needed)


def shown_wishes(session: Session) -> Wishes:
    """What the image shown is made of."""
    if session.shown == "composite":
        return composite_wishes(session)
    analysis = shown_analysis(session)
    if analysis is not None:
        return (analysis_wish(session, analysis),)
    selected = detector_wish(session, session.selected)
    return () if selected is None else (selected,)


def image_wishes(session: Session) -> Wishes:
    """The selected detector first, the visible ones, then further analyses."""
    selected = detector_wish(session, session.selected)
    visible = tuple(wish for wish in composite_wishes(session) if wish != selected)
    first = () if selected is None else (selected,)
    return (*first, *visible, *analysis_wishes(session))


def frame_wish(session: Session) -> Wish | None:
    """The frame of all or of the region's frames that the left view shows, if it shows one."""
    if session.frame_source == "cursor":
        return None
    analysis = frame_analysis(session)
    if analysis is not None:
        return analysis_wish(session, analysis)
    if session.frame_source == "region" and session.region is not None:
        return Wish("region", MEAN_FRAME, session.region)
    return Wish("mean", MEAN_FRAME)


def wishes_of(session: Session) -> Wishes:
    """All that `session` wants, most wanted first."""
    if session.dataset is None:
        return ()
    frame = frame_wish(session)
    wishes = image_wishes(session)
    return wishes if frame is None or frame in wishes else (*wishes, frame)


def urgent(now: Wishes, before: Wishes) -> Wishes:
    """Of the wishes `now` those that a drag has brought in since `before` it began."""
    known = {wish.key for wish in before}
    return tuple(wish for wish in now if wish.key not in known)
