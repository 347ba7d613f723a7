"""What tells records apart once their ``messageId`` is a pseudonym."""

from __future__ import annotations

import hashlib

import polars as pl


def identities(messages: pl.Series, kept: pl.DataFrame, orders: pl.Series) -> pl.Series:
    """The pseudonyms of each ``messageId``; of a commerce track together with its event and order.

    Helpers of servers send several orders under one ``messageId``: each is a record of its own.

    Args:
        messages: n pseudonyms as 32 hexadecimal digits.
        kept: as many rows with ``type`` and ``event``.
        orders: as many order numbers as they are stored, null without one.
    """
    rows = pl.select(pl.arg_where((kept["type"] == "track") & orders.is_not_null())).to_series()
    if rows.is_empty():
        return messages
    told = zip(messages.gather(rows), kept["event"].gather(rows), orders.gather(rows), strict=True)
    return messages.clone().scatter(rows, pl.Series([commerce_identity(*one) for one in told], dtype=pl.String))


def commerce_identity(message: str, event: str, order_id: str) -> str:
    """Of what is stored, so that a migration can make it: SQL's ``md5(message || event || order_id)``."""
    return hashlib.md5(f"{message}{event}{order_id}".encode(), usedforsecurity=False).hexdigest()
