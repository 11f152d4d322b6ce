"""A scan in HDFS whose partitions wait for a command, for jobs on dask workers that something happens to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ltdesk.analysis import CenterOfMass, MaxFrame, StdFrame, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.open import open_dataset
from ltdesk.geometry import Rectangle
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import until
from tests.engine.executor_suite import job_for
from tests.engine.storage.ingest_suite import run, same_bytes
from tests.engine.storage.storage_suite import Place
from tests.faults.gated_scan import Commands

ANALYSES = (
    VirtualDetector(Rectangle(y0=0, x0=0, y1=128, x1=128), name="all"),
    *(SumFrame(), StdFrame(), MaxFrame(), CenterOfMass()),
)
"""Images, and folds of frames, in which each partition must count once."""


class ScanOnHdfs:
    """A scan in HDFS, and a gate before its partitions."""

    def __init__(self, folder: Path, place: Place, hdfs: Hdfs) -> None:
        self.array = np.random.default_rng(3).integers(0, 60000, (16, 16, 128, 128)).astype(np.float32)
        np.save(folder / "scan.npy", self.array)
        with open_dataset(str(folder / "scan.npy")) as source:
            self.uri = ingest(source, place.storage.uri(place.path("twin"))).uri
            self.expected = run(source, *ANALYSES)
        (folder / "commands").mkdir()
        self.commands = Commands(folder / "commands")
        with open_dataset(self.uri) as twin:
            assert isinstance(twin, IngestedScan)
            for index in range(len(twin.plan())):
                hdfs.copies(place.storage, twin._files.path(index))

    def submit_and_wait(self, executor: ClusterExecutor, dataset: Dataset) -> JobHandle:
        """A job of which some is done; the rest waits."""
        self.commands.shut_at(4)
        handle = executor.submit(job_for(dataset, *ANALYSES), dataset)
        until(lambda: max(self.commands.begun, default=0) >= 4, "the job has begun")
        return handle

    def check(self, handle: JobHandle) -> None:
        results = handle.result(120)
        np.testing.assert_array_equal(results["all"], self.array.astype(np.float64).sum(axis=(2, 3)))
        same_bytes(results, self.expected)
        assert results.valid.all()
        assert results.execution["bytes_network"] == self.array.nbytes
