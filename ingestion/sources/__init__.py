"""Readers of the source formats: each gives records of the Segment Spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingestion.decoding import DeadLetter, decode_line, decode_record
from ingestion.reading import Reading

# Besides a track, what can be an order: Snowplow's page views carry some.
ORDER_TYPES = {"segment": ("track",), "snowplow": ("track", "page"), "ga4": ("track", "page")}


def converter(source_format: str, reading: Reading) -> Callable[[str], dict[str, Any]]:
    """From a line of an archive to a record, out of its envelopes. What it raises is a :class:`DeadLetter`."""
    if source_format == "snowplow":
        from ingestion.sources import snowplow

        def convert(line: str) -> dict[str, Any]:
            text = decode_line(line)
            fields = snowplow.split(text)
            if not fields and len(text.split("\t")) != len(snowplow.COLUMNS):
                raise DeadLetter("malformed_json")
            return snowplow.to_segment(fields, reading)

        return convert
    if source_format == "ga4":
        from ingestion.sources import ga4

        return lambda line: ga4.to_segment(decode_record(line, "event_name"), reading)
    return decode_record


def unread_names(source_format: str, line: str) -> set[str]:
    """What a line of a format other than Segment's has that no reader reads; nothing of one that cannot be read."""
    try:
        if source_format == "snowplow":
            from ingestion.sources import snowplow, snowplow_entities

            return snowplow_entities.unread_schemas(snowplow.split(decode_line(line)))
        from ingestion.sources import ga4

        return ga4.unread_names(decode_record(line, "event_name"))
    except DeadLetter:
        return set()


def likely_format(line: str) -> str | None:
    """The source format that a line of an archive is in, by what only that format has; None where nothing tells."""
    from ingestion.sources import snowplow

    try:
        if len(decode_line(line).split("\t")) == len(snowplow.COLUMNS):
            return "snowplow"
    except DeadLetter:
        pass
    for name, fields in {"ga4": ("event_name", "event_timestamp"), "segment": ("messageId", "type")}.items():
        try:
            if all(field in decode_record(line, fields[0]) for field in fields):
                return name
        except DeadLetter:
            continue
    return None
