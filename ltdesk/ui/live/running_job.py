"""A job that the window follows: what it answers, and how to turn its moments into answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.job import DatasetRef, Job
from ltdesk.ui.live.answers import Answer, State
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.live.wishes import Wishes

if TYPE_CHECKING:
    from ltdesk.engine.executor import JobHandle, Update

QUIET = 0.08
"""Seconds before an unfinished job shows itself: one that is done by then never shows half a picture."""
QUIET_OVER_PREVIEW = 0.25
"""The same where a preview stands already: each picture drawn meanwhile takes a tenth of a pass from the job."""


def make_job(dataset: DatasetRef, wishes: Wishes) -> Job:
    """One job for wishes that share a region. Names that clash are made different: nobody sees them."""
    analyses = tuple(wish.measured for wish in wishes)
    try:
        return Job(dataset=dataset, analyses=analyses, region=wishes[0].region)
    except ValueError:
        renamed = tuple(a.model_copy(update={"name": f"_{i}_{a.name}"}) for i, a in enumerate(analyses))
        return Job(dataset=dataset, analyses=renamed, region=wishes[0].region)


@dataclass(eq=False)
class RunningJob:
    """A submitted job, followed by a thread of its own.

    Attributes
    ----------
    wishes : what it answers
    generation : when it was asked for
    dropped : nobody wants to see it any more
    by_hand : the user stopped it
    makes_preview : it makes the preview cube beside what it answers
    under : previews of what it answers, by the wishes' keys
    soon : pictures of a moment before stand, and it will be done before they look old
    """

    wishes: Wishes
    generation: int
    dataset: Dataset
    handle: JobHandle
    began: float = field(default_factory=time.monotonic)
    dropped: bool = False
    by_hand: bool = False
    makes_preview: bool = False
    under: dict[Any, Answer | None] = field(default_factory=dict)
    soon: bool = False
    thread: threading.Thread | None = None

    @property
    def keys(self) -> set[Any]:
        return {wish.key for wish in self.wishes}

    @property
    def age(self) -> float:
        return time.monotonic() - self.began

    @property
    def until_late(self) -> float:
        """Seconds that a job which is done soon may take from now on."""
        return QUIET_OVER_PREVIEW - self.age

    @property
    def is_late(self) -> bool:
        """Was it to be done soon, and is not?"""
        return self.soon and not self.dropped and self.until_late <= 0

    @property
    def quiet(self) -> float:
        """Seconds before it shows itself."""
        previewed = bool(self.wishes) and all(self.under.get(key) is not None for key in self.keys)
        return QUIET_OVER_PREVIEW if previewed or self.soon else QUIET

    @property
    def mapped(self) -> bool:
        """Were frames seen in the file, not copied from it?"""
        return bool(self.handle.assembly.traffic["bytes_mapped"])

    def follow(self, tell: Callable[[Update], None], interval: float) -> None:
        """Call `tell` with moments that are worth showing, the last one included, until the job has ended.

        One that takes long for its first partition shows itself without it: there is something to wait for and to stop.
        """
        ended = self.handle.wait(QUIET) or self.handle.wait(max(0.0, self.quiet - QUIET))
        if not ended and not self.dropped:
            tell(self.handle.update())
        for update in self.handle.updates():
            if update.state.is_final:
                tell(update)
            elif update.seconds >= self.quiet and update.done and not self.dropped:
                started = time.monotonic()
                tell(update)
                self.handle.wait(max(interval, 4 * (time.monotonic() - started)))
            elif update.seconds < self.quiet:
                self.handle.wait((QUIET if update.seconds < QUIET else self.quiet) - update.seconds)

    def answers(self, update: Update) -> tuple[Answer, ...]:
        """Each wish's answer at this moment; copies."""
        results = update.results()
        failed = self._failed_positions(update)
        answers = []
        analyses = self.handle.job.analyses[: len(self.wishes)]  # what comes after is the preview's
        for wish, analysis in zip(self.wishes, analyses, strict=True):
            specs = wish.measured.results(self.dataset.frame_shape, self.dataset.dtype)
            computed = analysis.results(self.dataset.frame_shape, self.dataset.dtype)
            arrays = tuple(results[spec.name] for spec in computed)
            answers.append(
                Answer(
                    wish, self.generation, self._state(update), arrays, specs, results.valid, failed,
                    dict(update.state.failures), update.seconds, results.execution,
                )
            )  # fmt: skip
        return tuple(answers)

    def progress(self, update: Update) -> Progress:
        """How far it is at this moment."""
        state = update.state
        rate = update.bytes / update.seconds if update.seconds > 0 else 0.0
        settled = state.done + len(state.failures)
        known = state.done and not state.is_final
        left = update.seconds / settled * (state.total - settled) if known and settled else None
        message = state.message or next(iter(state.failures.values()), "")
        return Progress(
            running=not state.is_final,
            cancelled=state.status == "cancelled" and self.by_hand,
            done=state.done,
            total=state.total,
            failed=len(state.failures),
            seconds=update.seconds,
            rate=rate,
            left=left,
            message=message,
            execution=self.handle.execution_now(),
        )

    def _state(self, update: Update) -> State:
        if not update.state.is_final:
            return "filling"
        finals: dict[str, State] = {"done": "exact", "failed": "failed"}
        return finals.get(update.state.status, "cancelled")

    def _failed_positions(self, update: Update) -> NDArray[np.bool_] | None:
        if not update.state.failures:
            return None
        failed = np.zeros(self.dataset.scan_shape, dtype=np.bool_)
        plan = self.dataset.plan()
        for index in update.state.failures:
            failed[plan[index].slices] = True
        return failed
