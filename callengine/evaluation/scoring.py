"""Word errors: how many words of what was said were missed, taken for others, or invented. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jiwer


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts over some text: `words` were said, the rest are errors."""

    words: int = 0
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0

    @property
    def rate(self) -> float | None:
        """Errors by words said (it may be over 1); None where nothing was said."""
        return self.all / self.words if self.words else None

    @property
    def all(self) -> int:
        """Errors of every kind."""
        return self.substituted + self.deleted + self.inserted


def compare(said: Sequence[str], heard: Sequence[str]) -> Errors:
    """The fewest errors that turn `said` into `heard`, both normalised words. Of silence every word is invented."""
    if not said:
        return Errors(inserted=len(heard))
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    return Errors(len(said), found.substitutions, found.deletions, found.insertions)


def total(errors: Iterable[Errors]) -> Errors:
    """The counts of all samples: a long one weighs more than a short one."""
    rows = list(errors)
    return Errors(
        sum(row.words for row in rows),
        sum(row.substituted for row in rows),
        sum(row.deleted for row in rows),
        sum(row.inserted for row in rows),
    )
