"""Pandera contracts: what a batch must be after parsing and masking, whatever was read to make it.

Pandera takes long to import, so that is left to a load that has a batch.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from ingestion.boundary import GEOGRAPHY_CHARACTERS
from ingestion.money import MINOR_UNITS
from ingestion.records import COMMERCE_EVENTS, EXPERIMENT_EVENT, TYPES
from settings import PermanentError
from settings.without_pandas import let_pandas_in

if TYPE_CHECKING:
    import pandera.polars as pa


def _pandera() -> Any:
    let_pandas_in()  # which it imports, though it is given frames of Polars
    import pandera.polars

    return pandera.polars


_HEX = r"^[0-9a-f]{32}$"


def _currency() -> pa.Check:
    pa = _pandera()
    return pa.Check.isin(sorted(MINOR_UNITS))


@lru_cache(maxsize=8)
def events(conversions: frozenset[str] = frozenset()) -> pa.DataFrameSchema:
    """What masked events are; of a track no name stands but those that mean something, configured ones among them."""
    pa = _pandera()
    names = [*COMMERCE_EVENTS, EXPERIMENT_EVENT, *sorted(conversions)]
    return pa.DataFrameSchema(
        {
            "record_offset": pa.Column(pl.Int64, pa.Check.ge(0), unique=True),
            "message_id": pa.Column(pl.String, pa.Check.str_matches(_HEX)),
            "message_order": pa.Column(pl.String, pa.Check.str_matches(_HEX)),
            "type": pa.Column(pl.String, pa.Check.isin([*TYPES, "other"])),
            "event": pa.Column(pl.String, pa.Check.isin(names), nullable=True),
            "occurred_at": pa.Column(pl.Datetime("us")),
            "anonymous_id": pa.Column(pl.String, pa.Check.str_matches(_HEX), nullable=True),
            "user_id": pa.Column(pl.String, pa.Check.str_matches(_HEX), nullable=True),
            "page_host": pa.Column(pl.String, pa.Check.str_matches(r"^[a-z0-9.\-]+$"), nullable=True),
            "referrer_host": pa.Column(pl.String, pa.Check.str_matches(r"^[a-z0-9.\-]+$"), nullable=True),
            "experiment": pa.Column(pl.String, nullable=True),
            "variation": pa.Column(pl.String, nullable=True),
            "geography": pa.Column(pl.String, pa.Check.str_length(max_value=GEOGRAPHY_CHARACTERS), nullable=True),
            "currency": pa.Column(pl.String, _currency(), nullable=True),
            "revenue_minor": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "tax_minor": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "shipping_minor": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "total_minor": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "is_anonymised": pa.Column(pl.Boolean),
            "is_consent_stated": pa.Column(pl.Boolean),
        },
        name="masked events",
    )


@cache
def spend() -> pa.DataFrameSchema:
    """What a file of advertising cost is."""
    pa = _pandera()
    return pa.DataFrameSchema(
        {
            "line": pa.Column(pl.Int64, pa.Check.ge(1), unique=True),
            "campaign_id": pa.Column(pl.String, pa.Check.str_length(min_value=1)),
            "impressions": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "clicks": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "spend_minor": pa.Column(pl.Int64),
            "spend_rest": pa.Column(pl.Int64),
            "currency": pa.Column(pl.String, _currency()),
        },
        name="spend",
    )


@cache
def ledger() -> pa.DataFrameSchema:
    """What a file of the ledger is."""
    pa = _pandera()
    statuses = ["completed", "refunded", "partially_refunded", "cancelled"]
    return pa.DataFrameSchema(
        {
            "line": pa.Column(pl.Int64, pa.Check.ge(1), unique=True),
            "order_id": pa.Column(pl.String, pa.Check.str_length(min_value=1)),
            "status": pa.Column(pl.String, pa.Check.isin(statuses)),
            "revenue_minor": pa.Column(pl.Int64),  # negative: a credit note
            "refunded_minor": pa.Column(pl.Int64, pa.Check.ge(0)),
            "cogs_minor": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True),
            "currency": pa.Column(pl.String, _currency()),
            "posting": pa.Column(pl.String, pa.Check.isin(["payment", "return"]), nullable=True),
        },
        name="ledger",
    )


@cache
def rates() -> pa.DataFrameSchema:
    """What a file of reference rates is."""
    pa = _pandera()
    return pa.DataFrameSchema(
        {"currency": pa.Column(pl.String, _currency()), "rate_e8": pa.Column(pl.Int64, pa.Check.gt(0))},
        unique=["rate_on", "currency"],
        name="reference rates",
    )


class ContractError(PermanentError):
    """A parsed batch breaks its contract: an error of ours, so nothing of the file is loaded."""

    def __init__(self, contract: str, failures: dict[str, int]) -> None:
        self.contract, self.failures = contract, failures
        listed = ", ".join(f"{check} ({rows} rows)" for check, rows in failures.items())
        super().__init__(f"contract {contract!r} broken: {listed}")


def hold(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> None:
    """Check every row of an eager frame.

    Raises:
        ContractError: with the broken checks and how many rows broke them; it quotes no value.
    """
    from pandera.errors import SchemaErrors

    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.group_by("column", "check").len().sort("column", "check")
        failures = {f"{column}: {check}": rows for column, check, rows in cases.iter_rows()}
        raise ContractError(str(schema.name), failures) from None
