"""The same frames in other pixel types, in other layouts, and more or fewer of them: does each keep the speed?

All files are written to a folder first and timed in turn. They hold frames of the scan that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.bench import Case, check, read_once
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset

VARIANT_BYTES = 256 << 20
"""Of each file of frames in another type or layout."""
PIXELS = ("<u2", "|u1", ">u2", "<i2", "<u4", "<i4", "<f4", ">f4", "<f8")
CHUNKS = (8, 8)
LAYOUTS: dict[str, dict[str, Any] | None] = {
    "raw (npy)": None,
    "HDF5, contiguous": {},
    "HDF5, chunks of 8x8 frames": {"chunked": True},
    "HDF5, shuffle gzip": {"chunked": True, "shuffle": True, "compression": "gzip", "compression_opts": 4},
    "HDF5, bitshuffle lz4": {"chunked": True, **hdf5plugin.Bitshuffle(cname="lz4")},
}
SCALES = (0.25, 1, 4)
"""Sizes that are timed, in the scan's own size."""


@dataclass
class Variant:
    """A case on one of the files with a number of threads."""

    name: str
    case: Case
    dataset: Dataset
    threads: int

    @property
    def gb_s(self) -> float:
        return self.dataset.nbytes / min(self.case.seconds) / 1e9


def time_variants(variants: Sequence[Variant], rounds: int, progress: Callable[[], None] = lambda: None) -> list[float]:
    """Time all in turn, after checking each; gives the GB/s of plain reads of the first's file in each round."""
    plain = []
    with ExitStack() as stack:
        executors = {v.threads: stack.enter_context(LocalExecutor(v.threads)) for v in variants}
        for variant in variants:
            check(executors[variant.threads], variant.dataset, variant.case)
        first = variants[0].dataset
        for _ in range(rounds):
            plain.append(first.nbytes / read_once(first, max(executors)) / 1e9)
            for variant in variants:
                variant.case.run(executors[variant.threads], variant.dataset)
                progress()
    return plain


def pixel_files(folder: Path, dataset: Dataset) -> dict[str, Path]:
    """Files of as many bytes of each type of `PIXELS`; counts that a type can't hold become its largest."""
    paths = {}
    for name in PIXELS:
        dtype = np.dtype(name)
        rows = _rows(dataset, dtype)
        path = folder / f"pixels {dtype.str[1:]} {'big' if not dtype.isnative else 'native'}.npy"
        largest = np.iinfo(dtype).max if dtype.kind in "ui" else None
        write_npy(path, (rows, *dataset.shape[1:]), dtype, (np.clip(row, 0, largest) for row in _read(dataset, rows)))
        paths[name] = path
    return paths


def layout_files(folder: Path, dataset: Dataset) -> dict[str, Path]:
    """Files of each of `LAYOUTS` with the same frames."""
    rows = _rows(dataset, dataset.dtype)
    shape = (rows, *dataset.shape[1:])
    paths = {}
    for number, (name, options) in enumerate(LAYOUTS.items()):
        paths[name] = folder / f"layout {number}{'.npy' if options is None else '.h5'}"
        if options is None:
            write_npy(paths[name], shape, dataset.dtype, _read(dataset, rows))
        else:
            _write_hdf5(paths[name], shape, dataset, dict(options))
    return paths


def scale_files(folder: Path, dataset: Dataset) -> dict[str, Path]:
    """Files of each of `SCALES`: the scan's rows, again and again."""
    paths = {}
    for factor in SCALES:
        rows = max(1, round(dataset.scan_shape[0] * factor))
        paths[f"{factor:g}"] = folder / f"scale {factor:g}.npy"
        write_npy(paths[f"{factor:g}"], (rows, *dataset.shape[1:]), dataset.dtype, _read(dataset, rows))
    return paths


def opened(stack: ExitStack, paths: dict[str, Path]) -> dict[str, Dataset]:
    """The files as datasets that are closed with the stack."""
    return {name: stack.enter_context(open_dataset(str(path))) for name, path in paths.items()}


def write_npy(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], rows: Iterator[NDArray[Any]]) -> None:
    """Write rows ``(sx, ky, kx)`` one by one."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            file.write(np.ascontiguousarray(row, dtype=dtype).data)


def _write_hdf5(path: Path, shape: tuple[int, ...], dataset: Dataset, options: dict[str, Any]) -> None:
    if options.pop("chunked", False):
        options["chunks"] = (min(CHUNKS[0], shape[0]), min(CHUNKS[1], shape[1]), *shape[2:])
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", shape, dataset.dtype, **options)
        band: list[NDArray[Any]] = []
        for y, row in enumerate(_read(dataset, shape[0])):
            band.append(row)
            if len(band) == CHUNKS[0] or y + 1 == shape[0]:  # whole chunks: each is compressed once
                data[y + 1 - len(band) : y + 1] = np.stack(band)
                band.clear()


def _rows(dataset: Dataset, dtype: np.dtype[Any]) -> int:
    row = dataset.scan_shape[1] * dataset.frame_shape[0] * dataset.frame_shape[1] * dtype.itemsize
    return max(1, VARIANT_BYTES // row)


def _read(dataset: Dataset, rows: int) -> Iterator[NDArray[Any]]:
    """Rows of the scan, from the start again once it is at its end."""
    for y in range(rows):
        yield np.stack([dataset.frame(y % dataset.scan_shape[0], x) for x in range(dataset.scan_shape[1])])
