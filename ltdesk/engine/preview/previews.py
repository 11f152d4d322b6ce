"""`Previews`: the preview cube of the scan that is open, made by the jobs that run anyway, kept from time to time.

Nothing here decides what is computed when: that is the window's keeper. Its thread asks; other threads bring partials.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ltdesk.analysis import Analysis, CenterOfMass, VirtualDetector
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.first_look import SampledFrames, sample_frames
from ltdesk.engine.partial import Partial
from ltdesk.engine.preview.bins import bins_for
from ltdesk.engine.preview.cache import PreviewCache
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.engine.preview.images import PreviewImages, beside, can_preview, preview, sampled
from ltdesk.geometry import AnyShape, PixelMask
from ltdesk.job import Job
from ltdesk.shape_bounds import bounds

log = logging.getLogger(__name__)

SMALLEST = 64 << 20
"""Smaller scans are read as quickly as their cubes: they have none."""
SMALLEST_SHARED = 1 << 20
"""Of what other machines may compute: whatever its size, a job there takes some 50 ms on its way."""
QUICK = 0.010
"""Seconds in which an exact image is there soon enough: no preview is worth while."""
SOON = 0.25
"""Seconds in which an exact image is there so soon that another picture meanwhile would only hold it up: by 60 ms of
200 for a masked centre of mass of 2 GB."""
SCATTERED = 3.0
"""How much longer reading a part of each frame takes than its share of the bytes."""
LARGE = 4 << 30
"""Scans of so many bytes take so long that some frames are read first, for a picture of the whole."""
SAMPLE_FRAMES, SAMPLE_SECONDS, SAMPLE_BYTES = 1024, 0.3, 256 << 20
"""At most so many frames, for at most so long."""
SETTLED = 2.0
"""Seconds after a cube is complete until it is written: the first looks at a scan come before the disk."""


class WatchedExecutor(Protocol):
    """An executor in this process: partials can be watched."""

    def submit(
        self, job: Job, dataset: Dataset | None = None, on_partial: Callable[[Partial], None] | None = None
    ) -> JobHandle:
        """Start a job, and call `on_partial` with each partial before it is assembled."""


class Previews:
    """The cube of one dataset at a time.

    Attributes
    ----------
    executor : runs the jobs that a cube comes from

    Parameters
    ----------
    cache : where cubes are kept; None: nowhere
    smallest : bytes of a scan from which on it has a cube
    """

    def __init__(self, executor: WatchedExecutor, cache: PreviewCache | None = None, smallest: int = SMALLEST) -> None:
        self.executor = executor
        self._cache, self._smallest = cache, smallest
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._scan: _Scan | None = None

    def open(self, dataset: Dataset | None, seen: SampledFrames | None = None) -> None:
        """From now on it is about this dataset; what was known of another is let go.

        seen : some of its frames, which were read on opening
        """
        bins = bins_for(dataset) if dataset is not None and self._is_worth(dataset) else None
        with self._lock:
            self._scan = None if dataset is None or bins is None else _Scan(dataset, PreviewCube(dataset, bins), seen)

    def _is_worth(self, dataset: Dataset) -> bool:
        smallest = min(self._smallest, SMALLEST_SHARED) if dataset.is_shared else self._smallest
        return dataset.nbytes >= smallest

    def cube(self, dataset: Dataset) -> PreviewCube:
        """The cube of the dataset that is open, as far as it is made. Raises KeyError where there is none."""
        scan = self._of(dataset)
        if scan is None:
            raise KeyError(dataset.ref.uri)
        return scan.cube

    def come_from(self, executor: object) -> bool:
        """Is it this executor whose jobs make the cube?"""
        return self.executor is executor

    def is_wanted(self, dataset: Dataset) -> bool:
        """Should the next job on `dataset` make a part of its cube?"""
        scan = self._of(dataset)
        return scan is not None and not (scan.cube.complete or scan.given_up or self._found(scan))

    def submit(self, job: Job, dataset: Dataset) -> JobHandle:
        """Start a job over the whole scan that makes the cube as well, beside its own analyses. Raises as the
        executor does."""
        scan = self._of(dataset)
        if scan is None:
            return self.executor.submit(job, dataset)
        watched = job.model_copy(update={"analyses": (*job.analyses, scan.cube.analysis)})
        return self.executor.submit(watched, dataset, lambda partial: self._take(scan, partial))

    def rest(self, dataset: Dataset) -> Job | None:
        """A job that makes what the cube lacks; None where nothing is to be had."""
        scan = self._of(dataset)
        if scan is None or not self.is_wanted(dataset):
            return None
        missing = np.ones(dataset.scan_shape, dtype=np.bool_)
        for partition in dataset.plan():
            if scan.cube.has(partition.index):
                missing[partition.slices] = False
        return Job(dataset=dataset.ref, analyses=(scan.cube.analysis,), region=PixelMask.from_array(missing))

    def submit_rest(self, job: Job, dataset: Dataset) -> JobHandle:
        """Start what `rest` gave."""
        scan = self._of(dataset)
        take = None if scan is None else lambda partial: self._take(scan, partial)
        return self.executor.submit(job, dataset, take)

    def give_up(self, dataset: Dataset) -> None:
        """A pass has come to its end, or was stopped: what the cube lacks by now is not to be had."""
        scan = self._of(dataset)
        if scan is not None:
            scan.given_up = not scan.cube.complete

    def want_again(self) -> None:
        """What was given up may be to be had after all."""
        scan = self._scan
        if scan is not None:
            scan.given_up = False

    def took(self, job: Job, dataset: Dataset, seconds: float, mapped: bool) -> None:
        """A job over the whole scan took so long: the quickest one tells how long exact images take.

        mapped : frames were seen in the file, where a small detector leaves most of each unread
        """
        scan = self._of(dataset)
        if scan is not None and job.region is None:
            scan.mapped = mapped
            scan.seconds = min(scan.seconds, seconds / scan.share_of(job))

    def stopped(self, job: Job, dataset: Dataset, seconds: float) -> None:
        """A job over the whole scan was stopped after so long. Was its image thought to be there sooner than a preview,
        that is doubted: else nothing might be seen while the hand moves, which stops a job with each move."""
        scan = self._of(dataset)
        if scan is not None and job.region is None:
            share = scan.share_of(job)
            if scan.seconds * share <= QUICK:
                scan.seconds = max(2 * scan.seconds, seconds / share)

    def helps(self, dataset: Dataset, spec: Analysis) -> bool:
        """Is there a preview of `spec`, and is it there sooner than the exact result?"""
        scan = self._of(dataset)
        if scan is None or not can_preview(spec) or not (scan.cube.done or scan.is_large):
            return False
        return scan.seconds * scan.share(spec) > QUICK

    def soon(self, dataset: Dataset, spec: Analysis) -> bool:
        """Will the exact result of `spec` be there within `SOON`?"""
        scan = self._of(dataset)
        return scan is not None and scan.seconds * scan.share(spec) <= SOON

    def images(self, dataset: Dataset, spec: Analysis) -> PreviewImages | None:
        """A preview of the results of `spec`; None where there is none.

        Of a large scan whose cube is not complete it is from the frames that were read so far; where that are none
        some are read, once. Raises UsageError where a mask does not fit the dataset.
        """
        scan = self._of(dataset)
        if scan is None or not can_preview(spec):
            return None
        found = preview(scan.cube, spec, dataset) if scan.cube.done else None
        if self.reads(dataset):
            sample = self._sample_of(scan)
            if len(sample.frames):
                return beside(found, sampled(sample, spec, dataset))
        return found

    def reads(self, dataset: Dataset) -> bool:
        """Does `images` need frames of the scan, beside what its cube has?"""
        scan = self._of(dataset)
        return scan is not None and scan.is_large and not scan.cube.complete

    def sharpen(self, dataset: Dataset) -> bool:
        """Read more frames of a large scan, once; True where `images` knows more since."""
        scan = self._of(dataset)
        if scan is None or not scan.is_large or scan.cube.complete or not scan.is_coarse:
            return False
        before, scan.sample, scan.is_coarse = scan.sample, None, False
        sample = self._sample_of(scan)
        if before is None:
            return True
        more = before.and_more(sample)
        scan.keep(more)
        return len(more.frames) > len(before.frames)

    def close(self, timeout: float = 5.0) -> None:
        """Stop writing, wait for the threads."""
        self._closed.set()
        with self._lock:
            self._scan = None
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout)

    def _of(self, dataset: Dataset) -> _Scan | None:
        scan = self._scan
        return scan if scan is not None and scan.dataset is dataset else None

    def _sample_of(self, scan: _Scan) -> SampledFrames:
        sample = scan.sample
        if sample is None:
            gone: Callable[[], bool] = lambda: self._scan is not scan  # noqa: E731
            sample = sample_frames(scan.dataset, SAMPLE_FRAMES, SAMPLE_SECONDS, SAMPLE_BYTES, gone)
            scan.keep(sample)
        return sample

    def _found(self, scan: _Scan) -> bool:
        """Is the cube on disk? It is then being read, or was found to be of no use. Looks once."""
        if self._cache is None:
            return False
        if not scan.looked:
            scan.looked = True
            try:
                scan.loading = self._cache.path_of(scan.dataset).is_file()
            except Exception as error:  # a share that went away: the job itself says so
                log.info("no preview is looked for: %s", error)
            if scan.loading:
                self._in_thread(self._load, scan)
                return True  # it may be read by now
        return scan.loading

    def _take(self, scan: _Scan, partial: Partial) -> None:
        """From the executor's threads."""
        if scan.cube.take(partial) and scan.cube.complete and self._scan is scan:
            scan.sample = None
            self._in_thread(self._keep, scan)

    def _load(self, cache: PreviewCache, scan: _Scan) -> None:
        try:
            fresh = PreviewCube(scan.dataset, scan.cube.bins)
            if cache.load(scan.dataset, fresh):
                scan.cube, scan.sample = fresh, None
        finally:
            scan.loading = False

    def _keep(self, cache: PreviewCache, scan: _Scan) -> None:
        end = time.monotonic() + SETTLED
        while self._scan is scan and time.monotonic() < end:
            if self._closed.wait(0.05):
                return
        cache.store(scan.dataset, scan.cube, lambda: self._closed.is_set() or self._scan is not scan)

    def _in_thread(self, work: Callable[[PreviewCache, _Scan], None], scan: _Scan) -> None:
        cache = self._cache
        if cache is None or self._closed.is_set():
            return
        thread = threading.Thread(target=work, args=(cache, scan), name="ltdesk-preview-cache", daemon=True)
        with self._lock:
            self._threads = [*(t for t in self._threads if t.is_alive()), thread]
            thread.start()


class _Scan:
    """What is known of the dataset that is open.

    seconds : how long the quickest pass over all of it took
    given_up : its cube cannot be completed
    looked, loading : was its cube looked for on disk, is it being read
    mapped : are frames seen in the file
    sample : some frames of a large one, those that were read on opening or when they were first wanted
    is_coarse : are they those few that were read on opening
    """

    def __init__(self, dataset: Dataset, cube: PreviewCube, seen: SampledFrames | None) -> None:
        self.dataset, self.cube = dataset, cube
        self.seconds = float("inf")
        self.given_up = self.looked = self.loading = self.mapped = False
        self.is_large = dataset.nbytes >= LARGE
        self.is_coarse = self.is_large and seen is not None and len(seen.frames) > 0
        self.sample: SampledFrames | None = seen if self.is_coarse else None

    def keep(self, sample: SampledFrames) -> None:
        """Keep some frames until the cube is complete, which it may have become while they were read."""
        self.sample = sample
        if self.cube.complete:  # after, not before: whoever completes it lets go of what is kept by then
            self.sample = None

    def share_of(self, job: Job) -> float:
        """About what part of a pass a job takes."""
        return max((self.share(spec) for spec in job.analyses), default=1.0)

    def share(self, spec: Analysis) -> float:
        """The same of an analysis: one that reads a few rows of each frame takes less."""
        shape = _SHAPE.get(type(spec), lambda _: None)(spec) if self.mapped else None
        if shape is None:
            return 1.0
        ky = self.dataset.frame_shape[0]
        y0, _, y1, _ = bounds(shape)
        rows = min(y1, ky - 1.0) - max(y0, 0.0) + 1
        return min(1.0, SCATTERED * max(rows, 1.0) / ky)


_SHAPE: dict[type[Analysis], Callable[[Any], AnyShape | None]] = {
    VirtualDetector: lambda spec: spec.shape,
    CenterOfMass: lambda spec: spec.mask,
}
