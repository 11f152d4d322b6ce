"""Edits of shapes and of the list, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.geometry import Combination, Disk, Ellipse, PixelMask, Point, Polygon, Rectangle, Ring, Sector
from ltdesk.session import Detector, Session
from ltdesk.shape_bounds import bounds, moved, partly_outside, shape_centre
from ltdesk.ui.shapes import detector_edits as edits
from ltdesk.ui.shapes import shape_leaves

SIZE = (40, 50)
place = st.floats(5, 30)
radius = st.floats(0.5, 12)
angle = st.floats(-400, 400)
plain = st.one_of(
    st.builds(Disk, cy=place, cx=place, r=radius),
    st.builds(lambda cy, cx, a, b: Ring(cy=cy, cx=cx, r_in=min(a, b), r_out=max(a, b)), place, place, radius, radius),
    st.builds(
        lambda cy, cx, a, b, c, d: Sector(cy=cy, cx=cx, r_in=min(a, b), r_out=max(a, b), deg0=c, deg1=d),
        place,
        place,
        radius,
        radius,
        angle,
        angle,
    ),
    st.builds(Ellipse, cy=place, cx=place, ry=radius, rx=radius, deg=angle),
    st.builds(lambda y, x, h, w: Rectangle(y0=y, x0=x, y1=y + h, x1=x + w), place, place, radius, radius),
    st.builds(Point, y=place, x=place),
    st.builds(Polygon, points=st.lists(st.tuples(place, place), min_size=3, max_size=8).map(tuple)),
)


@given(plain)
def test_bounds_hold_all_pixels(shape) -> None:
    ys, xs = np.nonzero(moved(shape, 20, 20).mask((90, 90)))
    y0, x0, y1, x1 = bounds(shape)
    slack = 0.5 if isinstance(shape, Point) else 1e-9
    if len(ys):
        assert y0 - slack <= ys.min() - 20
        assert x0 - slack <= xs.min() - 20
        assert ys.max() - 20 <= y1 + slack
        assert xs.max() - 20 <= x1 + slack


@given(plain)
def test_what_is_not_partly_outside_loses_no_pixel(shape) -> None:
    shape = type(shape).model_validate(_rounded(shape))
    if not partly_outside(shape, SIZE):
        beyond = moved(shape, 20, 20).mask((SIZE[0] + 40, SIZE[1] + 40))
        assert beyond.sum() == shape.mask(SIZE).sum()


@given(plain, st.integers(-3, 3), st.integers(-3, 3))
def test_moved_by_whole_pixels_moves_the_mask(shape, dy: int, dx: int) -> None:
    """Coordinates are rounded so that moving them is exact."""
    shape = type(shape).model_validate(_rounded(shape))
    mask = moved(shape, 20, 20).mask((90, 90))
    assert np.array_equal(moved(shape, 20 + dy, 20 + dx).mask((90, 90)), np.roll(mask, (dy, dx), (0, 1)))


def _rounded(shape) -> dict:
    def quarter(value):
        if isinstance(value, float):
            return round(value * 4) / 4
        return tuple(map(quarter, value)) if isinstance(value, tuple) else value

    return {name: quarter(value) for name, value in dict(shape).items()}


def test_a_pixel_mask_stays_where_it_is() -> None:
    mask = PixelMask.from_array(np.eye(4))
    assert moved(mask, 3, 3) == mask


def test_the_centre_of_a_combination_is_that_of_its_first_part() -> None:
    assert shape_centre(Disk(cy=3, cx=4, r=1) - Point(y=9, x=9)) == (3, 4)
    assert shape_centre(Rectangle(y0=0, x0=0, y1=4, x1=6)) == (2, 3)


@given(st.lists(plain, min_size=2, max_size=4), st.lists(st.sampled_from("+-&"), min_size=3, max_size=3), st.data())
def test_replacing_a_leaf_by_itself_changes_nothing(shapes, operators, data) -> None:
    whole = shapes[0]
    for shape, operator in zip(shapes[1:], operators, strict=False):
        whole = {"+": whole.__add__, "-": whole.__sub__, "&": whole.__and__}[operator](shape)
    nested = Disk(cy=1, cx=1, r=1) - whole
    found = shape_leaves.leaves(nested)
    assert [leaf.shape for leaf in found] == [Disk(cy=1, cx=1, r=1), *shapes]
    for leaf in found:
        assert shape_leaves.with_leaf(nested, leaf.path, leaf.shape) == nested
        assert shape_leaves.with_operator(nested, leaf.path, _operator_at(nested, leaf.path)) == nested
        shorter = shape_leaves.without_leaf(nested, leaf.path)
        assert len(shape_leaves.leaves(shorter)) == len(found) - 1


def _operator_at(shape: Combination, path: tuple[int, ...]) -> str:
    term = shape.terms[path[0]]
    return term.op if len(path) == 1 else _operator_at(term.shape, path[1:])


def test_what_is_left_of_a_combination_begins_with_plus() -> None:
    whole = Disk(cy=1, cx=1, r=1) - Disk(cy=2, cx=2, r=2) - Disk(cy=3, cx=3, r=3)
    assert shape_leaves.without_leaf(whole, (0,)) == Disk(cy=2, cx=2, r=2) - Disk(cy=3, cx=3, r=3)


def session() -> Session:
    detectors = tuple(
        Detector(name=name, colour="#ffffff", shape=Disk(cy=n, cx=n, r=1)) for n, name in enumerate("abcd")
    )
    return Session(detectors=detectors, selected=detectors[0].id)


def names(session: Session) -> str:
    return "".join(d.name for d in session.detectors)


@pytest.mark.parametrize(
    ("moving", "row", "order"),
    [("a", 4, "bcda"), ("d", 0, "dabc"), ("a", 1, "abcd"), ("ac", 4, "bdac"), ("ca", 2, "bacd"), ("b", 99, "acdb")],
)
def test_reordered(moving: str, row: int, order: str) -> None:
    start = session()
    ids = [d.id for name in moving for d in start.detectors if d.name == name]
    assert names(edits.reordered(start, ids, row)) == order


def test_combined_keeps_name_colour_and_weight_of_the_first() -> None:
    start = session()
    first = start.detectors[1].model_copy(update={"weight": 0.5})
    start = start.with_detector(first)
    whole = edits.combined(start, [start.detectors[3].id, first.id], "-")
    assert names(whole) == "abc"
    assert whole.selected_detector == first.model_copy(update={"shape": first.shape - start.detectors[3].shape})


@pytest.mark.parametrize("kind", edits.NEW_KINDS)
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (128, 96)])
def test_a_new_shape_selects_pixels_on_any_frame(kind: str, size: tuple[int, int]) -> None:
    mask = edits.default_shape(kind, size).mask(size)
    assert mask.any() or (kind in ("ring", "sector", "polygon") and size == (1, 1))


@pytest.mark.parametrize("name", ["", "valid", "recipe", "execution", "b", "a b", "a\n", "é"])
def test_names_that_make_no_sense(name: str) -> None:
    start = session()
    assert edits.name_problem(start, start.detectors[0].id, name)


@pytest.mark.parametrize("name", ["a", "BF", "g1.2_x", "9"])
def test_names_that_do(name: str) -> None:
    start = session()
    assert not edits.name_problem(start, start.detectors[0].id, name)
