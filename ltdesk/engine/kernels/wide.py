"""Wide vectors where a loop gains by them.

LLVM keeps to vectors of 256 bits on Intel's processors even where they have 512, since the first ones slowed down for
it. Those of today don't. One thread, in the cache: 16 sets of weights 1.4 -> 2.4 GB/s, a mask on u8 16 -> 40, on f32
35 -> 45, squares 10.7 -> 13.5; from memory, two threads, centre of mass 1.33 -> 1.20 passes. Sums of frames lose by
it, so each loop asks for itself.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from ltdesk.engine.kernels.vectors import widely


def _wide(typing_context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        widely(builder)
        return context.get_dummy_value()

    return types.void(), generate


wide_vectors: Any = intrinsic(_wide)
"""Called in a compiled function: let it use vectors of 512 bits where there are such; else it changes nothing."""
