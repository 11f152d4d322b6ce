"""Asking for memory ahead of its use.

The processor's own prefetchers stop at page borders (4 KiB) and at what its window of instructions sees: a loop that
does some work on each pixel waits for memory and works by turns. Asked for 4 KiB ahead, u16 on one thread of a busy
machine: centre of mass 2.8 -> 4.0 GB/s, plain sums 5.1 -> 5.8.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

from ltdesk.engine.kernels import vectors

LINE = 64
"""Bytes of a cache line."""
AHEAD = 4096
"""Bytes from what is being used to what is asked for."""
FAR_AHEAD = 16384
"""The same for loops that work more on each pixel."""


@intrinsic
def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:
    """Ask for ``array[place]`` to be brought into the second-level cache. No address is wrong: none is ever read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors.ask_for(builder, vectors.place_in(context, builder, signature, arguments, 0, arguments[1]))
        return context.get_dummy_value()

    return types.void(array, place), generate


@njit(nogil=True, cache=True)
def ask_for(flat, place):  # type: ignore[no-untyped-def]
    """Ask for the line that holds a pixel."""
    _prefetch(flat, place)  # type: ignore[call-arg]


@njit(nogil=True, cache=True)
def ask_ahead(flat, start, stop, ahead=AHEAD):  # type: ignore[no-untyped-def]
    """Ask for what lies `ahead` bytes behind the pixels from `start` to `stop`."""
    pixels = ahead // flat.itemsize
    for place in range(start + pixels, stop + pixels, LINE // flat.itemsize):
        _prefetch(flat, place)  # type: ignore[call-arg]


@njit(nogil=True, cache=True)
def ask_in_parts(flat, start, stop, ahead, end, jump):  # type: ignore[no-untyped-def]
    """The same where only a part of each frame is read, which ends at `end`: what lies behind is `jump` pixels on."""
    first, last = start + ahead // flat.itemsize, stop + ahead // flat.itemsize
    for place in range(first, min(last, end), LINE // flat.itemsize):
        _prefetch(flat, place)  # type: ignore[call-arg]
    for place in range(max(first, end) + jump, last + jump, LINE // flat.itemsize):
        _prefetch(flat, place)  # type: ignore[call-arg]
