"""The attribution models over 1,000,000 sessions and 100,000 orders, against one hand-written DuckDB script.

The script computes the six rule-based models only, in plain doubles, without remainders, learned weights or tests. Ours
is the time during which dbt is at one of the models from paths to credits: nine models, in whole cents. Two of them may
run side by side, and count once; their tests, which the script has none of, do not count. The script's file is as
DuckDB makes one unless told otherwise; beside it stands how long it takes in the newest format, as a region's file has.
"""

from __future__ import annotations

import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import region_file
from operations.rebuilding.engine import engine_of
from privacy import storage
from settings import Settings

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
ATTRIBUTION = ("int_attribution__paths", "int_attribution__learning_paths", "int_attribution__channel_buyers",
               "int_attribution__channel_weights", "int_attribution__path_rates", "int_attribution__order_weights",
               "int_attribution__touch_credits")  # fmt: skip

_TOUCHPOINTS = """
insert into region.intermediate.int_sessions__touchpoints by name
select md5('t' || i)::uuid as touch_id, touched_at::date as touched_on, touched_at,
    0 as tie_number, md5('p' || person)::uuid as person_id, 's' || channel as source, 'm' as medium,
    null as campaign_id, 'campaign ' || (i % 40) as campaign, 'Channel ' || channel as channel
from (select i, (hash(i) % 250000)::int as person, (hash(i * 7) % 9)::int as channel,
        timestamp '2026-01-01' + to_seconds((hash(i * 13) % (90 * 86400))::bigint) as touched_at
    from range(1000000) as sessions (i))"""
_CONVERSIONS = """
insert into region.intermediate.int_orders__conversions by name
select 'order ' || i as order_id, converted_at::date as ordered_on, converted_at, md5('p' || person)::uuid as person_id,
    md5('p' || person)::uuid as buyer_id, 'Order Completed' as conversion_type, true as is_in_ledger,
    true as is_in_events, 'EUR' as currency, true as is_priced, 100 + (hash(i) % 20000)::bigint as revenue_cents,
    0::bigint as refund_cents, 50 + (hash(i) % 9000)::bigint as cogs_cents
from (select i, (hash(i * 17) % 250000)::int as person,
        timestamp '2026-01-01' + to_seconds((hash(i * 19) % (90 * 86400))::bigint) as converted_at
    from range(100000) as orders (i))"""
FLOOR = """
create table credits as
with touches as (
    select c.order_id, c.ordered_on, t.touched_at, t.channel, t.campaign, revenue_cents, refund_cents, cogs_cents,
        row_number() over path as number, count(*) over (partition by c.order_id) as touches,
        max(case when t.channel != 'Direct' then t.touched_at end) over (partition by c.order_id) as last_non_direct_at,
        pow(2, -(epoch(c.converted_at) - epoch(t.touched_at)) / (7 * 86400)) as decay
    from region.intermediate.int_orders__conversions as c
    join region.intermediate.int_sessions__touchpoints as t
        on c.person_id = t.person_id and t.touched_at between c.converted_at - interval 30 day and c.converted_at
    window path as (partition by c.order_id order by t.touched_at)
),
weighted as (
    select *, {
        'first_touch': (number = 1)::double, 'last_touch': (number = touches)::double,
        'last_non_direct': (touched_at = last_non_direct_at)::double, 'linear': 1 / touches,
        'position_based': case when touches <= 2 then 1 / touches when number in (1, touches) then 0.4
            else 0.2 / (touches - 2) end,
        'time_decay': decay / sum(decay) over (partition by order_id)
    } as weights
    from touches
),
by_model as (
    select *,
        unnest(['first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay']) as model,
        unnest([weights.first_touch, weights.last_touch, weights.last_non_direct, weights.linear,
                weights.position_based, weights.time_decay]) as weight
    from weighted
)
select order_id, ordered_on, model, number, channel, campaign, weight, weight * revenue_cents / 100 as revenue,
    weight * refund_cents / 100 as refunds, weight * cogs_cents / 100 as cogs
from by_model where weight > 0
"""


def run(folder: Path) -> None:
    """All nine models over 1,000,000 sessions and 100,000 orders; the floor has six, in doubles."""
    # Not encrypted, as the floor's file is not.
    settings = Settings.model_validate(
        {"warehouse": folder / "warehouse", "regions": {"eu": {}}, "privacy": {"encryption_at_rest": False}}
    )
    with region_file(settings, "eu"):
        pass
    engine_of(settings).build(settings, "eu", FIRST, FIRST)  # makes the tables, and warms dbt up
    with _attached(settings) as con:
        for statement in (_TOUCHPOINTS, _CONVERSIONS):
            con.execute(statement)
    floors, newest, ours = [], [], []
    for number in range(5):
        floors.append(_floor(settings, folder / f"floor-{number}.duckdb"))
        newest.append(_floor(settings, folder / f"newest-{number}.duckdb", storage_compatibility_version="latest"))
        ours.append(_seconds_of_models(settings))
    unit, seconds = min(floors), min(ours)
    print(f"floor (six models in doubles): {unit:.2f} s; in a file of the newest format {min(newest):.2f} s")
    print(
        f"nine models in whole cents: {seconds:.2f} s = {seconds / unit:.1f} x the floor (aim: at most 3)"
        f"; {seconds / min(newest):.1f} x it in the newest format",
        flush=True,
    )


def _attached(
    settings: Settings, file: str = ":memory:", *, read_only: bool = False, **config: str
) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(file, config={"threads": 2, **config})
    path = settings.region_file("eu")
    storage.prepare(con, path)
    storage.attach(con, path, settings, "eu", alias="region", read_only=read_only)
    con.execute("set TimeZone = 'UTC'")
    return con


def _floor(settings: Settings, path: Path, **config: str) -> float:
    with _attached(settings, str(path), read_only=True, **config) as con:
        begun = time.perf_counter()
        con.execute(FLOOR)
        return time.perf_counter() - begun


def _seconds_of_models(settings: Settings) -> float:
    """How long dbt was at any of the models, in a build of the attribution models alone; prints each one's own time."""
    runs: dict[str, tuple[datetime, datetime]] = {}

    def hear(event: dict[str, Any]) -> None:
        if event["info"]["name"] == "LogModelResult":
            node = event["data"]["node_info"]
            begun, ended = (datetime.fromisoformat(node[f"node_{end}_at"]) for end in ("started", "finished"))
            runs[node["node_name"].partition("__")[2]] = begun, ended

    engine_of(settings).build(settings, "eu", FIRST, LAST, list(ATTRIBUTION), hear)
    took = [f"{name} {(ended - begun).total_seconds():.2f}" for name, (begun, ended) in runs.items()]
    print(f"  {', '.join(took)}", flush=True)
    return _covered(sorted(runs.values()))


def _covered(runs: list[tuple[datetime, datetime]]) -> float:
    """Seconds in at least one of these runs, which come in order of their beginnings."""
    seconds, reached = 0.0, datetime.min
    for begun, ended in runs:
        seconds += max((ended - max(begun, reached)).total_seconds(), 0)
        reached = max(reached, ended)
    return seconds
