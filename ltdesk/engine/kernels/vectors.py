"""What loops that are written out in LLVM's vectors share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils

WORD, NUMBER = ir.IntType(32), ir.IntType(64)


def widely(builder: Any) -> None:
    """Let the function that is being written use vectors of 512 bits where there are such (`wide`)."""
    # llvmlite's own `add` knows few attributes; the text goes to LLVM as it is
    set.add(builder.function.attributes, '"prefer-vector-width"="512"')


def place_in(context: Any, builder: Any, signature: Any, arguments: Any, array: int, at: Any) -> Any:
    """Where element `at` of the array lies that is argument `array`."""
    data = context.make_array(signature.args[array])(context, builder, arguments[array]).data
    return builder.gep(data, [at])


def further(builder: Any, place: Any, by: Any) -> Any:
    """So many elements on."""
    return builder.gep(place, [NUMBER(by) if isinstance(by, int) else by])


def load(builder: Any, place: Any, kind: Any, number: int = 0) -> Any:
    """The vector of this kind from a place on, or the one that lies so many vectors further."""
    first = further(builder, place, number * kind.count)
    return builder.load(builder.bitcast(first, kind.as_pointer()), align=_size(kind.element))


def store(builder: Any, vector: Any, place: Any) -> None:
    builder.store(vector, builder.bitcast(place, vector.type.as_pointer()), align=_size(vector.type.element))


def call(builder: Any, name: str, arguments: Sequence[Any]) -> Any:
    """One of LLVM's own functions that give what they take, such as ``llvm.umax``, by its name without the type."""
    kind = arguments[0].type
    element = {"float": "f32", "double": "f64"}.get(str(kind.element), str(kind.element))
    function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, ir.FunctionType(kind, [kind] * len(arguments)), f"{name}.v{kind.count}{element}"
    )
    return builder.call(function, arguments)


def ask_for(builder: Any, place: Any) -> None:
    """Ask for the line of memory at `place`, as in `prefetch`."""
    pointer = builder.bitcast(place, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, WORD, WORD, WORD])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
    for_reading, second_level, data_cache = WORD(0), WORD(2), WORD(1)
    builder.call(function, [pointer, for_reading, second_level, data_cache])


def _size(element: Any) -> int:
    """Bytes of a number: an array's elements lie at multiples of it, and its vectors need no more."""
    return {"float": 4, "double": 8}.get(str(element)) or int(element.width) // 8
