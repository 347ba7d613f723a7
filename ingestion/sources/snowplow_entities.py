"""The self-describing parts of a Snowplow event: its own and the entities on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

READ = (
    "client_session", "consent_preferences", "snowplow_ecommerce_action", "transaction", "refund", "spiders_and_robots",
)  # fmt: skip


def unread_schemas(fields: dict[str, str]) -> set[str]:
    """The schemas, as ``vendor.name``, that stand in the event and mean nothing here."""
    uris = {uri for uri, _ in _described(fields) if uri.startswith("iglu:") and _schema_name(uri) not in READ}
    return {".".join(uri.removeprefix("iglu:").split("/")[:2]) for uri in uris}


def entities_of(fields: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(schema name, data with snake_case keys) of the self-describing event and of every entity on it."""
    for uri, data in _described(fields):
        yield _schema_name(uri), {_snake(key): value for key, value in data.items()}


def _described(fields: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(schema's URI, or the column's name where loaders flattened it, data)."""
    for column, text in fields.items():
        if not column.startswith(("contexts", "derived_contexts", "unstruct_event")):
            continue
        try:
            parsed = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError, ArithmeticError):
            continue
        for item in _listed(parsed.get("data") if isinstance(parsed, dict) and "schema" in parsed else parsed):
            described = isinstance(item.get("schema"), str) and isinstance(item.get("data"), dict)
            yield (item["schema"], item["data"]) if described else (column, item)


def _listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _schema_name(uri: str) -> str:
    """'iglu:com.acme/client_session/jsonschema/1-0-1' or a flattened column's name → 'client_session'."""
    if uri.startswith("iglu:"):
        return uri.split("/")[1] if "/" in uri else uri
    for name in READ:
        if re.search(rf"_{name}_\d", uri):
            return name
    return uri


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
