"""Which frames each tile of a partition holds.

Tiles are cut by partition and frame size alone, not by how a file is stored; but spans may be put together (`joined`).
Float sums go frame by frame, so they come out the same from a file, its compressed copy and its ingested twin.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ltdesk.job import Partition


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive frames of a file that show consecutive positions of a partition.

    start : place of the first among the partition's positions in row-major order
    frame : index of the first in the file
    count : how many
    """

    start: int
    frame: int
    count: int


def runs(partition: Partition, scan_width: int, sync_offset: int = 0) -> Iterator[Span]:
    """The longest stretches whose frames are consecutive: all where the partition is as wide as the scan, else rows.

    Their frames need not exist.
    """
    height, width = partition.shape
    if width == scan_width or height == 1:
        yield Span(0, partition.y0 * scan_width + partition.x0 + sync_offset, height * width)
        return
    for row in range(height):
        position = (partition.y0 + row) * scan_width + partition.x0
        yield Span(row * width, position + sync_offset, width)


def tile_spans(
    partition: Partition, scan_width: int, tile_frames: int, sync_offset: int, good: Sequence[range]
) -> Iterator[Span]:
    """One span a tile, in row-major order; a tile with missing frames is cut around them.

    Parameters
    ----------
    good : frames that exist, ascending and apart
    """
    for run in runs(partition, scan_width, sync_offset):
        for first in range(0, run.count, tile_frames):
            tile = Span(run.start + first, run.frame + first, min(tile_frames, run.count - first))
            yield from present(tile, good)


def joined(spans: Iterable[Span], most: int) -> Iterator[list[Span]]:
    """Spans whose positions follow one another, `most` frames together at most, or one alone."""
    group: list[Span] = []
    for span in spans:
        follows = bool(group) and span.start == group[-1].start + group[-1].count
        if group and not (follows and sum(one.count for one in group) + span.count <= most):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def present(span: Span, good: Sequence[range]) -> Iterator[Span]:
    """The parts of a span whose frames exist."""
    for stretch in islice(good, bisect_right(good, span.frame, key=_stop), None):
        if stretch.start >= span.frame + span.count:
            return
        first, stop = max(span.frame, stretch.start), min(span.frame + span.count, stretch.stop)
        yield Span(span.start + first - span.frame, first, stop - first)


def _stop(stretch: range) -> int:
    return stretch.stop


def count_present(positions: int, sync_offset: int, good: Sequence[range]) -> int:
    """How many of the scan's positions have a frame."""
    return sum(span.count for span in present(Span(0, sync_offset, positions), good))
