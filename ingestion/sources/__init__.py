"""Readers of the source formats: each gives records of the Segment Spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingestion.records import DeadLetter, decode_text


def converter(source_format: str, reporting_currency: str) -> Callable[[str], dict[str, Any]] | None:
    """From a line of an archive to a record; None for Segment's own format, which needs no conversion."""
    if source_format == "snowplow":
        from ingestion.sources import snowplow

        def convert(line: str) -> dict[str, Any]:
            fields = snowplow.split(line)
            if len(line.split("\t")) != len(snowplow.COLUMNS):
                raise DeadLetter("malformed_json")
            return snowplow.to_segment(fields, reporting_currency=reporting_currency)

        return convert
    if source_format == "ga4":
        from ingestion.sources import ga4

        return lambda line: ga4.to_segment(decode_text(line), reporting_currency=reporting_currency)
    return None


def unread_names(source_format: str, line: str) -> set[str]:
    """What a line of a format other than Segment's has that no reader reads; nothing of one that cannot be read."""
    try:
        if source_format == "snowplow":
            from ingestion.sources import snowplow, snowplow_entities

            return snowplow_entities.unread_schemas(snowplow.split(line))
        from ingestion.sources import ga4

        return ga4.unread_names(decode_text(line))
    except DeadLetter:
        return set()
