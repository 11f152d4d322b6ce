"""Ingests a scan into HDFS and puts the same bytes there plainly, in turn, and prints the ratio.

    python benchmarks/ingest.py [--uri webhdfs://HOST:9870/path] [--mb 512] [--in-flight 4] [--rounds 5] [--json OUT]

Plain puts are what the package hdfs does: as many threads as uploads in flight, each writing files of a partition's
size from the mapped scan, same block size and replication, nothing compared, nothing renamed. Ingest computes its
checksums, compares them with what HDFS tells, renames, and writes the sidecar. Without --uri it starts a NameNode and
three DataNodes on this machine (tests/cluster/hdfs.py), which then share its cores. Each way is done once before it
counts; printed are MB/s of the best round and the median over the rounds of the ratio within each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from hdfs import InsecureClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from folder_in_hdfs import folder_in_hdfs

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from ltdesk.engine.storage import open_storage
from ltdesk.engine.storage.storage import in_pieces
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage


def main() -> int:
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="ltdesk-ingest-") as name, folder_in_hdfs(arguments.uri, Path(name)) as uri:
        scan = make_scan(Path(name) / "scan.npy", arguments.mb)
        with open_dataset(scan) as dataset:
            measured = measure(dataset, uri, arguments.in_flight, arguments.rounds)
    report(measured, arguments)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="ingest against plain puts")
    parser.add_argument("--uri", help="a folder in HDFS to work in; by default a cluster is started here")
    parser.add_argument("--mb", type=int, default=512, help="MiB of the scan")
    parser.add_argument("--in-flight", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def make_scan(path: Path, mb: int) -> Path:
    """Rows of 128 frames of 128x128 u16, so 4 MiB each."""
    frames = np.random.default_rng(0).integers(0, 4096, (mb // 4, 128, 128, 128), dtype=np.uint16)
    np.save(path, frames)
    return path


def measure(dataset: Dataset, uri: str, in_flight: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round; the first is not counted."""
    seconds: dict[str, list[float]] = {"puts": [], "ingest": []}
    storage, folder = open_storage(uri)
    assert isinstance(storage, WebHdfsStorage)
    with storage:
        for number in range(rounds + 1):
            for way in seconds:
                target = f"{folder}/{way}"
                storage.remove(target)
                started = time.perf_counter()
                if way == "ingest":
                    ingest(dataset, storage.uri(target), in_flight=in_flight)
                else:
                    put_plainly(dataset, storage, target, in_flight)
                if number:
                    seconds[way].append(time.perf_counter() - started)
        storage.remove(folder)
    return seconds


def put_plainly(dataset: Dataset, storage: WebHdfsStorage, folder: str, in_flight: int) -> None:
    client = InsecureClient(";".join(client.url for client in storage._calls.clients))

    def put(index: int) -> None:
        partition = dataset.plan()[index]
        nbytes = partition.size * dataset.frame_bytes
        tiles = (tile.frames.reshape(-1).view(np.uint8).data for tile in dataset.tiles(partition))
        pieces = (piece for tile in tiles for piece in in_pieces(memoryview(tile)))
        block = -(-nbytes // (1 << 20)) << 20
        client.write(f"{folder}/{index}.raw", data=pieces, blocksize=block, replication=2)

    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(put, range(len(dataset.plan()))))


def report(measured: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    for way, seconds in measured.items():
        print(f"{way:<8} {arguments.mb * 1.048576 / min(seconds):8.0f} MB/s")
    ratios = [puts / ingested for puts, ingested in zip(measured["puts"], measured["ingest"], strict=True)]
    print(f"ingest to puts: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    if arguments.json:
        arguments.json.write_text(json.dumps({"mb": arguments.mb, "seconds": measured, "ratios": ratios}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
