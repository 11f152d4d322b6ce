"""The sidecar of an ingested scan: what its raw partition files hold. Written last, it makes the scan exist.

An ingested scan is a folder::

    dataset.json                        the sidecar
    partitions/000017-5f3a9c01.raw      frames of partition 17 one after another, named by their CRC32C
    ingest.json, unfinished/            while it is being made
    .ingest.json.90af…                  what `is_left_over`: nothing
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ltdesk.correction import Correction
from ltdesk.engine.dataset import Calibration, Dataset, Identity
from ltdesk.engine.file_uris import must_be_text
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef, Partition, Plan

SIDECAR = "dataset.json"
BEGUN = "ingest.json"
PARTITIONS = "partitions"
UNFINISHED = "unfinished"

FORMAT = "ltdesk-ingested-scan"
HEAD = re.compile(rb'\s*\{\s*"format"\s*:\s*"' + FORMAT.encode() + rb'"')
"""How a sidecar begins."""

Stretches = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """One partition and its file.

    Attributes
    ----------
    y0, y1, x0, x1 : the scan rectangle
    frames : how many of its positions have a frame; without one there is no file
    nbytes, crc32c : of the file
    present : where frames are missing, the stretches ``[start, stop)`` of positions, in row-major order within the
        partition, that have one; empty where all do
    """

    y0: int
    y1: int
    x0: int
    x1: int
    frames: int
    nbytes: int
    crc32c: int
    present: Stretches = ()

    @property
    def size(self) -> int:
        """How many scan positions."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)

    @property
    def stretches(self) -> Stretches:
        """Positions that have a frame, whether all do or not."""
        return self.present or ((0, self.frames),)


class SourceScan(BaseModel):
    """The scan that was ingested: which file, how it was opened, and how it was cut.

    Attributes
    ----------
    identity : of the file
    ref : how it was opened
    plan_hash : of its plan, as `plan_hash` gives it
    """

    model_config = ConfigDict(frozen=True)
    identity: Identity
    ref: DatasetRef
    plan_hash: str

    def is_same_as(self, other: SourceScan) -> bool:
        """Whether both are one content opened in one way, wherever the file lies."""
        hashes = {self.identity.others_hash, other.identity.others_hash} - {""}  # none: written before there were any
        return self._content() == other._content() and len(hashes) < 2

    def _content(self) -> tuple[object, ...]:
        file = self.identity
        return (file.size, file.mtime_ns, file.header_hash, self.plan_hash, self.ref.model_copy(update={"uri": ""}))


class Sidecar(BaseModel):
    """What an ingested scan is, as `Dataset` has it, and its partitions in the order of the plan.

    own : what the file itself holds to correct its frames with
    """

    model_config = ConfigDict(frozen=True)
    format: Literal["ltdesk-ingested-scan"] = "ltdesk-ingested-scan"
    version: Literal[1] = 1
    program: str
    scan_shape: Size2D
    frame_shape: Size2D
    dtype: str
    source_format: str
    calibration: Calibration
    chunk: Size2D
    frames_good: int
    frames_expected: int
    note: str
    replication: int
    source: SourceScan
    own: Correction = Correction()
    partitions: tuple[StoredPartition, ...]

    @cached_property
    def plan(self) -> Plan:
        """The source's plan."""
        return tuple(Partition(i, p.y0, p.y1, p.x0, p.x1) for i, p in enumerate(self.partitions))

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all partition files."""
        return sum(partition.nbytes for partition in self.partitions)

    @property
    def own_frames(self) -> dict[str, NDArray[Any]]:
        """`own` as `Dataset.own_frames` has it."""
        found: dict[str, NDArray[Any]] = {}
        if self.own.gain is not None:
            found["gain"] = self.own.gain.array()
        if self.own.dead_pixels is not None:
            found["dead_pixels"] = self.own.dead_pixels.mask(self.frame_shape)
        return found

    def file_name(self, index: int) -> str:
        """The name of a partition's file, relative to the folder."""
        return f"{PARTITIONS}/{partition_name(index, self.partitions[index].crc32c)}"


def partition_name(index: int, crc: int) -> str:
    """Names hold the checksum: a file that has its name is known to be whole."""
    return f"{index:06d}-{crc:08x}.raw"


def named_partition(name: str) -> tuple[int, int] | None:
    """Index and CRC32C of what `partition_name` made; None for another name."""
    found = re.fullmatch(r"(\d{6,})-([0-9a-f]{8})\.raw", name)
    return (int(found[1]), int(found[2], 16)) if found else None


def is_left_over(name: str) -> bool:
    """Whether a file is what `Storage.put` wrote a sidecar or its like to, and was broken off."""
    return re.fullmatch(rf"\.({re.escape(SIDECAR)}|{re.escape(BEGUN)})\.[0-9a-f]+", name) is not None


def read_sidecar(uri: str, text: bytes) -> Sidecar:
    """Raises OpenError naming the sidecar where it can't be read, or doesn't fit together."""
    try:
        sidecar = Sidecar.model_validate_json(text)
        problem = _problem(sidecar)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    if problem:
        raise OpenError(f"{uri}: the description of an ingested scan cannot be used: {problem}", "Ingest it again.")
    return sidecar


def _problem(sidecar: Sidecar) -> str:
    """What does not fit together, or nothing."""
    if min(*sidecar.scan_shape, *sidecar.frame_shape) < 1:
        return "its shape is empty"
    try:
        dtype = np.dtype(sidecar.dtype)
    except (TypeError, ValueError, SyntaxError):
        return f"its pixels are {sidecar.dtype}"
    frame_bytes = sidecar.frame_shape[0] * sidecar.frame_shape[1] * dtype.itemsize
    if dtype.kind not in "biuf":
        return f"its pixels are {sidecar.dtype}"
    for index, stored in enumerate(sidecar.partitions):
        if not _fits(stored, sidecar.scan_shape) or stored.nbytes != stored.frames * frame_bytes:
            return f"partition {index} does not fit"
    if sum(stored.size for stored in sidecar.partitions) != sidecar.scan_shape[0] * sidecar.scan_shape[1]:
        return "its partitions don't make up the scan"
    try:
        sidecar.own.dead(sidecar.frame_shape)
    except ValueError as error:
        return f"what corrects its frames does not fit them ({error})"
    return ""


def _fits(stored: StoredPartition, scan_shape: Size2D) -> bool:
    inside = 0 <= stored.y0 < stored.y1 <= scan_shape[0] and 0 <= stored.x0 < stored.x1 <= scan_shape[1]
    edges = [edge for stretch in stored.present for edge in stretch]
    counted = sum(stop - start for start, stop in stored.present) if stored.present else stored.size
    return (
        inside
        and edges == sorted(set(edges))
        and (not edges or (edges[0] >= 0 and edges[-1] <= stored.size))
        and stored.frames in (counted, 0 if not stored.present else counted)
    )


def plan_hash(plan: Plan) -> str:
    """Tells one plan from another."""
    edges = np.array([(p.y0, p.y1, p.x0, p.x1) for p in plan], dtype="<i8")
    return hashlib.sha256(edges.tobytes()).hexdigest()


def source_of(dataset: Dataset) -> SourceScan:
    """What an ingest of a dataset writes down of it. Raises UsageError where its file's name can't be."""
    identity = dataset.identity()
    for name in (identity.path, dataset.ref.uri):
        must_be_text(name)
    return SourceScan(identity=identity, ref=dataset.ref, plan_hash=plan_hash(dataset.plan()))


def sidecar_of(
    dataset: Dataset, source: SourceScan, partitions: tuple[StoredPartition, ...], replication: int, program: str
) -> Sidecar:
    """The sidecar of a dataset whose partitions are stored."""
    fields: dict[str, Any] = {
        name: getattr(dataset, name)
        for name in (
            "scan_shape", "frame_shape", "calibration", "chunk", "frames_good", "frames_expected", "note",
        )
    }  # fmt: skip
    return Sidecar(
        program=program, dtype=dataset.dtype.str, source_format=dataset.format, replication=replication,
        source=source, own=Correction(**dataset.own_frames), partitions=partitions, **fields,
    )  # fmt: skip
