"""Picks frames of a scan in HDFS as the window does, one after another, and prints how long each takes.

    python benchmarks/frame_picks.py [--uri webhdfs://HOST:9870/path] [--frame 128] [--picks 200] [--json OUT]

Positions are random, so each pick asks the NameNode, and a data node for one frame. Without --uri it starts a NameNode
and three DataNodes on this machine (tests/cluster/hdfs.py), which then share its cores. The same picks on the local
file are printed beside it. The goal on loopback is 50 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from folder_in_hdfs import folder_in_hdfs

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset

SCAN = (64, 64)
GOAL = 50.0


def main() -> int:
    arguments = parse()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="ltdesk-picks-") as name, folder_in_hdfs(arguments.uri, Path(name)) as uri:
        path = Path(name) / "scan.npy"
        np.save(path, np.random.default_rng(1).integers(0, 999, (*SCAN, arguments.frame, arguments.frame), "u2"))
        with open_dataset(path) as local:
            twin = ingest(local, f"{uri}/picks").uri
            with open_dataset(twin) as stored:
                for where, dataset in (("local file", local), ("webhdfs", stored)):
                    found[where] = measure(dataset, arguments.picks)
                    print(where, "  ".join(f"{key} {value:.1f} ms" for key, value in found[where].items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))
    return int(found["webhdfs"]["95 %"] > GOAL)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="how long it takes to pick a frame")
    parser.add_argument("--uri", help="a folder in HDFS to work in; by default a cluster is started here")
    parser.add_argument("--frame", type=int, default=128, help="pixels on a side")
    parser.add_argument("--picks", type=int, default=200)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measure(dataset: Dataset, picks: int) -> dict[str, float]:
    """Milliseconds: the median, what 95 % stay below, the longest, and the first."""
    places = np.random.default_rng(2).integers(0, SCAN, (picks, 2))
    times = []
    for y, x in places:
        started = time.perf_counter()
        dataset.frame(int(y), int(x))
        times.append(1e3 * (time.perf_counter() - started))
    rest = np.array(times[1:])
    return {
        "median": float(np.median(rest)),
        "95 %": float(np.quantile(rest, 0.95)),
        "longest": float(rest.max()),
        "first": times[0],
    }


if __name__ == "__main__":
    sys.exit(main())
