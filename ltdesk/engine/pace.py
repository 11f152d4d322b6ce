"""How many partitions a thread takes at once, or several for each: as many as it does while nobody waits for news."""

from __future__ import annotations

TOGETHER = 64
"""Partitions for each thread that are taken at once at most (see `run_together`)."""
QUICK = 0.033
"""Seconds that all of them take at most: progress is as fine as a screen shows it, and slow ones go one by one."""
SHORTEST = 0.002
"""Seconds that they take at least: Python around them, cold each time, takes half a millisecond."""


class Pace:
    """Guessed from those that were done last; the first goes alone.

    seconds : that one takes a thread
    is_known : whether one has been done
    """

    def __init__(self) -> None:
        self.seconds = QUICK
        self.is_known = False

    @property
    def most(self) -> int:
        """Partitions to take at once."""
        return max(1, min(TOGETHER, int(QUICK / self.seconds)))

    @property
    def least(self) -> int:
        """Fewer are not worth it."""
        return min(self.most, max(1, round(SHORTEST / self.seconds)))

    def took(self, seconds: float, partitions: float) -> None:
        """So many took so long; of none there is nothing to learn."""
        if partitions > 0:
            self.seconds, self.is_known = max(seconds, 1e-6) / partitions, True
