"""Every shape against its definition, pixel by pixel in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ltdesk.errors import InvalidValue, UsageError
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
    Term,
    Weighted,
    shape_from_terms,
    terms_of,
)
from ltdesk.mask_data import WeightsBlob, runs_from_mask, runs_to_mask
from ltdesk.shape_text import parse_shape, shape_text
from tests.shape_strategies import (
    SIZE,
    bits,
    disks,
    drawn,
    ellipses,
    joined,
    lengths,
    numbers,
    points,
    polygons,
    rectangles,
    rings,
    sectors,
    shapes,
    weights,
)

SHAPE = TypeAdapter[AnyShape](AnyShape)


def selected(shape: AnyShape) -> set[tuple[int, int]]:
    mask = shape.mask(SIZE)
    assert mask.shape == SIZE
    assert mask.dtype == np.bool_
    return {(int(y), int(x)) for y, x in np.argwhere(mask)}


def pixels(inside: Any) -> set[tuple[int, int]]:
    """The pixels ``(y, x)`` of the frame for which `inside` holds."""
    return {(y, x) for y in range(SIZE[0]) for x in range(SIZE[1]) if inside(float(y), float(x))}


def in_disk(y: float, x: float, cy: float, cx: float, r: float) -> bool:
    return (y - cy) * (y - cy) + (x - cx) * (x - cx) <= r * r


def in_ring(y: float, x: float, s: Any) -> bool:
    return in_disk(y, x, s.cy, s.cx, s.r_out) and not (s.r_in > 0 and in_disk(y, x, s.cy, s.cx, s.r_in))


@given(points)
@example(Point(y=2.5, x=-0.5))
@example(Point(y=0.49999999999999994, x=1.0))  # + 0.5 rounds up to 1
def test_a_point_is_the_nearest_pixel_and_halves_go_up(shape: Point) -> None:
    def nearest(at: float) -> int:
        return min(range(math.floor(at) - 1, math.floor(at) + 3), key=lambda n: (abs(n - at), -n))

    assert selected(shape) == pixels(lambda y, x: (y, x) == (nearest(shape.y), nearest(shape.x)))


@given(disks)
@example(Disk(cy=4, cx=5, r=5))  # 3, 4, 5: pixels exactly on the edge
@example(Disk(cy=4, cx=5, r=0))
def test_a_disk_is_its_formula(shape: Disk) -> None:
    assert selected(shape) == pixels(lambda y, x: in_disk(y, x, shape.cy, shape.cx, shape.r))


def test_a_disk_includes_its_edge() -> None:
    assert {(4, 10), (0, 8), (8, 2), (1, 9)} <= selected(Disk(cy=4, cx=5, r=5))
    assert selected(Disk(cy=4, cx=5, r=0)) == {(4, 5)}


@given(rings)
@example(Ring(cy=4, cx=5, r_in=0, r_out=2))
@example(Ring(cy=4, cx=5, r_in=2, r_out=2))
def test_a_ring_is_one_disk_without_the_other(shape: Ring) -> None:
    assert selected(shape) == pixels(lambda y, x: in_ring(y, x, shape))


def test_a_ring_without_an_inner_radius_keeps_its_centre() -> None:
    assert (4, 5) in selected(Ring(cy=4, cx=5, r_in=0, r_out=2))
    assert selected(Ring(cy=4, cx=5, r_in=2, r_out=2)) == set()


def turned(deg: float) -> float:
    return deg % 360.0


def in_sector(y: float, x: float, s: Sector) -> bool:
    if not in_ring(y, x, s):
        return False
    if s.deg1 - s.deg0 >= 360.0:
        return True
    theta = turned(math.degrees(math.atan2(y - s.cy, x - s.cx)))
    start, stop = turned(s.deg0), turned(s.deg1)
    return start <= theta < stop if start <= stop else theta >= start or theta < stop


@given(sectors)
def test_a_sector_is_part_of_a_ring(shape: Sector) -> None:
    # atan2 of numpy and of libm may differ in the last digit: pixels on a side are looked at below, exactly.
    sides = pixels(lambda y, x: _on_a_side(y, x, shape))
    assert selected(shape) - sides == pixels(lambda y, x: in_sector(y, x, shape)) - sides


def _on_a_side(y: float, x: float, s: Sector) -> bool:
    theta = math.degrees(math.atan2(y - s.cy, x - s.cx))
    return any(abs((theta - side + 180.0) % 360.0 - 180.0) < 1e-9 for side in (s.deg0, s.deg1))


@pytest.mark.parametrize("turns", [-2, 0, 1])
@pytest.mark.parametrize("eighth", range(8))
def test_a_sector_holds_its_first_side_and_not_its_last(eighth: int, turns: int) -> None:
    def ray(deg: int) -> set[tuple[int, int]]:
        dy, dx = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)][deg // 45 % 8]
        return {(4 + n * dy, 5 + n * dx) for n in (1, 2, 3)}

    first = 45 * eighth + 360 * turns
    inside = selected(Sector(cy=4, cx=5, r_in=0.5, r_out=4.5, deg0=first, deg1=first + 90))
    assert ray(first) <= inside
    assert ray(first + 45) <= inside
    assert not ray(first + 90) & inside
    assert not ray(first - 45) & inside


def test_four_quarters_are_the_ring() -> None:
    quarters = [selected(Sector(cy=4, cx=5, r_in=1, r_out=4, deg0=a, deg1=a + 90)) for a in (-30, 60, 150, 240)]
    assert sum(len(quarter) for quarter in quarters) == len(set().union(*quarters))
    assert set().union(*quarters) == selected(Ring(cy=4, cx=5, r_in=1, r_out=4))


@pytest.mark.parametrize(("deg0", "deg1"), [(0, 360), (-90, 270), (10, 800)])
def test_a_full_turn_is_the_whole_ring(deg0: float, deg1: float) -> None:
    sector = Sector(cy=4, cx=5, r_in=1, r_out=4, deg0=deg0, deg1=deg1)
    assert selected(sector) == selected(Ring(cy=4, cx=5, r_in=1, r_out=4))


@given(rectangles)
@example(Rectangle(y0=0, x0=0, y1=9, x1=11))
@example(Rectangle(y0=2, x0=2, y1=2, x1=5))
def test_a_rectangle_is_half_open(shape: Rectangle) -> None:
    assert selected(shape) == pixels(lambda y, x: shape.y0 <= y < shape.y1 and shape.x0 <= x < shape.x1)


@given(rectangles)
def test_whole_numbers_of_a_rectangle_are_a_slice(shape: Rectangle) -> None:
    y0, x0, y1, x1 = (int(v) for v in (shape.y0, shape.x0, shape.y1, shape.x1))
    expected = np.zeros(SIZE, dtype=np.bool_)
    expected[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    np.testing.assert_array_equal(Rectangle(y0=y0, x0=x0, y1=y1, x1=x1).mask(SIZE), expected)


def of_ellipse(y: float, x: float, s: Ellipse) -> float:
    """1 on the outline, more outside."""
    cos, sin = math.cos(math.radians(s.deg)), math.sin(math.radians(s.deg))
    along, across = (x - s.cx) * cos + (y - s.cy) * sin, (y - s.cy) * cos - (x - s.cx) * sin
    return math.hypot(along / s.rx, across / s.ry)


@given(ellipses)
def test_an_ellipse_is_its_formula(shape: Ellipse) -> None:
    edge = pixels(lambda y, x: abs(of_ellipse(y, x, shape) - 1) < 1e-9)  # where the last digit decides
    assert selected(shape) - edge == pixels(lambda y, x: of_ellipse(y, x, shape) <= 1) - edge


def test_the_long_axis_of_an_ellipse_points_along_its_angle_down_the_frame() -> None:
    ellipse = selected(Ellipse(cy=4, cx=5, ry=1, rx=4, deg=45))
    assert {(2, 3), (6, 7)} <= ellipse
    assert not {(2, 7), (6, 3)} & ellipse
    assert {(4, 1), (4, 9), (3, 5), (5, 5)} <= selected(Ellipse(cy=4, cx=5, ry=1, rx=4))


@given(numbers, numbers, lengths.filter(bool))
def test_a_round_ellipse_is_a_disk_up_to_its_edge(cy: float, cx: float, r: float) -> None:
    edge = pixels(lambda y, x: abs(math.hypot(y - cy, x - cx) - r) < 1e-9 * max(1, r))
    assert selected(Ellipse(cy=cy, cx=cx, ry=r, rx=r, deg=30)) - edge == selected(Disk(cy=cy, cx=cx, r=r)) - edge


def in_polygon(y: float, x: float, corners: Any) -> bool:
    inside = False
    for (ay, ax), (by, bx) in zip(corners, corners[1:] + corners[:1], strict=True):
        (ay, ax), (by, bx) = sorted([(ay, ax), (by, bx)])
        if ay <= y < by and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


@given(polygons)
def test_a_polygon_is_even_odd_on_pixel_centres(shape: Polygon) -> None:
    assert selected(shape) == pixels(lambda y, x: in_polygon(y, x, shape.points))


@given(polygons)
def test_a_polygon_is_the_same_from_any_corner_and_either_way_round(shape: Polygon) -> None:
    turned_round = Polygon(points=shape.points[2:] + shape.points[:2])
    backwards = Polygon(points=shape.points[::-1])
    assert selected(shape) == selected(turned_round) == selected(backwards)


@given(rectangles)
def test_four_corners_select_what_the_rectangle_does(r: Rectangle) -> None:
    corners = Polygon(points=((r.y0, r.x0), (r.y0, r.x1), (r.y1, r.x1), (r.y1, r.x0)))
    assert selected(corners) == selected(r)


@given(numbers, numbers)
def test_triangles_around_a_point_share_no_pixel_and_leave_none_out(cy: float, cx: float) -> None:
    corners = [(-50.0, -50.0), (-50.0, 60.0), (60.0, 60.0), (60.0, -50.0)]
    around = zip(corners, corners[1:] + corners[:1], strict=True)
    covered = np.sum([Polygon(points=((cy, cx), a, b)).mask(SIZE) for a, b in around], axis=0)
    assert (covered == 1).all()


def test_a_star_has_a_hole() -> None:
    star = [(4 + 4 * math.sin(4 * math.pi * n / 5), 5 + 4 * math.cos(4 * math.pi * n / 5)) for n in range(5)]
    assert (4, 5) not in selected(Polygon(points=tuple(star)))


@given(bits)
def test_a_mask_from_an_array_is_that_array(mask: Any) -> None:
    for values in (mask, mask.astype(np.uint8), mask.astype(np.float32), mask.astype(">i4")):
        shape = PixelMask.from_array(values)
        np.testing.assert_array_equal(shape.mask(SIZE), mask)
        assert shape.weights(SIZE) is None
        assert shape.blob is None


@given(weights)
def test_a_mask_keeps_its_weights_to_the_bit(values: Any) -> None:
    shape = PixelMask.from_array(values)
    np.testing.assert_array_equal(shape.mask(SIZE), values != 0)
    kept = shape.weights(SIZE)
    np.testing.assert_array_equal(shape.mask(SIZE).astype(float) if kept is None else kept, values)


@given(bits)
def test_runs_are_sorted_disjoint_and_come_back(mask: Any) -> None:
    runs = runs_from_mask(mask)
    assert list(runs) == sorted(runs)
    assert sum(x1 - x0 for _, x0, x1 in runs) == np.count_nonzero(mask)
    np.testing.assert_array_equal(runs_to_mask(runs, SIZE), mask)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1.0, math.nan]]),
        np.array([[1.0, math.inf]]),
        np.zeros((2, 0)),
        np.ones(4),
        np.ones((2, 2, 2)),
        np.ones((2, 2), dtype=np.complex128),
        np.array([["a", "b"]]),
    ],
)
def test_what_is_no_mask_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="a mask"):
        PixelMask.from_array(values)


@pytest.mark.parametrize(
    "runs",
    [((0, 3, 3),), ((0, -1, 3),), ((0, 3, 12),), ((9, 0, 1),), ((1, 0, 1), (0, 0, 1)), ((0, 0, 4), (0, 3, 6))],
)
def test_runs_that_no_mask_has_are_refused(runs: Any) -> None:
    with pytest.raises(InvalidValue, match="run"):
        PixelMask(size=SIZE, runs=runs)


def test_weights_that_do_not_fit_are_refused() -> None:
    blob = WeightsBlob.from_array(np.full((2, 3), 0.5))
    PixelMask(size=(2, 3), blob=blob)
    with pytest.raises(InvalidValue, match="48 bytes"):
        PixelMask(size=(2, 4), blob=blob)
    with pytest.raises(InvalidValue, match="either"):
        PixelMask(size=(2, 3), blob=blob, runs=((0, 0, 1),))
    with pytest.raises(InvalidValue, match="NaN"):
        PixelMask(size=(1, 1), blob=WeightsBlob.from_array(np.array([[math.nan]])))
    with pytest.raises(InvalidValue, match="pixel"):
        PixelMask(size=(0, 3))
    with pytest.raises(ValidationError, match="hash"):
        WeightsBlob(sha256=blob.sha256, data=WeightsBlob.from_array(np.ones((2, 3))).data)
    with pytest.raises(ValidationError, match="damaged"):
        WeightsBlob(sha256=blob.sha256, data="no base64")


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="9x11, not 9x12"):
        PixelMask.from_array(np.ones(SIZE)).mask((9, 12))


def brute_weights(shape: AnyShape, y: int, x: int) -> float:
    """The weight of one pixel, 0 outside, by the rule of each operator."""
    if not isinstance(shape, Combination):
        values = shape.weights(SIZE)
        return float(shape.mask(SIZE)[y, x] if values is None else values[y, x])
    weight = 0.0
    for term in shape.terms:
        part = brute_weights(term.shape, y, x)
        if term.op == "+":
            weight = weight or part
        elif term.op == "-":
            weight = 0.0 if part else weight
        else:
            weight = (weight * part or 2.2250738585072014e-308) if weight and part else 0.0
    return weight


@given(shapes)
@settings(max_examples=60)
def test_a_combination_is_joined_left_to_right(shape: AnyShape) -> None:
    expected = np.array([[brute_weights(shape, y, x) for x in range(SIZE[1])] for y in range(SIZE[0])])
    np.testing.assert_array_equal(shape.mask(SIZE), expected != 0)
    values = shape.weights(SIZE)
    np.testing.assert_array_equal(shape.mask(SIZE).astype(float) if values is None else values, expected)


def test_weights_taken_away_do_not_come_back() -> None:
    heavy = PixelMask.from_array(np.full(SIZE, 5.0))
    spot = Point(y=3, x=3)
    values = (heavy - spot + spot).weights(SIZE)
    assert values is not None
    assert values[3, 3] == 1
    assert values[0, 0] == 5


def test_weights_count_on_either_side_of_and() -> None:
    heavy, disk = PixelMask.from_array(np.full(SIZE, 5.0)), Disk(cy=4, cx=4, r=2)
    for cut in (heavy & disk, disk & heavy):
        np.testing.assert_array_equal(cut.weights(SIZE), disk.mask(SIZE) * 5.0)


def test_operators_make_one_flat_combination() -> None:
    a, b, c = Point(y=1, x=1), Disk(cy=2, cx=2, r=1), Rectangle(y0=0, x0=0, y1=4, x1=4)
    assert [term.op for term in (a + b - c).terms] == ["+", "+", "-"]
    assert (a & b).terms == (Term(op="+", shape=a), Term(op="&", shape=b))
    assert selected((a + b) & c) == (selected(a) | selected(b)) & selected(c)
    assert selected(a + b - c) == (selected(a) | selected(b)) - selected(c)
    assert selected(c - (a + b)) == selected(c) - (selected(a) | selected(b))


@given(shapes)
def test_terms_come_back(shape: AnyShape) -> None:
    assert shape_from_terms(terms_of(shape)).mask(SIZE).tolist() == shape.mask(SIZE).tolist()


def test_a_weight_stands_on_either_side_and_is_the_last_thing_given() -> None:
    disk = Disk(cy=1, cx=1, r=1)
    assert disk * 0.5 == 0.5 * disk == Weighted(shape=disk, weight=0.5)
    with pytest.raises(TypeError, match="combine the shapes first"):
        disk + disk * 0.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        disk * 0.5 + disk  # type: ignore[operator]
    with pytest.raises(TypeError, match="not with int"):
        disk - 3  # type: ignore[operator]


@given(shapes)
def test_json_brings_every_shape_back(shape: AnyShape) -> None:
    text = SHAPE.dump_json(shape)
    again = SHAPE.validate_json(text)
    assert again == shape
    assert SHAPE.dump_json(again) == text


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Disk, {"cy": 1, "cx": 1, "r": -1}),
        (Disk, {"cy": math.nan, "cx": 1, "r": 1}),
        (Disk, {"cy": 1, "cx": math.inf, "r": 1}),
        (Disk, {"cy": 1, "cx": 1, "r": 1, "colour": 1}),
        (Ring, {"cy": 1, "cx": 1, "r_in": 2, "r_out": 1}),
        (Sector, {"cy": 1, "cx": 1, "r_in": 2, "r_out": 1, "deg0": 0, "deg1": 9}),
        (Rectangle, {"y0": 2, "x0": 0, "y1": 1, "x1": 1}),
        (Ellipse, {"cy": 1, "cx": 1, "ry": 0, "rx": 1}),
        (Polygon, {"points": ((0, 0), (1, 1))}),
        (Combination, {"terms": ()}),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        kind(**fields)


@pytest.mark.parametrize("far", [1e18, -1e18, 1e200, -1.7e308])
def test_far_outside_selects_nothing_and_warns_of_nothing(far: float) -> None:
    whole = {(y, x) for y in range(SIZE[0]) for x in range(SIZE[1])}
    assert selected(Disk(cy=far, cx=far, r=1)) == set()
    assert selected(Ellipse(cy=far, cx=far, ry=1e-9, rx=2, deg=20)) == set()
    assert selected(Point(y=far, x=far)) == set()
    assert selected(Disk(cy=0, cx=0, r=abs(far))) == whole
    big = 1e18
    assert selected(Polygon(points=((-big, -big), (-big, big), (big, big), (big, -big)))) == whole


@given(st.recursive(drawn, joined, max_leaves=6).filter(lambda s: "-" not in first_operators(s)))
def test_text_brings_every_shape_back(shape: AnyShape) -> None:
    again = parse_shape(shape_text(shape))
    assert selected(again) == selected(shape)
    assert shape_text(parse_shape(shape_text(again))) == shape_text(again)
    if not isinstance(shape, Combination):
        assert again == shape


def first_operators(shape: AnyShape) -> str:
    """``-`` where the shape or a part of it starts by taking away, which text cannot say."""
    if not isinstance(shape, Combination):
        return ""
    starts = "" if shape.terms[0].op == "+" else "-"
    return starts + "".join(first_operators(term.shape) for term in shape.terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("disk:1e+1,-3,2.5", Disk(cy=10, cx=-3, r=2.5)),
        ("ellipse:1,2,3,4", Ellipse(cy=1, cx=2, ry=3, rx=4)),
        ("point:1,2-disk:1,2,3", Point(y=1, x=2) - Disk(cy=1, cx=2, r=3)),
        (" polygon:0,0;0,5;5,5&rect:0,0,3,3 ",
         Polygon(points=((0, 0), (0, 5), (5, 5))) & Rectangle(y0=0, x0=0, y1=3, x1=3)),
        ("point:1,2-(disk:1,2,3+point:3,4)", Point(y=1, x=2) - (Disk(cy=1, cx=2, r=3) + Point(y=3, x=4))),
        ("(point:1,2)", Point(y=1, x=2)),
    ],
)  # fmt: skip
def test_text_is_read(text: str, expected: AnyShape) -> None:
    assert parse_shape(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not known"),
        ("disc:1,2,3", "not known"),
        ("disk", "not known"),
        ("-disk:1,2,3", "not known"),
        ("disk:1,2", "2 numbers, not 3"),
        ("disk:1,2,x", "'x' is not a number"),
        ("disk:1,2,-3", "disk:1,2,-3"),
        ("disk:1,nan,3", "cx"),
        ("disk:1,2,3+ring:1,2,3,1", "r_out"),
        ("polygon:1,2;3,4", "polygon:1,2;3,4"),
        ("polygon:1,2;3;4,5", "not a point"),
        ("(disk:1,2,3", "no closing"),
        ("disk:1,2,3)", "not a number"),
    ],
)
def test_text_that_makes_no_sense_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shape(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["m.npy", "a+b-c&d (1).npy", "with (brackets)"])
def test_a_mask_is_read_from_a_file_of_any_name(tmp_path: Any, name: str) -> None:
    values = np.eye(4, dtype=np.uint8)
    with open(tmp_path / name, "wb") as file:
        np.save(file, values)
    shape = parse_shape(f"mask:{tmp_path / name}-point:0,0")
    expected = values.astype(bool)
    expected[0, 0] = False
    np.testing.assert_array_equal(shape.mask((4, 4)), expected)


def test_a_file_that_is_no_mask_is_named(tmp_path: Any) -> None:
    np.savez(tmp_path / "archive.npz", a=np.eye(3))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}]), allow_pickle=True)
    np.save(tmp_path / "whole.npy", np.eye(100))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:500])
    (tmp_path / "zip.npy").write_bytes(b"PK\x03\x04 not an archive")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "folder.npy").mkdir()
    for name in ("archive.npz", "objects.npy", "cut.npy", "zip.npy", "empty.npy", "folder.npy", "missing.npy"):
        with pytest.raises(UsageError, match=name):
            parse_shape(f"mask:{tmp_path / name}")
