"""What the documents tell readers of the published files to ask, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from operations.store.locks import exclusive
from tests.operations import marts

ROOT = Path(__file__).parents[2]
settings = marts.settings


def test_queries_of_the_documents_can_be_asked(settings, monkeypatch):
    with exclusive(settings):
        marts.build(settings, "eu")
        marts.publish_now(settings)
    monkeypatch.chdir(settings.warehouse.parent)
    asked = []
    for name in ("README.md", "docs/close.md", "docs/finance.md", "docs/privacy.md"):
        for query in re.findall(r"```sql\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
            opened = re.match(r"-- duckdb -readonly (\S+)\n", query)
            if opened or "ATTACH 'warehouse/published/" in query:
                with duckdb.connect(opened[1] if opened else ":memory:", read_only=bool(opened)) as con:
                    con.execute(query)
                asked.append((name, bool(opened)))
    assert asked == [("README.md", False), ("docs/close.md", False), ("docs/finance.md", True),
                     ("docs/finance.md", False), ("docs/privacy.md", False)]  # fmt: skip
