"""Finding a name by some of its letters, in order: ``expo`` and ``ep`` find ``Export picture``."""

from __future__ import annotations

FIRST_OF_WORD = 8
NEXT_IN_ROW = 8
ANY = 1


def score(query: str, text: str) -> int | None:
    """How well the letters of `query` are found in `text`, in order; None where they are not. Higher is better.

    Letters at the start of words and in a row count more, and a shorter text wins over a longer one.
    """
    letters = [letter for letter in query.lower() if not letter.isspace()]
    if not letters:
        return 0
    best = _best(letters, text.lower())
    return None if best is None else 16 * best - min(len(text), 15)


def _best(letters: list[str], text: str) -> int | None:
    """Dynamic programming over (letters found, place): texts are short, so no pruning."""
    previous: dict[int, int] = {-1: 0}
    for letter in letters:
        reached: dict[int, int] = {}
        for place, character in enumerate(text):
            if character == letter:
                before = [
                    value + (NEXT_IN_ROW if last == place - 1 and last >= 0 else 0)
                    for last, value in previous.items()
                    if last < place
                ]
                if before:
                    reached[place] = max(before) + (FIRST_OF_WORD if _starts_word(text, place) else ANY)
        previous = reached
    return max(previous.values(), default=None)


def _starts_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()
