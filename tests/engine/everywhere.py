"""One job run in every way that must not matter: threads, tiles, and company in the job change no byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ltdesk.analysis import Analysis
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.local import LocalExecutor
from ltdesk.geometry import AnyShape
from ltdesk.job import Partition
from tests.engine.executor_suite import Gated, job_for, write


class Cut(Gated):
    """A dataset of nine partitions that gives its tiles in pieces of `size` frames, and loses the frames `missing`."""

    def __init__(self, inner: Dataset, size: int, missing: frozenset[tuple[int, int]]) -> None:
        super().__init__(inner)
        self.size, self.missing = size, missing
        self.gate.set()

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        for tile in super().tiles(partition):
            for i in range(0, len(tile.frames), self.size):
                at = divmod(tile.start + i, partition.shape[1])
                if self.size > 1 or (partition.y0 + at[0], partition.x0 + at[1]) not in self.missing:
                    yield Tile(tile.start + i, tile.frames[i : i + self.size], tile.mapped)


def run_everywhere(folder: Path, array: NDArray[Any], *analyses: Analysis, region: AnyShape | None = None) -> Results:
    """The results of a job over `array`, after holding that they are the same bytes however it is run."""
    with write(folder, array) as inner:
        whole = Cut(inner, 1000, frozenset())
        results = run(whole, 2, *analyses, region=region)
        wanted = as_bytes(results)
        for threads, size in ((1, 1000), (5, 3), (2, 1)):
            found = as_bytes(run(Cut(inner, size, frozenset()), threads, *analyses, region=region))
            assert differing(found, wanted) == [], f"with {threads} threads, tiles of {size}"
        for analysis in analyses:
            alone = as_bytes(run(whole, 2, analysis, region=region))
            assert differing(alone, wanted) == [], f"{analysis.name} alone"
    return results


def run_with_missing(folder: Path, array: NDArray[Any], missing: set[tuple[int, int]], *analyses: Analysis) -> Results:
    """The results of a job over `array` whose frames `missing` cannot be read."""
    with write(folder, array) as inner:
        return run(Cut(inner, 1, frozenset(missing)), 2, *analyses)


def run(dataset: Dataset, threads: int, *analyses: Analysis, region: AnyShape | None = None) -> Results:
    with LocalExecutor(threads) as executor:
        return executor.submit(job_for(dataset, *analyses, region=region), dataset).result(250)


def as_bytes(results: Results) -> dict[str, bytes]:
    return {name: results[name].tobytes() for name in results}


def differing(some: dict[str, bytes], all_: dict[str, bytes]) -> list[str]:
    return [name for name in some if some[name] != all_[name]]
