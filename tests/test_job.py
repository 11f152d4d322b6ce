"""A job is data, and its state is a fold over events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ltdesk.analysis import CenterOfMass, SumFrame, VirtualDetector
from ltdesk.errors import InvalidValue, LtdeskError
from ltdesk.geometry import Disk, Rectangle, Ring
from ltdesk.job import (
    CancelRequested,
    DatasetRef,
    Job,
    JobFinished,
    JobStarted,
    JobState,
    JobStopped,
    PartialReady,
    Partition,
    PartitionFailed,
    advance,
)

PLAN = tuple(Partition(i, i, i + 1, 0, 4) for i in range(5))
STARTED = JobStarted(scan_shape=(5, 4), plan=PLAN)


def fold(*events: object) -> JobState:
    state = JobState()
    for event in events:
        state = advance(state, event)  # type: ignore[arg-type]
    return state


def test_a_job_survives_json() -> None:
    detector = VirtualDetector(Disk(cy=1, cx=2, r=3) - Ring(cy=1, cx=2, r_in=1, r_out=2), name="bf", weight=0.5)
    job = Job(
        dataset=DatasetRef(uri="scan.h5", scan_shape=(4, 5), dtype="<u2"),
        analyses=(detector, CenterOfMass(mask=Disk(cy=0, cx=0, r=9)), SumFrame()),
        region=Rectangle(y0=0, x0=0, y1=2, x1=2),
    )
    assert Job.model_validate_json(job.model_dump_json()) == job


def test_a_job_cannot_be_changed() -> None:
    job = Job(dataset=DatasetRef(uri="a"), analyses=(SumFrame(),))
    with pytest.raises(ValidationError):
        job.region = None  # type: ignore[misc]


@pytest.mark.parametrize(
    ("analyses", "reason"),
    [
        ((), "nothing to compute"),
        ((SumFrame(), SumFrame()), "'sum_frame' is given twice"),
        ((CenterOfMass(), VirtualDetector(Disk(cy=0, cx=0, r=1), name="com_y")), "'com_y' is given twice"),
        (({"kind": "nonsense"},), "'nonsense' is not known"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(analyses: tuple[object, ...], reason: str) -> None:
    with pytest.raises((ValidationError, LtdeskError), match=reason):
        Job(dataset=DatasetRef(uri="a"), analyses=analyses)


@pytest.mark.parametrize("name", ["valid", "recipe", "execution", "a b", "", "é"])
def test_names_that_results_cannot_have(name: str) -> None:
    with pytest.raises(InvalidValue):
        VirtualDetector(Disk(cy=0, cx=0, r=1), name=name)


def test_all_done_is_done() -> None:
    state = fold(STARTED, *(PartialReady(seq=i, index=i) for i in range(5)), JobFinished(count=5))
    assert (state.status, state.done, state.total) == ("done", 5, 5)


def test_a_failed_partition_fails_the_job_but_keeps_the_rest() -> None:
    partials = [PartialReady(seq=i, index=i) for i in range(4)]
    state = fold(STARTED, *partials, PartitionFailed(index=4, message="cut"), JobFinished(count=4))
    assert (state.status, state.done, state.failures) == ("failed", 4, {4: "cut"})


def test_a_partition_that_comes_after_all_is_no_failure() -> None:
    state = fold(STARTED, PartitionFailed(index=2, message="cut"), PartialReady(seq=0, index=2))
    assert state.failures == {}
    assert fold(STARTED, PartialReady(seq=0, index=2), PartitionFailed(index=2, message="cut")).failures == {}


def test_asking_to_cancel_is_not_cancelled() -> None:
    asked = fold(STARTED, CancelRequested())
    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert advance(asked, JobStopped()).status == "cancelled"
    assert advance(asked, JobStopped(message="disk gone")).message == "disk gone"


def test_an_event_is_not_lost_silently() -> None:
    with pytest.raises(LtdeskError, match="1 of 5"):
        fold(STARTED, PartialReady(seq=0, index=0), JobFinished(count=1))


@pytest.mark.parametrize("event", [STARTED, PartialReady(seq=0, index=0), JobFinished(count=0), JobStopped()])
def test_nothing_follows_the_end(event: object) -> None:
    with pytest.raises(LtdeskError, match="cancelled"):
        fold(STARTED, JobStopped(), event)


@given(st.lists(st.integers(0, 4), max_size=20))
def test_partials_count_once_in_any_order(indexes: list[int]) -> None:
    state = fold(STARTED, *(PartialReady(seq=n, index=i) for n, i in enumerate(indexes)))
    assert state.done == len(set(indexes))
    assert all(state.has(i) == (i in indexes) for i in range(5))
