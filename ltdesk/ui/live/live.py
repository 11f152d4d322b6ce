"""Live results: follows the session and keeps what it shows up to date."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.session import Session
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.keeper import Keeper
from ltdesk.ui.live.mailbox import Mailbox
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.live.wishes import Wish, Wishes, urgent, wishes_of
from ltdesk.ui.session_model import SessionModel

if TYPE_CHECKING:
    from ltdesk.engine.executor import Executor
    from ltdesk.engine.first_look import SampledFrames
    from ltdesk.engine.preview.previews import Previews

FOLLOWED = (
    "dataset", "region", "detectors", "selected", "analyses", "follows", "frame_source", "frame_in_region", "shown",
)  # fmt: skip


class LiveJobs(QObject):
    """Turns changes of the session into wishes, and answers into signals in the GUI thread.

    Signals
    -------
    answered : (Answer) something new is known; of several for one owner within a screen frame the latest
    progressed : (Progress) how far the jobs are
    refused : (Wish, LtdeskError) a wish that cannot be computed
    """

    answered = pyqtSignal(object)
    progressed = pyqtSignal(object)
    refused = pyqtSignal(object, object)

    def __init__(
        self,
        model: SessionModel,
        executor: Executor,
        mailbox: Mailbox,
        parent: QObject | None = None,
        previews: Previews | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._mailbox = model, mailbox
        self._dataset: Dataset | None = None
        self._before: Wishes | None = None
        self._running = False
        self.keeper = Keeper(executor, self._told, self._progressed, self._refused, previews)
        model.changed.connect(self._follow)
        model.dragging_changed.connect(self._follow_drag)

    @property
    def dataset(self) -> Dataset | None:
        return self._dataset

    @property
    def running(self) -> bool:
        """Has a job been under way long enough to be shown?"""
        return self._running

    def set_dataset(self, dataset: Dataset | None, seen: SampledFrames | None = None) -> None:
        """From now on the session is about this dataset, of which some frames were seen; jobs on another one are
        cancelled, and nothing is told of them any more."""
        self._dataset = dataset
        self._show(Progress())
        self._want(seen)

    def answer(self, wish: Wish) -> Answer | None:
        """What is known for good about a wish, at once."""
        return self.keeper.answer(wish)

    def cancel(self) -> None:
        """Stop the running jobs; they start again by `retry` or when something else is wanted."""
        self.keeper.cancel()

    def retry(self) -> None:
        """Compute again what failed or was cancelled."""
        self.keeper.retry()

    def begin_anew(self) -> None:
        """Jobs may run elsewhere from now on: what is running there goes on, what failed there is tried again."""
        self.keeper.retry()

    def close(self) -> None:
        """Cancel the jobs and wait for the threads."""
        self.keeper.close()

    def _follow(self, old: Session, new: Session) -> None:
        if any(getattr(old, name) != getattr(new, name) for name in FOLLOWED):
            self._want()

    def _follow_drag(self, dragging: bool) -> None:
        self._before = wishes_of(self._model.session) if dragging else None
        self._mailbox.hurry(dragging)
        if not dragging:
            self._want()

    def _want(self, seen: SampledFrames | None = None) -> None:
        wishes = () if self._dataset is None else wishes_of(self._model.session)
        self.keeper.want(self._dataset, wishes, None if self._before is None else urgent(wishes, self._before), seen)

    # from threads

    def _told(self, dataset: Dataset, answer: Answer) -> None:
        self._put(dataset, ("answer", answer.wish.owner), lambda: self.answered.emit(answer))

    def _progressed(self, dataset: Dataset, progress: Progress) -> None:
        self._put(dataset, ("progress",), lambda: self._show(progress))

    def _refused(self, dataset: Dataset, wish: Wish, error: LtdeskError) -> None:
        self._put(dataset, ("refused", wish.owner), lambda: self.refused.emit(wish, error))

    def _put(self, dataset: Dataset, key: tuple[str, ...], deliver: Callable[[], None]) -> None:
        """Deliver it unless another dataset is open by then; nor does it take the place of what is about that one."""
        self._mailbox.put((id(dataset), *key), lambda: deliver() if dataset is self._dataset else None)

    # in the GUI thread

    def _show(self, progress: Progress) -> None:
        self._running = progress.running
        self.progressed.emit(progress)
