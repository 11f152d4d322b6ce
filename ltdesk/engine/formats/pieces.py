"""What to read at a time: pieces of a partition that follow the chunks of a file and are bounded in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ltdesk.engine.formats.tiling import Span, present, runs
from ltdesk.geometry import Size2D
from ltdesk.job import Partition

READ_BYTES = 16 << 20
"""What one thread holds at a time, where a chunk is not larger."""
MOST_BYTES = 64 << 20
"""What one thread holds at most (or one frame); chunks that are larger are read more than once."""


class Stored(NamedTuple):
    """How frames lie in a file: its own scan shape, the scan positions that a chunk holds, and a frame's size."""

    scan_shape: Size2D
    chunk: Size2D
    frame_bytes: int


class Rectangle(NamedTuple):
    """Frames of the scan as it is stored, and the place of the first among the partition's positions."""

    place: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> Size2D:
        return self.y1 - self.y0, self.x1 - self.x0


class Piece(NamedTuple):
    """Places ``[start, stop)`` of a partition, and what is to be read for them."""

    start: int
    stop: int
    rectangles: tuple[Rectangle, ...]


def band_pieces(partition: Partition, stored: Stored) -> Iterator[Piece]:
    """Pieces of a partition of the scan as it is stored: bands of rows, as high as the chunks."""
    (cy, cx), (_, width) = stored.chunk, partition.shape
    row_bytes = width * stored.frame_bytes
    columns = max(width, stored.scan_shape[1]) if row_bytes <= MOST_BYTES else at_a_time(cx, stored.frame_bytes)
    for y0, y1 in cuts(partition.y0, partition.y1, at_a_time(cy, row_bytes)):
        for x0, x1 in cuts(partition.x0, partition.x1, columns):
            start = (y0 - partition.y0) * width + x0 - partition.x0
            yield Piece(start, start + (y1 - y0) * (x1 - x0), (Rectangle(start, y0, y1, x0, x1),))


def run_pieces(
    partition: Partition, scan_width: int, sync_offset: int, good: Sequence[range], stored: Stored
) -> Iterator[Piece]:
    """Pieces of a partition of a scan that is arranged in any way: consecutive frames."""
    (_, width), (cy, cx) = stored.scan_shape, stored.chunk
    frames = at_a_time(cy * width if cy > 1 else cx, stored.frame_bytes)
    for run in runs(partition, scan_width, sync_offset):
        for first, stop in cuts(run.frame, run.frame + run.count, frames):
            piece = Span(run.start + first - run.frame, first, stop - first)
            parts = (rectangle for span in present(piece, good) for rectangle in rectangles(span, width))
            yield Piece(piece.start, piece.start + piece.count, tuple(parts))


def rectangles(span: Span, width: int) -> Iterator[Rectangle]:
    """Consecutive frames as rectangles of a scan of this width: the rest of a row, whole rows, a part of a row."""
    place, first, stop = span.start, span.frame, span.frame + span.count
    while first < stop:
        y, x = divmod(first, width)
        whole_rows = (stop - first) // width if x == 0 else 0
        x1 = width if whole_rows else min(width, x + stop - first)
        part = Rectangle(place, y, y + max(1, whole_rows), x, x1)
        yield part
        count = part.shape[0] * part.shape[1]
        place, first = place + count, first + count


def at_a_time(unit: int, item_bytes: int) -> int:
    """How many rows or frames to read at a time: whole units (chunks) of them, as far as memory allows."""
    if unit * item_bytes <= MOST_BYTES:
        return unit * max(1, READ_BYTES // (unit * item_bytes))
    return max(1, MOST_BYTES // item_bytes)


def cuts(start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
    """``[start, stop)`` cut at the multiples of `step`."""
    while start < stop:
        end = min(stop, (start // step + 1) * step)
        yield start, end
        start = end
