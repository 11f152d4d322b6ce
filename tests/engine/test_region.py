"""A region costs what it holds: only its frames are read, in any layout, and the numbers are right."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.analysis import MeanFrame, SumFrame, SumSignal
from ltdesk.engine.dataset import Tile
from ltdesk.engine.ingest import ingest
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.stacks import part_of, placed
from ltdesk.geometry import AnyShape, Ellipse, PixelMask, Rectangle
from ltdesk.job import Job, Partition

SHAPE = (40, 48, 64, 64)  # 15.7 MB: partitions of 2 rows
FRAME_BYTES = 64 * 64 * 2
ARRAY = np.random.default_rng(1).integers(0, 5000, SHAPE, dtype=np.uint16)
SMALL = Rectangle(y0=9, x0=11, y1=16, x1=17)


def written(folder: Path, layout: str) -> str:
    """The array as a file of this layout: its path or URI."""
    path = folder / ("scan.npy" if layout in ("npy", "ingested") else "scan.h5")
    if path.suffix == ".npy":
        np.save(path, ARRAY)
    else:
        chunks = (1, 1, 64, 64) if layout == "gzip by frame" else (4, 4, 64, 64)
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=ARRAY, chunks=chunks, compression="gzip", compression_opts=1)
    if layout != "ingested":
        return str(path)
    with open_dataset(str(path)) as source:
        ingest(source, f"file://{folder}/stored")
    return f"file://{folder}/stored"


def run(uri: str, region: AnyShape) -> tuple[Any, int]:
    """The results, and how many bytes of frames were looked at."""
    with open_dataset(uri) as dataset, LocalExecutor(2) as executor:
        job = Job(dataset=dataset.ref, analyses=(SumSignal(), SumFrame(), MeanFrame()), region=region)
        results = executor.submit(job, dataset).result(250)
    counts = ("bytes_mapped", "bytes_read", "bytes_network")
    return results, sum(results.execution[name] for name in counts)


@pytest.mark.parametrize("layout", ["npy", "gzip", "gzip by frame", "ingested"])
@pytest.mark.parametrize(
    "region", [SMALL, Ellipse(cy=20, cx=25, ry=9, rx=14, deg=30), Rectangle(y0=3, x0=0, y1=8, x1=48)]
)
def test_the_numbers_and_the_bytes(tmp_path: Path, layout: str, region: AnyShape) -> None:
    results, nbytes = run(written(tmp_path, layout), region)
    inside = region.mask(SHAPE[:2])
    np.testing.assert_array_equal(results.valid, inside)
    np.testing.assert_array_equal(results["sum_signal"], np.where(inside, ARRAY.sum(axis=(2, 3)), 0))
    np.testing.assert_array_equal(results["sum_frame"], ARRAY[inside].sum(axis=0))
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    assert inside.sum() * FRAME_BYTES <= nbytes <= rows * columns * FRAME_BYTES


def test_tiles_with_nothing_of_the_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ltdesk.engine.dataset.TILE_BYTES", 7 * FRAME_BYTES)
    inside = np.zeros(SHAPE[:2], dtype=np.bool_)
    inside[0, 3] = inside[1, 44] = inside[21, 30] = True  # the first partition runs alone
    results, _ = run(written(tmp_path, "npy"), PixelMask.from_array(inside))
    np.testing.assert_array_equal(results.valid, inside)
    np.testing.assert_array_equal(results["sum_frame"], ARRAY[inside].sum(axis=0))


def test_a_region_of_nothing_reads_nothing(tmp_path: Path) -> None:
    results, nbytes = run(written(tmp_path, "npy"), PixelMask.from_array(np.zeros(SHAPE[:2], dtype=np.bool_)))
    assert nbytes == 0
    assert not results.valid.any()
    assert np.isnan(results["mean_frame"]).all()


@given(st.data())
def test_every_frame_of_a_part_finds_its_place(data: st.DataObject) -> None:
    """Against numpy: frames that hold their own scan position, in tiles cut anywhere."""
    height, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 7))
    partition = Partition(0, 10, 10 + height, 20, 20 + width)
    region = np.array(data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width)))
    region[data.draw(st.integers(0, height * width - 1))] = True
    scan = np.zeros((10 + height, 20 + width), dtype=np.bool_)
    scan[partition.slices] = region.reshape(height, width)
    part = part_of(scan, partition).asked
    y, x = np.nonzero(region.reshape(height, width))
    assert (part.y0, part.y1, part.x0, part.x1) == (10 + y.min(), 11 + y.max(), 20 + x.min(), 21 + x.max())
    numbers = np.arange(height * width).reshape(height, width)
    inside = numbers[part.y0 - 10 : part.y1 - 10, part.x0 - 20 : part.x1 - 20].ravel()
    cuts = sorted({0, inside.size, *data.draw(st.lists(st.integers(0, inside.size), max_size=4))})
    for start, stop in pairwise(cuts):
        found = list(placed(Tile(start, inside[start:stop, None, None]), part, partition))
        assert [at + i for at, frames in found for i in range(len(frames))] == inside[start:stop].tolist()
        assert [int(n) for _, frames in found for n in frames.ravel()] == inside[start:stop].tolist()
