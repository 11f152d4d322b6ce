"""Paths as the system writes them, as storages have them, and as ``file:`` URIs."""

from __future__ import annotations

import ntpath
import os
import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ltdesk.errors import UsageError

WINDOWS = os.name == "nt"


def split_uri(uri: str) -> SplitResult:
    """The parts of a URI, in whose path ``?`` and ``#`` mean nothing: names of files may have them.

    Raises UsageError.
    """
    try:
        return urlsplit(uri.replace("?", "%3F").replace("#", "%23"))
    except ValueError as error:
        raise UsageError(f"{uri}: is no URI: {error}", "Check the name of the host in it.") from error


def path_of_uri(uri: str) -> str:
    """The system's path of a ``file:`` URI. Raises UsageError for one on another machine."""
    parts = split_uri(uri)
    path = unquote(parts.path, errors="surrogateescape")
    if parts.netloc in ("", "localhost"):
        return native(path)
    if WINDOWS:
        return native(f"//{parts.netloc}{path}")
    raise UsageError(f"{uri}: names a file on {parts.netloc}", "Write file:///path for one on this machine.")


def must_be_text(name: str) -> None:
    """Raises UsageError for a file whose name is bytes that are no UTF-8: it can't be told to others, as JSON."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(name).decode(errors="backslashreplace")
        raise UsageError(f"{shown}: its name is not UTF-8 and can't be written down", "Rename it.") from error


def as_text(path: str) -> str:
    """A path; its URI where its name is bytes that are no UTF-8: that can be written down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return uri_of_path(storage_path(path))
    return path


def uri_of_path(path: str) -> str:
    """The ``file:`` URI of a storage path."""
    return ("file:" if path.startswith("//") else "file://") + quote(os.fsencode(path), safe="/:")


def native(path: str) -> str:
    """A storage path as the system writes it: ``/C:/scans`` is ``C:\\scans`` on Windows."""
    if not WINDOWS:
        return path
    return ntpath.normpath(f"{path[1:]}/" if re.match(r"/[A-Za-z]:", path) else path)


def storage_path(path: str) -> str:
    """The storage path of a path as the system writes it; a share's, on Windows, begins with two slashes."""
    whole: str = (ntpath if WINDOWS else os.path).abspath(path)
    if not WINDOWS:
        return "/" + whole.lstrip("/")
    slashed = whole.replace("\\", "/").rstrip("/")
    return slashed if slashed.startswith("/") else f"/{slashed}"
