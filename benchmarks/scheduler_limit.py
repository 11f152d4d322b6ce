"""How many tasks and partitions a second one dask scheduler takes from the executor, with partitions that cost nothing.

    python benchmarks/scheduler_limit.py [--partitions 100000] [--workers 2] [--one-by-one 20000]

Once as the executor groups partitions into tasks, and once with one to a task, where what a task costs is all there is.
It prints per second tasks and partitions, CPU time of scheduler and client, and how far the scheduler's memory grew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ltdesk.analysis import SumSignal
from ltdesk.engine import cluster_run
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.engine.formats.format import Format
from ltdesk.job import DatasetRef, Job, Partition, Plan
from tests.dask_processes import DaskProcesses, until

HEAD = b'{"partitions": '


class EmptyScan(Dataset):
    """A row of partitions with one frame of one pixel each."""

    def __init__(self, path: str, ref: DatasetRef) -> None:
        self.count = int(json.loads(Path(path).read_bytes())["partitions"])
        super().__init__(ref, (1, self.count), (1, 1), np.dtype("u1"), "empty")

    def plan(self) -> Plan:
        return tuple(Partition(i, 0, 1, i, i + 1) for i in range(self.count))

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        yield Tile(0, np.ones((1, 1, 1), np.uint8))

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return np.ones((1, 1), np.uint8)

    def identity(self) -> Identity:
        return Identity(path=self.ref.uri, size=self.count, mtime_ns=0, header_hash="0")


FORMAT = Format("empty", (".empty",), lambda _path, head: head.startswith(HEAD), EmptyScan)


def main() -> int:
    parser = argparse.ArgumentParser(description="the limit of one scheduler")
    parser.add_argument("--partitions", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one-by-one", type=int, default=20_000, help="partitions of the run with one to a task")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ltdesk-scheduler-") as name:
        folder = Path(name)
        processes = DaskProcesses(folder, install(folder / "plug-in"))
        try:
            for number in range(arguments.workers):
                processes.start_worker(f"limit{number}", f"127.0.0.{2 + number}")
            with ClusterExecutor(processes.address, timeout=60) as executor:
                until(lambda: len(executor.workers) == arguments.workers, "the workers join")
                run(executor, processes, folder, 1000)
                print("grouped:", run(executor, processes, folder, arguments.partitions))
                cluster_run.MOST_PARTITIONS = 1
                print("one by one:", run(executor, processes, folder, arguments.one_by_one))
        finally:
            processes.stop()
    return 0


def run(executor: ClusterExecutor, processes: DaskProcesses, folder: Path, partitions: int) -> str:
    path = folder / f"{partitions}.empty"
    path.write_bytes(HEAD + str(partitions).encode() + b"}")
    dataset = EmptyScan(str(path), DatasetRef(uri=str(path)))
    scheduler, client = psutil.Process(processes.scheduler.pid), psutil.Process()
    before, cpu, own = executor._dispatch.sent, sum(scheduler.cpu_times()[:2]), sum(client.cpu_times()[:2])
    memory, started = scheduler.memory_info().rss, time.perf_counter()
    results = executor.submit(Job(dataset=dataset.ref, analyses=(SumSignal(),)), dataset).result()
    seconds, tasks = time.perf_counter() - started, executor._dispatch.sent - before
    assert int(results["sum_signal"].sum()) == partitions
    cpu, own = sum(scheduler.cpu_times()[:2]) - cpu, sum(client.cpu_times()[:2]) - own
    grown = (scheduler.memory_info().rss - memory) / 1e6
    return (
        f"{partitions:,} partitions in {tasks:,} tasks, {seconds:.1f} s: {tasks / seconds:.0f} tasks/s, "
        f"{partitions / seconds:.0f} partitions/s; CPU a task: scheduler {1e3 * cpu / tasks:.2f} ms, "
        f"client {1e3 * own / tasks:.2f} ms; a partition: client {1e6 * own / partitions:.0f} us; "
        f"the scheduler has {scheduler.memory_info().rss / 1e6:.0f} MB, {grown:+.0f} by this"
    )


def install(folder: Path) -> str:
    """A folder that, on Python's path, installs the format as a plug-in; its path."""
    info = folder / "ltdesk_empty-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ltdesk-empty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ltdesk.formats]\nempty = benchmarks.scheduler_limit:FORMAT\n")
    return str(folder)


if __name__ == "__main__":
    sys.exit(main())
