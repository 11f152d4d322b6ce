"""Memory for pieces is used again as soon as nothing shows it, and not before."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.engine.formats.blocks import Blocks

SHAPE, DTYPE = (4, 16, 16), np.dtype("<u2")


def place(array: NDArray[np.uint16]) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.fixture
def blocks() -> Blocks:
    return Blocks()


def test_one_after_the_other_take_the_same_memory(blocks: Blocks) -> None:
    places = set[int]()
    for _ in range(5):
        places.add(place(blocks.empty(SHAPE, DTYPE)))
    assert len(places) == 1


def test_what_is_shown_is_left_alone_and_two_take_turns(blocks: Blocks) -> None:
    shown = blocks.empty(SHAPE, DTYPE)
    shown[:] = 7
    places = set[int]()
    for number in range(5):
        following = blocks.empty(SHAPE, DTYPE)
        following[:] = number
        places.add(place(following))
        del following
        assert (shown == 7).all()
    assert len(places) == 1


def test_a_part_of_it_keeps_it(blocks: Blocks) -> None:
    part = blocks.empty(SHAPE, DTYPE)[2:3]
    part[:] = 3
    for _ in range(4):
        blocks.empty(SHAPE, DTYPE)[:] = 0
    assert (part == 3).all()


def test_more_is_given_where_more_is_wanted(blocks: Blocks) -> None:
    blocks.empty(SHAPE, DTYPE)
    larger = blocks.empty((2 * SHAPE[0], *SHAPE[1:]), DTYPE)
    larger[:] = 1
    blocks.empty(SHAPE, DTYPE)[:] = 0
    assert larger.shape == (8, 16, 16)
    assert (larger == 1).all()
