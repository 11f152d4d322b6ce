"""Several kernels on one tile in one compiled call, a block of frames at a time.

A block stays in the second-level cache while one kernel after the other takes it. Were Python between them, its own
code and data would have left that cache each time, and two threads would wait for its lock: a third of the time of
sum + com + ring. So a kernel's loop is compiled once more as a *step*, a function of fixed form that is called by its
address, and what it takes beside the frames is laid out as words of 64 bits: numbers, and places of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import cfunc, from_dtype, njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import carray  # type: ignore[attr-defined]
from numpy.typing import NDArray

from ltdesk.engine.kernels import vectors
from ltdesk.engine.kernels.frames import Frames

WORD = np.dtype(np.int64)
_FIRST = np.zeros(1, WORD)
MOST_FRAMES = 32768
"""A step is given so many at once at most: their 16-bit pixels sum to less than 2**31."""


_KEPT: list[Any] = []
"""Functions that are called by their address, of which nothing else knows that they are still needed."""


class Words(NamedTuple):
    """What a step takes, laid out once where it stays the same from tile to tile: an array's place costs 2 us to find.

    places : which of the values are places of arrays
    holds : these arrays
    """

    values: list[int]
    places: tuple[int, ...]
    holds: tuple[NDArray[Any], ...]


class Step(NamedTuple):
    """A kernel's loop, by the address of the compiled function, with all that it takes beside the frames."""

    address: int
    words: Words


def compiled(pixel: np.dtype[Any], step: Callable[..., None]) -> int:
    """The address of ``step(pixels, stride, n, first, cached, words)`` for pixels of a dtype, in native byte order.

    pixels : pointer to the first of n frames, which lie `stride` pixels apart
    first : how many frames of the tile came before
    cached : whether another step has just read these frames
    words : pointer to the words of its `Step`
    """
    pointer: Any = types.CPointer
    number: Any = types.int64
    signature = types.void(pointer(from_dtype(pixel)), number, number, number, number, pointer(number))
    function: Any = cfunc(signature, cache=True)(step)
    _KEPT.append(function)
    return int(function.address)


def laid_out(*parts: int | NDArray[Any] | Words) -> Words:
    """The words of these numbers, and of arrays, which lie in one piece, of their place and shape."""
    values: list[int] = []
    places: tuple[int, ...] = ()
    holds: tuple[NDArray[Any], ...] = ()
    for part in parts:
        if isinstance(part, np.ndarray):
            places += (len(values),)
            values += (place_of(part), *part.shape)
            holds += (part,)
        elif isinstance(part, Words):
            places += tuple(len(values) + place for place in part.places)
            values += part.values
            holds += part.holds
        else:
            values.append(part)
    return Words(values, places, holds)


def with_words(address: int, *parts: int | NDArray[Any] | Words) -> Step:
    """A step whose words are these."""
    return Step(address, laid_out(*parts))


class Made(NamedTuple):
    """Frames that are not taken as they are: a step makes others of them, a block at a time, in the cache.

    step : writes n frames to `frames`
    frames : space for a block
    """

    step: Step
    frames: Frames


class Taking(NamedTuple):
    """Frames and the steps that take them, laid out for `take_all`.

    arrays : those that steps were given, and which of the values are their places
    holds : what the values are the places of
    """

    values: list[int]
    arrays: list[tuple[int, NDArray[Any]]]
    holds: tuple[Any, ...]


PIXELS = 1
"""The value that is the place of the frames."""


def take(frames: Frames, steps: Sequence[Step], block: int, made: Made | None = None) -> None:
    """Give every step all frames in turn, `block` frames at a time or `MOST_FRAMES`, or what is made of them."""
    one = taking(frames, steps, block, made)
    take_turns(Takings(np.array(one.values, WORD), _FIRST, np.empty((1, 0, 2), WORD), one), *np.zeros((2, 1), WORD))


def taking(frames: Frames, steps: Sequence[Step], block: int, made: Made | None = None) -> Taking:
    """`take`, to be done with others in one call."""
    size, space, apart = min(block, MOST_FRAMES), 0, 0
    if made is not None:
        steps = [made.step, *steps]
        size, space, apart = made.frames.n, place_of(made.frames.flat), made.frames.stride
    values = [0, place_of(frames.flat), frames.flat.itemsize, frames.stride, frames.n, size, int(frames.cached), space]
    values += (apart, len(steps))
    arrays: list[tuple[int, NDArray[Any]]] = []
    for step in steps:
        values += (step.address, len(step.words.values))
        arrays += ((len(values) + place, held) for place, held in zip(step.words.places, step.words.holds, strict=True))
        values += step.words.values
    values[0] = len(values)
    return Taking(values, arrays, (frames, steps, made))


class Takings(NamedTuple):
    """Some of them for one compiled call, or for one of each of several threads.

    words, starts : their values one after the other, and where those of each begin
    apart : (n, k, 2), of each those words that are places in buffers of which threads have parts of their own, and how
        many bytes these parts are apart
    holds : what has to live until they are done
    """

    words: NDArray[np.int64]
    starts: NDArray[np.int64]
    apart: NDArray[np.int64]
    holds: Any


def take_turns(takings: Takings, begun: NDArray[np.int64], stop: NDArray[np.int64], slot: int = 0) -> None:
    """Do takings in one compiled call, the next that no other thread has begun until all are; none once ``stop[0]`` is
    not 0.

    begun : (1), how many have been, by all threads
    slot : the number of this thread's own parts of buffers
    """
    _take_turns(takings.words, takings.starts, takings.apart, begun, stop, slot)


def place_of(array: NDArray[Any]) -> int:
    """Where an array begins, as an address."""
    return int(array.__array_interface__["data"][0])


@njit(nogil=True, cache=True)
def frames_at(pixels, n, stride, size):  # type: ignore[no-untyped-def]
    """In a step: n frames, of which `size` pixels are looked at, as kernels take them."""
    return carray(pixels, ((n - 1) * stride + size,))


@njit(nogil=True, cache=True)
def row_at(words, i, dtype):  # type: ignore[no-untyped-def]
    """In a step: the array ``(size)`` that is laid out from word i on."""
    return carray(_pointer(words[i]), (words[i + 1],), dtype)


@njit(nogil=True, cache=True)
def table_at(words, i, dtype):  # type: ignore[no-untyped-def]
    """In a step: the array ``(rows, columns)`` that is laid out from word i on."""
    return carray(_pointer(words[i]), (words[i + 1], words[i + 2]), dtype)


@njit(nogil=True, cache=True)
def _take_turns(words, starts, apart, begun, stop, slot):  # type: ignore[no-untyped-def]
    while not stop[0]:
        i = _next(begun)
        if i >= starts.size:
            return
        for k in range(apart.shape[1]):
            words[apart[i, k, 0]] += slot * apart[i, k, 1]
        _take_one(words[starts[i] : starts[i] + words[starts[i]]])


@njit(nogil=True, cache=True)
def _take_one(words):  # type: ignore[no-untyped-def]
    pixels, itemsize, stride, n, block = words[1], words[2], words[3], words[4], words[5]
    cached, space, space_stride, steps = words[6], words[7], words[8], words[9]
    for first in range(0, n, block):
        there, apart, seen, at = pixels + first * stride * itemsize, stride, cached, 10
        for _ in range(steps):
            _call(words[at], there, apart, min(block, n - first), first, seen, words.ctypes.data + 8 * (at + 2))
            at, seen = at + 2 + words[at + 1], 1
            if space:
                there, apart = space, space_stride


def _to_pointer(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


def _to_call(
    typing_context: Any, address: Any, pixels: Any, stride: Any, n: Any, first: Any, cached: Any, words: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number, number, pointer])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        at, state = (builder.inttoptr(arguments[k], pointer) for k in (1, 6))
        builder.call(function, [at, *arguments[2:6], state])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


def _to_count(typing_context: Any, count: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = vectors.place_in(context, builder, signature, arguments, 0, vectors.NUMBER(0))
        return builder.atomic_rmw("add", place, vectors.NUMBER(1), "seq_cst")

    return types.int64(count), generate


_next: Any = intrinsic(_to_count)
"""``(count)``: what ``count[0]`` was before it became one more; no other thread gets the same."""
_pointer: Any = intrinsic(_to_pointer)
_call: Any = intrinsic(_to_call)
