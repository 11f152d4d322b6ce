"""Files before they are opened: is there one, may it be read, which one is it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from ltdesk.engine.dataset import Identity
from ltdesk.errors import OpenError, os_error_text

HASHED_BYTES = 64 * 1024


def check_file(path: str) -> os.stat_result:
    """Make sure that there is a file with something in it. Raises OpenError naming path, reason and way out."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise _cannot_open(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise OpenError(f"{path}: is a folder", "Choose a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise OpenError(f"{path}: is not a file", "Choose a file.")
    if not status.st_size:
        raise OpenError(f"{path}: is empty (0 bytes)", "Copy it again from where it was made.")
    return status


def read_head(path: str, nbytes: int) -> bytes:
    """The first bytes of a file that `check_file` has passed. Raises OpenError."""
    try:
        with open(path, "rb") as file:
            return file.read(nbytes)
    except OSError as error:
        raise _cannot_open(path, error) from error


def file_identity(path: str, frames_in: Iterable[str] = ()) -> Identity:
    """Path, size, mtime, and a SHA-256 of the first and last 64 KiB (of all, where there is less). Raises OpenError.

    frames_in : the files that its frames lie in; those that are not there are left out
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(file.read(HASHED_BYTES))
            file.seek(max(HASHED_BYTES, status.st_size - HASHED_BYTES))
            digest.update(file.read(HASHED_BYTES))
    except OSError as error:
        raise _cannot_open(path, error) from error
    return Identity(
        path=os.path.abspath(path),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        header_hash=digest.hexdigest(),
        others_hash=_hash_of([other for other in dict.fromkeys(frames_in) if other != path]),
    )


def _hash_of(paths: Iterable[str]) -> str:
    """A SHA-256 of size and mtime of files, not of their paths: of copies it is the same. Empty where none is there."""
    found = list[str]()
    for path in paths:
        with suppress(OSError):
            status = os.stat(path)
            found.append(f"{status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""


def _cannot_open(path: str, error: OSError | ValueError) -> OpenError:
    if isinstance(error, FileNotFoundError):
        return OpenError(f"{path}: does not exist", "Check the path.")
    if isinstance(error, PermissionError):
        return OpenError(f"{path}: may not be read", "Ask its owner for read permission.")
    reason = os_error_text(error) if isinstance(error, OSError) else str(error)
    return OpenError(f"{path}: cannot be opened: {reason}", "Check the path and the disk.")
