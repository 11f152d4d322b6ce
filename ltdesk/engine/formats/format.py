"""What a format is: how its files are recognised and opened.

To add one, write a module with an opener that describes the file as `Frames` (a header plus frames at regular
distances) and gives a `FramesFile`, and add a `Format` to `registry.BUILT_IN`; a plug-in names its `Format` as an
entry point in the group ``ltdesk.formats``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ltdesk.engine.dataset import Dataset
from ltdesk.job import DatasetRef

HEAD_BYTES = 4096
"""How much of a file is read to recognise it."""


@dataclass(frozen=True)
class DatasetEntry:
    """A dataset inside a file, as the chooser and ``ltdesk info`` show it.

    Attributes
    ----------
    path : inside the file, what ``--dataset`` takes
    shape : 4D ``(sy, sx, ky, kx)`` or 3D ``(n, ky, kx)``
    dtype : numpy's short form with byte order, ``<u2``
    nbytes : uncompressed
    chunks : None where it is contiguous
    compression : the filters' names, empty where there are none
    detail : what else there is to say: frames in other files, missing files
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    chunks: tuple[int, ...] | None = None
    compression: str = ""
    detail: str = ""


def _no_entries(_path: str) -> list[DatasetEntry]:
    return []


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes
    ----------
    name : as shown to users
    suffixes : lower case, with the dot
    recognises : does the file at a path, which begins with these bytes (up to `HEAD_BYTES`), have this format?
    open : gives a Dataset; raises OpenError, ShapeNeeded, UsageError
    entries : the datasets inside, for formats that can hold several
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[str, bytes], bool]
    open: Callable[[str, DatasetRef], Dataset]
    entries: Callable[[str], list[DatasetEntry]] = _no_entries
