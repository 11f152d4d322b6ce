"""Shapes nudged, grown and dragged by their parts; what a hand finds of them. No Qt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ltdesk.geometry import (
    AnyShape,
    Combination,
    Disk,
    Ellipse,
    PixelMask,
    Point,
    Polygon,
    Rectangle,
    Ring,
    Sector,
    terms_of,
)
from ltdesk.session import Detector
from ltdesk.ui.shapes import shape_moves, shape_parts
from ltdesk.ui.shapes.gestures import Stroke, outline_shape, simplified, stroke_shape
from ltdesk.ui.shapes.shape_hits import TOLERANCE, Hit, Screen, hits
from ltdesk.ui.shapes.shape_moves import BODY, MIN_AXIS, YX, direction, distance, dragged, grow, nudge
from tests.shape_strategies import SIZE, drawn, ellipses, polygons, rectangles, rings, sectors, shapes

SHAPE = TypeAdapter[AnyShape](AnyShape)
near = st.floats(-10, 20)
places = st.tuples(near, near)
DISK = Disk(cy=4, cx=5, r=3)
RING = Ring(cy=4, cx=5, r_in=2, r_out=4)
SECTOR = Sector(cy=4, cx=5, r_in=1, r_out=4, deg0=30, deg1=90)
RECT = Rectangle(y0=1, x0=2, y1=5, x1=10)
ELLIPSE = Ellipse(cy=4, cx=5, ry=2, rx=4, deg=30)
POLYGON = Polygon(points=((0, 0), (0, 6), (6, 6), (6, 0)))


def parts(shape: AnyShape) -> list[str]:
    lines = shape_parts.outlines(shape)
    numbered = [f"{line.part}:{i}" for line in lines if line.numbered for i in range(len(line.points) - 1)]
    plain = [line.part for line in lines if not line.numbered]
    return sorted({BODY, *numbered, *plain, *(grip.part for grip in shape_parts.grips(shape))})


def pull(shape: Any, part: str, now: YX, keep: bool = False) -> Any:
    """Drag a grip from where it sits."""
    start = next(grip.at for grip in shape_parts.grips(shape) if grip.part == part)
    return dragged(shape, part, start, now, keep)


def revalidated(shape: AnyShape) -> AnyShape:
    return SHAPE.validate_python(shape.model_dump())


@given(drawn, st.data(), places, places, st.booleans())
def test_a_drag_of_any_part_leaves_a_shape_that_makes_sense(
    shape: AnyShape, data: st.DataObject, start: YX, now: YX, keep: bool
) -> None:
    part = data.draw(st.sampled_from(parts(shape)))
    assert revalidated(moved := dragged(shape, part, start, now, keep)) == moved
    assert moved.kind == shape.kind


@given(drawn, st.data(), places, st.booleans())
def test_a_hand_that_comes_back_leaves_the_shape_as_it_was(
    shape: AnyShape, data: st.DataObject, start: YX, keep: bool
) -> None:
    part = data.draw(st.sampled_from(parts(shape)))
    again = dragged(shape, part, start, start, keep)
    assert again.kind == shape.kind
    if shape.kind == "sector":  # its angles are written in one way
        return
    for name in type(shape).model_fields:
        if name == "deg":
            assert (getattr(again, name) - getattr(shape, name) + 1) % 360 == pytest.approx(1)
        elif name not in ("kind", "points"):
            assert getattr(again, name) == pytest.approx(getattr(shape, name), abs=1e-9)


@given(shapes.map(lambda shape: on_halves(shape)), st.integers(-3, 3), st.integers(-3, 3))
def test_a_nudge_by_whole_pixels_moves_the_mask(shape: AnyShape, dy: int, dx: int) -> None:
    here = nudge(shape, 4, 4)
    roomy = (SIZE[0] + 8, SIZE[1] + 8)
    inner = (slice(3, -3), slice(3, -3))
    moved = np.roll(here.mask(roomy), (dy, dx), axis=(0, 1))
    np.testing.assert_array_equal(nudge(here, dy, dx).mask(roomy)[inner], moved[inner])


def on_halves(shape: AnyShape) -> AnyShape:
    """The shape at multiples of ½, where moving it rounds nothing; a point in place of a mask, which does not move."""
    if isinstance(shape, Combination):
        terms = tuple(term.model_copy(update={"shape": on_halves(term.shape)}) for term in shape.terms)
        return Combination(terms=terms)
    if isinstance(shape, PixelMask):
        return Point(y=1, x=1)
    if isinstance(shape, Polygon):
        return Polygon(points=tuple((round(y * 2) / 2, round(x * 2) / 2) for y, x in shape.points))
    places = {"y", "x", "cy", "cx", "y0", "x0", "y1", "x1"} & set(type(shape).model_fields)
    return shape.model_copy(update={name: round(getattr(shape, name) * 2) / 2 for name in places})


def _leaves(shape: AnyShape) -> list[AnyShape]:
    if isinstance(shape, Combination):
        return [leaf for term in shape.terms for leaf in _leaves(term.shape)]
    return [shape]


def test_a_mask_from_a_file_stays_where_it_is() -> None:
    mask = PixelMask.from_array(np.eye(4, dtype=bool))
    assert nudge(mask, 1, 1) == grow(mask, 1) == dragged(mask, BODY, (0, 0), (1, 1)) == mask
    both = nudge(mask & DISK, 1, 2)
    assert both == mask & Disk(cy=5, cx=7, r=3)


@given(places)
def test_a_pulled_edge_goes_where_the_hand_goes(now: YX) -> None:
    assert pull(DISK, "r", now).r == pytest.approx(distance(now, (4, 5)))
    outer = pull(RING, "r_out", now)
    assert outer.r_out == pytest.approx(max(2, distance(now, (4, 5))))
    inner = pull(RING, "r_in", now)
    assert inner.r_in == pytest.approx(min(4, distance(now, (4, 5))))
    assert (inner.r_out, outer.r_in) == (4, 2)


def test_an_edge_taken_a_little_beside_it_does_not_jump() -> None:
    assert dragged(DISK, "r", (4, 8.4), (4, 9.4)).r == pytest.approx(4)


@given(rings | sectors, places)
def test_shift_keeps_the_ratio_of_the_radii(shape: Any, now: YX) -> None:
    assume(shape.r_in > 1e-3)
    scaled = pull(shape, "r_out", now, keep=True)
    assert scaled.r_in * shape.r_out == pytest.approx(shape.r_in * scaled.r_out, abs=1e-9)
    assert scaled.r_out == pytest.approx(distance(now, (shape.cy, shape.cx)), abs=1e-9)


@given(places)
def test_the_sides_of_a_sector_follow_the_hand(now: YX) -> None:
    assume(distance(now, (4, 5)) > 1e-3)
    angle = direction((4, 5), now)
    last = pull(SECTOR, "deg1", now)
    assert (last.deg1 - angle + 1) % 360 == pytest.approx(1, abs=1e-6)
    assert last.deg0 == pytest.approx(30)
    assert 0 < last.deg1 - last.deg0 <= 360
    both = pull(SECTOR, "deg0", now, keep=True)
    assert both.deg1 - both.deg0 == pytest.approx(60)


def test_a_full_turn_opens_and_closes() -> None:
    whole = SECTOR.model_copy(update={"deg0": 0.0, "deg1": 360.0})
    opened = dragged(whole, "deg1", (4, 8), (3, 8))
    assert 270 < opened.deg1 - opened.deg0 < 360
    assert dragged(whole, "r_out", (4, 9), (4, 10)).deg1 == 360


@given(rectangles, st.sampled_from(["y0x0", "y0x1", "y1x0", "y1x1"]), places)
def test_a_corner_goes_where_the_hand_goes_and_the_opposite_stays(shape: Any, part: str, now: YX) -> None:
    stays = {side: getattr(shape, side) for side in ("y0", "x0", "y1", "x1") if side not in part}
    pulled = pull(shape, part, now)
    for axis, at in zip("yx", now, strict=True):
        other = stays[axis + ("1" if axis + "0" in part else "0")]
        assert getattr(pulled, f"{axis}0") == pytest.approx(min(at, other), abs=1e-9)
        assert getattr(pulled, f"{axis}1") == pytest.approx(max(at, other), abs=1e-9)


@given(st.sampled_from(["y0x0", "y0x1", "y1x0", "y1x1"]), places)
def test_shift_keeps_the_aspect_of_a_corner(part: str, now: YX) -> None:
    pulled = pull(RECT, part, now, keep=True)
    assert (pulled.x1 - pulled.x0) * 4 == pytest.approx((pulled.y1 - pulled.y0) * 8, abs=1e-9)


@given(rectangles, st.sampled_from(["y0", "x0", "y1", "x1"]), places)
def test_shift_keeps_the_centre_under_an_edge(shape: Any, part: str, now: YX) -> None:
    pulled = pull(shape, part, now, keep=True)
    assert pulled.y0 + pulled.y1 == pytest.approx(shape.y0 + shape.y1, abs=1e-9)
    assert pulled.x0 + pulled.x1 == pytest.approx(shape.x0 + shape.x1, abs=1e-9)


@given(ellipses, places)
def test_the_axes_of_an_ellipse_follow_the_hand(shape: Any, now: YX) -> None:
    assume(shape.rx >= MIN_AXIS)
    centre = (shape.cy, shape.cx)
    along = distance(now, centre) * math.cos(math.radians(direction(centre, now) - shape.deg))
    assert pull(shape, "rx", now).rx == pytest.approx(max(MIN_AXIS, along), abs=1e-6)
    assert pull(shape, "rx", now).ry == shape.ry
    scaled = pull(shape, "rx", now, keep=True)
    assume(min(scaled.rx, scaled.ry) > MIN_AXIS)
    assert scaled.ry * shape.rx == pytest.approx(shape.ry * scaled.rx, rel=1e-6)


@given(places)
def test_an_ellipse_turns_with_the_hand(now: YX) -> None:
    assume(distance(now, (4, 5)) > 1e-3)
    turned = pull(ELLIPSE, "deg", now)
    assert (turned.deg - direction((4, 5), now) + 1) % 360 == pytest.approx(1, abs=1e-6)
    assert (turned.ry, turned.rx) == (2, 4)


def test_the_outline_of_an_ellipse_scales_it() -> None:
    at = shape_parts.outlines(ELLIPSE)[0].points[10]
    out = (4 + 1.5 * (at[0] - 4), 5 + 1.5 * (at[1] - 5))
    scaled = dragged(ELLIPSE, "edge", (at[0], at[1]), out)
    assert (scaled.ry, scaled.rx) == pytest.approx((3, 6))


@given(polygons, st.data(), places)
def test_a_vertex_goes_where_the_hand_goes_and_the_others_stay(shape: Polygon, data: st.DataObject, now: YX) -> None:
    index = data.draw(st.integers(0, len(shape.points) - 1))
    pulled = pull(shape, f"vertex:{index}", now)
    assert pulled.points[index] == pytest.approx(now)
    assert [p for i, p in enumerate(pulled.points) if i != index] == [
        p for i, p in enumerate(shape.points) if i != index
    ]


@given(polygons, st.data(), places)
def test_a_vertex_comes_and_goes(shape: Polygon, data: st.DataObject, at: YX) -> None:
    edge = data.draw(st.integers(0, len(shape.points) - 1))
    more = shape_moves.with_vertex(shape, edge, at)
    assert more.points[edge + 1] == at
    assert shape_moves.without_vertex(more, edge + 1) == shape


def test_a_triangle_keeps_its_vertices() -> None:
    triangle = Polygon(points=((0, 0), (0, 4), (4, 0)))
    assert shape_moves.without_vertex(triangle, 1) == triangle


def test_shift_keeps_a_move_to_one_axis() -> None:
    assert dragged(DISK, BODY, (4, 5), (5, 9), keep=True) == Disk(cy=4, cx=9, r=3)
    assert dragged(DISK, BODY, (4, 5), (9, 6), keep=True) == Disk(cy=9, cx=5, r=3)


@given(shapes, st.floats(-30, 30))
def test_growing_and_shrinking_leave_a_shape_that_makes_sense(shape: AnyShape, by: float) -> None:
    assert revalidated(grown := grow(shape, by)) == grown


def test_growing_moves_the_outline() -> None:
    assert grow(DISK, 1) == Disk(cy=4, cx=5, r=4)
    assert grow(DISK, -9) == Disk(cy=4, cx=5, r=0)
    assert grow(RING, 1) == Ring(cy=4, cx=5, r_in=3, r_out=5)
    assert grow(RING, -9) == Ring(cy=4, cx=5, r_in=0, r_out=2)
    assert grow(Ring(cy=4, cx=5, r_in=0, r_out=4), 1) == Ring(cy=4, cx=5, r_in=0, r_out=5)
    assert grow(RECT, 1) == Rectangle(y0=0, x0=1, y1=6, x1=11)
    assert grow(RECT, -9) == Rectangle(y0=3, x0=6, y1=3, x1=6)
    assert grow(ELLIPSE, 1) == Ellipse(cy=4, cx=5, ry=3, rx=5, deg=30)
    assert grow(Point(y=1, x=1), 1) == Point(y=1, x=1)
    half = math.sqrt(0.5)
    points = np.array(grow(POLYGON, 1).points)
    np.testing.assert_allclose(points, [(-half, -half), (-half, 6 + half), (6 + half, 6 + half), (6 + half, -half)])
    assert grow(DISK + RING, 1) == grow(DISK, 1) + grow(RING, 1)


def test_one_term_changes_alone() -> None:
    both = DISK - RING
    assert shape_moves.changed(both, 1, lambda s: nudge(s, 1, 0)) == DISK - nudge(RING, 1, 0)
    assert shape_moves.changed(both, None, lambda s: nudge(s, 1, 0)) == nudge(both, 1, 0)
    assert shape_moves.changed(DISK, 0, lambda s: grow(s, 1)) == grow(DISK, 1)
    assert shape_moves.without_term(both, 0) == RING
    assert shape_moves.without_term(both + RECT, 1) == DISK + RECT
    assert shape_moves.without_term(DISK, 0) == DISK


@given(shapes)
@example(Sector(cy=0.0, cx=0.0, r_in=0.0, r_out=2.0, deg0=5e-119, deg1=0.0))
@settings(max_examples=40, deadline=None)
def test_inside_on_the_screen_is_inside_on_the_frame(shape: AnyShape) -> None:
    """Where no outline is near, a press is inside exactly where the mask is."""
    mask = shape.mask(SIZE)
    for y, x in np.ndindex(*SIZE):
        if _away(shape, (y, x)):
            assert shape_parts.contains(shape, (float(y), float(x))) == mask[y, x]


def _away(shape: AnyShape, at: YX) -> bool:
    """Does moving a little change nothing? For pixel masks and points the pixel's own square counts."""
    return all(_away_of_leaf(leaf, at) for leaf in _leaves(shape))


def _away_of_leaf(leaf: Any, at: YX) -> bool:
    if leaf.kind in ("mask", "point"):
        return leaf.kind == "mask" or max(abs(at[0] - leaf.y), abs(at[1] - leaf.x)) not in (0.5,)
    screen = Screen((1, 0), (0, 1), (0, 0))
    pointer = np.array(screen.point(at))
    lines = [screen.points(line.points) for line in shape_parts.outlines(leaf)]
    apex = [np.array([[leaf.cx, leaf.cy]])] if leaf.kind in ("sector", "ring", "disk") else []
    if leaf.kind == "ellipse" and min(leaf.rx, leaf.ry) < 0.5:
        return False
    return all(_from_line(line, pointer) > 0.1 for line in [*lines, *apex])


def _from_line(line: Any, pointer: Any) -> float:
    if len(line) == 1:
        return float(np.hypot(*(line[0] - pointer)))
    steps = np.diff(line, axis=0)
    along = np.clip(((pointer - line[:-1]) * steps).sum(1) / np.maximum((steps**2).sum(1), 1e-12), 0, 1)
    return float(np.hypot(*(line[:-1] + along[:, None] * steps - pointer).T).min())


@pytest.mark.parametrize(
    "shape", [DISK, RING, SECTOR, RECT, ELLIPSE, POLYGON, Point(y=4, x=5)], ids=lambda shape: shape.kind
)
def test_the_area_is_about_the_count_of_pixels(shape: AnyShape) -> None:
    big = grow(shape, 0)
    count = np.count_nonzero(big.mask((40, 40)))
    assert shape_parts.area(big) == pytest.approx(count, abs=6)


# What is under the pointer, on a screen with 10 pixels to a frame pixel.
TEN = Screen((10, 0), (0, 10), (0, 0))


def detector(id: str, shape: AnyShape, visible: bool = True) -> Detector:
    return Detector(id=id, name=id, colour="#E69F00", shape=shape, visible=visible)


def first(shape: AnyShape, at: YX, screen: Screen = TEN, selected: bool = True, term: int | None = None) -> Any:
    found = hits([detector("a", shape)], "a" if selected else None, term, at, screen)
    return (found[0].term, found[0].part) if found else None


def test_parts_are_found_where_they_are() -> None:
    assert first(DISK, (4, 5)) == (None, BODY)
    assert first(DISK, (4, 8.5)) == (0, "r")
    assert first(DISK, (4 + 3 * math.sin(1), 5 + 3 * math.cos(1))) == (0, "r")
    assert first(RING, (4, 7.2)) == (0, "r_in")
    assert first(RING, (4, 8)) == (None, BODY)
    assert first(RING, (4, 5)) is None  # the hole is not the ring's: a disk may be there
    assert first(SECTOR, shape_parts.polar(4, 5, 2.5, 30)) == (0, "deg0")
    assert first(SECTOR, shape_parts.polar(4, 5, 3, 60)) == (None, BODY)
    assert first(RECT, (1.2, 2.2)) == (0, "y0x0")
    assert first(RECT, (1, 4)) == (0, "y0")
    assert first(ELLIPSE, shape_parts.polar(4, 5, 4, 30)) == (0, "rx")
    assert first(ELLIPSE, shape_parts.polar(4, 5, 6.4, 30)) == (0, "deg")
    assert first(POLYGON, (0, 6)) == (0, "vertex:1")
    assert first(POLYGON, (6, 3)) == (0, "edge:2")
    assert first(Point(y=4.2, x=5.1), (4.2, 5.1)) == (0, BODY)


def test_grips_are_there_only_on_the_selected() -> None:
    at = shape_parts.polar(4, 5, 6.4, 30)
    assert first(ELLIPSE, at, selected=False) is None
    assert first(POLYGON, (0, 6), selected=False) in [(0, "edge:0"), (0, "edge:1")]


@given(st.floats(0, 2 * math.pi), st.floats(-TOLERANCE + 0.1, TOLERANCE - 0.5), st.floats(3, 100))
def test_an_outline_is_taken_within_eight_pixels_of_the_screen(turn: float, off: float, scale: float) -> None:
    screen = Screen((scale, 0), (0, scale), (7, 9))
    r = 3 + off / scale
    at = (4 + r * math.sin(turn), 5 + r * math.cos(turn))
    body = r * scale < 3 * scale - min(TOLERANCE, 3 * scale / 2) - 0.1
    if body:
        assert first(DISK, at, screen) == (None, BODY)
    elif off > 1.1 - min(TOLERANCE, 3 * scale / 2):
        assert first(DISK, at, screen) == (0, "r")


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 3.0])
def test_the_middle_of_a_shape_that_is_tiny_on_the_screen_still_moves_it(scale: float) -> None:
    screen = Screen((scale, 0), (0, scale), (0, 0))
    for shape in (DISK, RECT, ELLIPSE, POLYGON, Ring(cy=4, cx=5, r_in=0, r_out=4)):
        cy, cx = (3, 6) if shape is RECT else (3, 3) if shape is POLYGON else (4, 5)
        # Of a ring without a hole, the middle is the handle that makes one.
        wanted = (0, "r_in") if shape.kind == "ring" else (None, BODY)
        assert first(shape, (cy, cx), screen) == wanted


def test_the_selected_comes_first_then_the_smallest() -> None:
    small, large = detector("small", Disk(cy=4, cx=5, r=2)), detector("large", Rectangle(y0=-9, x0=-9, y1=20, x1=20))
    hidden = detector("hidden", Disk(cy=4, cx=5, r=1), visible=False)
    all_of_them = [large, small, hidden]
    assert [h.id for h in hits(all_of_them, None, None, (4, 5), TEN)] == ["small", "large"]
    assert [h.id for h in hits(all_of_them, "large", None, (4, 5), TEN)] == ["large", "small"]
    assert [h.id for h in hits(all_of_them, "hidden", None, (4, 5), TEN)] == ["small", "large"]


def test_terms_are_taken_by_their_outlines_and_a_picked_one_by_its_body() -> None:
    both = Disk(cy=10, cx=10, r=8) - Disk(cy=10, cx=10, r=4)
    assert first(both, (10, 14)) == (1, "r")
    assert first(both, (10, 16)) == (None, BODY)
    assert first(both, (10, 10)) is None
    assert first(both, (10, 10), term=1) == (1, BODY)
    assert first(both, (10, 16), term=0) == (0, BODY)


def test_a_pixel_mask_is_found_on_its_pixels() -> None:
    values = np.zeros((6, 8))
    values[2, 3:5] = 1
    for shape in (PixelMask.from_array(values), PixelMask.from_array(values * 0.5)):
        assert first(shape, (2.4, 2.6)) == (None, BODY)
        assert first(shape, (2, 4.4)) == (None, BODY)
        assert first(shape, (2, 4.6)) is None
        assert first(shape, (2.6, 3)) is None
        assert first(shape, (-3, 3)) is None


def test_the_direction_of_a_pull_is_told() -> None:
    found = hits([detector("a", DISK)], None, None, (4 + 3, 5), TEN)
    assert found == [Hit("a", 0, "r", found[0].pull)]
    assert found[0].pull is not None
    assert found[0].pull % 180 == pytest.approx(90, abs=3)
    upside_down = Screen((10, 0), (0, -10), (0, 100))
    at = (4 + 3 * math.sin(1), 5 + 3 * math.cos(1))
    for screen in (TEN, upside_down):
        (hit,) = hits([detector("a", DISK)], None, None, at, screen)
        assert hit.pull is not None
        assert hit.pull % 180 == pytest.approx(math.degrees(1), abs=3)


@given(st.lists(places, min_size=3, max_size=60), st.floats(0.05, 3))
def test_a_simplified_outline_stays_within_its_tolerance(line: list[YX], tolerance: float) -> None:
    kept = simplified(line, tolerance)
    assert kept[0] == line[0]
    assert kept[-1] == line[-1]
    assert set(kept) <= set(line)
    for at in line:
        assert _from_line(np.array(kept), np.array(at)) <= tolerance + 1e-9


def test_a_smooth_outline_needs_few_corners() -> None:
    circle = [(20 + 15 * math.sin(t), 20 + 15 * math.cos(t)) for t in np.linspace(0, 6.2, 400)]
    shape = outline_shape(circle, 0.2)
    assert shape is not None
    assert len(shape.points) < 40
    disk = Disk(cy=20, cx=20, r=15).mask((40, 40))
    assert np.count_nonzero(shape.mask((40, 40)) != disk) < 30
    assert outline_shape(circle[:2], 0.2) is None
    assert outline_shape([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)], 0.2) is not None


@given(st.sampled_from(["point", "disk", "ring", "sector", "rect", "ellipse"]), places, places, places, st.booleans())
def test_a_stroke_draws_a_shape_that_makes_sense(kind: str, start: YX, outer: YX, inner: YX, keep: bool) -> None:
    stroke = Stroke(start, start).moved(outer, keep, inner=False)
    for done in (stroke, stroke.moved(inner, keep, inner=True)):
        shape = stroke_shape(kind, done)
        assert shape.kind == kind
        assert revalidated(shape) == shape


def test_strokes_draw_what_the_hand_shows() -> None:
    stroke = Stroke((10, 10), (10, 10)).moved((13, 14), False, inner=False)
    assert stroke_shape("disk", stroke) == Disk(cy=10, cx=10, r=5)
    assert stroke_shape("ring", stroke) == Ring(cy=10, cx=10, r_in=2.5, r_out=5)
    inwards = stroke.moved((10, 13), False, inner=True)
    assert stroke_shape("ring", inwards) == Ring(cy=10, cx=10, r_in=3, r_out=5)
    on = inwards.moved((10, 20), False, inner=False)
    assert stroke_shape("ring", on) == Ring(cy=10, cx=10, r_in=3, r_out=10)
    assert stroke_shape("rect", stroke) == Rectangle(y0=10, x0=10, y1=13, x1=14)
    assert stroke_shape("rect", stroke.moved((7, 14), True, inner=False)) == Rectangle(y0=6, x0=10, y1=10, x1=14)
    assert stroke_shape("ellipse", stroke) == Ellipse(cy=11.5, cx=12, ry=1.5, rx=2)
    sector: Any = stroke_shape("sector", Stroke((10, 10), (10, 20)))
    assert (sector.deg0, sector.deg1, sector.r_in, sector.r_out) == (330, 390, 5, 10)
    opened: Any = stroke_shape("sector", Stroke((10, 10), (10, 20), inner=(14, 10)))
    assert (opened.deg0, opened.deg1, opened.r_in) == (270, 450, 4)


def test_terms_of_a_plain_shape_are_itself() -> None:
    assert [term.shape for term in terms_of(DISK)] == [DISK]
