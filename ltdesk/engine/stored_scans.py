"""The ingested scans of a storage: which there are, whether they are whole, and removing them."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from ltdesk.engine.ingested import load_sidecar
from ltdesk.engine.sidecar import BEGUN, PARTITIONS, SIDECAR, UNFINISHED, Sidecar, is_left_over
from ltdesk.engine.storage.checksums import Sums
from ltdesk.engine.storage.storage import Entry, Storage
from ltdesk.errors import LtdeskError, NotInStorage, OpenError, StorageError

State = Literal["whole", "damaged", "unfinished", "folder", "file"]
READ_AT_A_TIME = 4
COPIES_HEARD_OF_IN = 5.0
"""Seconds after which a copy that isn't known doesn't exist."""


@dataclass(frozen=True)
class Stored:
    """What is at a place of a storage.

    Attributes
    ----------
    uri, name : of a scan's folder, or whatever else is there
    state : "whole" and "damaged" are scans by their files' names and sizes alone; "unfinished" is one being made
    nbytes : of all its files
    sidecar : of a scan
    problem : what is wrong with it
    """

    uri: str
    name: str
    state: State
    nbytes: int = 0
    sidecar: Sidecar | None = None
    problem: str = ""


def look(storage: Storage, path: str) -> Stored:
    """What is at a path. Raises StorageError."""
    return _look(storage, storage.stat(path))


def look_inside(storage: Storage, folder: str) -> Iterator[Stored]:
    """What is in a folder, one by one: each scan costs two questions to the storage. Raises StorageError."""
    for entry in storage.list(folder):
        yield _look(storage, entry)


def verify(
    storage: Storage, folder: str, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> list[str]:
    """Read every partition file of a scan (one copy of each) and compare its checksum; what is wrong, line by line.

    `progress` is given bytes done and in all. Raises OpenError where there is no scan, StorageError.
    """
    sidecar, _ = load_sidecar(storage, folder)
    problems, done = [], 0
    with ThreadPoolExecutor(READ_AT_A_TIME, thread_name_prefix="ltdesk-verify") as pool:
        indexes = [index for index, stored in enumerate(sidecar.partitions) if stored.frames]
        try:
            found = pool.map(lambda index: _verify(storage, folder, sidecar, index), indexes)
            for index, lines in zip(indexes, found, strict=True):
                problems += lines
                done += sidecar.partitions[index].nbytes
                progress(done, sidecar.nbytes)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return problems + _copies_missing(storage, folder, sidecar)


@dataclass(frozen=True)
class Copies:
    """How many copies of a scan's partition files there are.

    Attributes
    ----------
    fewest : of any file
    wanted : of each file
    few : names of the files that have fewer
    """

    fewest: int
    wanted: int
    few: tuple[str, ...] = ()


def count_copies(
    storage: Storage, folder: str, sidecar: Sidecar, cancelled: Callable[[], bool] = lambda: False
) -> Copies | None:
    """Ask the storage for the copies of each partition file; None where it keeps no account of them, or `cancelled`.

    A question for each file. Raises StorageError.
    """
    names = [sidecar.file_name(index) for index, stored in enumerate(sidecar.partitions) if stored.frames]
    if not storage.is_remote or not names:
        return None
    with ThreadPoolExecutor(READ_AT_A_TIME, thread_name_prefix="ltdesk-copies") as pool:
        counts = list(pool.map(lambda name: -1 if cancelled() else _copies(storage, folder, name), names))
    if cancelled():
        return None
    few = tuple(name for name, count in zip(names, counts, strict=True) if count < sidecar.replication)
    return Copies(min(counts), sidecar.replication, few)


def remove(storage: Storage, folder: str) -> None:
    """Remove a scan, whole or not; what else is in its folder stays. Raises StorageError where there is none."""
    names = {entry.name for entry in storage.list(folder)}
    left = {name for name in names if is_left_over(name)}
    if not names & {SIDECAR, BEGUN, *left}:
        raise StorageError(f"{storage.uri(folder)}: is not an ingested scan", "Give the folder of one.")
    for name in (SIDECAR, PARTITIONS, UNFINISHED, *left, BEGUN):  # first what makes it a scan, last what tells of it
        storage.remove(posixpath.join(folder, name))
    if not storage.list(folder):
        storage.remove(folder)


def _look(storage: Storage, entry: Entry) -> Stored:
    uri, name = storage.uri(entry.path), entry.name
    if not entry.is_folder:
        return Stored(uri, name, "file", entry.size)
    try:
        names = {inside.name for inside in storage.list(entry.path)}
        if SIDECAR in names:
            return _scan(storage, entry)
        begun = BEGUN in names or any(is_left_over(inside) for inside in names)
        return Stored(uri, name, "unfinished" if begun else "folder")
    except (StorageError, OpenError) as error:
        return Stored(uri, name, "damaged" if isinstance(error, OpenError) else "folder", problem=str(error))


def _scan(storage: Storage, folder: Entry) -> Stored:
    sidecar, _ = load_sidecar(storage, folder.path)
    wanted = {sidecar.file_name(i): p.nbytes for i, p in enumerate(sidecar.partitions) if p.frames}
    found = {f"{PARTITIONS}/{entry.name}": entry.size for entry in _files(storage, folder.path)}
    wrong = [name for name, nbytes in wanted.items() if found.get(name) != nbytes]
    problem = f"{len(wrong)} of {len(wanted)} partitions are missing or cut, the first is {wrong[0]}" if wrong else ""
    nbytes = sum(found.values())
    return Stored(storage.uri(folder.path), folder.name, "damaged" if wrong else "whole", nbytes, sidecar, problem)


def _files(storage: Storage, folder: str) -> list[Entry]:
    try:
        return storage.list(posixpath.join(folder, PARTITIONS))
    except NotInStorage:
        return []


def _verify(storage: Storage, folder: str, sidecar: Sidecar, index: int) -> list[str]:
    stored, name = sidecar.partitions[index], sidecar.file_name(index)
    path = posixpath.join(folder, name)
    try:
        if not storage.holds(path, Sums.known(stored.crc32c, stored.nbytes), read=True):
            return [f"{name}: is damaged"]
    except LtdeskError as error:
        return [f"{name}: {error}"]
    return []


def _copies_missing(storage: Storage, folder: str, sidecar: Sidecar) -> list[str]:
    """Files with fewer copies than they should have; a storage hears of its newest a little later, so twice."""
    if not storage.is_remote:
        return []
    names = [sidecar.file_name(index) for index, stored in enumerate(sidecar.partitions) if stored.frames]
    end = time.monotonic() + COPIES_HEARD_OF_IN
    with ThreadPoolExecutor(READ_AT_A_TIME, thread_name_prefix="ltdesk-verify") as pool:
        while True:
            counts = pool.map(lambda name: _copies(storage, folder, name), names)
            few = {name: n for name, n in zip(names, counts, strict=True) if n < sidecar.replication}
            if not few or time.monotonic() > end:
                break
            names = list(few)
            time.sleep(0.5)
    return [f"{name}: has {copies} of {sidecar.replication} copies" for name, copies in few.items()]


def _copies(storage: Storage, folder: str, name: str) -> int:
    try:
        return min((len(block.hosts) for block in storage.blocks(posixpath.join(folder, name))), default=0)
    except NotInStorage:
        return 0
