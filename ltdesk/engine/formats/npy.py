"""`.npy`: numpy's own format. C order is mapped; Fortran order, where each frame is scattered, is gathered."""

from __future__ import annotations

import os
from dataclasses import replace
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ltdesk.engine.formats.arranged import ArrangedDataset, Source, check_dtype, check_source, spaced
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.engine.mapping import MappedFile
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef

FORMAT = "npy"
MAGIC = b"\x93NUMPY"


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int


def recognises(_path: str, head: bytes) -> bool:
    return head.startswith(MAGIC)


def open_npy(path: str, ref: DatasetRef) -> ArrangedDataset:
    """Open 4D ``(sy, sx, ky, kx)`` or 3D ``(n, ky, kx)``; a file that ends early has its good frames.

    Raises OpenError for other shapes, for objects, and for a damaged header.
    """
    header = _read_header(path)
    check_dtype(path, header.dtype)
    if len(header.shape) not in (3, 4):
        raise OpenError(
            f"{path}: its shape is {header.shape}, neither 4D (sy, sx, ky, kx) nor 3D (n, ky, kx)",
            "Save it again with 3 or 4 axes.",
        )
    sy, sx, ky, kx = header.shape if len(header.shape) == 4 else (1, *header.shape)
    source = Source(path, FORMAT, (sy, sx), (ky, kx), header.dtype, good=())
    check_source(source)
    return _open_fortran(source, ref, header) if header.fortran else _open_c(source, ref, header)


def _read_header(path: str) -> _Header:
    try:
        with open(path, "rb") as file:
            version = npy_format.read_magic(file)
            shape, fortran, dtype = _header_fields(file, version)
            return _Header(shape, fortran, dtype, file.tell())
    except (ValueError, EOFError, TypeError, SyntaxError, TokenError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OpenError(f"{path}: its .npy header cannot be read: {reason}", "Save it again.") from error


def _header_fields(file: Any, version: tuple[int, int]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if version == (1, 0):
        return npy_format.read_array_header_1_0(file)
    if version == (2, 0) or version == (3, 0):  # 3.0 differs in the encoding of field names alone
        return npy_format.read_array_header_2_0(file)
    raise ValueError(f"version {version[0]}.{version[1]} is not known")


def _open_c(source: Source, ref: DatasetRef, header: _Header) -> FramesFile:
    count = source.scan_shape[0] * source.scan_shape[1]
    frame_bytes = source.frame_shape[0] * source.frame_shape[1] * header.dtype.itemsize
    frames = Frames(source.path, header.offset, frame_bytes, header.dtype, source.frame_shape, count)
    return FramesFile(ref, source, [frames])


def _open_fortran(source: Source, ref: DatasetRef, header: _Header) -> ReadFrames:
    """Scan positions of one column lie together, frames don't: a file cut short has none that is whole."""
    (sy, sx), (ky, kx) = source.scan_shape, source.frame_shape
    nbytes = sy * sx * ky * kx * header.dtype.itemsize
    size = os.stat(source.path).st_size
    if size < header.offset + nbytes:
        raise OpenError(
            f"{source.path}: has {spaced(size)} of {spaced(header.offset + nbytes)} bytes, and in Fortran order "
            "no frame is whole without the rest",
            "Copy it again.",
        )
    reader = _FortranReader(source, header, nbytes)
    chunk = (sy, 1)  # a column's positions lie together
    whole = replace(source, good=[range(sy * sx)], chunk=chunk, format="npy, Fortran order")
    return ReadFrames(ref, whole, reader)


class _FortranReader:
    """Frames gathered from an array in Fortran order."""

    def __init__(self, source: Source, header: _Header, nbytes: int) -> None:
        self._file = MappedFile(source.path, header.offset, nbytes)
        self._offset, self._nbytes = header.offset, nbytes
        self._reversed_shape = (*source.frame_shape[::-1], *source.scan_shape[::-1])
        self._dtype = header.dtype

    def read(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        self._file.check()
        raw = self._file.view(self._offset, self._nbytes)
        stored = np.ndarray(self._reversed_shape, self._dtype, buffer=raw)
        out[...] = stored.transpose()[y, x]
        self._file.check(self._offset, self._nbytes)

    def close(self) -> None:
        self._file.close()
