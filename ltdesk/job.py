"""A Job as data: the request, the plan, the events, and the fold of events into a state.

Nothing here does I/O. The same `advance` runs in the window, the server and the tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError, field_validator, model_validator

from ltdesk.analysis import Analysis
from ltdesk.correction import Correction
from ltdesk.errors import InvalidValue, LtdeskError
from ltdesk.geometry import AnyShape, Size2D
from ltdesk.plugins import analysis_spec
from ltdesk.validation import validation_text


class DatasetRef(BaseModel):
    """How to open a dataset again: where it is, and what its file does not say itself.

    Attributes
    ----------
    uri : a path, ``file:///…`` or ``webhdfs://…``
    dataset : path inside an HDF5 file
    scan_shape, frame_shape : ``(sy, sx)`` and ``(ky, kx)`` where given
    dtype : numpy's short form with byte order, ``<u2``
    offset : bytes before the first frame of a headerless file
    sync_offset : frames to skip (> 0) or missing (< 0) before the first scan position
    correction : what is done to each frame before it is analysed
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    uri: str
    dataset: str | None = None
    scan_shape: Size2D | None = None
    frame_shape: Size2D | None = None
    dtype: str | None = None
    offset: int = 0
    sync_offset: int = 0
    correction: Correction | None = None


class Job(BaseModel):
    """One request: a dataset, analyses, and which scan positions take part (None: all)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1] = 1
    dataset: DatasetRef
    analyses: tuple[SerializeAsAny[Analysis], ...]
    region: AnyShape | None = None

    @field_validator("analyses", mode="before")
    @classmethod
    def _by_kind(cls, values: Any) -> Any:
        return tuple(_analysis(value) for value in values) if isinstance(values, Iterable) else values

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if not self.analyses:
            raise ValueError("there is nothing to compute")
        names = [name for analysis in self.analyses for name in analysis.result_names()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name '{twice[0]}' is given twice")
        return self


def job_for(
    dataset: DatasetRef, analyses: Iterable[Analysis] | Analysis, region: AnyShape | NDArray[Any] | None
) -> Job:
    """A job as Python asks for it, of one analysis or several. Raises InvalidValue where that makes no sense."""
    asked: Any = analyses  # users' code is seldom checked for types
    several = isinstance(asked, Iterable) and not isinstance(asked, Analysis | str)
    try:
        return Job(dataset=dataset, analyses=tuple(asked) if several else (asked,), region=region)
    except ValidationError as error:
        raise InvalidValue(validation_text(error)) from error


def _analysis(value: Any) -> Any:
    if isinstance(value, dict) and "kind" in value:
        return analysis_spec(str(value["kind"])).model_validate(value)
    if isinstance(value, type):
        raise ValueError(f"{value.__name__} is a class: give {value.__name__}()")
    return value


@dataclass(frozen=True, slots=True)
class Partition:
    """A scan rectangle ``(y0:y1, x0:x1)`` and its place in the plan: the unit of retry and progress."""

    index: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> Size2D:
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def size(self) -> int:
        """How many scan positions."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


Plan = tuple[Partition, ...]


class JobStarted(BaseModel):
    model_config = ConfigDict(frozen=True)
    kind: Literal["started"] = "started"
    scan_shape: Size2D
    plan: tuple[Partition, ...]


class PartialReady(BaseModel):
    model_config = ConfigDict(frozen=True)
    kind: Literal["partial"] = "partial"
    seq: int
    index: int


class PartitionFailed(BaseModel):
    model_config = ConfigDict(frozen=True)
    kind: Literal["partition_failed"] = "partition_failed"
    index: int
    message: str


class CancelRequested(BaseModel):
    model_config = ConfigDict(frozen=True)
    kind: Literal["cancel_requested"] = "cancel_requested"


class JobFinished(BaseModel):
    """The end of the work. `count` says how many partials there were, so that a reader can tell that none was lost."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["finished"] = "finished"
    count: int


class JobStopped(BaseModel):
    """The work stopped before its end: cancelled, or `message` says what made it impossible."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["stopped"] = "stopped"
    message: str | None = None


Event = JobStarted | PartialReady | PartitionFailed | CancelRequested | JobFinished | JobStopped
Status = Literal["submitted", "running", "done", "failed", "cancelled"]
FINAL: frozenset[str] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class JobState:
    """Where a job stands: a fold over its events.

    ``done_bits`` has bit i set when partition i is done: an int, so that a state is cheap to copy at 10^5 partitions.
    """

    status: Status = "submitted"
    total: int = 0
    done_bits: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    cancel_requested: bool = False
    message: str | None = None

    @property
    def done(self) -> int:
        """How many partitions are done."""
        return self.done_bits.bit_count()

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def has(self, index: int) -> bool:
        """Is partition `index` done?"""
        return bool(self.done_bits >> index & 1)


def advance(state: JobState, event: Event) -> JobState:
    """The state after `event`. Raises LtdeskError naming state and event where the event cannot follow."""
    if isinstance(event, CancelRequested):
        return state if state.is_final else replace(state, cancel_requested=True)
    if isinstance(event, JobStarted) and state.status == "submitted":
        return replace(state, status="running", total=len(event.plan))
    if isinstance(event, JobStopped) and not state.is_final:
        status: Status = "cancelled" if event.message is None else "failed"
        return replace(state, status=status, message=event.message)
    _must_run(state, event.kind)
    return _advance_running(state, event)


def advance_by_partials(state: JobState, indices: Iterable[int]) -> JobState:
    """The state after a `PartialReady` for each of these partitions, without making so many events and states."""
    _must_run(state, "partial")
    done, failures = state.done_bits, state.failures
    for index in indices:
        done |= 1 << index
        if index in failures:
            failures = {other: text for other, text in failures.items() if other != index}
    # not by `replace`, which takes five times as long
    return JobState(state.status, state.total, done, failures, state.cancel_requested, state.message)


def _must_run(state: JobState, kind: str) -> None:
    if state.status != "running":
        raise LtdeskError(f"a job that is {state.status} cannot take the event '{kind}'", "This is a bug.")


def _advance_running(state: JobState, event: Event) -> JobState:
    if isinstance(event, PartialReady):
        return advance_by_partials(state, [event.index])
    if isinstance(event, PartitionFailed):
        if state.has(event.index):
            return state
        return replace(state, failures={**state.failures, event.index: event.message})
    if isinstance(event, JobFinished):
        return replace(state, status="failed" if state.failures else "done", message=_lost(state, event))
    raise LtdeskError(f"a running job cannot take the event '{event.kind}'", "This is a bug.")


def _lost(state: JobState, event: JobFinished) -> str | None:
    if state.done == event.count and state.done + len(state.failures) == state.total:
        return None
    raise LtdeskError(f"a job ended with {state.done} of {state.total} partitions", "Run it again.")
