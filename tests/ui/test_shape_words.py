"""Shapes in a few words."""

from __future__ import annotations

import numpy as np
import pytest

from ltdesk.geometry import Disk, Ellipse, PixelMask, Point, Polygon, Rectangle, Ring, Sector
from ltdesk.ui.shapes.shape_words import shape_words, shorter_and_shorter

DISK = Disk(cy=47.619, cx=-3, r=5)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (DISK, "disk 47.6, −3  r 5"),
        (Ring(cy=1, cx=2, r_in=0, r_out=10.25), "ring 1, 2  r 0–10.2"),
        (Sector(cy=1, cx=2, r_in=3, r_out=4, deg0=-30, deg1=60), "sector 1, 2  r 3–4  −30–60°"),
        (Rectangle(y0=0, x0=1, y1=2, x1=3.5), "rect 0, 1 to 2, 3.5"),
        (Ellipse(cy=1, cx=2, ry=3, rx=4, deg=45), "ellipse 1, 2  r 3 × 4  45°"),
        (Polygon(points=((0, 0), (1, 0), (0, 1))), "polygon of 3 corners"),
        (Point(y=1, x=2), "point 1, 2"),
        (PixelMask.from_array(np.eye(3)), "mask 3 × 3"),
        (DISK - Point(y=1, x=2) + DISK, "disk − point + disk"),
        (DISK & (DISK + Point(y=1, x=2)), "disk & (disk + point)"),
    ],
)
def test_words(shape, words: str) -> None:
    assert shape_words(shape) == words


@pytest.mark.parametrize(
    ("shape", "forms"),
    [
        (Ring(cy=47.6, cx=7, r_in=13.4, r_out=32), ("ring 47.6, 7  r 13.4–32", "ring 48, 7  r 13–32", "ring r 13–32")),
        (Rectangle(y0=-20, x0=1.5, y1=10, x1=3.5), ("rect −20, 1.5 to 10, 3.5", "rect −20, 2 to 10, 4", "rect 30 × 2")),
        (Sector(cy=1, cx=2, r_in=3, r_out=4, deg0=-30, deg1=60), ("sector 1, 2  r 3–4  −30–60°", "sector r 3–4")),
        (
            Ellipse(cy=1, cx=2, ry=3, rx=4, deg=45),
            ("ellipse 1, 2  r 3 × 4  45°", "ellipse r 3 × 4  45°", "ellipse 3 × 4"),
        ),
        (Polygon(points=((0, 0), (1, 0), (0, 1))), ("polygon of 3 corners", "3 corners")),
        (DISK - DISK, ("disk − disk",)),
    ],
)
def test_in_less_room_fewer_words(shape, forms: tuple[str, ...]) -> None:
    shorter = shorter_and_shorter(shape)
    assert [words for words in dict.fromkeys(shorter) if words in forms] == list(forms)
    assert (shorter[0], shorter[-1]) == (forms[0], forms[-1])
    assert list(shorter) == sorted(shorter, key=len, reverse=True)
