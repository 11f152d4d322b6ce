"""Which formats there are: those that come with ltdesk, and those of plug-ins."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import entry_points
from typing import Any, cast

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.formats import blo, dm, empad, mib, mrc, npy, tvips
from ltdesk.engine.formats.format import DatasetEntry, Format
from ltdesk.engine.sidecar import HEAD
from ltdesk.errors import LtdeskError
from ltdesk.job import DatasetRef
from ltdesk.plugins import load


def _is_hdf5(path: str, head: bytes) -> bool:
    """The signature is at 0, or at 512, 1024, 2048, … after a user block."""
    signature, place = b"\x89HDF\r\n\x1a\n", 512
    if head.startswith(signature):
        return True
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while place < size:
            file.seek(place)
            if file.read(len(signature)) == signature:
                return True
            place *= 2
    return False


def _open_hdf5(path: str, ref: DatasetRef) -> Dataset:
    from ltdesk.engine.formats import hdf5  # h5py takes its time to load

    return hdf5.open_hdf5(path, ref)


def _hdf5_entries(path: str) -> list[DatasetEntry]:
    from ltdesk.engine.formats import hdf5

    return hdf5.entries(path)


def _open_ingested(_path: str, ref: DatasetRef) -> Dataset:
    from ltdesk.engine.ingested import open_ingested

    return open_ingested(ref)


BUILT_IN = (
    Format(
        "HDF5", (".h5", ".hdf5", ".hdf", ".he5", ".nxs", ".emd", ".hspy", ".mat"), _is_hdf5, _open_hdf5, _hdf5_entries
    ),
    Format("an ingested scan", (), lambda _path, head: HEAD.match(head) is not None, _open_ingested),
    Format("npy", (".npy",), npy.recognises, npy.open_npy),
    Format("MIB", (".mib",), mib.recognises, mib.open_mib),
    Format("BLO", (".blo",), blo.recognises, blo.open_blo),
    Format("DM", (".dm3", ".dm4"), dm.recognises, dm.open_dm),
    Format("TVIPS", (".tvips",), tvips.recognises, tvips.open_tvips),
    Format("EMPAD", (), empad.recognises, empad.open_empad),
    Format("MRC", (".mrc", ".mrcs"), mrc.recognises, mrc.open_mrc),
)
RAW_SUFFIXES = ("", ".bin", ".dat", ".data", ".img", ".raw")


@cache
def plugged_in() -> tuple[Format, ...]:
    """The formats of plug-ins. Raises LtdeskError naming one that cannot be loaded, or is none."""
    found: list[Format] = []
    for point in entry_points(group="ltdesk.formats"):
        loaded = cast(Any, load(point))
        if not isinstance(loaded, Format):
            raise LtdeskError(f"plug-in {point.value}: is not a Format", "Update or uninstall it.")
        found.append(loaded)
    return tuple(found)


def format_of(path: str, head: bytes) -> Format | None:
    """By content: the format that recognises the file; None where none does."""
    for formats in (lambda: BUILT_IN, plugged_in):  # plug-ins are looked for only where they are needed
        for known in formats():
            if known.recognises(path, head):
                return known
    return None


def named_like(path: str) -> Format | None:
    """By suffix: the format whose name the file has."""
    suffix = os.path.splitext(path)[1].lower()
    return next((known for known in (*BUILT_IN, *plugged_in()) if suffix in known.suffixes), None)
