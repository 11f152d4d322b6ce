"""Opening: from what a user names, a path or URI and maybe shapes, to a Dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ltdesk.correction import Correction
from ltdesk.engine.corrected import corrected
from ltdesk.engine.correction_files import Given, correction_for
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.file_uris import path_of_uri
from ltdesk.engine.formats.arranged import MOST_FRAME_BYTES, MOST_POSITIONS
from ltdesk.engine.formats.files import check_file, read_head
from ltdesk.engine.formats.format import HEAD_BYTES, DatasetEntry, Format
from ltdesk.engine.formats.guess import ShapeGuess, guess_shapes
from ltdesk.engine.formats.raw import open_raw
from ltdesk.engine.formats.registry import RAW_SUFFIXES, format_of, named_like
from ltdesk.engine.sidecar import BEGUN, SIDECAR
from ltdesk.errors import OpenError, UsageError, os_error_text
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef

__all__ = ["DatasetEntry", "ShapeGuess", "guess_shapes", "list_datasets", "open_dataset", "open_ref"]


def open_dataset(
    path: str | os.PathLike[str],
    dataset: str | None = None,
    scan_shape: Size2D | None = None,
    frame_shape: Size2D | None = None,
    dtype: DTypeLike | None = None,
    offset: int = 0,
    sync_offset: int = 0,
    dark: Given = None,
    gain: Given = None,
    dead_pixels: Given = None,
    correction: Correction | None = None,
) -> Dataset:
    """Open a scan.

    Parameters
    ----------
    path : a path or URI
    dataset : path inside an HDF5 file
    scan_shape : (sy, sx), in place of what the file says
    frame_shape, dtype, offset : (ky, kx), pixels' type and bytes before the first frame of a headerless file
    sync_offset : frames to skip (> 0) or missing (< 0) before the first scan position
    dark, gain, dead_pixels, correction : how frames are corrected, as `correction_for` takes them

    Returns
    -------
    dataset : its `note` says what the user should know (missing frames, other datasets inside)

    Raises
    ------
    UsageError : shapes, dtype or offsets that make no sense
    ShapeNeeded : a headerless file without frame shape or dtype
    OpenError : what can't be opened, with the reason and the way out
    """
    ref = DatasetRef(
        uri=os.fspath(path),
        dataset=dataset,
        scan_shape=_shape("--scan-shape", scan_shape, MOST_POSITIONS),
        frame_shape=_shape("--frame-shape", frame_shape, MOST_FRAME_BYTES),
        dtype=None if dtype is None else _dtype(dtype),
        offset=_whole("--offset", offset, least=0),
        sync_offset=_whole("--sync-offset", sync_offset),
    )
    opened = open_ref(ref)
    try:
        return corrected(opened, correction_for(opened, dark, gain, dead_pixels, correction))
    except BaseException:
        opened.close()
        raise


def open_ref(ref: DatasetRef) -> Dataset:
    """Open what a job names. Raises as `open_dataset` does.

    Its own ref has an absolute path, a dtype with byte order, and the path inside the file that was taken.
    """
    checked = ref.model_copy(
        update={
            "uri": _absolute(ref.uri),
            "scan_shape": _shape("--scan-shape", ref.scan_shape, MOST_POSITIONS),
            "frame_shape": _shape("--frame-shape", ref.frame_shape, MOST_FRAME_BYTES),
            "dtype": None if ref.dtype is None else _dtype(ref.dtype),
            "offset": _whole("--offset", ref.offset, least=0),
            "correction": None,
        }
    )
    opened = SCHEMES[_scheme(checked.uri)](checked)
    try:
        return corrected(opened, ref.correction)
    except BaseException:
        opened.close()
        raise


def applying(ref: DatasetRef, uri: str) -> DatasetRef:
    """What holds for the scan at `uri`, too, of how another one was opened, as a recipe has it. Raises OpenError.

    An ingested scan says all of it itself; a file with a header its frames' shape, type and place. A dataset inside is
    taken where the file has one of that name.
    """
    here, bare = ref.model_copy(update={"uri": uri}), DatasetRef(uri=uri, correction=ref.correction)
    path = local_path(uri)
    if here == bare or _scheme(uri) not in ("", "file") or _is_ingested(path):
        return bare
    check_file(path)
    known = format_of(path, read_head(path, HEAD_BYTES))
    if _is_headerless(known, path, here):
        return here.model_copy(update={"dataset": None})
    inside = {entry.path.strip("/") for entry in list_datasets(uri)} if ref.dataset else set()
    dataset = ref.dataset if ref.dataset and ref.dataset.strip("/") in inside else None
    return here.model_copy(update={"dataset": dataset, "frame_shape": None, "dtype": None, "offset": 0})


def list_datasets(path: str | os.PathLike[str]) -> list[DatasetEntry]:
    """The datasets inside a file, the one that would be opened first; none for a format that holds just one.

    Raises OpenError.
    """
    uri = os.fspath(path)
    if _scheme(uri) not in ("", "file"):
        return []
    local = local_path(uri)
    if _is_ingested(local):
        return []
    check_file(local)
    known = format_of(local, read_head(local, HEAD_BYTES))
    return [] if known is None else known.entries(local)


def local_path(uri: str) -> str:
    """The path of a path or ``file:`` URI. Raises UsageError for a file on another machine."""
    return path_of_uri(uri) if _scheme(uri) == "file" else os.path.expanduser(uri)


def _open_local(ref: DatasetRef) -> Dataset:
    path = local_path(ref.uri)
    if _is_ingested(path):
        return _open_stored(ref)
    check_file(path)
    try:
        head = read_head(path, HEAD_BYTES)
        known = format_of(path, head)
        if known is None or _is_headerless(known, path, ref):
            _refuse_wrong_content(path, head, ref)
            return open_raw(path, ref)
        opened = known.open(path, ref)
    except OSError as error:
        raise OpenError(f"{path}: cannot be read: {os_error_text(error)}", "Check the disk and try again.") from error
    return _as_asked(opened, path, known)


def _is_ingested(path: str) -> bool:
    """Whether a path is the folder of an ingested scan, or an unfinished one."""
    return any(os.path.isfile(os.path.join(path, name)) for name in (SIDECAR, BEGUN))


def _is_headerless(known: Format | None, path: str, ref: DatasetRef) -> bool:
    is_raw_by_name = os.path.splitext(path)[1].lower() in RAW_SUFFIXES
    return known is None or bool(is_raw_by_name and ref.frame_shape and ref.dtype)


def _refuse_wrong_content(path: str, head: bytes, ref: DatasetRef) -> None:
    """Raises OpenError for a file of a format that it only claims to have, or that is not read."""
    if ref.frame_shape and ref.dtype:
        return
    if known := named_like(path):
        raise OpenError(
            f"{path}: is named like {known.name} but is not: it begins with {head[:8]!r}",
            "Copy it again, or give --frame-shape and --dtype if it is headerless.",
        )
    if name := NOT_READ.get(os.path.splitext(path)[1].lower()):
        raise OpenError(f"{path}: {name} is not read", "Save it as HDF5, .npy or raw.")


def _as_asked(dataset: Dataset, path: str, known: Format) -> Dataset:
    """Raises UsageError where shapes are given that contradict the file's own."""
    asked = dataset.ref
    wrong = ""
    if asked.frame_shape is not None and asked.frame_shape != dataset.frame_shape:
        wrong = f"frames of {_by(dataset.frame_shape)}, not {_by(asked.frame_shape)}"
    elif asked.dtype is not None and np.dtype(asked.dtype) != dataset.dtype:
        wrong = f"pixels of {dataset.dtype.str}, not {asked.dtype}"
    elif asked.offset:
        wrong = "its frames' place in its header"
    if wrong:
        dataset.close()
        raise UsageError(f"{path}: the {known.name} file has {wrong}", "Leave out --frame-shape, --dtype and --offset.")
    return dataset


def _shape(option: str, shape: Any, most: int) -> Size2D | None:
    if shape is None:
        return None
    try:
        first, second = (int(size) for size in shape if int(size) == size)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{option} {shape}: is not two whole numbers", f"Give it like {option} 256,256.") from error
    if first < 1 or second < 1:
        raise UsageError(f"{option} {first},{second}: must be at least 1,1", f"Give it like {option} 256,256.")
    if first * second > most:
        raise UsageError(f"{option} {first},{second}: is too large", "Check the numbers.")
    return first, second


def _dtype(dtype: DTypeLike) -> str:
    try:
        given = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError) as error:
        raise UsageError(f"--dtype {dtype}: is not a type of pixels", "Give it like '<u2', '>u4' or 'f4'.") from error
    if given.kind not in "biuf" or given.itemsize > 8:
        raise UsageError(
            f"--dtype {dtype}: pixels must be integers, floats or bool", "Give it like '<u2', '>u4' or 'f4'."
        )
    return given.str


def _whole(option: str, number: int, least: int | None = None) -> int:
    if int(number) != number or (least is not None and number < least):
        raise UsageError(
            f"{option} {number}: must be a whole number" + ("" if least is None else f" from {least}"), "Check it."
        )
    return int(number)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)


def _scheme(uri: str) -> str:
    """``file`` of ``file:///…``, nothing for a path; a drive's letter is none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(?://|(?=/))", uri)
    scheme = found[1].lower() if found else ""
    if scheme and scheme not in SCHEMES:
        raise OpenError(
            f"{uri}: {scheme}:// is not known", f"Give a path, or one of {', '.join(f'{s}://' for s in SCHEMES if s)}."
        )
    return scheme


def _absolute(uri: str) -> str:
    return uri if _scheme(uri) else os.path.abspath(os.path.expanduser(uri))


def _open_stored(ref: DatasetRef) -> Dataset:
    from ltdesk.engine.ingested import open_ingested  # HTTP takes its time to load

    return open_ingested(ref)


SCHEMES: dict[str, Callable[[DatasetRef], Dataset]] = {
    "": _open_local,
    "file": _open_local,
    "webhdfs": _open_stored,
    "swebhdfs": _open_stored,
}
"""How each kind of URI is opened; a path is the empty one."""

NOT_READ = {
    ".prz": "Panta Rhei", ".ser": "SER", ".emi": "EMI", ".seq": "SEQ",
    ".zspy": "zspy", ".gtg": "K2IS", ".tif": "TIFF", ".tiff": "TIFF", ".png": "a picture", ".jpg": "a picture",
    ".txt": "text", ".csv": "text", ".json": "JSON", ".xml": "XML", ".pdf": "PDF", ".zip": "a ZIP archive",
    ".npz": "npz",
}  # fmt: skip
"""Files that are surely not headerless frames, by suffix."""
