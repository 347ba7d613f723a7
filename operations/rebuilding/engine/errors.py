"""What dbt could not do, as one line: which model, which line of which file, and why.

What a compiler says quotes the project and no data, so it is told in full. What the data themselves bring about is told
by its kind alone, since a database quotes the value that it could not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from settings import PermanentError

# DuckDB's kinds of errors that come before any row is looked at, or speak of the machine.
_WITHOUT_DATA = ("Parser", "Binder", "Catalog", "Not implemented", "Out of Memory", "IO")
_KIND = re.compile(r"\b((?:[A-Z][\w-]*|implemented|of|Memory)(?: [A-Za-z]+)* (?:Error|Exception)): ")
# Spark's, with its state of SQL: 42 is what is wrong with a statement, before any row is looked at.
_SPARK = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")
_SPARK_STATEMENT = re.compile(r"SQLSTATE: 42")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\[[0-9]+m")
_PLACE = re.compile(r"\(?\b((?:models|macros|seeds|tests)/[\w/.-]+\.(?:sql|py|yml|csv))\)?")
_LONGEST = 400


class ProjectError(PermanentError):
    """The dbt project cannot be parsed: nothing can be built."""

    def __init__(self, project: Path, cause: Cause) -> None:
        self.project, self.cause = project, cause
        super().__init__(f"{project.name} cannot be parsed: {cause}")


class ModelError(PermanentError):
    """Models or tests of dbt failed, named in `failed`, in `region`. It quotes no value of the data."""

    def __init__(self, region: str, failed: list[str], causes: list[Cause]) -> None:
        self.region, self.failed, self.causes = region, failed, causes
        others = f" (and {len(failed) - 1} more: {', '.join(failed[1:6])})" if len(failed) > 1 else ""
        cause = f": {causes[0]}" if causes else ""
        super().__init__(f"{region}: dbt could not build {failed[0] if failed else 'the project'}{others}{cause}")


@dataclass(frozen=True)
class Cause:
    """Why something failed: the file of the project and its line, where they are known."""

    text: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text}" if place else self.text


def cause_of(message: str, project: Path, suspects: list[str] | None = None) -> Cause:
    """What dbt says of one failure.

    Args:
        message: dbt's text, of several lines.
        suspects: files of the project, relative to it, of which the failed SQL was made, the likeliest first; if not
            given, the file that the text names.
    """
    message = _ESCAPES.sub("", message)
    named = _PLACE.search(message)
    files = suspects or ([named[1]] if named else [])
    if "Python model failed" in message:
        return _of_python(message, files)
    if spark := _SPARK.search(message):
        if not _SPARK_STATEMENT.search(message):
            told = f"{spark[1]} (its text is left out, as it may quote a value of the data)"
            return Cause(told, next(iter(files), None))
        text = message[spark.start() :].partition(" SQLSTATE: ")[0]
        return Cause(_shortened(text), next(iter(files), None))
    kind = _KIND.search(_after_dbt(message))
    if kind and not kind[1].startswith(_WITHOUT_DATA):
        told = f"{kind[1]} (its text is left out, as it may quote a value of the data)"
        return Cause(told, next(iter(files), None))
    file, line = _line_of(message, project, files)
    return Cause(_shortened(message), file, line)


def _after_dbt(message: str) -> str:
    """Without dbt's own first line, such as `Runtime Error in model x (models/x.sql)`."""
    first, _, rest = message.strip().partition("\n")
    is_dbts = re.match(r"(Runtime|Compilation|Database|Parsing) Error\b(?!:)", first)
    return rest if is_dbts else message


def _line_of(message: str, project: Path, files: list[str]) -> tuple[str | None, int | None]:
    """Where the text points to: a line of a template, a line of SQL that is looked up, or a name that is not found."""
    if files and (said := re.search(r"^\s*line (\d+)\s*$", message, re.M)):
        return files[0], int(said[1])
    needles = []
    if quoted := re.search(r"^\s*LINE \d+: ?(.*)$", message, re.M):
        needles.append(quoted[1].strip().strip(".").strip())
    if unknown := re.search(r"depends on a (?:node|source) named '([\w.]+)'", message):
        needles.append(unknown[1].rpartition(".")[2])
    if undefined := re.search(r"'(\w+)' is undefined", message):
        needles.append(undefined[1])
    if missing := re.search(r'"(\w+)" not found', message):
        needles.append(missing[1])
    for needle in filter(None, needles):
        for file in files:
            lines = _text(project / file).splitlines()
            if hit := next((number for number, text in enumerate(lines, 1) if needle in text), None):
                return file, hit
    return next(iter(files), None), None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _of_python(message: str, files: list[str]) -> Cause:
    """Of a Python model: the exception's class, since its text may quote a row."""
    found = re.findall(r"^(?:[\w.]+\.)?(\w+)(?::|$)", message.strip(), re.M)
    return Cause(f"{found[-1] if found else 'an error'} in Python (its text is left out, as it may quote data)",
                 next(iter(files), None))  # fmt: skip


def _shortened(message: str) -> str:
    lines = [line.strip() for line in _after_dbt(message).splitlines()]
    told = [line for line in lines if line and not line.startswith(("LINE ", "compiled code at", "> in macro", "^"))]
    text = " ".join(" ".join(told).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
