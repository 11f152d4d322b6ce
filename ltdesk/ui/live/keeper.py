"""Keeps the answers to wishes up to date with as few passes over the data as it can. Knows threads, but no Qt.

All decisions are made by one thread: what is stale is cancelled, what is missing becomes one job a region. While
something is dragged only what the drag changes is computed: as a preview where there is one, and exactly once the hand
rests. Where there is none a job gets a moment to be seen before the next position of the hand takes its place; without
that a drag faster than a pass would never show an image.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.live.answers import Answer, AnswerShelf, together
from ltdesk.ui.live.preview_answers import PreviewAnswers, over
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.live.running_job import RunningJob
from ltdesk.ui.live.wishes import Wish, Wishes

if TYPE_CHECKING:  # it loads the kernels, which the window does not wait for
    from ltdesk.engine.executor import Executor, Update
    from ltdesk.engine.first_look import SampledFrames
    from ltdesk.engine.preview.previews import Previews

PATIENCE = 0.15
"""Seconds that a dragged position's job may take before the next one replaces it."""
WORTH_KEEPING = 2.0
"""Seconds after which a job goes on to its end although a part of it is not wanted any more."""
IN_A_ROW = 0.3
"""Changes that follow one another within these seconds (keys held down) are treated as a drag is."""
REST = 0.025
"""Seconds without a move after which the hand rests: where previews follow it the exact image is computed then. A mouse
moves every 8 to 17 ms."""
INTERVAL, HURRIED_INTERVAL = 1 / 30, 1 / 60


class Keeper:
    """Runs jobs so that every wish has an exact answer, and tells each new answer.

    Parameters
    ----------
    executor : runs the jobs
    told : called from threads with each new `Answer`, and before it the dataset that it is of
    progressed : so with the jobs' `Progress`
    refused : so with a wish that cannot be computed at all, and the error
    previews : give answers at once, before the exact ones; None: there are none
    """

    def __init__(
        self,
        executor: Executor,
        told: Callable[[Dataset, Answer], None],
        progressed: Callable[[Dataset, Progress], None],
        refused: Callable[[Dataset, Wish, LtdeskError], None],
        previews: Previews | None = None,
    ) -> None:
        self.executor = executor
        self._previews = PreviewAnswers(previews)
        self._told, self._progressed, self._refused = told, progressed, refused
        self._changed = threading.Condition()
        self._touched = self._deciding = self._closed = False
        self._asked_at = 0.0
        self._in_a_row = False
        self._dataset: Dataset | None = None
        self._wishes: Wishes = ()
        self._urgent: Wishes | None = None
        self._generation = 0
        self._held: set[object] = set()
        self._jobs: list[RunningJob] = []
        self._shelf = AnswerShelf()
        self._unfinished: dict[object, Answer] = {}
        self._given_up: set[object] = set()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="ltdesk-keeper", daemon=True)
        self._thread.start()

    # --- for the window ------------------------------------------------------------------------------------

    def want(
        self,
        dataset: Dataset | None,
        wishes: Wishes,
        urgent: Wishes | None = None,
        seen: SampledFrames | None = None,
    ) -> int:
        """From now on these are wanted, most wanted first; the generation of answers to come.

        urgent : while something is dragged, what the drag changes; only that is computed. None: no drag.
        seen : frames of a dataset that is new, for a first preview
        """
        with self._changed:
            if dataset is not self._dataset:
                self._dataset = dataset
                self._shelf.clear()
                self._unfinished.clear()
                self._given_up.clear()
                self._seen.clear()
                self._previews.open(dataset, seen)
            self._note_pace(wishes != self._wishes, urgent is not None)
            self._wishes, self._urgent = wishes, urgent
            self._previews.keep_only(wishes)
            wanted = {wish.key for wish in wishes}
            self._unfinished = {key: answer for key, answer in self._unfinished.items() if key in wanted}
            self._generation += 1
            self._touch()
            return self._generation

    def answer(self, wish: Wish) -> Answer | None:
        """What is known for good about `wish`, at once: exact, failed in parts, or as far as a cancelled job came."""
        with self._changed:
            return self._shelf.get(wish.key)

    def cancel(self) -> None:
        """Stop what runs; it is not started again before `retry` or another wish."""
        with self._changed:
            for job in self._jobs:
                job.by_hand = True
                self._given_up |= job.keys
            self._previews.give_up(self._dataset)
            handles = [job.handle for job in self._jobs]
        for handle in handles:
            handle.cancel()

    def retry(self) -> None:
        """Compute again what failed or was cancelled; meanwhile what is known of it stays."""
        with self._changed:
            self._given_up.clear()
            self._previews.want_again()
            self._unfinished |= self._shelf.drop_unfinished()
            self._touch()

    def wait_released(self, dataset: Dataset, timeout: float | None = None) -> bool:
        """Wait until no job reads `dataset`; True if so."""
        with self._changed:
            return self._changed.wait_for(lambda: all(job.dataset is not dataset for job in self._jobs), timeout)

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until all that is wanted is known or given up; True if so."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Cancel all jobs and wait for the threads."""
        with self._changed:
            self._closed = True
            self._touch()
        self._thread.join(timeout)
        self._previews.close(timeout)

    # --- the deciding thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait_for_work():
            try:
                self._decide()
            except Exception:
                kind, error, trace = sys.exc_info()
                threading.excepthook(threading.ExceptHookArgs((kind, error, trace, self._thread)))
            with self._changed:
                self._deciding = False
                self._changed.notify_all()
        self._end_all()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._touched or self._closed, self._until_next())
            self._touched, self._deciding = False, not self._closed
            return self._deciding

    def _is_idle(self) -> bool:
        return not (self._touched or self._deciding or self._jobs or self._held)

    def _note_pace(self, other: bool, drag: bool) -> None:
        """Remember when the hand moved last, and whether keys follow one another. Call with the lock held.

        other : is something else wanted than before
        """
        if other or self._urgent is not None or drag:
            quick = time.monotonic() - self._asked_at < IN_A_ROW
            self._in_a_row = quick and not drag and self._urgent is None
            self._asked_at = time.monotonic()

    @property
    def _changing(self) -> bool:
        return self._urgent is not None or self._in_a_row

    def _decide(self) -> None:
        with self._changed:
            previewed = [w for w in self._unknown() if self._changing and self._previews.helps(self._dataset, w)]
            rested = time.monotonic() - self._asked_at >= REST
            self._held = set() if rested else {wish.key for wish in previewed}
            stale, missing, late = self._stale(), self._missing(), self._late()
            dataset, generation = self._dataset, self._generation
        for job in stale:
            job.handle.cancel()
        if dataset is None:
            return
        for job in late:  # they get previews after all
            self._preview_under(job, job.wishes)
        if not rested:
            self._preview(dataset, previewed, generation)
        for _, group in groupby(missing, key=lambda wish: wish.region):
            self._start(dataset, tuple(group), generation)
        if rested:  # what counts now is the exact image
            self._preview(dataset, [wish for wish in previewed if not self._is_soon(dataset, wish)], generation)
        if not missing:
            self._start_rest(dataset, generation)

    def _unknown(self) -> list[Wish]:
        """What is wanted now and has no answer for good. Call with the lock held."""
        wanted = self._wishes if self._urgent is None else self._urgent
        return [wish for wish in wanted if wish.key not in self._given_up and not self._shelf.get(wish.key)]

    def _preview(self, dataset: Dataset, wishes: Iterable[Wish], generation: int) -> None:
        """Tell the previews of wishes that have not been told yet; first ones are told twice, coarse and sharp."""
        told = [wish for wish in wishes if self._tell_preview(dataset, wish, generation)]
        if told and self._previews.sharpen(dataset):
            for wish in told:
                self._tell_preview(dataset, wish, generation, again=True)

    def _tell_preview(self, dataset: Dataset, wish: Wish, generation: int, again: bool = False) -> bool:
        if not self._previews.helps(dataset, wish) or (self._previews.known(wish) is not None and not again):
            return False
        answer = self._previews.make(dataset, wish, generation)
        if answer is not None and self.answer(wish) is None:
            self._seen.add(wish.owner)
            self._told(dataset, answer)
        return answer is not None

    def _is_soon(self, dataset: Dataset, wish: Wish) -> bool:
        """Does a picture of a moment before stand, which the exact one will replace at once?"""
        return wish.owner in self._seen and self._previews.soon(dataset, wish)

    def _stale(self) -> list[RunningJob]:
        """Running jobs that nobody waits for any more, marked as dropped. Call with the lock held."""
        wanted = {wish.key for wish in self._wishes}
        stale = []
        for job in self._jobs:
            if not job.dropped and not self._still_good(job, wanted):
                job.dropped = True
                stale.append(job)
        return stale

    def _late(self) -> list[RunningJob]:
        """Jobs that were to be done by now, and are not. Call with the lock held."""
        late = [job for job in self._jobs if job.is_late]
        for job in late:
            job.soon = False
        return late

    def _still_good(self, job: RunningJob, wanted: set[object]) -> bool:
        if job.dataset is not self._dataset:
            return False
        if (job.wishes and job.keys <= wanted) or self._is_a_moment(job):
            return True
        if (self._changing or not job.wishes) and self._previews.still_makes(job):
            return True
        return bool(job.keys & wanted) and job.age > WORTH_KEEPING

    def _is_a_moment(self, job: RunningJob) -> bool:
        """Does `job` show an earlier moment of what is being changed right now, and has it time left to do so?"""
        if job.dropped or not self._changing or self._held or job.age >= PATIENCE or job.makes_preview:
            return False
        wanted, owners = {wish.key for wish in self._wishes}, {wish.owner for wish in self._wishes}
        earlier = [wish for wish in job.wishes if wish.key not in wanted]
        return bool(earlier) and all(wish.owner in owners for wish in earlier)

    def _missing(self) -> Wishes:
        """Wishes to start a job for now, those of one region together. Call with the lock held."""
        under_way = {key for job in self._jobs if not job.dropped for key in job.keys}
        if any(self._is_a_moment(job) for job in self._jobs):
            return ()
        missing: dict[object, Wish] = {}
        for wish in self._unknown():
            if wish.key not in under_way and wish.key not in self._held:
                missing.setdefault(wish.key, wish)
        regions = [wish.region for wish in missing.values()]
        return tuple(sorted(missing.values(), key=lambda wish: regions.index(wish.region)))

    def _until_next(self) -> float | None:
        """Seconds until a shown moment of a drag has had its time, the hand rests, or a job is late. Call with the lock
        held."""
        ends = [PATIENCE - job.age for job in self._jobs if self._is_a_moment(job)]
        ends += [job.until_late for job in self._jobs if job.soon and not job.dropped]
        if self._held:
            ends.append(self._asked_at + REST - time.monotonic())
        return max(0.0, min(ends)) if ends else None

    def _start(self, dataset: Dataset, wishes: Wishes, generation: int) -> None:
        """Start a job, and make previews beside it; before it where those have to read."""
        reads = self._previews.reads(dataset)
        if reads:
            self._preview(dataset, wishes, generation)
        with self._changed:
            others = list(self._jobs)
        try:
            job = self._previews.submit(self.executor, dataset, wishes, generation, others)
        except LtdeskError as error:
            self._start_one_by_one(dataset, wishes, generation, error)
            return
        except Exception:
            self._give_up(dataset, wishes)
            raise
        slow = [wish for wish in wishes if not self._is_soon(dataset, wish)]
        job.soon = not slow
        self._run(job)
        if not reads:
            self._preview_under(job, slow)

    def _preview_under(self, job: RunningJob, wishes: Iterable[Wish]) -> None:
        """Make previews of what `job` answers, over which it shows what it has done."""
        self._preview(job.dataset, wishes, job.generation)
        job.under |= {wish.key: self._previews.known(wish) for wish in job.wishes}

    def _start_rest(self, dataset: Dataset, generation: int) -> None:
        """Once all is known, make what the preview lacks: the pass that was to make it was stopped."""
        with self._changed:
            busy = self._changing or bool(self._jobs)
        job = None if busy else self._previews.submit_rest(dataset, generation)
        if job is not None:
            self._run(job)

    def _run(self, job: RunningJob) -> None:
        job.thread = threading.Thread(target=self._follow, args=(job,), name="ltdesk-follower", daemon=True)
        with self._changed:
            self._jobs.append(job)
        job.thread.start()

    def _start_one_by_one(self, dataset: Dataset, wishes: Wishes, generation: int, error: LtdeskError) -> None:
        """One impossible wish (a mask of another size) must not keep the others from being answered."""
        if len(wishes) > 1:
            for wish in wishes:
                self._start(dataset, (wish,), generation)
            return
        self._give_up(dataset, wishes)
        self._refused(dataset, wishes[0], error)

    def _give_up(self, dataset: Dataset, wishes: Wishes) -> None:
        with self._changed:
            if dataset is self._dataset:
                self._given_up |= {wish.key for wish in wishes}

    def _end_all(self) -> None:
        with self._changed:
            jobs = list(self._jobs)
        for job in jobs:
            job.dropped = True
            job.handle.cancel()
        for job in jobs:
            if job.thread is not None:
                job.thread.join()

    # --- a thread for each job -----------------------------------------------------------------------------

    def _follow(self, job: RunningJob) -> None:
        interval = INTERVAL if self._urgent is None else HURRIED_INTERVAL
        try:
            job.follow(lambda update: self._tell(job, update), interval)
        finally:
            self._previews.ended(job)
            with self._changed:
                self._jobs.remove(job)
                self._touch()

    def _tell(self, job: RunningJob, update: Update) -> None:
        stopped_unseen = update.state.status == "cancelled" and not job.by_hand
        nothing_yet = not (update.done or update.state.failures or update.state.is_final)
        nothing = stopped_unseen or self._is_taken_back(job, update) or nothing_yet
        answers = () if nothing else job.answers(update)
        with self._changed:
            if job.dataset is not self._dataset or self._closed:
                return
            answers = tuple(together(self._unfinished.get(answer.wish.key), answer) for answer in answers)
            for answer in answers:
                if answer.state == "exact":
                    self._unfinished.pop(answer.wish.key, None)
                if update.state.is_final:
                    self._shelf.put(answer)
        for answer in answers:
            self._seen.add(answer.wish.owner)
            self._told(job.dataset, over(job.under.get(answer.wish.key), answer))
        self._progressed(job.dataset, self._progress_of_all(job, update))

    def _is_taken_back(self, job: RunningJob, update: Update) -> bool:
        """Has an executor of several failed, where another one is to try? The wishes are then unanswered again."""
        take_back = getattr(self.executor, "take_back", None)
        return take_back is not None and update.state.is_final and bool(take_back(job.handle))

    def _progress_of_all(self, job: RunningJob, update: Update) -> Progress:
        """The progress of `job`, or of the one on the same dataset that has most to do beside it."""
        own = Progress() if job.dropped else job.progress(update)
        with self._changed:
            beside = [other for other in self._jobs if other is not job and other.dataset is job.dataset]
            others = [other for other in beside if not other.dropped]
        theirs = [other.progress(other.handle.update()) for other in others]
        running = [progress for progress in (own, *theirs) if progress.running]
        return max(running, key=lambda progress: progress.left or 0.0) if running else own

    def _touch(self) -> None:
        self._touched = True
        self._changed.notify_all()
