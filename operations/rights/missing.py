"""What an erasure could not look into, in words for people that quote no value of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal["landing", "archive", "region", "keys", "letters", "who"]
LANDING: Place = "landing"
ARCHIVE: Place = "archive"
REGION: Place = "region"
KEYS: Place = "keys"
LETTERS: Place = "letters"
WHO: Place = "who"  # nothing could be kept of who is meant: the same person has to be given again


@dataclass(frozen=True)
class Missing:
    """A place that could not be looked into, and why."""

    place: Place
    name: str
    problem: str

    def __str__(self) -> str:
        return self.problem

    @property
    def key(self) -> tuple[str, str]:
        """Tells one place from another, whatever is wrong with it."""
        return self.place, self.name
