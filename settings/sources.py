"""How other people's tables are read (``sources:`` and ``fx:`` of ``romi.yaml``)."""

from __future__ import annotations

import codecs
from typing import Literal

from pydantic import Field, field_validator

from settings.errors import UnknownValueError
from settings.section import Section

Status = Literal["completed", "refunded", "partially_refunded", "cancelled"]
# The columns of a plain file, in the order in which it is documented.
COLUMNS = {
    "spend": (
        "date", "campaign_id", "campaign_name", "impressions", "clicks", "spend", "cost_micros", "currency", "channel",
        "account", "date_until",
    ),
    "ledger": (
        "order_id", "ordered_at", "status", "revenue", "refunded", "cogs", "currency", "updated_at", "line_item_id",
        "total", "refunded_total",
    ),
}  # fmt: skip


class Source(Section):
    """One folder of files: ``spend/<platform>`` or ``ledger``."""

    preset: str | None = None  # without it, the header tells
    columns: dict[str, str] = {}  # ours: theirs
    decimal: Literal[",", "."] | None = None
    date_format: str | None = None  # as in strptime
    encoding: str | None = None
    currency: str | None = None  # where the file has none
    status: dict[str, Status] = {}  # their words: ours
    skip_rows: int = Field(0, ge=0)  # lines above the header
    sheet: str | None = None  # of a workbook

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return name and codecs.lookup(name).name
        except LookupError as error:
            raise ValueError(f"{name!r} is not an encoding, such as cp1252 or utf-16") from error

    @field_validator("currency")
    @classmethod
    def _upper(cls, code: str | None) -> str | None:
        return code and code.strip().upper()


class Fx(Section):
    max_age_days: int = Field(7, ge=1)  # how long a rate stands after its day


def check_sources(sources: dict[str, Source]) -> None:
    """Hold the names of sources and of their columns to the known ones.

    Raises:
        ValueError: one is unknown; the message lists the known ones.
    """
    for name, source in sources.items():
        kind, _, platform = name.partition("/")
        if kind not in COLUMNS or (kind == "spend") != bool(platform) or "/" in platform:
            raise ValueError(f"sources: unknown source {name!r}; known: ledger, spend/<platform>")
        for column in source.columns:
            if column not in COLUMNS[kind]:
                raise ValueError(
                    str(UnknownValueError(f"column of sources.{name}.columns:", column, list(COLUMNS[kind])))
                )
