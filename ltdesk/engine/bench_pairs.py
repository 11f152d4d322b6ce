"""ltdesk and its peers on one file, in turn: A B A B, each case, one peer at a time.

A peer's results are compared with numpy's before it is timed, and so are ours. What a peer hasn't, can't or gets wrong
is a row with its reason, never a gap.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ltdesk.engine.bench import Case
from ltdesk.engine.bench_peer import Peer, PeerError
from ltdesk.engine.bench_reference import Arrays, described, difference, expected
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import LocalExecutor
from ltdesk.errors import LtdeskError
from ltdesk.job import Job

OURS_TO = 1e-6
SECONDS_A_CASE = 10.0
"""A case is repeated no longer than this, so that a slow peer doesn't hold up the rest."""


@dataclass
class Pair:
    """One case on one peer.

    first : the seconds of the peer's first call, which may compile
    ours, theirs : seconds of each round
    reason : why there are none
    """

    case: str
    first: float = 0.0
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    reason: str | None = None

    @property
    def times(self) -> float:
        """How many times our time theirs is: the median of the rounds' ratios."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True))


@dataclass
class Compared:
    """All cases on one peer; `opened` is the seconds that it took to open or load the scan."""

    peer: str
    version: str = ""
    opened: float = 0.0
    peak_mb: float = 0.0
    pairs: list[Pair] = field(default_factory=list)


class Comparison:
    """Our executor, and what numpy says of each case."""

    def __init__(self, dataset: Dataset, todo: Sequence[Case], threads: int) -> None:
        if dataset.ref.dataset is None or dataset.format != "HDF5":
            raise LtdeskError(
                f"{dataset.ref.uri}: peers are compared on a dataset of an HDF5 file", "Give such a file."
            )
        self._dataset, self._todo, self._threads = dataset, todo, threads
        self._executor = LocalExecutor(threads)
        self._expected: dict[str, Arrays] = {}

    def close(self) -> None:
        """End our threads."""
        self._executor.close()

    def check(self) -> None:
        """Compute all cases by numpy and by ourselves. Raises LtdeskError where they differ."""
        self._expected = expected(self._dataset, self._todo)
        for case in self._todo:
            results = self._run(case)
            wanted = self._expected[case.name]
            if not difference({name: results[name] for name in wanted}, wanted) <= OURS_TO:
                raise LtdeskError(f"{case.name}: is not what numpy gives", "This is a bug.")

    def against(
        self, name: str, command: list[str], rounds: int, progress: Callable[[], None] = lambda: None
    ) -> Compared:
        """Time every case on a peer and here, in turn."""
        compared = Compared(name)
        try:
            with (
                Peer(name, command, self._threads) as peer,
                tempfile.TemporaryDirectory(prefix="ltdesk-peer-") as folder,
            ):
                opened = peer.ask(
                    "open", path=self._dataset.ref.uri, dataset=self._dataset.ref.dataset, threads=self._threads
                )
                compared.version, compared.opened = opened["version"], opened["seconds"]
                for case in self._todo:
                    compared.pairs.append(self._pair(peer, case, Path(folder), rounds))
                    progress()
                compared.peak_mb = peer.ask("memory")["peak_mb"]
        except PeerError as error:
            done = {pair.case for pair in compared.pairs}
            compared.pairs += [Pair(case.name, reason=str(error)) for case in self._todo if case.name not in done]
        return compared

    def _pair(self, peer: Peer, case: Case, folder: Path, rounds: int) -> Pair:
        pair = Pair(case.name)
        try:
            pair.first = self._checked(peer, case, folder)
            started = time.perf_counter()
            while len(pair.ours) < rounds and (not pair.ours or time.perf_counter() - started < SECONDS_A_CASE):
                pair.ours.append(self._time(case))
                pair.theirs.append(peer.ask("run", save=None)["seconds"])
        except PeerError as error:
            return Pair(case.name, pair.first, reason=str(error))
        return pair

    def _checked(self, peer: Peer, case: Case, folder: Path) -> float:
        """The seconds of a peer's first call, whose results are as they should be."""
        asked, masks = described(case, self._dataset.frame_shape)
        if masks is not None:
            np.save(folder / "masks.npy", masks)
        asked["masks"] = None if masks is None else str(folder / "masks.npy")
        tolerance = peer.ask("prepare", case=asked)["tolerance"]
        seconds: float = peer.ask("run", save=str(folder / "results.npz"))["seconds"]
        with np.load(folder / "results.npz") as saved:
            apart = difference(dict(saved), self._expected[case.name])
        if not apart <= tolerance:
            raise PeerError(f"its result differs from numpy's by {apart:.2g} of the largest value")
        return seconds

    def _time(self, case: Case) -> float:
        started = time.perf_counter()
        self._run(case)
        return time.perf_counter() - started

    def _run(self, case: Case) -> Any:
        return self._executor.submit(Job(dataset=self._dataset.ref, analyses=case.analyses), self._dataset).result()
