"""Which routing keys a topic binding takes: `*` is exactly one word, `#` any number of words, none included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

ONE_WORD = "*"
ANY_WORDS = "#"


def matches(pattern: str, key: str) -> bool:
    """Whether a message with `key` goes through a binding with `pattern`.

    Takes time in proportion to the two lengths, however many `#` there are.
    """
    steps = words(pattern)
    places = _past_wildcards(steps, [0])
    for word in words(key):
        places = _past_wildcards(steps, _moves(steps, places, word))
    return len(steps) in places


def words(key: str) -> list[str]:
    """The words of a key or a pattern; the empty one has none."""
    return key.split(".") if key else []


def _moves(steps: Sequence[str], places: Iterable[int], word: str) -> Iterator[int]:
    """Where in the pattern one can stand after `word`."""
    for place in places:
        if place == len(steps):
            continue
        if steps[place] == ANY_WORDS:
            yield place
        elif steps[place] in (ONE_WORD, word):
            yield place + 1


def _past_wildcards(steps: Sequence[str], places: Iterable[int]) -> set[int]:
    """The places, and those behind each `#` that may stand for no word."""
    reached = set()
    for start in places:
        place = start
        reached.add(place)
        while place < len(steps) and steps[place] == ANY_WORDS:
            place += 1
            reached.add(place)
    return reached
