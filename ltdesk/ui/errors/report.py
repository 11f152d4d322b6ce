"""The log file, and the text that describes a fault to somebody who was not there. Needs no Qt."""

from __future__ import annotations

import logging
import os
import platform
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

LOG_NAME = "ltdesk.log"
LOG_BYTES = 1_000_000
LOG_FILES = 3
LIBRARIES = ("PyQt5", "pyqtgraph", "numpy", "numba", "h5py", "pydantic", "dask")

log = logging.getLogger("ltdesk")


def log_folder() -> Path:
    """Where the log is: ``LTDESK_LOG_DIR``, else the platform's place for logs."""
    given = os.environ.get("LTDESK_LOG_DIR")
    return Path(given) if given else Path(platformdirs.user_log_dir("ltdesk", appauthor=False))


def start_log() -> Path | None:
    """Write the ``ltdesk`` logger to a file of at most 1 MB, two older ones kept; None where it cannot be written."""
    stop_log()
    try:
        log_folder().mkdir(parents=True, exist_ok=True)
        path = log_folder() / LOG_NAME
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return path


def stop_log() -> None:
    """Close the log file."""
    for handler in _file_handlers():
        log.removeHandler(handler)
        handler.close()


def log_path() -> Path | None:
    """The log file that is being written, if any."""
    handlers = _file_handlers()
    return Path(handlers[0].baseFilename) if handlers else None


def chain_text(exception: BaseException) -> str:
    """The exception's traceback with its causes."""
    return "".join(traceback.format_exception(exception)).rstrip()


def report_text(exception: BaseException, context: str = "", session_json: str = "") -> str:
    """Versions, platform, what was being done, traceback, and the session as drawn (never the data)."""
    parts = [
        f"ltdesk {_version('ltdesk')}, Python {platform.python_version()}, {platform.platform()}",
        ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        f"While: {context}" if context else "",
        chain_text(exception),
        f"Session: {session_json}" if session_json else "",
    ]
    return "\n".join(part for part in parts if part)


def signature(exception: BaseException) -> str:
    """What tells one fault from another: its type and where it was raised."""
    frames = traceback.extract_tb(exception.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(exception).__name__}@{where}"


def ending() -> bool:
    """Is the interpreter ending, when nothing can be shown any more?"""
    return sys.is_finalizing()


def _file_handlers() -> list[RotatingFileHandler]:
    return [handler for handler in log.handlers if isinstance(handler, RotatingFileHandler)]


def _version(name: str) -> str:
    from importlib import metadata  # only reports want it

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # a frozen build may leave metadata out
        return "?"
