"""A dataset in memory and an executor whose jobs do exactly what a test tells them, one partition at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.engine.plan import make_plan
from ltdesk.errors import DamagedFileError
from ltdesk.job import DatasetRef, Job, Partition


class MemoryDataset(Dataset):
    """Frames ``(sy, sx, ky, kx)`` held in an array; a partition of `rows` rows of the scan."""

    def __init__(self, frames: NDArray[Any], uri: str = "memory", row_bytes: int | None = None) -> None:
        super().__init__(
            ref=DatasetRef(uri=uri),
            scan_shape=frames.shape[:2],
            frame_shape=frames.shape[2:],
            dtype=frames.dtype,
            format="memory",
            frames_good=frames.shape[0] * frames.shape[1],
            frames_expected=frames.shape[0] * frames.shape[1],
        )
        self.frames = frames
        self.broken: set[tuple[int, int]] = set()
        self.closed = threading.Event()
        # a plan of one row each, whatever the size
        self.__dict__["_plan"] = tuple(
            Partition(i, p.y0, p.y1, p.x0, p.x1)
            for i, p in enumerate(make_plan(self.scan_shape, 1 << 20, (1, self.scan_shape[1])))
        )

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        if (y, x) in self.broken:
            raise DamagedFileError(f"memory: frame ({y}, {x}) is missing")
        return self.frames[y, x].copy()

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        block = self.frames[partition.slices]
        yield Tile(0, block.reshape(-1, *self.frame_shape), block.nbytes)

    def identity(self) -> Identity:
        return Identity(path="memory", size=self.nbytes, mtime_ns=0, header_hash="0" * 64)

    def close(self) -> None:
        self.closed.set()


class SteppedExecutor:
    """Takes jobs and does nothing until a test calls `step`, `finish` or `fail`; `auto` does them at once."""

    def __init__(self, auto: bool = False) -> None:
        self.auto = auto
        self.handles: list[JobHandle] = []
        self._submitted = threading.Condition()
        self._waiting: dict[int, list[Partition]] = {}

    def submit(self, job: Job, dataset: Dataset | None = None) -> JobHandle:
        assert dataset is not None
        handle = JobHandle(job, dataset)
        prepare(job, dataset)  # raises what a real one would
        handle.on_cancel(lambda: self._stop(handle))
        handle.started(dataset.plan())
        with self._submitted:
            self._waiting[id(handle)] = list(dataset.plan())
            self.handles.append(handle)
            self._submitted.notify_all()
        if self.auto:
            self.finish(handle)
        return handle

    def close(self) -> None:
        for handle in self.handles:
            handle.cancel()

    def wait_for(self, count: int, timeout: float = 60.0) -> JobHandle:
        """The job number `count`, once it has been submitted."""
        with self._submitted:
            assert self._submitted.wait_for(lambda: len(self.handles) >= count, timeout), (
                f"{len(self.handles)} jobs were submitted, not {count}"
            )
            return self.handles[count - 1]

    def step(self, handle: JobHandle, count: int = 1) -> None:
        """Do the next `count` partitions."""
        prepared = prepare(handle.job, handle.dataset)
        for _ in range(count):
            handle.partial(run_partition(prepared, self._waiting[id(handle)].pop(0)))

    def fail(self, handle: JobHandle, message: str) -> None:
        """The next partition fails."""
        handle.partition_failed(self._waiting[id(handle)].pop(0).index, DamagedFileError(message))

    def finish(self, handle: JobHandle) -> None:
        """Do all that is left."""
        self.step(handle, len(self._waiting[id(handle)]))
        handle.finished()

    def _stop(self, handle: JobHandle) -> None:
        if not handle.state.is_final:
            handle.stopped()


def counts(scan: tuple[int, int], frame: tuple[int, int], seed: int = 0) -> NDArray[np.uint16]:
    """Random counts ``(sy, sx, ky, kx)`` with a bright disk in the middle."""
    rng = np.random.default_rng(seed)
    ys, xs = np.indices(frame)
    centre = (frame[0] - 1) / 2, (frame[1] - 1) / 2
    beam = 50.0 * (np.hypot(ys - centre[0], xs - centre[1]) <= min(frame) / 5) + 2.0
    thickness = rng.uniform(0.3, 1.0, scan)
    return rng.poisson(beam * thickness[:, :, None, None]).astype(np.uint16)
