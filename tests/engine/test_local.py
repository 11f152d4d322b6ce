"""The local executor: the suite of all executors, and that threads change nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltdesk.analysis import Analysis, CenterOfMass, MeanFrame, StdFrame, SumFrame, SumSignal, VirtualDetector
from ltdesk.engine import local, mapping, pace
from ltdesk.engine.dataset import Tile
from ltdesk.engine.executor import Executor, JobHandle
from ltdesk.engine.group import Group
from ltdesk.engine.kernels.frames import as_frames
from ltdesk.engine.kernels.steps import WORD, Takings, take_turns, taking, with_words
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.mapping import MappedFile
from ltdesk.engine.open import open_dataset
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import Prepared, prepare, run_partition, run_together
from ltdesk.engine.preview.binned import BinnedFrames
from ltdesk.errors import DamagedFileError, JobCancelled, JobFailed, LtdeskError
from ltdesk.geometry import AnyShape, PixelMask, Rectangle
from ltdesk.job import Partition, Plan
from ltdesk.plugins import BUILT_IN
from tests.engine.executor_suite import DISK, FRAME, Gated, ThreadSuite, job_for, make_array, write
from tests.engine.preview.scans import Scan, binned


@pytest.fixture
def executor() -> Iterator[Executor]:
    with LocalExecutor(2) as executor:
        yield executor


class TestLocalExecutor(ThreadSuite):
    pass


@pytest.mark.parametrize("only_steps", [False, True])
@pytest.mark.parametrize("dtype", ["<u2", "<f4", "<f8"])
def test_the_same_bytes_with_any_number_of_threads(tmp_path: Path, dtype: str, only_steps: bool) -> None:
    array = np.tile(make_array(dtype), (1, 40, 1, 1))
    others = (spec.model_validate({}) for spec in BUILT_IN if spec is not VirtualDetector)
    weighted = VirtualDetector(PixelMask.from_array(np.random.default_rng(0).normal(size=FRAME)), name="weighted")
    steps = (VirtualDetector(DISK, name="bf"), SumFrame(), SumSignal(), CenterOfMass())
    analyses = steps if only_steps else (steps[0], weighted, *others)
    found = []
    with write(tmp_path, array) as dataset:
        assert len(dataset.plan()) > 1 or dtype == "<u2"
        for threads in (1, 2, 5):
            with LocalExecutor(threads) as executor:
                results = executor.submit(job_for(dataset, *analyses), dataset).result(250)
            found.append({name: results[name].tobytes() for name in results})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("region", [None, Rectangle(y0=1, x0=2, y1=7, x1=9)])
@pytest.mark.parametrize("dtype", ["<u2", ">f4"])
def test_partitions_that_run_together_are_as_if_alone(tmp_path: Path, dtype: str, region: AnyShape | None) -> None:
    """One that fails takes no other with it."""
    with write(tmp_path, make_array(dtype)) as inner:
        broken, whole = Gated(inner, fail=3), Gated(inner)
        broken.gate.set()
        whole.gate.set()
        job = job_for(inner, VirtualDetector(DISK, name="bf"), CenterOfMass(), SumFrame(), region=region)
        plan = whole.plan()
        alone = [run_partition(prepare(job, whole), partition) for partition in plan]
        for dataset in (inner, whole, broken):
            for expected, result in zip(alone, run_together(prepare(job, dataset), plan), strict=True):
                if dataset is broken and expected.index == 3:
                    assert isinstance(result, Exception)
                    continue
                assert isinstance(result, Partial)
                assert result.valid.tobytes() == expected.valid.tobytes()
                for name in expected.buffers:
                    assert result.buffers[name].tobytes() == expected.buffers[name].tobytes()
                assert (result.index, result.bytes_mapped) == (expected.index, expected.bytes_mapped)


class AllAtOnce(Scan):
    """Gives the tiles of all partitions that are asked for together at once."""

    shows_views = True

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        yield [(which, tile) for which, one in enumerate(partitions) for tile in self.tiles(one)]


@settings(deadline=None, max_examples=30)
@given(
    dtype=st.sampled_from(["<u2", ">u2", "?", "<f4"]),
    widths=st.lists(st.sampled_from([1, 2, 5, 6, 11]), min_size=1, max_size=8),
    tile=st.integers(1, 6),
)
def test_partitions_of_any_sizes_run_together(dtype: str, widths: list[int], tile: int) -> None:
    """What is laid out for one stack of frames is used for others: none gets what another partition's size has made."""
    frames = np.random.default_rng(len(widths)).integers(0, 9, (2, sum(widths), 12, 40)).astype(dtype)
    scan = AllAtOnce(frames, tile)
    edges = [0, *accumulate(widths)]
    plan = [Partition(i, 0, 2, *ends) for i, ends in enumerate(pairwise(edges))]
    spread = BinnedFrames(factor=(4, 4))
    specs = (VirtualDetector(DISK, name="bf"), CenterOfMass(mask=DISK), SumSignal(), SumFrame(), spread)
    job = job_for(scan, *specs)
    for partial, partition in zip(run_together(prepare(job, scan), plan), plan, strict=True):
        assert isinstance(partial, Partial)
        alone = run_partition(prepare(job, scan), partition)
        assert {name: array.tobytes() for name, array in partial.buffers.items()} == {
            name: array.tobytes() for name, array in alone.buffers.items()
        }
        part = frames[partition.slices].reshape(-1, 12, 40).astype(np.float64)
        assert partial.valid.all()
        np.testing.assert_array_equal(partial.buffers["sum_frame"], part.sum(axis=0))
        np.testing.assert_array_equal(partial.buffers["sum_signal"], part.sum(axis=(1, 2)))
        np.testing.assert_array_equal(
            partial.buffers["preview/block"], binned(part[None], (4, 4))[0].reshape(len(part), -1).T
        )


def test_what_is_to_stop_raises_before_and_between_compiled_calls(tmp_path: Path) -> None:
    with write(tmp_path, make_array("u1")) as dataset:
        prepared = prepare(job_for(dataset, VirtualDetector(DISK, name="bf"), SumFrame()), dataset)
        prepared.stop()
        assert all(isinstance(result, JobCancelled) for result in run_together(prepared, dataset.plan()))
        nowhere = taking(as_frames(np.ones((1, 2, 3), np.uint8)), [with_words(0)], 1)
        takings = Takings(np.array(nowhere.values), np.zeros(1, WORD), np.empty((1, 0, 2), WORD), nowhere)
        take_turns(takings, np.zeros(1, WORD), prepared.stopped)  # a step at address 0 would end the process


@pytest.mark.parametrize("helped", [False, True])
@settings(deadline=None, max_examples=20)
@given(
    dtype=st.sampled_from(["<u2", "?", "<i4"]),
    widths=st.lists(st.sampled_from([1, 2, 5, 6, 11]), min_size=1, max_size=8),
    tile=st.integers(1, 6),
)
def test_a_group_gives_what_its_partitions_give_whoever_does_them(
    helped: bool, dtype: str, widths: list[int], tile: int
) -> None:
    """What may be folded in any order each thread has once; here a helper does all or nothing."""
    frames = np.random.default_rng(len(widths)).integers(0, 9, (2, sum(widths), 12, 40)).astype(dtype)
    scan, edges = AllAtOnce(frames, tile), [0, *accumulate(widths)]
    plan = [Partition(i, 0, 2, *ends) for i, ends in enumerate(pairwise(edges))]
    prepared = prepare(job_for(scan, VirtualDetector(DISK, name="bf"), SumSignal(), SumFrame()), scan)
    joined: list[int | None] = []

    def open_to_others() -> None:
        joined.append(group.join())
        if helped and joined[0] is not None:
            assert group.help(joined[0]) is None  # who began it is still at it

    group = Group(prepared, plan, 2, open_to_others)
    results = group.go_on()
    if not helped and len(plan) > 1:
        assert results is None  # the other has not left
        results = group.help(joined[0] or 0)
    assert joined == ([1] if len(plan) > 1 else [None])  # alone, it is done by who began it
    assert results is not None
    assert group.join() is None
    partials = [result for result in results if isinstance(result, Partial)]
    assert [partial.index for partial in partials] == [partition.index for partition in plan]
    np.testing.assert_array_equal(
        sum(partial.buffers["sum_frame"] for partial in partials if "sum_frame" in partial.buffers),
        frames.sum(axis=(0, 1), dtype=np.int64),
    )
    for partial, partition in zip(partials, plan, strict=True):
        assert partial.valid.all()
        alone = run_partition(prepared, partition).buffers
        for name in ("bf", "sum_signal"):
            assert partial.buffers[name].tobytes() == alone[name].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("watched", [False, True])
def test_partitions_that_fail_in_a_group_take_no_other_with_them(threads: int, watched: bool) -> None:
    class Broken(AllAtOnce):
        def tiles(self, partition: Partition) -> Iterator[Tile]:
            if partition.index in (5, 30):
                raise DamagedFileError("is gone", "")
            yield from super().tiles(partition)

    frames = np.random.default_rng(0).integers(0, 9, (64, 64, 128, 66)).astype(np.uint16)
    scan = Broken(frames, 50)
    seen: list[int] = []
    with LocalExecutor(threads) as executor:
        watch = (lambda partial: seen.append(partial.index)) if watched else None
        handle = executor.submit(job_for(scan, SumFrame(), MeanFrame(), SumSignal()), scan, watch)
        assert handle.wait(250)
    assert sorted(handle.state.failures) == [5, 30]
    assert handle.state.total > 32
    results, valid = handle.results(), np.ones((64, 64), bool)
    for index in (5, 30):
        valid[scan.plan()[index].slices] = False
    np.testing.assert_array_equal(results.valid, valid)
    np.testing.assert_array_equal(results["sum_frame"], frames[valid].sum(axis=0))
    np.testing.assert_allclose(results["mean_frame"], frames[valid].mean(axis=0))
    np.testing.assert_array_equal(results["sum_signal"][valid], frames[valid].sum(axis=(1, 2)))
    assert len(seen) == (handle.state.done if watched else 0)


@pytest.mark.parametrize(("analysis", "slots"), [(SumFrame(), 0), (SumFrame(), 2), (StdFrame(), 0)])
def test_a_group_tells_how_long_its_partitions_took(analysis: Analysis, slots: int) -> None:
    """Whether they were computed in one call or one by one: by that, the next groups are made smaller or larger."""
    scan = AllAtOnce(np.ones((2, 8, 12, 40), np.uint16), 3)
    prepared = prepare(job_for(scan, analysis), scan)
    group = Group(prepared, [Partition(i, 0, 2, i, i + 1) for i in range(8)], slots, lambda: None)
    results = group.go_on()
    assert results is not None
    assert group.seconds > 0
    assert [one.seconds for one in results if isinstance(one, Partial)] == [pytest.approx(group.seconds / 8)] * 8


def test_nobody_joins_a_group_that_is_to_stop() -> None:
    scan = AllAtOnce(np.ones((2, 8, 12, 40), np.uint16), 3)
    plan = [Partition(i, 0, 2, i, i + 1) for i in range(8)]
    prepared = prepare(job_for(scan, SumFrame()), scan)
    group = Group(prepared, plan, 3, prepared.stop)
    results = group.go_on()
    assert results is not None
    assert len(results) == 8
    assert all(isinstance(result, JobCancelled) for result in results)
    assert group.join() is None


def test_what_runs_ahead_of_the_fold_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ltdesk.engine.local.HELD_BYTES", 0)  # as if partials were large

    class Stuck(Gated):
        def tiles(self, partition):  # type: ignore[no-untyped-def]
            if partition.index == 0:
                assert self.gate.wait(60)
            done.append(partition.index)
            if len(done) == 3:
                enough.set()
            yield from self.inner.tiles(partition)

    done: list[int] = []
    enough = threading.Event()
    with write(tmp_path, make_array("u1")) as inner, LocalExecutor(2) as executor:
        dataset = Stuck(inner)
        handle = executor.submit(job_for(dataset, SumFrame()), dataset)
        assert enough.wait(60)
        dataset.gate.set()
        handle.result(250)
    assert max(done[: done.index(0)]) < 8


def test_the_newest_job_goes_first(tmp_path: Path) -> None:
    with write(tmp_path, make_array("u1")) as inner, LocalExecutor(1) as executor:
        old, new = Gated(inner), Gated(inner)
        new.gate.set()
        first = executor.submit(job_for(old, SumFrame()), old)
        assert old.reached.wait(60)
        second = executor.submit(job_for(new, SumFrame()), new)
        old.gate.set()
        assert second.wait(60)
        assert first.wait(60)
        assert (first.state.status, second.state.status) == ("done", "done")


def test_closing_cancels_and_joins(tmp_path: Path) -> None:
    executor = LocalExecutor(2)
    with write(tmp_path, make_array("u1")) as inner:
        dataset = Gated(inner)
        handle = executor.submit(job_for(dataset, SumFrame()), dataset)
        assert dataset.reached.wait(60)
        threading.Timer(0.05, dataset.gate.set).start()
        executor.close()
        assert handle.state.status == "cancelled"
        with pytest.raises(LtdeskError, match="closed"):
            executor.submit(job_for(dataset, SumFrame()), dataset)


@pytest.mark.parametrize("moment", range(1, 25))
def test_a_job_cancelled_between_any_two_looks_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    class Hasty(JobHandle):
        """Cancelled by another thread just after its executor looked for the `moment`-th time."""

        looks = 0

        @property
        def cancel_requested(self) -> bool:
            before = self.state.cancel_requested
            self.looks += 1
            if self.looks == moment:
                asked = threading.Event()
                self._on_cancel.insert(0, asked.set)
                threading.Thread(target=self.cancel).start()
                assert asked.wait(60)
            return before

    monkeypatch.setattr("ltdesk.engine.local.JobHandle", Hasty)
    with write(tmp_path, make_array("u1")) as inner, LocalExecutor(1) as executor:
        dataset = Gated(inner)
        dataset.gate.set()
        handle = executor.submit(job_for(dataset, SumFrame()), dataset)
        assert handle.wait(60)
        assert handle.state.status in ("cancelled", "done")
        assert (handle.state.status == "done") == (handle.state.done == handle.state.total)


def test_a_mistake_of_ours_ends_the_job_not_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    with write(tmp_path, make_array("u1")) as dataset, LocalExecutor(2) as executor:
        with monkeypatch.context() as patch:
            patch.setattr(JobHandle, "partials", broken)
            handle = executor.submit(job_for(dataset, SumFrame()), dataset)
            assert handle.wait(60)
        with pytest.raises(RuntimeError, match="a mistake of ours"):
            handle.result()
        assert executor.submit(job_for(dataset, SumFrame()), dataset).result(250).valid.all()


class InColumns(AllAtOnce):
    """Each column of the scan is a partition; the first one may be damaged."""

    damaged = False

    def plan(self) -> Plan:
        sy, sx = self.scan_shape
        return tuple(Partition(i, 0, sy, i, i + 1) for i in range(sx))

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        if self.damaged and partition.index == 0:
            raise DamagedFileError("column 0 is gone")
        yield from super().tiles(partition)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_nobody_waits_for_a_first_partition_that_has_nothing_or_fails(threads: int) -> None:
    """The other threads wait until it is laid out, which it never is then."""
    frames = np.random.default_rng(0).integers(0, 9, (2, 40, 12, 40)).astype("<u2")
    scan, sums = InColumns(frames, 2), frames.sum(axis=(2, 3), dtype=np.uint64)
    with LocalExecutor(threads) as executor:
        region = Rectangle(y0=0, x0=30, y1=2, x1=39)
        results = executor.submit(job_for(scan, SumSignal(), region=region), scan).result(250)
        assert np.flatnonzero(results.valid.all(axis=0)).tolist() == list(range(30, 39))
        np.testing.assert_array_equal(results["sum_signal"][:, 30:39], sums[:, 30:39])
        scan.damaged = True
        handle = executor.submit(job_for(scan, SumSignal()), scan)
        with pytest.raises(JobFailed, match="column 0 is gone"):
            handle.result(250)
    results = handle.results()
    assert np.flatnonzero(~results.valid.any(axis=0)).tolist() == [0]
    np.testing.assert_array_equal(results["sum_signal"][:, 1:], sums[:, 1:])


@pytest.mark.parametrize("threads", [1, 2])
def test_partitions_without_frames_say_nothing_of_how_long_others_take(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a region that begins far down what is left must not become one group, which newer jobs would wait for."""
    sizes = list[int]()

    class Counted(Group):
        def __init__(self, prepared: Prepared, partitions: Sequence[Partition], *others: Any) -> None:
            sizes.append(len(partitions))
            super().__init__(prepared, partitions, *others)

    monkeypatch.setattr(pace, "QUICK", 1e-5)  # no memory is so quick that half a megabyte takes less
    monkeypatch.setattr(local, "Group", Counted)
    scan = InColumns(np.ones((1, 64, 512, 512), "<u2"), 2)
    with LocalExecutor(threads) as executor:
        region = Rectangle(y0=0, x0=20, y1=1, x1=64)
        assert executor.submit(job_for(scan, SumSignal(), region=region), scan).result(250).valid[:, 20:].all()
    assert sum(sizes) == 64
    assert sizes.count(1) > 30


@pytest.mark.parametrize("threads", [2, 5])
def test_frames_that_are_read_are_read_by_all_threads(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share is not mapped, and answers several at once."""
    np.save(tmp_path / "scan.npy", np.ones((16, 512, 16, 512), "<u2"))
    read, inside, all_at_it = MappedFile.read, Counter[str](), threading.Event()

    def slow(file: MappedFile, offset: int, nbytes: int) -> Any:
        if threading.current_thread().name == "ltdesk-local":
            inside[file.path] += 1
            if inside[file.path] == threads:
                all_at_it.set()
            all_at_it.wait(60)
        return read(file, offset, nbytes)

    monkeypatch.setattr(mapping, "place_of", lambda _: "network")
    with open_dataset(tmp_path / "scan.npy") as dataset, LocalExecutor(threads) as executor:
        monkeypatch.setattr(MappedFile, "read", slow)
        assert executor.submit(job_for(dataset, SumSignal()), dataset).result(250).valid.all()
    assert all_at_it.is_set()


@pytest.mark.parametrize("had", [0, 1])
def test_a_thread_that_cannot_be_had_is_not_waited_for(
    had: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(had))
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    with write(tmp_path, make_array("u1")) as dataset, LocalExecutor(3) as executor:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", started)
            if had:
                assert executor.submit(job_for(dataset, SumFrame()), dataset).result(250).valid.all()
            else:
                with pytest.raises(LtdeskError, match="gives no thread"):
                    executor.submit(job_for(dataset, SumFrame()), dataset)
        assert executor.submit(job_for(dataset, SumFrame()), dataset).result(250).valid.all()
