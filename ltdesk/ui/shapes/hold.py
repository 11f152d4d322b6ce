"""A press on a detector that may become a drag, and what that makes of the detector. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ltdesk.geometry import AnyShape, terms_of
from ltdesk.session import Detector, Session
from ltdesk.ui.shapes import shape_moves
from ltdesk.ui.shapes.detector_edits import duplicated
from ltdesk.ui.shapes.shape_hits import Hit, movable
from ltdesk.ui.shapes.shape_moves import BODY, YX


@dataclass(frozen=True)
class Hold:
    """What a press took.

    hit, at : the part of a detector, and where on the frame; detector : as it was then; was_selected : was it selected
    already; below : the detectors that lie under it there, in the order in which they would be taken
    """

    hit: Hit
    at: YX
    detector: Detector
    was_selected: bool
    below: tuple[str, ...] = ()
    began: bool = False

    @property
    def shape(self) -> AnyShape:
        """What moves: the term that was taken, or the whole."""
        whole = self.detector.shape
        return whole if self.hit.term is None else terms_of(whole)[self.hit.term].shape

    @property
    def movable(self) -> bool:
        return movable(self.shape)

    @property
    def text(self) -> str:
        """The name of the step of undo."""
        moves = self.hit.part == BODY or self.hit.part.startswith(("edge:", "vertex:"))
        return f"{'Move' if moves else 'Resize'} {self.shape.kind}"

    def dragged(self, session: Session, now: YX, keep: bool) -> Session:
        """The session with the hand at `now`; as it is, where the detector is gone."""
        detector = session.detector(self.detector.id)
        if detector is None:
            return session
        shape = shape_moves.changed(
            self.detector.shape,
            self.hit.term,
            lambda part: shape_moves.dragged(part, self.hit.part, self.at, now, keep),
        )
        return session.with_detector(detector.model_copy(update={"shape": shape}))

    def copied(self, session: Session) -> tuple[Hold, Session]:
        """The hand holds a copy, whole; the original stays."""
        session = duplicated(session, self.detector.id, 0.0)
        copy = session.selected_detector or self.detector
        return replace(self, detector=copy, hit=Hit(copy.id, None, BODY)), session
