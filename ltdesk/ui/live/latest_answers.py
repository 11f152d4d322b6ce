"""The newest answer of each owner, so that a picture can stay while the next moment of a drag is computed."""

from __future__ import annotations

from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish


class LatestAnswers:
    """What to show for a wish: what is known for good, else the newest that its owner had."""

    def __init__(self, live: LiveJobs) -> None:
        self._live = live
        self._by_owner: dict[str, Answer] = {}

    def take(self, answer: Answer) -> bool:
        """Remember an answer, unless a later wish of its owner has one; False where there is nothing new to show.

        What is known for good may be just what is wanted, however long ago it was asked for: a preview of the same wish
        can be of a later moment than the job.
        """
        known = self._by_owner.get(answer.wish.owner)
        later = known is not None and known.generation > answer.generation and known.wish.key != answer.wish.key
        if not later:
            self._by_owner[answer.wish.owner] = answer
        return not later or self._live.answer(answer.wish) is not None

    def best(self, wish: Wish) -> Answer | None:
        """The best answer there is now; its wish may be an earlier one of the same owner."""
        known = self._live.answer(wish)
        if known is not None:
            return known
        return self._by_owner.get(wish.owner)

    def clear(self) -> None:
        """Another dataset: forget all."""
        self._by_owner.clear()
