"""How long a scale bar is: the round length (1, 2 or 5 times a power of ten) that fits."""

from __future__ import annotations

import math


def bar_length(longest: float) -> float:
    """The largest of 1, 2, 5 x 10^n that is not above `longest` (> 0, in any unit)."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest * (1 + 1e-9))
