"""Files that are there whole or not at all: written to a temporary name beside, synced, renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ltdesk.errors import ExportError, os_error_text


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the same folder, with the same suffix; it takes the name `path` when the block succeeds.

    Raises ExportError naming `path` for whatever the system refuses: no permission, no space, no such folder. When
    the block fails for any reason the temporary file is gone and `path` is as it was.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "is a folder", str(target))
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _sync(temporary)
        _take_mode(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {os_error_text(error)}", _way_out(error)) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` whole or not at all. Raises ExportError."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all. Raises ExportError."""
    write_bytes(path, text.encode("utf-8"))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _take_mode(path: Path) -> None:
    # mkstemp makes files for their owner alone; a result is as readable as any file this user makes
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)


def _way_out(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Choose a folder where you may write."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "Make the folder first, or choose another."
    if isinstance(error, IsADirectoryError):
        return "Give a file name."
    return "Free some space or choose another disk."
