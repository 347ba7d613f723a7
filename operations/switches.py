"""Switches of features: which are not on, what changed since the last run, and what shadows would have said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from ingestion.landing import Landed
from operations.store.memory.keeping import add_to_book
from quality.expectations.catalogue import RULES
from settings import Settings, UnknownValueError, UsageError, now
from settings.features import CHECK, MODELS

BOOK = "books/switches.jsonl"
_COMPARED = """
    with last_month as (select max(month) as month from finance.romi_monthly),
    channels as (
        select attribution_model as model, channel, sum(revenue) as revenue
        from finance.romi_monthly semi join last_month using (month)
        where attribution_model in ($model, 'linear') group by all
    )
    select (from last_month), coalesce(sum(revenue) filter (model = 'linear'), 0),
        coalesce((select sum(abs(shadow - published)) / 2 from (
            select coalesce(sum(revenue) filter (model = $model), 0) as shadow,
                coalesce(sum(revenue) filter (model = 'linear'), 0) as published
            from channels group by channel)), 0)
    from channels"""


def not_on(settings: Settings, region: str) -> dict[str, str]:
    """The features of the configuration that are off or shadow in the region, by name."""
    states = {name: settings.feature(name, region) for name in sorted(settings.features)}
    return {name: state for name, state in states.items() if state != "on"}


def in_words(settings: Settings, region: str) -> str:
    """The same as ``meta.versions`` has it."""
    return ", ".join(f"{name} {state}" for name, state in not_on(settings, region).items())


def unpublished_models(settings: Settings, region: str) -> list[str]:
    """The attribution models of which nothing is published in the region."""
    return [name for name in MODELS if settings.feature(name, region) != "on"]


def check_names(settings: Settings) -> None:
    """
    Raises:
        UsageError: a switch is of a rule that there is not; the message lists those there are.
    """
    rules = [rule.name for rule in RULES]
    for name in settings.features:
        if name.startswith(CHECK) and name.removeprefix(CHECK) not in rules:
            raise UsageError(f"features: {UnknownValueError('check', name.removeprefix(CHECK), rules)}")


def book_changes(settings: Settings, regions: Iterable[str]) -> list[str]:
    """Book what is switched otherwise than the last run found it; returns a line for people for each."""
    booked = {(one["region"], one["feature"]): one["to"] for one in changes(settings)}
    lines, entries = [], []
    for region in regions:
        names = {name for of, name in booked if of == region} | set(settings.features)
        for name in sorted(names):
            before, after = booked.get((region, name), "on"), settings.feature(name, region)
            if before != after:
                change = {"region": region, "feature": name, "from": before, "to": after}
                entries.append({"at": now().isoformat(), **change})
                lines.append(f"{region}: {name} is {after}, it was {before}")
    add_to_book(settings, BOOK, *(json.dumps(one, sort_keys=True) for one in entries))
    return lines


def changes(settings: Settings) -> list[dict[str, Any]]:
    """Every change that was booked, in its order."""
    path = settings.warehouse / BOOK
    found = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:  # a kill cut it short
            continue
    return found


def unread_lines(settings: Settings, region: str, landed: Iterable[Landed]) -> Iterator[str]:
    """A line for each topic whose archives wait because their format is off."""
    waiting = Counter(one.topic for one in landed if one.topic and not settings.reads_topic(one.topic, region))
    for topic, count in sorted(waiting.items()):
        format_ = settings.topic(topic).format
        yield f"{count:,} archives of topic {topic} are not read, since features.{format_} is off; on, they load"


def shadows(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, dict[str, Any]]:
    """What models in the shadow would have published of the last month, against the linear one, by model.

    `moved` is the revenue that would stand at another channel.

    Args:
        con: the region's file.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in MODELS:
        if settings.feature(name, region) == "shadow":
            try:
                month, revenue, moved = con.execute(_COMPARED, {"model": name}).fetchall()[0]
            except duckdb.CatalogException:  # nothing was built yet
                continue
            if month:
                found[name] = {"month": str(month), "revenue": f"{revenue:.2f}", "moved": f"{moved:.2f}"}
    return found
