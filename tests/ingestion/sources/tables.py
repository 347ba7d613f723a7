"""Reading one table in a test: a file with some content, and what it gives."""

from datetime import datetime
from pathlib import Path

from ingestion.sources.ledger import read_ledger
from ingestion.sources.spend import read_spend
from ingestion.sources.tabular.read import Context, Read
from ingestion.sources.tabular.table import read_table
from privacy.keys import Key
from settings import Source

NOW = datetime(2026, 3, 10, 12)
CONTEXT = Context(Key("eu", "pseudonym", bytes(32)), "Europe/Berlin", 3650, NOW)
SPEND_HEAD = "date,campaign_id,campaign_name,impressions,clicks,spend,currency"
LEDGER_HEAD = "order_id,ordered_at,status,revenue,refunded,cogs,currency,updated_at"


def read(folder: Path, content: str | bytes, source: str = "spend/google_ads", name: str = "a.csv", **config) -> Read:
    """What a file of a source gives; `config` as under ``sources:`` in the configuration."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = source.partition("/")[0]
    table = read_table(path, kind, source, Source(**config))
    return (read_spend if kind == "spend" else read_ledger)(table, CONTEXT)


def spend(folder: Path, *rows: str, head: str = SPEND_HEAD, **options) -> Read:
    return read(folder, "\n".join([head, *rows]) + "\n", **options)


def ledger(folder: Path, *rows: str, head: str = LEDGER_HEAD, **options) -> Read:
    return read(folder, "\n".join([head, *rows]) + "\n", source="ledger", **options)


def reasons(one: Read) -> list[str]:
    return one.refused["reason"].to_list()


def refusals(one: Read) -> list[tuple]:
    return one.refused.select("line", "reason", "column_name").rows()
