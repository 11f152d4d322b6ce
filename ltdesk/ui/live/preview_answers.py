"""Answers that stand in until the exact ones are there: a preview's, alone or under what a job has done so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.running_job import RunningJob, make_job
from ltdesk.ui.live.wishes import Wish, Wishes

if TYPE_CHECKING:  # it loads the kernels, which the window does not wait for
    from ltdesk.engine.executor import Executor
    from ltdesk.engine.first_look import SampledFrames
    from ltdesk.engine.preview.previews import Previews


class PreviewAnswers:
    """What previews do for a keeper, and the newest of each wish; without `previews`, nothing.

    Its methods are the keeper's thread's, but for those that say so.
    """

    def __init__(self, previews: Previews | None) -> None:
        self._previews = previews
        self._dataset: Dataset | None = None
        self._known: dict[object, Answer] = {}
        self._lock = threading.Lock()

    def open(self, dataset: Dataset | None, seen: SampledFrames | None = None) -> None:
        """From now on it is about this dataset, of which some frames were seen. From any thread."""
        with self._lock:
            self._dataset, self._known = dataset, {}
        if self._previews is not None:
            self._previews.open(dataset, seen)

    def keep_only(self, wishes: Wishes) -> None:
        """Forget what is not wanted any more. From any thread."""
        wanted = {wish.key for wish in wishes}
        with self._lock:
            self._known = {key: answer for key, answer in self._known.items() if key in wanted}

    def helps(self, dataset: Dataset | None, wish: Wish) -> bool:
        """Is there a preview of `wish` that is there sooner than the exact answer?"""
        if self._previews is None or dataset is None or wish.region is not None:
            return False
        return self._previews.helps(dataset, wish.measured)

    def soon(self, dataset: Dataset, wish: Wish) -> bool:
        """Will the exact answer be there so soon that a preview would only hold it up?"""
        return self._previews is not None and self._previews.soon(dataset, wish.measured)

    def known(self, wish: Wish) -> Answer | None:
        """The preview of a wish that was made before."""
        with self._lock:
            return self._known.get(wish.key)

    def make(self, dataset: Dataset, wish: Wish, generation: int) -> Answer | None:
        """The preview of a wish; None where there is none (a job says what is wrong with the wish)."""
        if self._previews is None:
            return None
        started = time.perf_counter()
        try:
            found = self._previews.images(dataset, wish.measured)
        except LtdeskError:
            return None
        if found is None or not found.valid.any():
            return None
        specs = wish.measured.results(dataset.frame_shape, dataset.dtype)
        arrays = tuple(found.arrays[spec.name] for spec in specs)
        seconds = time.perf_counter() - started
        answer = Answer(wish, generation, "preview", arrays, specs, found.valid, None, {}, seconds, {})
        with self._lock:
            if dataset is self._dataset:  # it may be another one by now
                self._known[wish.key] = answer
        return answer

    def reads(self, dataset: Dataset) -> bool:
        """Do previews come from frames of the scan, not from its cube alone?"""
        return self._previews is not None and self._previews.reads(dataset)

    def sharpen(self, dataset: Dataset) -> bool:
        """Read more, where previews come from a few frames; True where `make` knows more since."""
        return self._previews is not None and self._previews.sharpen(dataset)

    def submit(
        self, executor: Executor, dataset: Dataset, wishes: Wishes, generation: int, others: Iterable[RunningJob]
    ) -> RunningJob:
        """Start the job of `wishes`; it makes the preview as well where one is wanted that none of `others` makes.

        Only an executor in this process can: from elsewhere the preview would come as slowly as the data.
        Raises as the executor does.
        """
        job = make_job(dataset.ref, wishes)
        under = {wish.key: self.known(wish) for wish in wishes}
        here = self._previews is not None and self._previews.come_from(executor)
        if self._previews is not None and here and job.region is None and self._is_wanted(dataset, others):
            handle = self._previews.submit(job, dataset)
            return RunningJob(wishes, generation, dataset, handle, makes_preview=True, under=under)
        return RunningJob(wishes, generation, dataset, executor.submit(job, dataset), under=under)

    def submit_rest(self, dataset: Dataset, generation: int) -> RunningJob | None:
        """Start a job that makes what the preview lacks; None where it lacks nothing."""
        rest = None if self._previews is None else self._previews.rest(dataset)
        if rest is None or self._previews is None:
            return None
        handle = self._previews.submit_rest(rest, dataset)
        return RunningJob((), generation, dataset, handle, makes_preview=True)

    def still_makes(self, job: RunningJob) -> bool:
        """Does `job` make a preview that is still wanted? From any thread."""
        return job.makes_preview and self._previews is not None and self._previews.is_wanted(job.dataset)

    def ended(self, job: RunningJob) -> None:
        """A job has ended: it tells how long exact images take, and whether more is to be had. From any thread."""
        update = job.handle.update()
        if self._previews is not None and update.state.status == "cancelled":
            self._previews.stopped(job.handle.job, job.dataset, update.seconds)
        if self._previews is None or update.state.status not in ("done", "failed"):
            return
        if job.makes_preview:
            self._previews.give_up(job.dataset)
        if update.state.status == "done":
            self._previews.took(job.handle.job, job.dataset, update.seconds, job.mapped)

    def give_up(self, dataset: Dataset | None) -> None:
        """The user stopped what runs: the preview too. From any thread."""
        if self._previews is not None and dataset is not None:
            self._previews.give_up(dataset)

    def want_again(self) -> None:
        """What was given up is tried again. From any thread."""
        if self._previews is not None:
            self._previews.want_again()

    def close(self, timeout: float) -> None:
        """Wait for what is being written or read."""
        if self._previews is not None:
            self._previews.close(timeout)

    def _is_wanted(self, dataset: Dataset, others: Iterable[RunningJob]) -> bool:
        making = any(job.makes_preview and not job.dropped for job in others)
        return not making and self._previews is not None and self._previews.is_wanted(dataset)


def over(preview: Answer | None, answer: Answer) -> Answer:
    """What a job has done so far over the preview, so that a picture never falls back to a few positions."""
    if preview is None or answer.state != "filling":
        return answer
    arrays = []
    for under, known in zip(preview.arrays, answer.arrays, strict=True):
        values = under.copy()
        values[answer.valid] = known[answer.valid]
        arrays.append(values)
    valid = preview.valid | answer.valid
    return replace(answer, state="preview" if valid.all() else "filling", arrays=tuple(arrays), valid=valid)
