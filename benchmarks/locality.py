"""Runs jobs on dask workers beside HDFS's DataNodes, on the plain file, and over WebHDFS, in turn; prints the ratios.

    python benchmarks/locality.py [--mb 2048] [--workers 2] [--rounds 5] [--json OUT]

It starts a NameNode, three DataNodes and the workers on this machine (tests/cluster/hdfs.py, tests/dask_processes.py),
a worker a host, and ingests a scan with two copies; for one worker, one DataNode that holds all, so that each block has
a worker on its host. "file" is the local executor on the source, with as many threads as there are workers; "mapped"
the workers on the block files, all of them checked before; "first pass" the same in the job that checks them; "WebHDFS"
workers that may map nothing. Kernels are compiled before anything counts. File and mapped are run in turn; printed are
the best seconds and the median of the ratios within each turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ltdesk.analysis import Analysis, CenterOfMass, StdFrame, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor
from ltdesk.engine.ingest import ingest
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.geometry import Ring
from ltdesk.job import Job
from ltdesk.polar import RadialProfile
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import DaskProcesses, until

RING = VirtualDetector(Ring(cy=63.5, cx=63.5, r_in=20, r_out=50), name="ring")
Jobs = dict[str, Sequence[Analysis]]
JOBS: Jobs = {
    "ring": (RING,),
    "sum + com + ring": (SumFrame(), CenterOfMass(), RING),
    "std + com + radial": (StdFrame(), CenterOfMass(), RadialProfile()),
}


def main() -> int:
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="ltdesk-locality-") as name:
        folder = Path(name)
        hdfs = Hdfs(folder / "hdfs", datanodes=1 if arguments.workers == 1 else 3)
        hdfs.start()
        try:
            with open_dataset(make_scan(folder / "scan.npy", arguments.mb, arguments.dtype)) as source:
                uri = ingest(source, hdfs.uri("/scan"), replication=min(2, len(hdfs.hosts))).uri
                measured = measure(source, uri, hdfs, folder, arguments)
        finally:
            hdfs.stop()
    report(measured, arguments)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="mapped blocks against the plain file and WebHDFS")
    parser.add_argument("--mb", type=int, default=2048, help="MiB of the scan")
    parser.add_argument("--workers", type=int, default=2, choices=(1, 2, 3))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="<u2", help="of the scan's pixels")
    parser.add_argument("--jobs", default=",".join(JOBS), help="which of them, the first of which checks the blocks")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def make_scan(path: Path, mb: int, dtype: str) -> Path:
    """Rows of 128 frames of 128x128 pixels."""
    rows = np.random.default_rng(0).integers(0, 4096, (8, 128, 128, 128)).astype(dtype)
    count = mb * 2**20 // rows[0].nbytes
    out = np.lib.format.open_memmap(path, "w+", rows.dtype, (count, 128, 128, 128))
    for y in range(0, count, len(rows)):
        out[y : y + len(rows)] = rows[: count - y]
    return path


def measure(source: Dataset, uri: str, hdfs: Hdfs, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seconds by job and way, and what `execution` says of the last."""
    hosts, jobs = hdfs.hosts[: arguments.workers], chosen(arguments)
    with LocalExecutor(arguments.workers) as local:
        for analyses in jobs.values():
            seconds_of(local, source, analyses)
        with open_dataset(uri) as twin:
            near = workers(folder / "near", hosts, [str(hdfs.data_folder(i)) for i in range(len(hosts))])
            try:
                found = measure_mapped(local, source, twin, near, jobs, arguments.rounds)
            finally:
                near.stop()
            away = workers(folder / "away", hosts, [""] * len(hosts))
            try:
                add_network(found, twin, away, jobs)
            finally:
                away.stop()
    return found


def chosen(arguments: argparse.Namespace) -> Jobs:
    return {name: JOBS[name] for name in arguments.jobs.split(",")}


def workers(folder: Path, hosts: list[str], data: list[str]) -> DaskProcesses:
    folder.mkdir()
    processes = DaskProcesses(folder)
    for number, host in enumerate(hosts):
        processes.start_worker(f"bench{number}", host, {DATA_DIRS: data[number]})
    return processes


def connected(processes: DaskProcesses) -> ClusterExecutor:
    executor = ClusterExecutor(processes.address, timeout=60)
    until(lambda: len(executor.workers) == len(processes.workers), "the workers join")
    return executor


def measure_mapped(
    local: Executor, source: Dataset, twin: Dataset, near: DaskProcesses, jobs: Jobs, rounds: int
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    first = next(iter(jobs.values()))
    with connected(near) as cluster:
        for analyses in jobs.values():  # compiles, or loads what was compiled
            seconds_of(cluster, source, analyses)
        seconds, execution = seconds_of(cluster, twin, first)
        found["first pass"] = {"seconds": seconds, "checked": execution["bytes_checked"]}
        while seconds_of(cluster, twin, first)[1]["bytes_checked"]:  # other copies, on other hosts
            pass
        for name, analyses in jobs.items():
            pairs = [
                (seconds_of(local, source, analyses)[0], seconds_of(cluster, twin, analyses)) for _ in range(2 * rounds)
            ]
            found[name] = {
                "file": [seconds for seconds, _ in pairs],
                "mapped": [seconds for _, (seconds, _) in pairs],
                "execution": pairs[-1][1][1],
            }
    return found


def add_network(found: dict[str, Any], twin: Dataset, away: DaskProcesses, jobs: Jobs) -> None:
    with connected(away) as cluster:
        for name, analyses in jobs.items():
            found[name]["WebHDFS"] = [seconds_of(cluster, twin, analyses)[0] for _ in range(2)]


def seconds_of(executor: Executor, dataset: Dataset, analyses: Sequence[Analysis]) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    results = executor.submit(Job(dataset=dataset.ref, analyses=tuple(analyses)), dataset).result()
    return time.perf_counter() - started, results.execution


def report(measured: dict[str, Any], arguments: argparse.Namespace) -> None:
    gb = arguments.mb * 1.048576e-3
    print(f"{gb:.2f} GB, {arguments.workers} workers or threads; best seconds, GB/s, median ratios")
    for name in chosen(arguments):
        job = measured[name]
        best = {way: min(job[way]) for way in ("file", "mapped", "WebHDFS")}
        ratio = statistics.median(f / m for f, m in zip(job["file"], job["mapped"], strict=True))
        print(
            f"{name}: "
            + ", ".join(f"{way} {seconds:.3f} s ({gb / seconds:.1f} GB/s)" for way, seconds in best.items())
            + f"; mapped/file {ratio:.2f}, mapped/WebHDFS {best['WebHDFS'] / best['mapped']:.1f}"
            + f", local share {job['execution']['local_share']}"
        )
    first = measured["first pass"]
    print(f"first pass: {first['seconds']:.3f} s, {first['checked'] / 1e9:.2f} GB checked")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured))


if __name__ == "__main__":
    sys.exit(main())
