"""The errors that users see: each names the file or value, what is wrong, and the way out.

Anything that is not an `LtdeskError` is a bug: the window shows it with a report to copy, the command line
prints one line and, with ``--debug``, the traceback.
"""

from __future__ import annotations

from collections.abc import Iterable


class LtdeskError(Exception):
    """Base of every error that is shown to a user as it is.

    Parameters
    ----------
    what : the file or value and what is wrong with it, e.g. ``"scan.h5: is empty (0 bytes)"``
    way_out : what the user can do, e.g. ``"Copy the file again."``
    """

    exit_status = 1

    def __init__(self, what: str, way_out: str = "") -> None:
        super().__init__(what, way_out)
        self.what = what
        self.way_out = way_out

    def __str__(self) -> str:
        what = self.what.rstrip(".")
        return f"{what}. {self.way_out}" if self.way_out else what


class UsageError(LtdeskError):
    """The request itself makes no sense (a negative radius, an unknown name). Exit status 2."""

    exit_status = 2


class InvalidValue(UsageError, ValueError):
    """A value of a shape or an analysis makes no sense: pydantic's ValidationError in one line."""


class OpenError(LtdeskError):
    """A file cannot be opened as a dataset: missing, empty, no permission, unknown format, no frames in it."""


class ShapeNeeded(OpenError):
    """The file holds bytes without shapes (a headerless raw): scan shape, frame shape and dtype must be given."""


class DamagedFileError(LtdeskError):
    """A file has fewer or other bytes than it had, or than its header promises."""


class JobFailed(LtdeskError):
    """A job ended without its result. `failures` has the message of each failed partition by its index."""

    def __init__(self, what: str, way_out: str = "", failures: dict[int, str] | None = None) -> None:
        super().__init__(what, way_out)
        self.failures = dict(failures or {})


class JobCancelled(LtdeskError):
    """The job was cancelled before it was done."""


class ExportError(LtdeskError):
    """A result could not be written; nothing half-written is left behind."""


class StorageError(LtdeskError):
    """A storage (a shared folder, HDFS) did not do what was asked: unreachable, full, not permitted, damaged."""


class NotInStorage(StorageError):
    """There is nothing at that path of the storage."""


class ClusterError(LtdeskError):
    """A cluster did not do what was asked: no scheduler answers, versions differ, the connection or all workers are
    lost."""


class SessionError(LtdeskError):
    """A session file cannot be read."""


def os_error_text(error: OSError) -> str:
    """The reason alone, without errno and path: ``No space left on device``."""
    return error.strerror or str(error) or type(error).__name__


def nearest_text(word: str, known: Iterable[str]) -> str:
    """The start of a way out, ``Did you mean 'centre'? ``, where `word` is like some that are known."""
    from difflib import get_close_matches

    names = sorted(known)
    near = [name for name in names if len(word) > 1 and word.casefold() in name.casefold()]
    near = near or get_close_matches(word.casefold(), names)
    return f"Did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
