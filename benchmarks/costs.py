"""What each analysis costs, and what correcting frames adds: processor time of one thread, in passes.

A pass is what reading every byte once costs the same thread. Processor time, the least of several rounds in turn, says
the same on a machine that others use too. ``python benchmarks/costs.py [FILE [ROUNDS]]``, by default the medium demo
scan: on a small one, what starting a job costs would count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

import ltdesk
from ltdesk.analysis import Analysis, VirtualDetector
from ltdesk.correction import Correction
from ltdesk.engine.bench import read_once
from ltdesk.engine.corrected import corrected
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import LocalExecutor
from ltdesk.geometry import Size2D
from ltdesk.job import Job
from ltdesk.plugins import BUILT_IN

ROUNDS = 3


def analyses(frame_shape: Size2D) -> dict[str, tuple[Analysis, ...]]:
    """All that are built in, and the usual shapes, by name."""
    cy, cx = (frame_shape[0] - 1) / 2, (frame_shape[1] - 1) / 2
    unit = min(frame_shape) / 128
    disk = ltdesk.Disk(cy=cy, cx=cx, r=10 * unit)
    ring = ltdesk.Ring(cy=cy, cx=cx, r_in=15 * unit, r_out=35 * unit)
    weights = ltdesk.PixelMask.from_array(np.random.default_rng(0).normal(size=frame_shape))
    found: dict[str, tuple[Analysis, ...]] = {
        "disk r = 10": (VirtualDetector(disk, name="disk"),),
        "ring": (VirtualDetector(ring, name="ring"),),
        "weights": (VirtualDetector(weights, name="weights"),),
        "com in the disk": (ltdesk.CenterOfMass(mask=disk),),
        "snr of weights": (ltdesk.SignalToNoise(weights),),
        "radial on ellipses": (ltdesk.RadialProfile(ratio=0.9, deg=30),),
    }
    for spec in BUILT_IN:
        if spec is not VirtualDetector:
            one = spec.model_validate({})
            found[one.kind] = (one,)
    return found


def corrections(frame_shape: Size2D) -> dict[str, Correction | None]:
    """None, dead pixels alone, all."""
    random = np.random.default_rng(0)
    dead = random.random(frame_shape) < 0.001
    whole = Correction(
        dark=random.normal(2, 0.1, frame_shape), gain=random.normal(1, 0.05, frame_shape), dead_pixels=dead
    )
    return {"as stored": None, "dead pixels": Correction(dead_pixels=dead), "dark, gain, dead pixels": whole}


def main() -> None:
    from ltdesk.engine.demo import ensure_demo

    path = sys.argv[1] if len(sys.argv) > 1 else str(ensure_demo("medium"))
    with ltdesk.open(path) as dataset, LocalExecutor(1) as executor:
        print(f"{dataset.shape} {dataset.dtype.str}, one thread, passes of processor time")
        cases = {
            (name, "as stored"): work(executor, dataset, some) for name, some in analyses(dataset.frame_shape).items()
        }
        for what, correction in corrections(dataset.frame_shape).items():
            scan = corrected(dataset, correction)
            for name in ("sum_signal", "sum_frame", "com", "ring", "disk r = 10"):
                cases[name, what] = work(executor, scan, analyses(dataset.frame_shape)[name])
        rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
        passes = timed({("a pass", ""): lambda: read_once(dataset, 1), **cases}, rounds)
        for (name, what), seconds in passes.items():
            print(f"{name:20s} {what:26s} {seconds / passes['a pass', '']:6.2f}")


def work(executor: LocalExecutor, dataset: Dataset, some: tuple[Analysis, ...]) -> Callable[[], object]:
    """A job, to be run again and again."""
    return lambda: executor.submit(Job(dataset=dataset.ref, analyses=some), dataset).result()


def timed(cases: dict[tuple[str, str], Callable[[], object]], rounds: int) -> dict[tuple[str, str], float]:
    """The least processor time of each, in turn; a first round compiles."""
    least = dict.fromkeys(cases, float("inf"))
    for number in range(rounds + 1):
        for key, run in cases.items():
            before = time.process_time()
            run()
            if number:
                least[key] = min(least[key], time.process_time() - before)
    return least


if __name__ == "__main__":
    main()
