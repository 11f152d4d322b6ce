"""Reads compressed HDF5 by ltdesk, by h5py, and by the bare decompressors, in turn, and prints the ratios.

    python benchmarks/compressed_hdf5.py [--scan FILE] [--rows 64] [--threads 2] [--rounds 7] [--only TEXT]
                                         [--folder FOLDER] [--json FILE]

Writes rows of the demo scan (256 frames of 128x128 u16 each) in each layout and filter to FOLDER, unless they are
there, and checks that all its frames come out the same. A round reads everything once in each of three ways, from the
page cache:

- h5py: bands of whole chunks into one array, on one thread, since its lock lets no second one in;
- ltdesk: every tile of every partition, on all threads;
- decompressor: imagecodecs' function for each chunk, and shuffled bytes or bits put back in order, on as many threads,
  into memory of a tile's size. Nothing is put where it belongs.

Printed are GB/s of frames in the best round, and medians over the rounds of the ratios within each: by the clock, and
by processor time, shared out evenly among the threads. On a machine that others use too the second says what
processors of one's own would give, as far as they don't wait for one another.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import imagecodecs
import numpy as np

from ltdesk.engine.chunk_target import in_order
from ltdesk.engine.dataset import TILE_BYTES, Dataset
from ltdesk.engine.demo import ensure_demo
from ltdesk.engine.kernels.place_chunks import place_bits, place_bytes
from ltdesk.engine.local import default_threads
from ltdesk.engine.open import open_dataset

FRAME = (128, 128)
COLUMNS = 256
CHUNKS = {
    "a frame": (1, 1, *FRAME),
    "8x8 frames": (8, 8, *FRAME),
    "1x32 frames": (1, 32, *FRAME),
    "parts": (8, 8, 32, 64),
}
FILTERS: dict[str, dict[str, Any]] = {
    "bitshuffle lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "shuffle gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "shuffle lzf": {"compression": "lzf", "shuffle": True},
    "shuffle zstd": {"shuffle": True, **hdf5plugin.Zstd()},
    "lz4": dict(hdf5plugin.LZ4()),
    "blosc lz4": dict(hdf5plugin.Blosc(cname="lz4", shuffle=1)),
    "blosc zstd": dict(hdf5plugin.Blosc(cname="zstd", shuffle=1)),
    "shuffle": {"shuffle": True},
    "none": {},
}
Bare = Callable[[memoryview, np.ndarray, np.ndarray], None]
START = np.zeros(1, np.int64)


def main() -> None:
    options = arguments()
    folder = Path(options.folder or tempfile.mkdtemp(prefix="ltdesk-compressed-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{options.threads} threads, {options.rounds} rounds, {options.rows}x{COLUMNS}x{FRAME[0]}x{FRAME[1]} <u2\n")
    print(
        "| filter | a chunk holds | h5py GB/s | ltdesk | decompressor | times h5py | decompressor's time | by CPU | |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    found = []
    for name, chunk in ((name, chunk) for name in FILTERS for chunk in CHUNKS if options.only in f"{name}, {chunk}"):
        path = written(folder, options.scan, options.rows, name, chunk)
        with open_dataset(path, "data") as dataset:
            check(path, dataset)
            found.append(timed(path, dataset, name, chunk, options.threads, options.rounds))
        print(found[-1].row, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(one) for one in found], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="compressed HDF5 by ltdesk, h5py and the bare decompressors")
    parser.add_argument("--scan", help="the medium demo, if it is elsewhere than in the cache")
    parser.add_argument("--rows", type=int, default=64, help="of the demo scan, each 8 MiB; a multiple of 8")
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="lines that contain this, such as 'bitshuffle lz4, a frame'")
    parser.add_argument("--folder", help="where the files are kept; a temporary one")
    parser.add_argument("--json", help="write the figures there")
    return parser.parse_args()


@dataclass(frozen=True)
class Figures:
    """Best GB/s of each way, and medians of ltdesk's ratios to the others in one round, by clock and processor time."""

    filter: str
    chunk: str
    h5py: float
    ltdesk: float
    decompressor: float
    times_h5py: float
    times_decompressor: float
    cpu_times_h5py: float
    cpu_times_decompressor: float

    @property
    def row(self) -> str:
        speeds = f"{self.h5py:.2f} | {self.ltdesk:.2f} | {self.decompressor:.2f}"
        clock = f"**{self.times_h5py:.2f}** | {self.times_decompressor:.2f}"
        cpu = f"**{self.cpu_times_h5py:.2f}** | {self.cpu_times_decompressor:.2f}"
        return f"| {self.filter} | {self.chunk} | {speeds} | {clock} | {cpu} |"


def timed(path: Path, dataset: Dataset, name: str, chunk: str, threads: int, rounds: int) -> Figures:
    ways = (partial(read_h5py, path), partial(read_ltdesk, dataset, threads), bare_reader(path, name, threads))
    for way in ways:
        way()
    both = np.array([[measured(way) for way in ways] for _ in range(rounds)])
    clock, cpu = both[..., 0], both[..., 1] / (1, threads, threads)
    best = dataset.nbytes / clock.min(axis=0) / 1e9
    ratios = [statistics.median(ratio) for t in (clock, cpu) for ratio in (t[:, 0] / t[:, 1], t[:, 1] / t[:, 2])]
    return Figures(name, chunk, *best, *ratios)


def measured(way: Callable[[], float]) -> tuple[float, float]:
    """Seconds by the clock and of processor time on all threads."""
    started = time.process_time()
    seconds = way()
    return seconds, time.process_time() - started


def written(folder: Path, scan: str | None, rows: int, name: str, chunk: str) -> Path:
    path = folder / f"{name} {chunk} {rows}.h5".replace(" ", "_")
    if not path.exists():
        new = path.with_suffix(".new")
        with open_dataset(scan or ensure_demo("medium")) as demo, h5py.File(new, "w") as file:
            data = file.create_dataset("data", (rows, COLUMNS, *FRAME), "<u2", chunks=CHUNKS[chunk], **FILTERS[name])
            for y in range(0, rows, 8):
                data[y : y + 8] = [
                    [demo.frame(row % demo.scan_shape[0], x) for x in range(COLUMNS)] for row in range(y, y + 8)
                ]
        new.replace(path)
    return path


def check(path: Path, dataset: Dataset) -> None:
    """All frames are those that h5py reads."""
    with h5py.File(path, "r", locking=False) as file:
        for partition in dataset.plan():
            expected = file["data"][partition.slices].reshape(-1, *FRAME)
            for tile in dataset.tiles(partition):
                if not np.array_equal(tile.frames, expected[tile.start : tile.start + len(tile.frames)]):
                    raise SystemExit(f"{path}: partition {partition} differs from what h5py reads")


def read_h5py(path: Path) -> float:
    with h5py.File(path, "r", locking=False) as file:
        data = file["data"]
        band = np.empty((8, *data.shape[1:]), data.dtype)
        started = time.perf_counter()
        for y in range(0, len(data), 8):
            data.read_direct(band, np.s_[y : y + 8])
        return time.perf_counter() - started


def read_ltdesk(dataset: Dataset, threads: int) -> float:
    def read(partitions: Iterator[Any]) -> None:
        for partition in partitions:
            for _tile in dataset.tiles(partition):
                pass

    return on_threads(read, list(dataset.plan()), threads)


def bare_reader(path: Path, name: str, threads: int) -> Callable[[], float]:
    with h5py.File(path, "r", locking=False) as file:
        data, chunks = file["data"], list[Any]()
        data.id.chunk_iter(chunks.append)
        nbytes = int(np.prod(data.chunks)) * data.dtype.itemsize
    source, bare = np.memmap(path, np.uint8, "r"), BARE[name]

    def read(places: Iterator[Any]) -> None:
        tile, between = np.empty((max(1, TILE_BYTES // nbytes), nbytes), np.uint8), np.empty(nbytes, np.uint8)
        for out, place in zip(cycle(tile), places, strict=False):
            bare(source[place.byte_offset : place.byte_offset + place.size], out, between)

    return partial(on_threads, read, chunks, threads)


def on_threads(work: Callable[[Iterator[Any]], None], items: Sequence[Any], threads: int) -> float:
    """Seconds that `threads` threads need for all items, each taking the next that is left."""
    left = iter(items)
    workers = [threading.Thread(target=work, args=(left,)) for _ in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def bitshuffle_lz4(stored: Any, out: np.ndarray, between: np.ndarray) -> None:
    imagecodecs.lz4h5_decode(stored, out=between)
    place_bits(between, START, between, START, 2, 4096, in_order(1, out.size // 2), out)


def bitshuffle_zstd(stored: Any, out: np.ndarray, between: np.ndarray) -> None:
    place, at = 12, 0
    while at < out.size:
        length = int.from_bytes(stored[place : place + 4].tobytes(), "big")
        imagecodecs.zstd_decode(stored[place + 4 : place + 4 + length], out=between[at : at + 8192])
        place, at = place + 4 + length, at + 8192
    place_bits(between, START, between, START, 2, 4096, in_order(1, out.size // 2), out)


def shuffled(decode: Callable[..., Any], stored: Any, out: np.ndarray, between: np.ndarray) -> None:
    decode(stored, out=between)
    place_bytes(between, START, 2, in_order(1, out.size // 2), out)


def only_shuffled(stored: Any, out: np.ndarray, _between: np.ndarray) -> None:
    place_bytes(stored, START, 2, in_order(1, out.size // 2), out)


def plain(decode: Callable[..., Any], stored: Any, out: np.ndarray, _between: np.ndarray) -> None:
    decode(stored, out=out)


def copied(stored: Any, out: np.ndarray, _between: np.ndarray) -> None:
    out[:] = stored


BARE: dict[str, Callable[[Any, np.ndarray, np.ndarray], None]] = {
    "bitshuffle lz4": bitshuffle_lz4,
    "bitshuffle zstd": bitshuffle_zstd,
    "shuffle gzip": partial(shuffled, imagecodecs.deflate_decode),
    "shuffle lzf": partial(shuffled, imagecodecs.lzf_decode),
    "shuffle zstd": partial(shuffled, imagecodecs.zstd_decode),
    "lz4": partial(plain, imagecodecs.lz4h5_decode),
    "blosc lz4": partial(plain, partial(imagecodecs.blosc_decode, numthreads=1)),
    "blosc zstd": partial(plain, partial(imagecodecs.blosc_decode, numthreads=1)),
    "shuffle": only_shuffled,
    "none": copied,
}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
