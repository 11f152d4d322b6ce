"""What a session wants to see, worked out from it: which analyses over which region should be kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ltdesk.analysis import Analysis, MeanFrame
from ltdesk.geometry import AnyShape
from ltdesk.session import Session

MEAN_FRAME = MeanFrame(name="mean_frame")


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


def image_wishes(session: Session) -> Wishes:
    """The selected detector first, the visible ones, then further analyses; each over the whole scan.

    The region limits the mean frame alone: an image that went blank outside it would hide what one chose from.
    """
    shown = [d for d in session.detectors if d.visible or d.id == session.selected]
    shown.sort(key=lambda detector: detector.id != session.selected)
    detectors = tuple(Wish(d.id, d.analysis()) for d in shown)
    return detectors + tuple(Wish(f"analysis {a.name}", a) for a in session.analyses)


def frame_wishes(session: Session) -> Wishes:
    """The mean frame that the left view shows, if it shows one."""
    if session.frame_source == "mean":
        return (Wish("mean", MEAN_FRAME),)
    if session.frame_source == "region" and session.region is not None:
        return (Wish("region", MEAN_FRAME, session.region),)
    return ()


def wishes_of(session: Session) -> Wishes:
    """All that `session` wants, most wanted first."""
    return () if session.dataset is None else image_wishes(session) + frame_wishes(session)


def urgent(now: Wishes, before: Wishes) -> Wishes:
    """Of the wishes `now` those that a drag has brought in since `before` it began."""
    known = {wish.key for wish in before}
    return tuple(wish for wish in now if wish.key not in known)
