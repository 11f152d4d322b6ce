"""Hypothesis strategies for shapes around a small frame, their outlines often exactly on pixel centres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ltdesk.geometry import Combination, Disk, Ellipse, PixelMask, Point, Polygon, Rectangle, Ring, Sector, Term

SIZE = (9, 11)

# Integers, halves and tenths put pixel centres exactly on outlines; plain floats anywhere.
numbers = st.one_of(
    st.integers(-4, 14).map(float),
    st.integers(-8, 28).map(lambda n: n / 2),
    st.integers(-40, 140).map(lambda n: n / 10),
    st.floats(-20, 30),
)
lengths = st.one_of(st.integers(0, 8).map(float), st.sampled_from([math.sqrt(2), math.sqrt(5), 2.5]), st.floats(0, 20))
angles = st.one_of(st.integers(-16, 32).map(lambda n: n * 45.0), st.floats(-800, 800))
pairs_of_lengths = st.tuples(lengths, lengths).map(sorted)
pairs_of_numbers = st.tuples(numbers, numbers).map(sorted)

points = st.builds(Point, y=numbers, x=numbers)
disks = st.builds(Disk, cy=numbers, cx=numbers, r=lengths)
rings = st.builds(lambda cy, cx, r: Ring(cy=cy, cx=cx, r_in=r[0], r_out=r[1]), numbers, numbers, pairs_of_lengths)
sectors = st.builds(
    lambda cy, cx, r, a, b: Sector(cy=cy, cx=cx, r_in=r[0], r_out=r[1], deg0=a, deg1=b),
    numbers, numbers, pairs_of_lengths, angles, angles,
)  # fmt: skip
rectangles = st.builds(lambda y, x: Rectangle(y0=y[0], x0=x[0], y1=y[1], x1=x[1]), pairs_of_numbers, pairs_of_numbers)
ellipses = st.builds(Ellipse, cy=numbers, cx=numbers, ry=lengths.filter(bool), rx=lengths.filter(bool), deg=angles)
polygons = st.builds(Polygon, points=st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9).map(tuple))
bits = arrays(np.bool_, SIZE)
weights = arrays(np.float64, SIZE, elements=st.sampled_from([0.0, 0.0, 1.0, 0.5, -2.0, 3e-200]))
plain_masks = bits.map(PixelMask.from_array)
weighted_masks = weights.map(PixelMask.from_array)
drawn = st.one_of(points, disks, rings, sectors, rectangles, ellipses, polygons)
leaves = st.one_of(drawn, plain_masks, weighted_masks)
operators = st.sampled_from(["+", "-", "&"])


def joined(shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    terms = st.builds(Term, op=operators, shape=shapes)
    return st.lists(terms, min_size=1, max_size=4).map(lambda terms: Combination(terms=tuple(terms)))


shapes = st.recursive(leaves, joined, max_leaves=6)
