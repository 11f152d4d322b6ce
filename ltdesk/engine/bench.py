"""Timing analyses against this machine's memory bandwidth.

A *pass* is the time to read the scan once at the bandwidth measured in the same run; times are the least of several
rounds, all cases in turn, so that a slow moment of the machine meets every case. Other pixels, layouts and sizes than
the scan's own are timed by `ltdesk.engine.bench_variants`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, SumSignal, VirtualDetector
from ltdesk.engine.bench_memory import PeakMemory
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import LocalExecutor
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk, PixelMask, Rectangle, Ring, Size2D
from ltdesk.job import Job, Partition
from ltdesk.plugins import analysis_specs
from ltdesk.polar import RadialProfile

CHECKED_ROWS = 2
"""Scan rows that are computed by numpy too before anything is timed."""


@dataclass
class Case:
    """Analyses that are timed as one job.

    seconds : of each round
    memory : bytes that the process held at most beside the page cache meanwhile
    """

    name: str
    analyses: tuple[Analysis, ...]
    seconds: list[float] = field(default_factory=list)
    memory: int = 0

    def run(self, executor: LocalExecutor, dataset: Dataset) -> None:
        """Time the job once more."""
        job = Job(dataset=dataset.ref, analyses=self.analyses)
        with PeakMemory() as peak:
            started = time.perf_counter()
            executor.submit(job, dataset).result()
            self.seconds.append(time.perf_counter() - started)
        self.memory = max(self.memory, peak.nbytes)


def cases(frame_shape: Size2D) -> list[Case]:
    """The usual work on frames ``(ky, kx)``; radii are those of a 128-pixel camera, scaled."""
    ky, kx = frame_shape
    cy, cx, unit = (ky - 1) / 2, (kx - 1) / 2, min(ky, kx) / 128
    ring = VirtualDetector(Ring(cy=cy, cx=cx, r_in=15 * unit, r_out=35 * unit), name="ring")
    disk = VirtualDetector(Disk(cy=cy, cx=cx, r=10 * unit), name="disk")
    places = [(y * ky / 4 + ky / 8, x * kx / 4 + kx / 8) for y in range(4) for x in range(4)]
    small = [Disk(cy=y, cx=x, r=8 * unit) for y, x in places]
    random = np.random.default_rng(0)
    dense = [PixelMask.from_array(random.normal(size=frame_shape)) for _ in range(16)]
    found = [
        Case("sum_frame", (SumFrame(),)),
        Case("sum_signal", (SumSignal(),)),
        Case("com", (CenterOfMass(),)),
        Case("ring", (ring,)),
        Case("disk r=10", (disk,)),
        Case("sum + com + ring", (SumFrame(), CenterOfMass(), ring)),
        Case("16 small disks", tuple(VirtualDetector(shape, name=f"s{i}") for i, shape in enumerate(small))),
        Case("16 dense weights", tuple(VirtualDetector(shape, name=f"w{i}") for i, shape in enumerate(dense))),
    ]
    more = {"std + max + sum": ("std_frame", "max_frame", "sum_frame"), "radial 91 bins": ("radial",)}
    specs = analysis_specs()
    for name, kinds in more.items():
        if set(kinds) <= set(specs):
            options = {"nbins": 91} if kinds == ("radial",) else {}
            found.append(Case(name, tuple(specs[kind].model_validate({"kind": kind, **options}) for kind in kinds)))
    return found


def time_cases(
    dataset: Dataset, todo: Sequence[Case], threads: int, rounds: int, progress: Callable[[], None] = lambda: None
) -> list[float]:
    """Time every case `rounds` times in turn, filling `Case.seconds`; gives the seconds of a plain read each round."""
    plain = []
    with LocalExecutor(threads) as executor:
        for case in todo:
            check(executor, dataset, case)
        for _ in range(rounds):
            plain.append(read_once(dataset, threads))
            for case in todo:
                case.run(executor, dataset)
                progress()
    return plain


def check(executor: LocalExecutor, dataset: Dataset, case: Case) -> None:
    """Compute a few rows with numpy as well; also compiles. Raises LtdeskError where the two differ."""
    checked = min(CHECKED_ROWS, dataset.scan_shape[0])
    region = Rectangle(y0=0, x0=0, y1=checked, x1=dataset.scan_shape[1])
    results = executor.submit(Job(dataset=dataset.ref, analyses=case.analyses, region=region), dataset).result()
    frames = np.array([dataset.frame(y, x) for y in range(checked) for x in range(dataset.scan_shape[1])])
    for spec in case.analyses:
        expected = _with_numpy(spec, frames)
        if expected is None:
            continue
        found = results[spec.result_names()[0]]
        if results.specs[spec.result_names()[0]].kind == "scan":
            found = found[:checked].reshape(expected.shape)
        size = float(np.nanmax(np.abs(expected)))
        if not np.allclose(found, expected, rtol=1e-6, atol=1e-6 * size, equal_nan=True):
            raise LtdeskError(f"{case.name}: '{spec.name}' is not what numpy gives", "This is a bug.")


def _with_numpy(spec: Analysis, frames: np.ndarray) -> np.ndarray | None:
    size = frames.shape[1:]
    wide = frames.astype(np.float64)
    if isinstance(spec, VirtualDetector):
        weights = spec.shape.weights(size)
        return np.asarray((wide * (spec.shape.mask(size) if weights is None else weights)).sum(axis=(1, 2)))
    if isinstance(spec, CenterOfMass):
        rows = np.arange(size[0])[:, None] - spec.centre(size)[0]
        return np.asarray((wide * rows).sum(axis=(1, 2)) / wide.sum(axis=(1, 2)))
    if isinstance(spec, RadialProfile):
        labels, bins = spec.labels(size).ravel(), spec.bins(size)
        inside = labels >= 0
        sums = [np.bincount(labels[inside], frame.ravel()[inside], bins) for frame in wide]
        with np.errstate(invalid="ignore"):
            return np.asarray(sums) / np.bincount(labels[inside], minlength=bins)
    known: dict[str, Callable[[], np.ndarray]] = {
        "sum_frame": lambda: wide.sum(axis=0),
        "sum_signal": lambda: wide.sum(axis=(1, 2)),
        "std_frame": lambda: wide.std(axis=0),
        "max_frame": lambda: wide.max(axis=0),
    }
    return known[spec.kind]() if spec.kind in known else None


def read_once(dataset: Dataset, threads: int) -> float:
    """Seconds to read every frame once on `threads` threads, with nothing else to do: a sum of 64-bit words."""
    plan = dataset.plan()
    parts = [plan[i::threads] for i in range(threads)]
    workers = [threading.Thread(target=_read, args=(dataset, part)) for part in parts]
    _words(np.zeros(1, np.uint64))
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def _read(dataset: Dataset, partitions: Sequence[Partition]) -> None:
    for partition in partitions:
        for tile in dataset.tiles(partition):
            flat = np.ascontiguousarray(tile.frames).reshape(-1).view(np.uint8)
            _words(flat[: flat.size // 8 * 8].view(np.uint64))


@njit(nogil=True, cache=True)
def _words(words):  # type: ignore[no-untyped-def]
    total = np.uint64(0)
    for i in range(words.size):
        total += words[i]
    return total
