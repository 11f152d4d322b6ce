"""What every executor must do, whatever it runs on. Subclass `ExecutorSuite` and give it the fixture `executor`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass, MaxFrame, MeanFrame, SumFrame, SumSignal, VirtualDetector
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.executor import Executor, JobHandle
from ltdesk.engine.open import open_dataset
from ltdesk.errors import JobCancelled, JobFailed, UsageError
from ltdesk.geometry import AnyShape, Disk, Ellipse, PixelMask, Rectangle, Ring
from ltdesk.job import Job, Partition

SCAN, FRAME = (9, 11), (12, 16)
DISK = Disk(cy=5.5, cx=8, r=4)
RING = Ring(cy=5.5, cx=7, r_in=2, r_out=6)


def make_array(dtype: str, seed: int = 0) -> NDArray[Any]:
    """Random counts ``(9, 11, 12, 16)`` up to the type's limits."""
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return random.normal(3, 2, SCAN + FRAME).astype(kind)
    if kind.kind == "b":
        return random.random(SCAN + FRAME) < 0.4
    limits = np.iinfo(kind)
    high = min(int(limits.max), 2**40)
    low = 0 if kind.kind == "u" else -high
    return random.integers(low, high, SCAN + FRAME, endpoint=True, dtype=np.int64).astype(kind)


def write(folder: Path, array: NDArray[Any]) -> Dataset:
    """The array as an open dataset."""
    path = folder / "scan.npy"
    np.save(path, array)
    return open_dataset(str(path))


def job_for(dataset: Dataset, *analyses: Any, region: AnyShape | None = None) -> Job:
    return Job(dataset=dataset.ref, analyses=analyses, region=region)


def brute_sum(array: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    kind = {"u": np.uint64, "b": np.uint64, "i": np.int64}.get(array.dtype.kind, np.float64)
    return np.asarray(array[..., mask].astype(kind).sum(axis=-1, dtype=kind))


def same(found: NDArray[Any], expected: NDArray[Any]) -> None:
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    else:
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


class Gated(Dataset):
    """A dataset whose partitions wait at a gate; `fail` makes one of them break."""

    def __init__(self, inner: Dataset, fail: int | None = None) -> None:
        super().__init__(inner.ref, inner.scan_shape, inner.frame_shape, inner.dtype, inner.format)
        self.inner, self.fail = inner, fail
        self.gate, self.reached = threading.Event(), threading.Event()

    def plan(self) -> tuple[Partition, ...]:
        return tuple(Partition(y, y, y + 1, 0, SCAN[1]) for y in range(SCAN[0]))

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return self.inner.frame(y, x)

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        self.reached.set()
        if partition.index == self.fail:
            raise OSError(5, "Input/output error", "scan.npy")
        for tile in self.inner.tiles(partition):
            assert self.gate.wait(60)
            yield tile

    def identity(self) -> Any:
        return self.inner.identity()


class ExecutorSuite:
    """Every executor gives exactly these numbers and these endings."""

    def run(self, executor: Executor, dataset: Dataset, *analyses: Any, region: AnyShape | None = None) -> Results:
        return executor.submit(job_for(dataset, *analyses, region=region), dataset).result(250)

    @pytest.mark.parametrize(
        "dtype",
        [
            "?",
            "u1",
            "<u2",
            ">u2",
            "<u4",
            ">u4",
            "<u8",
            "i1",
            "<i2",
            ">i2",
            "<i4",
            "<i8",
            "<f2",
            "<f4",
            ">f4",
            "<f8",
            ">f8",
        ],
    )
    def test_all_analyses_equal_brute_force(self, executor: Executor, tmp_path: Path, dtype: str) -> None:
        array = make_array(dtype)
        with write(tmp_path, array) as dataset:
            results = self.run(
                executor, dataset,
                VirtualDetector(DISK, name="bf"), VirtualDetector(RING, name="adf"),
                VirtualDetector(RING * -0.5, name="half"), SumFrame(), MeanFrame(), MaxFrame(), SumSignal(),
            )  # fmt: skip
        everything = np.ones(FRAME, bool)
        same(results["bf"], brute_sum(array, DISK.mask(FRAME)))
        same(results["adf"], brute_sum(array, RING.mask(FRAME)))
        same(results["half"], brute_sum(array, RING.mask(FRAME)) * -0.5)
        same(results["sum_signal"], brute_sum(array, everything))
        total = brute_sum(np.moveaxis(array.reshape(-1, *FRAME), 0, -1), np.ones(SCAN[0] * SCAN[1], bool))
        same(results["sum_frame"], total)
        same(results["mean_frame"], total / (SCAN[0] * SCAN[1]))
        np.testing.assert_array_equal(results["max_frame"], array.max(axis=(0, 1)))
        assert results["max_frame"].dtype == np.dtype(dtype).newbyteorder("=")
        assert results.valid.all()

    @pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4", "<f4"])
    @pytest.mark.parametrize("mask", [None, DISK])
    def test_centre_of_mass(self, executor: Executor, tmp_path: Path, dtype: str, mask: AnyShape | None) -> None:
        array = np.abs(make_array(dtype))
        array[2, 3] = 0
        with write(tmp_path, array) as dataset:
            results = self.run(
                executor, dataset, CenterOfMass(mask=mask), CenterOfMass(name="at", cy=1, cx=2, mask=mask)
            )
        inside = array.astype(np.float64) * (1 if mask is None else mask.mask(FRAME))
        y, x = np.indices(FRAME)
        total = inside.sum(axis=(2, 3))
        total[2, 3] = np.nan
        for name, cy, cx in (("com", 5.5, 7.5), ("at", 1, 2)):
            same(results[f"{name}_y"], (inside * y).sum(axis=(2, 3)) / total - cy)
            same(results[f"{name}_x"], (inside * x).sum(axis=(2, 3)) / total - cx)
        assert results.valid.all(), "0/0 is about the numbers, not about the frame"

    def test_weights_from_a_pixel_mask(self, executor: Executor, tmp_path: Path) -> None:
        array = make_array("<u2")
        weights = np.where(DISK.mask(FRAME), np.random.default_rng(1).normal(size=FRAME), 0)
        with write(tmp_path, array) as dataset:
            results = self.run(executor, dataset, VirtualDetector(PixelMask.from_array(weights), name="w"))
        allowed = 1e-6 * (array * np.abs(weights)).sum(axis=(2, 3))
        assert (np.abs(results["w"] - (array * weights).sum(axis=(2, 3))) <= allowed).all()

    def test_nan_inside_is_nan_and_outside_is_nothing(self, executor: Executor, tmp_path: Path) -> None:
        array = make_array("<f4")
        array[1, 1, 5, 8] = np.nan
        array[2, 2, 0, 0] = np.nan
        array[3, 3, 0, 0] = np.inf
        with write(tmp_path, array) as dataset:
            image = self.run(executor, dataset, VirtualDetector(DISK, name="bf"))["bf"]
        assert np.argwhere(np.isnan(image)).tolist() == [[1, 1]]
        clean = np.where(np.isfinite(array), array, 0)
        known = ~np.isnan(image)
        np.testing.assert_allclose(image[known], brute_sum(clean, DISK.mask(FRAME))[known])

    @pytest.mark.parametrize("region", [Rectangle(y0=2, x0=3, y1=6, x1=10), Ellipse(cy=4, cx=5, ry=3, rx=4.5, deg=30)])
    def test_region(self, executor: Executor, tmp_path: Path, region: AnyShape) -> None:
        array = make_array("<u2")
        inside = region.mask(SCAN)
        with write(tmp_path, array) as dataset:
            results = self.run(
                executor, dataset, VirtualDetector(DISK, name="bf"), MeanFrame(), CenterOfMass(), region=region
            )
        np.testing.assert_array_equal(results.valid, inside)
        np.testing.assert_array_equal(results["bf"], np.where(inside, brute_sum(array, DISK.mask(FRAME)), 0))
        np.testing.assert_array_equal(np.isnan(results["com_y"]), ~inside)
        np.testing.assert_allclose(results["mean_frame"], array[inside].mean(axis=0))

    def test_an_empty_region_is_no_error(self, executor: Executor, tmp_path: Path) -> None:
        region = Rectangle(y0=100, x0=100, y1=101, x1=101)
        with write(tmp_path, make_array("u1")) as dataset:
            results = self.run(executor, dataset, SumFrame(), MeanFrame(), MaxFrame(), region=region)
        assert not results.valid.any()
        assert not results["sum_frame"].any()
        assert np.isnan(results["mean_frame"]).all()

    def test_sums_do_not_wrap(self, executor: Executor, tmp_path: Path) -> None:
        array = np.full((2, 700, 16, 1100), 65535, np.uint16)
        with write(tmp_path, array) as dataset:
            results = self.run(
                executor, dataset, SumFrame(), SumSignal(), VirtualDetector(Disk(cy=0, cx=0, r=2000), name="all")
            )
        assert (results["sum_frame"] == 65535 * 1400).all()
        assert (results["sum_signal"] == 65535 * 16 * 1100).all()
        assert (results["all"] == 65535 * 16 * 1100).all()

    def test_recipe_and_execution_travel_with_the_result(self, executor: Executor, tmp_path: Path) -> None:
        with write(tmp_path, make_array("u1")) as dataset:
            results = self.run(executor, dataset, SumFrame())
            assert Job.model_validate(results.recipe["job"]).dataset == dataset.ref
            assert results.recipe["dataset"]["size"] == (tmp_path / "scan.npy").stat().st_size
            read = sum(results.execution[f"bytes_{way}"] for way in ("mapped", "read", "network"))
            assert read == dataset.nbytes
        assert results.execution["hosts"]
        assert results.execution["partitions"] == len(dataset.plan())

    def test_a_mask_of_another_size_is_refused(self, executor: Executor, tmp_path: Path) -> None:
        mask = PixelMask.from_array(np.ones((3, 3), bool))
        with write(tmp_path, make_array("u1")) as dataset, pytest.raises(UsageError, match="3x3"):
            self.run(executor, dataset, VirtualDetector(mask, name="m"))


class ThreadSuite(ExecutorSuite):
    """For executors in this process: what needs a dataset that waits or breaks on command."""

    def start(self, executor: Executor, dataset: Dataset) -> JobHandle:
        return executor.submit(job_for(dataset, VirtualDetector(DISK, name="bf"), SumFrame()), dataset)

    def test_partials_are_seen_as_they_finish(self, executor: Executor, tmp_path: Path) -> None:
        array = make_array("u1")
        with write(tmp_path, array) as inner:
            dataset = Gated(inner)
            handle = self.start(executor, dataset)
            first = handle.update()
            assert (first.done, first.total, first.state.status) == (0, 9, "running")
            assert not first.results().valid.any()
            dataset.gate.set()
            seen = [update.done for update in handle.updates()]
            assert seen == sorted(seen)
            assert seen[-1] == 9
            np.testing.assert_array_equal(handle.result()["bf"], brute_sum(array, DISK.mask(FRAME)))

    def test_cancel_ends_within_a_partition(self, executor: Executor, tmp_path: Path) -> None:
        with write(tmp_path, make_array("u1")) as inner:
            dataset = Gated(inner)
            handle = self.start(executor, dataset)
            assert dataset.reached.wait(60)
            handle.cancel()
            assert handle.state.status == "running", "asked for is not done"
            dataset.gate.set()
            assert handle.wait(60)
            with pytest.raises(JobCancelled):
                handle.result()
            assert handle.state.done < handle.state.total

    def test_a_broken_partition_fails_the_job_and_the_rest_stays(self, executor: Executor, tmp_path: Path) -> None:
        array = make_array("u1")
        with write(tmp_path, array) as inner:
            dataset = Gated(inner, fail=4)
            dataset.gate.set()
            handle = self.start(executor, dataset)
            with pytest.raises(
                JobFailed, match=r"1 of 9 partitions failed; partition 4: .*Input/output error"
            ) as caught:
                handle.result(250)
            assert list(caught.value.failures) == [4]
            results = handle.results()
        expected = np.ones(SCAN, bool)
        expected[4] = False
        np.testing.assert_array_equal(results.valid, expected)
        np.testing.assert_array_equal(results["bf"], np.where(expected, brute_sum(array, DISK.mask(FRAME)), 0))
        np.testing.assert_array_equal(results["sum_frame"], array[expected].sum(axis=0))

    def test_what_is_read_does_not_change_under_the_reader(self, executor: Executor, tmp_path: Path) -> None:
        with write(tmp_path, make_array("u1")) as inner:
            dataset = Gated(inner)
            handle = self.start(executor, dataset)
            before = handle.results()
            dataset.gate.set()
            handle.result(250)
            assert not before["bf"].any()
            assert not before.valid.any()
