"""What runs on a dask worker: a task is `run_task` over some partitions of a job.

The scheduler imports this module too, since it reads the name of the function, so what takes long to load is loaded
where it is used, and a task's arguments are plain numbers, text and bytes.
"""

from __future__ import annotations

import os
import pickle
import socket
import struct
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ltdesk.errors import DamagedFileError, JobCancelled, LtdeskError, OpenError

if TYPE_CHECKING:
    from ltdesk.engine.dataset import Dataset, Identity
    from ltdesk.engine.partial import Partial
    from ltdesk.engine.partition import Prepared
    from ltdesk.job import Job, Partition

CORNERS = "<5q"
"""A partition as a task names it: index, y0, y1, x0, x1; all of them as one piece, since dask looks into lists."""
SMALL_ARRAY = 1 << 16
"""Bytes up to which a partial's arrays, on average, travel together: dask sends each larger one without a copy, but
takes 40 us for each."""

KEPT_JOBS, KEPT_DATASETS, KEPT_CANCELS = 16, 4, 256
"""What a worker remembers, so that a file is not opened again for each task."""


@dataclass
class Failure:
    """A partition that could not be done. `trace` is None for an error that is shown to users as it is."""

    index: int
    message: str
    trace: str | None = None


@dataclass
class Answer:
    """What a task gives back.

    Attributes
    ----------
    worker, host : where it ran
    partials, failures : of its partitions; those in neither were not begun, since the job was cancelled
    refused : why this worker can do nothing for the job at all (it can't read the scan)
    unknown_job : the worker has not been told what the job is
    """

    worker: str
    host: str
    partials: list[Partial] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    refused: LtdeskError | None = None
    unknown_job: bool = False

    def __getstate__(self) -> dict[str, Any]:
        arrays = [array for partial in self.partials for array in (partial.valid, *partial.buffers.values())]
        if sum(array.nbytes for array in arrays) > SMALL_ARRAY * len(arrays):
            return vars(self)
        return vars(self) | {"partials": pickle.dumps(self.partials, pickle.HIGHEST_PROTOCOL)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["partials"], bytes):
            state = state | {"partials": pickle.loads(state["partials"])}
        vars(self).update(state)


@dataclass
class Opened:
    """A dataset that is kept open. `status`: its file's, just before; None where it isn't one of this machine."""

    dataset: Dataset
    status: os.stat_result | None

    def is_of(self, now: os.stat_result | None) -> bool:
        """Whether a file that is like this now is still the one that was opened; it may have grown."""
        before = self.status
        if now is None or before is None:
            return now is before
        same_time = now.st_mtime_ns == before.st_mtime_ns
        return now.st_ino == before.st_ino and (same_time or now.st_size > before.st_size)


_lock = threading.Lock()
_jobs: OrderedDict[str, Prepared] = OrderedDict()
_datasets: OrderedDict[tuple[str, str], Opened] = OrderedDict()
_cancelled: OrderedDict[str, None] = OrderedDict()


def run_task(token: str, spec: bytes | None, partitions: bytes) -> Answer:
    """Do partitions of the job `token`, as `corners_of` names them. `spec` says what the job is, where this worker may
    not have been told.

    It raises nothing: one partition's error leaves the others as they are, and no error has to survive a pickle.
    """
    from distributed import get_worker

    worker = get_worker()
    answer = Answer(worker.address, _host(worker))
    if token in _cancelled:
        return answer
    try:
        prepared = _prepared(token, spec)
    except LtdeskError as error:
        answer.refused = error
    except Exception as error:
        answer.refused = OpenError(f"the job can't be begun: {_one_line(error)}", traceback.format_exc())
    else:
        answer.unknown_job = prepared is None
        if prepared is not None:
            _run(token, prepared, partitions, answer)
    return answer


def cancel_here(token: str) -> None:
    """Stop the job's tasks on this worker between two tiles; those that come later do nothing."""
    remember(_cancelled, token, None, KEPT_CANCELS)
    if (prepared := _jobs.get(token)) is not None:
        prepared.stop()


def describe_here() -> list[str]:
    """The names and addresses by which this worker's host may be known, but for those that all hosts have."""
    import psutil  # type: ignore[import-untyped]  # dask.distributed needs it

    host = socket.gethostname()
    found = {host, socket.getfqdn(host)}
    for addresses in psutil.net_if_addrs().values():
        found |= {a.address.partition("%")[0] for a in addresses if a.family in (socket.AF_INET, socket.AF_INET6)}
    return sorted(name for name in found if not is_loopback(name))


def spec_of(job_json: str, identity: Identity) -> bytes:
    """What a worker is told of a job, once."""
    return f"{identity.size} {identity.header_hash}\n{job_json}".encode()


def corners_of(partitions: Iterable[Partition]) -> bytes:
    """Partitions as a task names them."""
    return b"".join(struct.pack(CORNERS, p.index, p.y0, p.y1, p.x0, p.x1) for p in partitions)


def _run(token: str, prepared: Prepared, partitions: bytes, answer: Answer) -> None:
    from ltdesk.engine.pace import Pace
    from ltdesk.engine.partition import run_together
    from ltdesk.job import Partition

    _fit_threads()
    if token in _cancelled:  # while it was made ready
        prepared.stop()
    waiting = [Partition(*corners) for corners in struct.iter_unpack(CORNERS, partitions)]
    pace = Pace()
    while waiting:
        started, some = time.perf_counter(), waiting[: pace.most]
        for partition, result in zip(some, run_together(prepared, some), strict=True):
            if isinstance(result, JobCancelled):
                return
            _add_to(answer, partition.index, result)
            if isinstance(result, DamagedFileError):
                _forget(prepared.dataset)
        pace.took(time.perf_counter() - started, len(some))
        waiting = waiting[len(some) :]


def _add_to(answer: Answer, index: int, result: Partial | Exception) -> None:
    if isinstance(result, LtdeskError):
        answer.failures.append(Failure(index, str(result)))
    elif isinstance(result, Exception):
        answer.failures.append(Failure(index, _one_line(result), "".join(traceback.format_exception(result))))
    else:
        result.host = answer.host
        answer.partials.append(result)


def _fit_threads() -> None:
    """One thread a task: the worker runs as many tasks as it has threads."""
    import numba

    numba.set_num_threads(1)


def _prepared(token: str, spec: bytes | None) -> Prepared | None:
    """The job made ready, from memory where it was told; None where nobody has told it."""
    with _lock:  # two tasks of a job must not open its file twice
        if token not in _jobs and spec is not None:
            remember(_jobs, token, _prepare(spec), KEPT_JOBS)
        return _jobs.get(token)


def _prepare(spec: bytes) -> Prepared:
    from ltdesk.engine.partition import prepare
    from ltdesk.job import Job

    head, _, job_json = spec.decode().partition("\n")
    job = Job.model_validate_json(job_json)
    key, status = (job.dataset.model_dump_json(), head), _status(job.dataset.uri)
    kept = _datasets.get(key)
    if kept is None or not kept.is_of(status):
        kept = Opened(_open(job, head), status)
        remember(_datasets, key, kept, KEPT_DATASETS)
    return prepare(job, kept.dataset)


def _status(uri: str) -> os.stat_result | None:
    from ltdesk.engine.open import local_path

    try:
        return os.stat(local_path(uri))
    except (OSError, ValueError):  # in a storage, or what opening it will say
        return None


def _forget(dataset: Dataset) -> None:
    """Have the next job open it anew: found damaged once, it stays so, though its file may be put right."""
    with _lock:
        for key in [key for key, kept in _datasets.items() if kept.dataset is dataset]:
            del _datasets[key]


def _open(job: Job, head: str) -> Dataset:
    """Raises OpenError where it can't be read here, or is not what the job's owner has at that path."""
    from ltdesk.engine.open import open_ref

    dataset = open_ref(job.dataset)
    here, (size, digest) = dataset.identity(), head.split()
    if (here.size, here.header_hash) == (int(size), digest):
        return dataset
    dataset.close()
    sizes = "" if here.size == int(size) else f" ({here.size:,} bytes, not {int(size):,})"
    raise OpenError(f"{job.dataset.uri}: is another file on {socket.gethostname()}{sizes}")


def remember(memory: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    """Keep a value in a memory of the last `most`."""
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > most:
        memory.popitem(last=False)  # not closed: a task may still read it, and it closes with its last tile


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _host(worker: Any) -> str:
    """What this host is called; where workers of one machine stand for hosts of their own, what they stand for."""
    ip = str(urlsplit(worker.address).hostname)
    return ip if is_loopback(ip) and ip not in ("127.0.0.1", "::1") else socket.gethostname()


def is_loopback(name: str) -> bool:
    """Whether every host calls itself so."""
    return name == "::1" or name.startswith(("127.", "localhost"))
