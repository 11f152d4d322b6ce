"""Frames of virtual and joined HDF5 datasets, and of all others that nothing else here can read, through h5py."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.formats.hdf5_files import as_damage
from ltdesk.engine.formats.read_frames import Reader


class H5Reader:
    """Rectangles of one 4D or 3D dataset. HDF5 serialises its calls; the lock keeps one's chunks in its cache."""

    def __init__(self, owner: h5py.File, dataset: h5py.Dataset) -> None:
        self._owner = owner
        self._dataset = dataset
        self._name = f"{dataset.file.filename}: {dataset.name}"
        self._stack = dataset.ndim == 3
        self._lock = threading.Lock()

    def read(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        where, target = (np.s_[x], out[0]) if self._stack else (np.s_[y, x], out)
        what = f"{self._name}: cannot be read at scan {y.start}:{y.stop}, {x.start}:{x.stop}"
        with as_damage(what), self._lock:
            self._dataset.read_direct(target, where)

    def close(self) -> None:
        if self._dataset:  # still open
            self._dataset.file.close()  # another than the owner, behind an external link
        self._owner.close()


class JoinedReader:
    """Stacks in a row, as one stack: the data files of a master. A stack that is missing is None, and not read."""

    def __init__(self, owner: h5py.File, readers: Sequence[Reader | None], counts: Sequence[int]) -> None:
        self._owner = owner
        self._readers = readers
        self._starts = [0, *accumulate(counts)]

    def read(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        for reader, start, stop in zip(self._readers, self._starts, self._starts[1:], strict=False):
            first, last = max(start, x.start), min(stop, x.stop)
            if reader is not None and first < last:
                part = out[:, first - x.start : last - x.start]
                reader.read(y, slice(first - start, last - start), part)

    def close(self) -> None:
        for reader in self._readers:
            if reader is not None:
                reader.close()
        self._owner.close()
