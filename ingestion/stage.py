"""Masked rows on their way to the commit: files that hold no person, each with rows of several archives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import polars as pl

from ingestion import contract, dead_letters
from ingestion.archives import Batch, Dead
from ingestion.boundary import Policy, mask, refusals
from ingestion.commit import COLUMNS, OFFSET_BITS, Parsed
from ingestion.dead_letters import SEALED
from ingestion.landing import Landed
from ingestion.notes import CUT, NO_ORDER
from ingestion.orders import is_lookalike
from privacy.keys import Key
from settings import TransientError

BATCH_ROWS = 100_000
LETTER_BYTES = 8 << 20  # of dead letters' payloads in memory, and in a file
_NUMBER = pl.col("record_offset").floordiv(1 << OFFSET_BITS)


@dataclass
class Stage:
    """Gathers plain batches in memory; masks, checks and writes them when there are enough, or at the end."""

    folder: Path
    policy: Policy
    seal_key: Key
    _open: list[Parsed] = field(default_factory=list)
    _rows: list[pl.DataFrame] = field(default_factory=list)
    _letters: list[tuple[Any, ...]] = field(default_factory=list)
    _letter_bytes: int = 0

    def begin(self, landed: Landed, sha256: str, reading: str = "") -> Parsed:
        """A new attempt to read an archive; one that is given up needs nothing more."""
        parsed = Parsed(landed, sha256, number=len(self._open), reading=reading)
        self._open.append(parsed)
        return parsed

    def add(self, parsed: Parsed, batch: Batch) -> None:
        """Take a batch of the archive; memory holds about two batches at most."""
        if parsed.problem:
            return
        parsed.records += len(batch.rows) + len(batch.dead)
        for dead in batch.dead:
            self._bury(parsed, dead)
        parsed.fields += batch.fields
        parsed.notes += batch.notes
        self._rows.append(batch.rows.with_columns(pl.col("record_offset") + (parsed.number << OFFSET_BITS)))
        if sum(map(len, self._rows)) >= BATCH_ROWS:
            self.flush()

    def _bury(self, parsed: Parsed, dead: Dead) -> None:
        parsed.reasons[dead.reason] += 1
        if dead.field:
            parsed.fields[dead.field, dead.reason] += 1
        self._letters.append(dead_letters.sealed(self.seal_key, parsed.landed, dead, parsed.number))
        self._letter_bytes += len(dead.payload)
        parsed.letter_bytes += len(dead.payload)
        if self._letter_bytes >= LETTER_BYTES or len(self._letters) >= BATCH_ROWS:
            self._flush_letters()

    def _flush_letters(self) -> None:
        if not self._letters:
            return
        path = self.folder / f"{uuid4().hex}.parquet"
        _write(pl.DataFrame(self._letters, schema=SEALED, orient="row"), path, "uncompressed")
        for number in {row[0] for row in self._letters}:
            self._open[number].letters.append(path)
        self._letters, self._letter_bytes = [], 0

    def flush(self) -> None:
        """Mask what was gathered and write it to files, or note whose rows broke the contract."""
        self._flush_letters()
        if not self._rows:
            return
        plain = pl.concat(self._rows).with_columns(_NUMBER.alias("number"))
        self._rows = []
        self._note_lookalikes(plain)
        masked = mask(plain, self.policy).with_columns(_NUMBER.alias("number"))
        for (number,), refused in refusals(plain, self.policy).group_by("number"):
            self._open[int(number)].refusals.append(refused)
        is_kept = pl.col("fate").is_in(["loaded", "anonymised"])
        for number, fate, records in masked.filter(~is_kept).group_by("number", "fate").len().iter_rows():
            self._open[number].count(fate, records)
        kept = masked.filter(is_kept)
        cut = kept.select("number", "cut").explode("cut", empty_as_null=True).drop_nulls()
        for number, name, records in cut.group_by("number", "cut").len().iter_rows():
            self._open[number].notes[name, CUT] += records
        numbers = kept["number"].unique().to_list()
        try:
            contract.hold(contract.events(self.policy.conversions), kept)
        except contract.ContractError:
            self._note_breaches(kept)
        if numbers:
            path = self.folder / f"{uuid4().hex}.parquet"
            _write(kept.select(COLUMNS), path, "lz4")
            for number in numbers:
                self._open[number].parts.append(path)

    def _note_lookalikes(self, plain: pl.DataFrame) -> None:
        """Count the tracks that are named as an order may be, and are none: otherwise their money is missed unseen."""
        names = plain["event"].drop_nulls().unique()
        found = [name for name in names if name not in self.policy.conversions and is_lookalike(name)]
        if found:
            of_name = plain.filter(pl.col("event").is_in(found)).group_by("number", "event").len()
            for number, name, records in of_name.iter_rows():
                self._open[number].notes[name, NO_ORDER] += records

    def _note_breaches(self, kept: pl.DataFrame) -> None:
        for (number,), rows in kept.group_by("number"):
            try:
                contract.hold(contract.events(self.policy.conversions), rows)
            except contract.ContractError as error:
                self._open[int(number)].give_up(str(error))


def _write(frame: pl.DataFrame, path: Path, compression: Literal["lz4", "uncompressed"]) -> None:
    """A full disk is no fault of an archive, whatever Polars calls it."""
    try:
        frame.write_parquet(path, compression=compression, statistics=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise TransientError(f"masked rows cannot be written to {path.parent}: {_said(error)}") from error


def _said(error: Exception) -> str:
    """What the machine says of it, without any value."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
