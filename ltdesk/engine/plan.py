"""The plan: how a scan is cut into partitions, and in which order they are done.

It depends on the dataset alone, never on cores or executor, so that sums come out the same everywhere.
"""

from __future__ import annotations

from ltdesk.geometry import Size2D
from ltdesk.job import Partition, Plan

MIB = 1 << 20
SMALLEST, LARGEST = MIB, 64 * MIB
PARTITIONS_AIMED_AT = 64
LARGEST_CHUNK_ROW = 256 * MIB
"""Chunks that hold more than this of a scan rectangle are cut through: memory stays bounded, at the price of
reading them more than once."""


def make_plan(scan_shape: Size2D, frame_bytes: int, chunk: Size2D = (1, 1)) -> Plan:
    """Partitions of about ``clamp(dataset bytes / 64, 1 MiB, 64 MiB)``, cut on the edges of `chunk`.

    Parameters
    ----------
    scan_shape : (sy, sx)
    frame_bytes : bytes of one frame
    chunk : scan positions that are stored together, (cy, cx)

    Returns
    -------
    plan : every position exactly once, ordered from coarse to fine over the scan
    """
    cy, cx = _bounded_chunk(scan_shape, frame_bytes, chunk)
    units = (-(-scan_shape[0] // cy), -(-scan_shape[1] // cx))
    height, width = _units_per_partition(units, target_bytes(scan_shape, frame_bytes) // (cy * cx * frame_bytes))
    rows, columns = -(-units[0] // height), -(-units[1] // width)
    step_y, step_x = height * cy, width * cx
    rectangles = [
        (y, min(y + step_y, scan_shape[0]), x, min(x + step_x, scan_shape[1]))
        for row, column in coarse_to_fine(rows, columns)
        for y, x in ((row * step_y, column * step_x),)
    ]
    return tuple(Partition(index, *rectangle) for index, rectangle in enumerate(rectangles))


def target_bytes(scan_shape: Size2D, frame_bytes: int) -> int:
    """The size that partitions aim at."""
    total = scan_shape[0] * scan_shape[1] * frame_bytes
    return max(SMALLEST, min(LARGEST, total // PARTITIONS_AIMED_AT))


def coarse_to_fine(rows: int, columns: int) -> list[tuple[int, int]]:
    """All cells of a grid in bit-reversed Morton order: any beginning of the list covers the grid evenly.

    The halves come before the quarters along both sides, however many cells a side has.
    """
    row_bits, column_bits = (rows - 1).bit_length(), (columns - 1).bit_length()

    def rank(cell: tuple[int, int]) -> int:
        value = 0
        for level in reversed(range(max(row_bits, column_bits))):  # the finest division counts most
            value = value << 2 | _bit(cell[0], row_bits, level) << 1 | _bit(cell[1], column_bits, level)
        return value

    return sorted(((row, column) for row in range(rows) for column in range(columns)), key=rank)


def _bit(place: int, bits: int, level: int) -> int:
    """Which half, quarter, … of the side a place is in, at `level` 0, 1, …; 0 where the side is not divided so far."""
    return place >> (bits - 1 - level) & 1 if level < bits else 0


def _units_per_partition(units: Size2D, wanted: int) -> Size2D:
    wanted = max(1, wanted)
    if wanted >= units[1]:
        return min(units[0], wanted // units[1]), units[1]
    pieces = -(-units[1] // wanted)
    return 1, -(-units[1] // pieces)


def _bounded_chunk(scan_shape: Size2D, frame_bytes: int, chunk: Size2D) -> Size2D:
    cy, cx = min(chunk[0], scan_shape[0]), min(chunk[1], scan_shape[1])
    while cy * cx * frame_bytes > LARGEST_CHUNK_ROW and cy * cx > 1:
        cy, cx = (-(-cy // 2), cx) if cy >= cx else (cy, -(-cx // 2))
    return cy, cx
