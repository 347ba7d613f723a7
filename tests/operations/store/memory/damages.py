"""What may happen to a book of lines."""

from __future__ import annotations

from pathlib import Path


def lose(path: Path) -> None:
    path.unlink()


def shorten(path: Path) -> None:
    path.write_text(path.read_text().splitlines(keepends=True)[0])


def swap(path: Path) -> None:
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))


def hide(path: Path) -> None:
    path.unlink()
    path.mkdir()
