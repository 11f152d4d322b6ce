"""Results do not depend on the order in which partials arrive, nor on how often."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltdesk.analysis import CenterOfMass, MaxFrame, MeanFrame, SumFrame, VirtualDetector
from ltdesk.engine import assembly as assembly_module
from ltdesk.engine.assembly import Assembly
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.errors import UsageError
from tests.engine.executor_suite import DISK, SCAN, Gated, job_for, make_array, write


@cache
def example() -> tuple[Any, ...]:
    """A job over floats, whose sum depends on the order, in nine partitions."""
    array = make_array("<f4") * np.float32(10.0) ** np.random.default_rng(1).integers(-6, 6, (*SCAN, 1, 1)).astype("f4")
    dataset = Gated(write(Path(mkdtemp()), array))
    dataset.gate.set()
    job = job_for(dataset, SumFrame(), MeanFrame(), MaxFrame(), CenterOfMass(), VirtualDetector(DISK, name="bf"))
    return dataset, job, array


def assembled(indexes: list[int]) -> tuple[dict[str, bytes], Any]:
    dataset, job, _ = example()
    prepared, plan = prepare(job, dataset), dataset.plan()
    assembly = Assembly(job, dataset)
    assembly.start(plan)
    seen: set[int] = set()
    for index in indexes:
        assert assembly.add(run_partition(prepared, plan[index])) == (index not in seen)
        seen.add(index)
    results = assembly.results()
    return {name: results[name].tobytes() for name in results}, results


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(9)), st.lists(st.integers(0, 8), max_size=6))
def test_order_and_repetition_change_no_byte(order: list[int], again: list[int]) -> None:
    assert assembled([*order, *again])[0] == assembled(list(range(9)))[0]


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(0, 8)))
def test_valid_says_which_positions_are_there(done: set[int]) -> None:
    _, results = assembled(sorted(done))
    rows = [y in done for y in range(SCAN[0])]
    np.testing.assert_array_equal(results.valid, np.repeat(np.array(rows)[:, None], SCAN[1], axis=1))
    assert np.isnan(results["bf"][~results.valid]).all()
    assert not np.isnan(results["bf"][results.valid]).any()


def test_results_that_this_machine_has_no_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed: a system ends a process that takes too much only later, and without a word."""
    dataset, _, _ = example()
    job = job_for(dataset, VirtualDetector(DISK, name="bf"))
    needed = 2 * 9 * 11 * (8 + 1)
    monkeypatch.setattr(assembly_module, "memory_bytes", lambda: needed)
    Assembly(job, dataset)
    monkeypatch.setattr(assembly_module, "memory_bytes", lambda: needed - 1)
    with pytest.raises(UsageError, match=r"scan\.npy: results at 9 x 11 scan positions need 0\.0 GB of memory"):
        Assembly(job, dataset)


def test_frames_are_folded_one_by_one_in_the_plans_order() -> None:
    _, _, array = example()
    expected = np.zeros(array.shape[2:])
    for row in array:
        partial = np.zeros_like(expected)
        for frame in row:
            partial += frame
        expected += partial
    np.testing.assert_array_equal(assembled(list(range(9)))[1]["sum_frame"], expected)


def test_a_skipped_partition_holds_nobody_up_and_may_come_later() -> None:
    dataset, job, array = example()
    prepared, plan = prepare(job, dataset), dataset.plan()
    assembly = Assembly(job, dataset)
    assembly.start(plan)
    assembly.skip(0)
    for index in range(1, 9):
        assembly.add(run_partition(prepared, plan[index]))
    np.testing.assert_allclose(assembly.results()["sum_frame"], array[1:].sum(axis=(0, 1), dtype=float))
    assembly.add(run_partition(prepared, plan[0]))
    np.testing.assert_allclose(assembly.results()["sum_frame"], array.sum(axis=(0, 1), dtype=float))
    assert assembly.next_to_fold == 9
