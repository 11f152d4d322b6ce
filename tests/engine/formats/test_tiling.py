"""Which frames a tile and a piece hold, against the plain definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.formats import pieces as pieces_module
from ltdesk.engine.formats.pieces import Stored, at_a_time, band_pieces, cuts, run_pieces
from ltdesk.engine.formats.tiling import count_present, tile_spans
from ltdesk.job import Partition

SIZE = st.integers(1, 9)


@st.composite
def partitions(draw: st.DrawFn) -> tuple[tuple[int, int], Partition]:
    sy, sx = draw(SIZE), draw(SIZE)
    y0, x0 = draw(st.integers(0, sy - 1)), draw(st.integers(0, sx - 1))
    y1, x1 = draw(st.integers(y0 + 1, sy)), draw(st.integers(x0 + 1, sx))
    return (sy, sx), Partition(0, y0, y1, x0, x1)


@st.composite
def good_ranges(draw: st.DrawFn) -> list[range]:
    edges = sorted(draw(st.sets(st.integers(0, 90), max_size=8)))
    return [range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]


def wanted(partition: Partition, width: int, sync: int, good: list[range]) -> dict[int, int]:
    """Frame by place, literally."""
    places = {}
    for place, (y, x) in enumerate(np.ndindex(*partition.shape)):
        frame = (partition.y0 + y) * width + partition.x0 + x + sync
        if any(frame in stretch for stretch in good):
            places[place] = frame
    return places


@given(partitions(), st.integers(1, 12), st.integers(-20, 20), good_ranges())
def test_tiles_hold_each_frame_that_exists_once(
    at: tuple[tuple[int, int], Partition], tile_frames: int, sync: int, good: list[range]
) -> None:
    (_, width), partition = at
    spans = list(tile_spans(partition, width, tile_frames, sync, good))
    assert all(span.count <= tile_frames for span in spans)
    listed = [(span.start + i, span.frame + i) for span in spans for i in range(span.count)]
    assert listed == sorted(wanted(partition, width, sync, good).items())


@given(st.integers(0, 80), st.integers(-20, 20), good_ranges())
def test_frames_present_are_counted(positions: int, sync: int, good: list[range]) -> None:
    frames = [any(position + sync in stretch for stretch in good) for position in range(positions)]
    assert count_present(positions, sync, good) == sum(frames)


@given(partitions(), st.tuples(SIZE, SIZE), st.integers(1, 40))
def test_bands_cover_a_partition_in_order(
    at: tuple[tuple[int, int], Partition], chunk: tuple[int, int], most: int
) -> None:
    scan_shape, partition = at
    with small_memory(most):
        found = list(band_pieces(partition, Stored(scan_shape, chunk, 1)))
    places = [
        ((y - partition.y0) * partition.shape[1] + x - partition.x0, rectangle.place + i)
        for piece in found
        for rectangle in piece.rectangles
        for i, (y, x) in enumerate(
            (y, x) for y in range(rectangle.y0, rectangle.y1) for x in range(rectangle.x0, rectangle.x1)
        )
    ]
    assert places == [(place, place) for place in range(partition.size)]
    assert all(piece.stop - piece.start <= most for piece in found)


@given(partitions(), st.integers(-20, 20), good_ranges(), SIZE, st.tuples(SIZE, SIZE), st.integers(1, 40))
def test_runs_cover_a_partition_of_any_arrangement_in_order(
    at: tuple[tuple[int, int], Partition],
    sync: int,
    good: list[range],
    stored_width: int,
    chunk: tuple[int, int],
    most: int,
) -> None:
    (_, width), partition = at
    with small_memory(most):
        found = list(run_pieces(partition, width, sync, good, Stored((100, stored_width), chunk, 1)))
    assert [piece.start for piece in found[1:]] == [piece.stop for piece in found[:-1]]
    assert (found[0].start, found[-1].stop) == (0, partition.size)
    assert all(piece.stop - piece.start <= most for piece in found)
    read = {}
    for rectangle in (rectangle for piece in found for rectangle in piece.rectangles):
        ys, xs = np.mgrid[rectangle.y0 : rectangle.y1, rectangle.x0 : rectangle.x1]
        assert xs.max() < stored_width
        for place, frame in enumerate((ys * stored_width + xs).ravel().tolist(), rectangle.place):
            assert place not in read
            read[place] = frame
    assert read == wanted(partition, width, sync, good)


def test_whole_chunks_are_read_at_a_time_where_memory_allows() -> None:
    assert at_a_time(3, 1 << 20) == 15
    assert at_a_time(40, 1 << 20) == 40
    assert at_a_time(100, 1 << 20) == 64
    assert at_a_time(1, 1 << 30) == 1
    assert list(cuts(5, 17, 6)) == [(5, 6), (6, 12), (12, 17)]


class small_memory:
    """Bounds of a few bytes in place of megabytes."""

    def __init__(self, most: int) -> None:
        self.bounds = (max(1, most // 4), most)

    def __enter__(self) -> None:
        self.before = pieces_module.READ_BYTES, pieces_module.MOST_BYTES
        pieces_module.READ_BYTES, pieces_module.MOST_BYTES = self.bounds

    def __exit__(self, *_: object) -> None:
        pieces_module.READ_BYTES, pieces_module.MOST_BYTES = self.before
