"""The plan covers every position once, on chunk edges, evenly from coarse to fine, whatever the machine."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.plan import LARGEST, LARGEST_CHUNK_ROW, MIB, coarse_to_fine, make_plan, target_bytes

scans = st.tuples(st.integers(1, 80), st.integers(1, 80))
chunks = st.tuples(st.integers(1, 30), st.integers(1, 30))
frames = st.integers(1, 4 * MIB)


@given(scans, frames, chunks)
def test_every_position_is_covered_once(scan: tuple[int, int], frame_bytes: int, chunk: tuple[int, int]) -> None:
    times = np.zeros(scan, int)
    for i, partition in enumerate(make_plan(scan, frame_bytes, chunk)):
        assert partition.index == i
        times[partition.slices] += 1
    assert (times == 1).all()


@given(scans, frames, chunks)
def test_partitions_are_cut_on_chunk_edges(scan: tuple[int, int], frame_bytes: int, chunk: tuple[int, int]) -> None:
    if min(chunk[0], scan[0]) * min(chunk[1], scan[1]) * frame_bytes > LARGEST_CHUNK_ROW:
        return
    for p in make_plan(scan, frame_bytes, chunk):
        assert p.y0 % chunk[0] == 0
        assert p.x0 % chunk[1] == 0
        assert p.y1 % chunk[0] == 0 or p.y1 == scan[0]
        assert p.x1 % chunk[1] == 0 or p.x1 == scan[1]


@given(scans, frames)
def test_partitions_have_about_the_size_aimed_at(scan: tuple[int, int], frame_bytes: int) -> None:
    aim = target_bytes(scan, frame_bytes)
    assert MIB <= aim <= LARGEST
    assert all(p.size * frame_bytes <= max(aim, frame_bytes) for p in make_plan(scan, frame_bytes))


def test_a_2_gb_scan_has_64_partitions_and_a_10_tb_scan_about_160_000() -> None:
    assert len(make_plan((256, 256), 128 * 128 * 2)) == 64
    frames = 10**13 // (256 * 256 * 2)
    assert 140_000 < len(make_plan((frames // 8192, 8192), 256 * 256 * 2)) < 160_000


@given(st.integers(1, 40), st.integers(1, 40))
def test_any_beginning_of_the_order_covers_the_grid_evenly(rows: int, columns: int) -> None:
    order = coarse_to_fine(rows, columns)
    assert sorted(order) == [(r, c) for r in range(rows) for c in range(columns)]
    heights, widths = powers_down(rows), powers_down(columns)
    for level in range(max(len(heights), len(widths))):
        dy, dx = heights[min(level, len(heights) - 1)], widths[min(level, len(widths) - 1)]
        cells = -(-rows // dy) * -(-columns // dx)
        assert set(order[:cells]) == {(r, c) for r in range(0, rows, dy) for c in range(0, columns, dx)}


def powers_down(side: int) -> list[int]:
    """Steps that cut a side into 1, 2, 4, … parts, down to 1."""
    power = 1 << (side - 1).bit_length()
    return [power >> level for level in range(power.bit_length())]


def test_a_tall_grid_is_covered_over_its_whole_width_at_once() -> None:
    """A large scan's partitions are pieces of a line: hundreds of rows, a few columns."""
    assert {column for _, column in coarse_to_fine(768, 2)[:4]} == {0, 1}
    assert {column // 2 for _, column in coarse_to_fine(256, 4)[:4]} == {0, 1}


def test_chunks_too_large_for_memory_are_cut_through() -> None:
    plan = make_plan((512, 512), 256 * 256 * 2, (512, 512))
    assert all(p.size * 256 * 256 * 2 <= LARGEST_CHUNK_ROW for p in plan)
