"""What a byte of a small scan costs against one of a larger: the plan has 64 partitions of either.

The scan and a quarter of its positions are written anew, both in one way: how pages come into the page cache counts,
too. A round is the whole, four times the quarter, and the whole again, so that a clock that swings has little to
say. ``python benchmarks/sizes.py [FILE [ROUNDS]]``, by default the medium demo.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ltdesk
from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Dataset
from ltdesk.geometry import Size2D

ROUNDS = 15


def analyses(dataset: Dataset) -> dict[str, tuple[Analysis, ...]]:
    """Some that read all, and one that reads half."""
    (ky, kx), unit = dataset.frame_shape, min(dataset.frame_shape) / 128
    ring = ltdesk.Ring(cy=ky / 2, cx=kx / 2, r_in=20 * unit, r_out=40 * unit)
    return {
        "sum_signal": (ltdesk.SumSignal(),),
        "sum_frame": (ltdesk.SumFrame(),),
        "com": (ltdesk.CenterOfMass(),),
        "ring": (ltdesk.VirtualDetector(ring, name="ring"),),
    }


def write_part(dataset: Dataset, shape: Size2D, path: Path) -> None:
    """The scan's upper left part of this shape, as ``.npy``."""
    frames = np.lib.format.open_memmap(path, "w+", dataset.dtype, (*shape, *dataset.frame_shape))
    for y, x in np.ndindex(shape):
        frames[y, x] = dataset.frame(y, x)
    frames.flush()


def seconds(dataset: Dataset, some: tuple[Analysis, ...], threads: int) -> float:
    started = time.perf_counter()
    ltdesk.run(dataset, some, threads=threads)
    return time.perf_counter() - started


def compare(
    whole: Dataset, quarter: Dataset, some: tuple[Analysis, ...], threads: int, rounds: int
) -> tuple[float, float]:
    """The quarter's time a byte over the whole's, and its own time; medians. A first round compiles."""
    ratios, times = [], []
    for number in range(rounds + 1):
        before = seconds(whole, some, threads)
        four = sum(seconds(quarter, some, threads) for _ in range(4))
        after = seconds(whole, some, threads)
        if number:
            ratios.append(2 * four / (before + after))
            times.append(four / 4)
    return statistics.median(ratios), statistics.median(times)


def main() -> None:
    from ltdesk.engine.demo import ensure_demo

    path = sys.argv[1] if len(sys.argv) > 1 else str(ensure_demo("medium"))
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ltdesk.open(path) as dataset:
            sy, sx = dataset.scan_shape
            write_part(dataset, (sy, sx), folder / "whole.npy")
            write_part(dataset, (sy // 2, sx // 2), folder / "quarter.npy")
        with ltdesk.open(folder / "whole.npy") as whole, ltdesk.open(folder / "quarter.npy") as quarter:
            print(f"{whole.nbytes / 1e9:.2f} GB and a quarter of it ({quarter.nbytes / 1e9:.2f} GB): its time a byte")
            for threads in (1, 2):
                for name, some in analyses(whole).items():
                    ratio, own = compare(whole, quarter, some, threads, rounds)
                    print(f"{threads} threads {name:12s} {100 * (ratio - 1):+5.0f} %  ({1e3 * own:.1f} ms)")


if __name__ == "__main__":
    main()
