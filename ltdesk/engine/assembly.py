"""Assembly: partials folded so far, plus which scan positions are valid.

Scan results are placed as they come; frame results are folded in the plan's order, so that float sums do not depend on
who was first. A second copy of a partial is dropped.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import ResultSpec
from ltdesk.engine.analyses import FOLDED, Buffer, Kernel, kernels_for, merge
from ltdesk.engine.dataset import Calibration, Dataset
from ltdesk.engine.memory import memory_bytes
from ltdesk.engine.partial import Partial
from ltdesk.engine.recipe import make_recipe
from ltdesk.errors import UsageError
from ltdesk.job import Job, Partition, Plan

MOST_REASONS = 20
"""Kinds of reasons for not mapping that are kept."""


@dataclass(frozen=True)
class Results(Mapping[str, NDArray[Any]]):
    """Arrays by result name.

    Attributes
    ----------
    valid : (sy, sx) bool; False where a frame was outside the region, missing or failed
    specs : what each array is, by name
    recipe : what to do to get them again
    execution : how they were computed
    calibration : of the dataset
    """

    arrays: dict[str, NDArray[Any]]
    valid: NDArray[np.bool_]
    specs: dict[str, ResultSpec]
    recipe: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


class Assembly:
    """Folds partials; safe to read from any thread while others add."""

    def __init__(self, job: Job, dataset: Dataset, kernels: Sequence[Kernel] = ()) -> None:
        """`kernels`: the job's, where they are there already: laying out many masks takes milliseconds."""
        self._job, self._dataset = job, dataset
        self._kernels = kernels or kernels_for(job.analyses, dataset.frame_shape, dataset.dtype)
        buffers: dict[str, Buffer] = {b.name: b for kernel in self._kernels for b in kernel.buffers}
        self._kinds = [(b.name, b.kind) for b in buffers.values()]
        self._scans = [b for b in buffers.values() if b.kind == "scan"]
        self._arrays = {b.name: b.empty((), dataset.frame_shape) for b in buffers.values() if b.kind in FOLDED}
        self._arrays |= _scan_arrays(self._scans, dataset)
        self._folding = [kernel for kernel in self._kernels if any(b.kind in FOLDED for b in kernel.buffers)]
        self._valid = np.zeros(dataset.scan_shape, dtype=np.bool_)
        self._flat = {b.name: _by_position(self._arrays[b.name]) for b in self._scans}
        self._flat_valid = _by_position(self._valid)
        self._folded_frames = 0
        self._next = 0
        self._waiting: dict[int, Partial | None] = {}
        self._seen: set[int] = set()
        self._plan: dict[int, Partition] = {}
        self._lock = threading.Lock()
        self.traffic = {"bytes_mapped": 0, "bytes_read": 0, "bytes_network": 0, "bytes_checked": 0}
        self.hosts: set[str] = set()
        self._not_mapped: dict[str, str] = {}
        self._partitions_not_mapped = 0

    def start(self, plan: Plan) -> None:
        """The partitions to come."""
        self._plan = {partition.index: partition for partition in plan}

    @property
    def next_to_fold(self) -> int:
        """Index of the first partition that is neither folded nor skipped; what runs ahead of it is kept waiting."""
        return self._next

    @property
    def not_mapped(self) -> dict[str, Any]:
        """How many partitions were read though they might have been mapped, and why; nothing where there are none."""
        if not self._partitions_not_mapped:
            return {}
        with self._lock:
            reasons = list(self._not_mapped.values())
        return {"partitions_not_mapped": self._partitions_not_mapped, "not_mapped": reasons}

    def add(self, partial: Partial) -> bool:
        """Take a partial in; False if it was known."""
        return bool(self.add_all([partial]))

    def add_all(self, partials: Iterable[Partial]) -> list[Partial]:
        """Take partials in; those that were not known."""
        with self._lock:
            fresh = [partial for partial in partials if self._is_new(partial)]
            for partial in fresh:
                self._place(partial)
                self._waiting[partial.index] = partial
            self._count(fresh)
            self._fold()
        return fresh

    def skip(self, index: int) -> None:
        """Partition `index` failed: those after it need not wait for it. Should it come later, it is folded then."""
        with self._lock:
            self._waiting.setdefault(index, None)
            self._fold()

    def valid(self) -> NDArray[np.bool_]:
        """Positions whose frame took part so far, ``(sy, sx)``, a copy."""
        with self._lock:
            return self._valid.copy()

    def results(self, execution: dict[str, Any] | None = None) -> Results:
        """The results as far as they are known; copies."""
        with self._lock:
            arrays = {name: array.copy() for name, array in self._arrays.items()}
            valid = self._valid.copy()
            frames = self._folded_frames if self._folding else int(np.count_nonzero(valid))
            hosts = sorted(self.hosts)
        if not valid.all():
            for b in self._scans:
                arrays[b.name][~valid] = b.nothing
        finished: dict[str, NDArray[Any]] = {}
        for kernel in self._kernels:
            own = {b.name: arrays[b.name] for b in kernel.buffers if b.name in arrays}
            finished |= kernel.finish(own, valid, frames)
        specs, recipe = dict(self.specs), make_recipe(self._job, self._dataset)
        arrays = {name: finished[name] for name in specs}
        return Results(arrays, valid, specs, recipe, {"hosts": hosts, **(execution or {})}, self._dataset.calibration)

    @cached_property
    def specs(self) -> dict[str, ResultSpec]:
        """What the results are, by name."""
        shape, dtype = self._dataset.frame_shape, self._dataset.dtype
        return {spec.name: spec for analysis in self._job.analyses for spec in analysis.results(shape, dtype)}

    def _is_new(self, partial: Partial) -> bool:
        if partial.index in self._seen:
            return False
        self._seen.add(partial.index)
        return True

    def _place(self, partial: Partial) -> None:
        partition = self._plan[partial.index]
        _put(self._valid, self._flat_valid, partition, partial.valid)
        for name, kind in self._kinds:
            if kind == "scan":
                _put(self._arrays[name], self._flat[name], partition, partial.buffers.pop(name))
            elif kind in ("block", "aside"):
                partial.buffers.pop(name, None)

    def _count(self, partials: Sequence[Partial]) -> None:
        for key in self.traffic:
            self.traffic[key] += sum([getattr(partial, key) for partial in partials])
        self.hosts.update([partial.host for partial in partials if partial.host])
        for partial in partials:
            if partial.not_mapped:
                self._note_not_mapped(f"{partial.host}: {partial.not_mapped}")

    def _note_not_mapped(self, reason: str) -> None:
        self._partitions_not_mapped += 1
        if len(self._not_mapped) < MOST_REASONS:
            self._not_mapped.setdefault(re.sub(r"\d+", "", reason), reason)  # of each kind one, with its numbers

    def _fold(self) -> None:
        while self._next in self._waiting:
            self._merge(self._waiting.pop(self._next))
            self._next += 1
        for index in [index for index in self._waiting if index < self._next]:
            self._merge(self._waiting.pop(index))

    def _merge(self, partial: Partial | None) -> None:
        if partial is None or not self._folding:
            return
        for kernel in self._folding:
            merge(kernel, self._arrays, partial.buffers)
        self._folded_frames += int(np.count_nonzero(partial.valid))


def _scan_arrays(scans: Sequence[Buffer], dataset: Dataset) -> dict[str, NDArray[Any]]:
    """What is not valid is set in `results`: these may be as large as a tenth of the scan.

    Raises UsageError where there isn't the memory for them: the system would end the process later.
    """
    (sy, sx), have = dataset.scan_shape, memory_bytes()
    needed = 2 * sy * sx * (1 + sum(b.dtype.itemsize * math.prod(b.extra) for b in scans))  # kept, and copied when read
    try:
        if have is not None and needed > have:
            raise MemoryError
        return {b.name: np.empty((*dataset.scan_shape, *b.extra), b.dtype) for b in scans}
    except MemoryError as error:
        why = "more than the system gives" if have is None else f"this machine has {have / 1e9:,.1f}"
        what = f"results at {sy} x {sx} scan positions need {needed / 1e9:,.1f} GB of memory; {why}"
        raise UsageError(f"{dataset.ref.uri}: {what}", "Check the scan shape, or ask for fewer at a time.") from error


def _by_position(image: NDArray[Any]) -> NDArray[Any]:
    """A view of ``(sy, sx, *extra)`` as ``(sy * sx, *extra)``."""
    return image.reshape(-1, *image.shape[2:])


def _put(image: NDArray[Any], flat: NDArray[Any], partition: Partition, block: NDArray[Any]) -> None:
    """Put a block of values ``(h * w, *extra)`` where its partition lies in the image, which `flat` is a view of."""
    width = image.shape[1]
    if partition.x1 - partition.x0 == width:  # half the time, sixty times a job
        flat[partition.y0 * width : partition.y1 * width] = block
    else:
        rows = image[partition.y0 : partition.y1, partition.x0 : partition.x1]
        rows[...] = block.reshape(rows.shape)
