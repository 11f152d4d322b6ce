"""Preview cubes on disk: found again by the file's identity, the least recently used dropped once there is no room.

A cube is an ``.npz`` (numpy's, whose archive checks each array's CRC), beside the other caches. Whatever is wrong with
one, it is as good as not there: the next pass over the scan makes it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from ltdesk.engine.atomic import atomic_path
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.preview.bins import block_dtype
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.errors import LtdeskError

log = logging.getLogger(__name__)

VERSION = 1
"""Counts up when what a cube holds, or how it is kept, changes."""
LIMIT = 4 << 30
"""Bytes that all cubes together may take."""
FREE = 2
"""A disk must have this many times the cube's size free."""
ABANDONED = 24 * 3600.0
"""Seconds after which a file that was never finished is removed: its writer is gone."""


class _Stopped(Exception):
    """Writing was stopped from outside, or is of no use."""


def preview_folder() -> Path:
    """Where cubes are kept: under ``LTDESK_CACHE_DIR`` or the user's cache."""
    base = os.environ.get("LTDESK_CACHE_DIR") or platformdirs.user_cache_dir("ltdesk", appauthor=False)
    return Path(base) / "previews"


class PreviewCache:
    """Cubes in `folder`, together at most `limit` bytes."""

    def __init__(self, folder: Path | None = None, limit: int = LIMIT) -> None:
        self.folder, self.limit = folder or preview_folder(), limit

    def path_of(self, dataset: Dataset) -> Path:
        """Where the cube of a dataset is, if there is one: by what the file is and how it was opened."""
        return self.folder / f"{hashlib.sha256(_key(dataset).encode()).hexdigest()}.npz"

    def load(self, dataset: Dataset, cube: PreviewCube) -> bool:
        """Fill `cube`, which is the dataset's and empty; False where there is none that is whole and for this file."""
        path = self.path_of(dataset)
        try:
            for index, part in enumerate(_read(path, _key(dataset), cube, dataset)):
                cube.put(index, *part)
        except FileNotFoundError:
            return False
        except Exception as error:  # zipfile and numpy raise this and that of an archive that is damaged
            log.info("preview ignored: %s: %r", path, error)
            with suppress(OSError):
                path.unlink()
            return False
        with suppress(OSError):
            os.utime(path)  # used now
        return True

    def store(self, dataset: Dataset, cube: PreviewCube, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Keep a complete cube; False where it does not fit, can't be written, or `stopped()` said so on the way."""
        if cube.nbytes > self.limit or not cube.complete:
            return False
        path = self.path_of(dataset)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < FREE * cube.nbytes:
                return False
            with atomic_path(path) as temporary:
                _write(temporary, _key(dataset), cube, stopped)
                self._make_room(temporary.stat().st_size, path)
        except _Stopped:
            return False
        except (OSError, LtdeskError) as error:
            log.info("preview not kept: %s", error)
            return False
        return True

    def _make_room(self, nbytes: int, path: Path) -> None:
        """Drop the cubes used longest ago until `nbytes` more fit, and what was never finished."""
        if nbytes > self.limit:
            raise _Stopped
        found = []
        for file in self.folder.iterdir():
            with suppress(OSError):
                status = file.stat()
                if file.name.startswith("."):
                    if time.time() - status.st_mtime > ABANDONED:
                        file.unlink()
                elif file.suffix == ".npz" and file != path:
                    found.append((status.st_mtime_ns, status.st_size, file))
        used = sum(size for _, size, _ in found)
        for _, size, file in sorted(found):
            if used + nbytes <= self.limit:
                return
            with suppress(OSError):  # Windows: someone reads it
                file.unlink()
                used -= size


def _key(dataset: Dataset) -> str:
    """All that the cube depends on, as text."""
    fields = {
        "version": VERSION,
        "identity": dataset.identity().model_dump(mode="json"),
        "ref": dataset.ref.model_dump(mode="json", exclude={"uri", "correction"}),
        "correction": None if dataset.ref.correction is None else dataset.ref.correction.digest,
        "shape": dataset.shape,
        "dtype": dataset.dtype.str,
        "good": dataset.frames_good,
    }
    return json.dumps(fields, sort_keys=True)


def _write(path: Path, key: str, cube: PreviewCube, stopped: Callable[[], bool]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "key", np.frombuffer(key.encode(), np.uint8))
        _add(archive, "factor", np.array(cube.bins.factor))
        _add(archive, "sample", cube.sample)
        for index in range(len(cube.plan)):
            if stopped():
                raise _Stopped
            block, valid = cube.part(index)
            _add(archive, f"block{index}", block)
            _add(archive, f"valid{index}", valid)


def _add(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _read(
    path: Path, key: str, cube: PreviewCube, dataset: Dataset
) -> list[tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.float64]]]:
    """What `PreviewCube.put` takes, for each partition. Raises an error of any kind for what is not as it must be."""
    bins = cube.bins
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        if arrays["key"].tobytes() != key.encode() or tuple(arrays["factor"]) != bins.factor:
            raise ValueError("it is of another file or version")
        sample, nothing = _like(arrays["sample"], bins.frame_shape, {np.dtype(np.float64)}), np.zeros(bins.frame_shape)
        kept = {np.dtype(np.uint16), block_dtype(dataset.dtype, bins.factor)}
        return [
            (
                _like(arrays[f"block{p.index}"], (bins.count, p.size), kept),
                _like(arrays[f"valid{p.index}"], (p.size,), {np.dtype(np.bool_)}),
                sample if p.index == 0 else nothing,
            )
            for p in cube.plan
        ]


def _like(array: NDArray[Any], shape: tuple[int, ...], dtypes: set[np.dtype[Any]]) -> NDArray[Any]:
    if array.shape != shape or array.dtype not in dtypes:
        raise ValueError(f"it holds {array.dtype} {array.shape} where {dtypes} {shape} belongs")
    return array
