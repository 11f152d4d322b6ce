"""HDF5 files, opened for reading without a lock, with HDF5's own words where it refuses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import hdf5plugin  # noqa: F401  (registers the filters)

from ltdesk.engine.formats.arranged import spaced
from ltdesk.errors import DamagedFileError, OpenError

CHUNK_CACHE_BYTES = 16 << 20
_SLOTS = 4001  # a prime, about 100 for each of the chunks that fit


def open_file(path: str) -> h5py.File:
    """Open for reading; a program that writes the file is not hindered. Raises OpenError with HDF5's reason."""
    try:
        return _open_file(path)
    except (OSError, RuntimeError) as error:
        raise OpenError(f"{path}: {_in_our_words(hdf5_reason(error))}", _way_out(str(error))) from error


def _open_file(path: str) -> h5py.File:
    options = {"rdcc_nbytes": CHUNK_CACHE_BYTES, "rdcc_nslots": _SLOTS}
    try:
        return h5py.File(path, "r", locking=False, **options)
    except ValueError:  # an HDF5 that cannot be told so
        return h5py.File(path, "r", **options)
    except OSError as error:
        if "locking flag values" not in str(error):
            raise
        return h5py.File(path, "r", **options)  # this process has it open already, with locks


@contextmanager
def as_damage(what: str) -> Iterator[None]:
    """What h5py raises in a file that makes no sense, as DamagedFileError: what cannot be done, and HDF5's reason."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DamagedFileError(f"{what}: {hdf5_reason(error)}", "Copy the file again.") from error


def hdf5_reason(error: BaseException) -> str:
    """The reason within ``Unable to synchronously open file (truncated file: eof = 96, …)``."""
    text = str(error.args[0] if error.args else error)
    inner = re.fullmatch(r"[^()]*\((.*)\)\s*", text, re.DOTALL)
    return inner[1] if inner else text


def _in_our_words(reason: str) -> str:
    """HDF5's reason; of a file that is cut short, which is the usual one, what it says to a user."""
    cut = re.fullmatch(r"truncated file: eof = (\d+), sblock->base_addr = (\d+), stored_eof = (\d+)", reason)
    if cut is None:
        return f"HDF5 cannot open it: {reason}"
    has, start, wanted = map(int, cut.groups())
    return f"is cut short: it has {spaced(has)} of {spaced(start + wanted)} bytes (HDF5: truncated file)"


def _way_out(text: str) -> str:
    if "truncated" in text:
        return "Copy it again from where it was made."
    if "already open" in text or "lock" in text:
        return "Close the program that writes it."
    return "Copy it again, or repair it with the HDF5 tools."
