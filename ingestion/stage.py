"""Masked rows on their way to the commit: files that hold no person, each with rows of several archives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import polars as pl

from ingestion import contract, fields
from ingestion.archives import BATCH_ROWS, Batch
from ingestion.boundary import Policy, mask
from ingestion.commit import COLUMNS, OFFSET_BITS, Parsed
from ingestion.landing import Landed

_NUMBER = pl.col("record_offset").floordiv(1 << OFFSET_BITS)


@dataclass
class Stage:
    """Gathers plain batches in memory; masks, checks and writes them when there are enough, or at the end."""

    folder: Path
    policy: Policy
    _open: list[Parsed] = field(default_factory=list)
    _rows: list[pl.DataFrame] = field(default_factory=list)

    def begin(self, landed: Landed, sha256: str) -> Parsed:
        """A new attempt to read an archive; one that is given up needs nothing more."""
        parsed = Parsed(landed, sha256, number=len(self._open))
        self._open.append(parsed)
        return parsed

    def add(self, parsed: Parsed, batch: Batch) -> None:
        """Take a batch of the archive; memory holds about two batches at most."""
        if parsed.problem:
            return
        parsed.records += len(batch.rows) + len(batch.dead)
        parsed.dead += batch.dead
        parsed.fields += fields.count(batch.shapes)
        parsed.fields += Counter((dead.field, dead.reason) for dead in batch.dead if dead.field)
        self._rows.append(batch.rows.with_columns(pl.col("record_offset") + (parsed.number << OFFSET_BITS)))
        if sum(map(len, self._rows)) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Mask what was gathered and write it to a file, or note whose rows broke the contract."""
        if not self._rows:
            return
        masked = mask(pl.concat(self._rows), self.policy).with_columns(_NUMBER.alias("number"))
        self._rows = []
        is_kept = pl.col("fate").is_in(["loaded", "anonymised"])
        for number, fate, records in masked.filter(~is_kept).group_by("number", "fate").len().iter_rows():
            self._open[number].count(fate, records)
        kept = masked.filter(is_kept)
        numbers = kept["number"].unique().to_list()
        try:
            contract.hold(contract.events(self.policy.conversions), kept)
        except contract.ContractError:
            self._note_breaches(kept)
        if numbers:
            path = self.folder / f"{uuid4().hex}.parquet"
            kept.select(COLUMNS).write_parquet(path, compression="lz4", statistics=False)
            for number in numbers:
                self._open[number].parts.append(path)

    def _note_breaches(self, kept: pl.DataFrame) -> None:
        for (number,), rows in kept.group_by("number"):
            try:
                contract.hold(contract.events(self.policy.conversions), rows)
            except contract.ContractError as error:
                self._open[int(number)].give_up(str(error))
