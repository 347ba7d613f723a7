"""The steps of a region's months as dbt's Python model returns them: credits as they are published from now on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quality.changes import FINER, OWN, REST, Bools, Ints, Month
from quality.proof_record import NOTHING, record_of, rows_of
from quality.stepping import step

Relation = duckdb.DuckDBPyRelation
LEARNED = ("markov", "shapley", "counterfactual")
AMOUNTS = ("revenue_cents", "refund_cents", "conversion_millionths", "cogs_cents")
TABLES = ("month", *FINER)
_WHAT = ("month", "order_id", "touch_number", "ordered_on", "touched_on", "channel", "campaign", "segment")


@dataclass(frozen=True)
class Rules:
    """What the run is told: k, the months of its orders, the days of their touches, and whether steps are held.

    They are in the first build after a restore of an older file: what a version since then showed of which orders is
    forgotten, so nothing moves, and what waits counts from then on as what could have been shown (``arrived`` turns
    negative).
    """

    k: int
    first_month: date
    last_month: date
    first_touch_day: date
    last_touch_day: date
    is_held: bool = False

    @classmethod
    def of(cls, relation: Relation) -> Rules:
        """The one row of ``int_privacy__rules``."""
        row = relation.fetchone()
        assert row
        return cls(*row)

    @property
    def in_months(self) -> str:
        """The condition for credits of the window's months."""
        return f"ordered_on between date '{self.first_month}' and last_day(date '{self.last_month}')"


@dataclass
class _Decided:
    """What a step makes of the row versions of one month."""

    numbers: Ints
    levels: dict[str, Ints]
    arrived: Ints
    stepped: Ints
    is_fresh: Bools  # to take what the learned models credit today


def stepped(
    session: duckdb.DuckDBPyConnection, this: Any, touch_credits: Relation, segments: Relation, rules: Relation
) -> Relation:
    """The rows of ``int_privacy__steps``: all row versions of the window's months, and a row of each month's proof.

    Args:
        session: the connection on which the relations live.
        this: the model; beside it lies what was last published, in ``int_privacy__published_credits``.
        touch_credits: a relation with the columns of ``int_attribution__touch_credits``.
        segments: one with those of ``int_orders__segments``.
        rules: the one row of ``int_privacy__rules``.
    """
    rule = Rules.of(rules)
    _match(session, this, touch_credits, segments, rule)
    found = session.sql(f"""
        select number, month, channel, campaign, ordered_on as day, touched_on as touch, segment,
            (hash(buyer_id) >> 1)::bigint as buyer,
            (hash(order_id, touch_number) >> 1)::bigint as touch_key, is_current, is_known, is_new, arrived_step,
            month_step,
            {", ".join(f"{table}_level" for table in TABLES)}, {", ".join(AMOUNTS[:3])}
        from versions order by number""").to_arrow_table()  # fmt: skip
    decided, proofs = [], []
    for month, of_month in by_month(found):
        one, proof = _step_month(month, of_month, rule)
        decided.append(one)
        proofs += [proof] if proof else []
    return session.sql(_published(session, decided, proofs, rule.k))


def _match(
    session: duckdb.DuckDBPyConnection, this: Any, touch_credits: Relation, segments: Relation, rule: Rules
) -> None:
    """Make ``versions``: what stands now beside what was published, the same where rule-based models agree on it."""
    models = [name for name, _ in touch_credits.select("revenue_cents").types[0].children]
    gives = " or ".join(f"{amount}.{model} <> 0" for amount in AMOUNTS for model in models)
    content = ", ".join(f"{amount}.{model}" for amount in AMOUNTS for model in models if model not in LEARNED)
    same = ", ".join(("ordered_on", "touched_on", "channel", "campaign", "segment", content))
    current = touch_credits.filter(f"({rule.in_months}) and ({gives})").join(
        segments.select("order_id", "segment"), "order_id", how="left"
    )
    current = current.project(f"""
        date_trunc('month', ordered_on)::date as month, order_id, touch_number, buyer_id, ordered_on, touched_on,
        channel, campaign, coalesce(segment, 'unknown') as segment, {", ".join(AMOUNTS)}""")
    current = current.project(f"*, hash({same}) as digest")
    known = _last_published(session, this, current, rule).project(f"*, hash({same}) as digest")
    current.to_view("credits_now", replace=True)
    known.to_view("credits_published", replace=True)
    either = ", ".join(f"coalesce(now.{name}, old.{name}) as {name}" for name in (*_WHAT, *AMOUNTS))
    session.execute(f"""
        create or replace temp table versions as
        select row_number() over () as number, {either},
            -- Who placed an order is who is known to have done so today, for its former versions, too.
            coalesce(now.buyer_id, buyers.buyer_id, old.buyer_id) as buyer_id,
            {", ".join(f"old.{name} as old_{name}" for name in AMOUNTS)},
            now.order_id is not null as is_current, old.order_id is not null as is_known,
            now.order_id is not null and old.order_id is null
                or now.order_id is null and old.is_current as is_new,
            {", ".join(f"coalesce(old.{table}_level, 0) as {table}_level" for table in TABLES)},
            coalesce(old.arrived_step, 0) as arrived_step, coalesce(old.month_step, 0) as month_step
        from credits_now as now full join credits_published as old
            on now.order_id = old.order_id and now.touch_number = old.touch_number and now.digest = old.digest
        left join (select order_id, any_value(buyer_id) as buyer_id from credits_now group by order_id) as buyers
            on old.order_id = buyers.order_id""")


def _last_published(session: duckdb.DuckDBPyConnection, this: Any, current: Relation, rule: Rules) -> Relation:
    """What the build before left; nothing where there was none, or it was made for another k."""
    place = ["region", this.schema, "int_privacy__published_credits"]
    tables = "select 1 from duckdb_tables() where (database_name, schema_name, table_name) = (?, ?, ?)"
    if session.execute(tables, place).fetchall():
        return session.sql(f"""
            select * from {".".join(place)} where k_anonymity = {rule.k}
                and month between date '{rule.first_month}' and date '{rule.last_month}'""")
    levels = ", ".join(f"0 as {table}_level" for table in TABLES)
    return current.project(f"*, {levels}, true as is_current, 0 as arrived_step, 0 as month_step").limit(0)


def by_month(found: pa.Table) -> Iterator[tuple[Any, pa.Table]]:
    """The rows of each month, in order."""
    months = found["month"].to_numpy()
    for month in np.unique(months):
        yield month.astype(object), found.filter(pa.array(months == month))


def _step_month(on: date, found: pa.Table, rule: Rules) -> tuple[_Decided, dict[str, Any] | None]:
    month, is_known, k = _arrays(found), bools(found, "is_known"), rule.k
    number, now = found["number"].to_numpy(), month.next_step
    month.arrived = np.where(is_known, month.arrived, now)
    if k > 1 and (rule.is_held or not bools(found, "is_new").any()):
        arrived = held(month) if rule.is_held else month.arrived
        return _Decided(number, month.levels, arrived, month.stepped, np.zeros(len(month), dtype=bool)), None
    done = step(month, k)
    before, after = month.levels["month"], done.levels["month"]
    moved = before != after
    cells, was = (np.where(level == OWN, month.campaign, -1 - month.channel) for level in (after, before))
    is_fresh = (after > REST) & np.isin(cells, np.unique(np.r_[cells[moved], was[moved]]))
    stepped_at = np.where(after == REST, 0, np.where(moved, now, month.stepped))
    record = record_of(done.proof, on, now, is_first=not is_known.any())
    return _Decided(number, done.levels, month.arrived, stepped_at, is_fresh | (k <= 1)), record


def held(month: Month) -> Ints:
    """When rows arrived, where nobody knows what has named what waits of a month or stands in (other) of a channel."""
    return np.where(month.is_current & (month.levels["month"] < OWN), -month.came_at, month.arrived)


def bools(found: pa.Table, name: str) -> Bools:
    """A column of truth values."""
    return np.asarray(found[name].to_numpy())


def _arrays(found: pa.Table) -> Month:
    amounts = np.stack([by_model(found[name]) for name in AMOUNTS[:3]], axis=2)
    pairs = np.stack([numbers(found["channel"]), numbers(found["campaign"])], axis=1)
    cells, campaign = np.unique(pairs, axis=0, return_inverse=True)
    channels, campaigns = (_values(found[name]) for name in ("channel", "campaign"))
    names = {"cell": [(channels[i], campaigns[j]) for i, j in cells], **{name: _values(found[name]) for name in FINER}}
    return Month(
        campaign=campaign.reshape(-1).astype(np.int64), channel=pairs[:, 0], names=names,
        columns={table: numbers(found[table]) for table in FINER}, buyer=numbers(found["buyer"]),
        replaces=_replaced(found, pairs),
        gives=(amounts != 0).any(axis=2), amounts=amounts, is_current=bools(found, "is_current"),
        levels={table: found[f"{table}_level"].to_numpy().astype(np.int64) for table in TABLES},
        arrived=found["arrived_step"].to_numpy().astype(np.int64),
        stepped=found["month_step"].to_numpy().astype(np.int64),
    )  # fmt: skip


def _replaced(found: pa.Table, cells: Ints) -> Ints:
    """Of each row that is current, the last published version of the same touch in the same cell and columns."""
    keys = np.stack([numbers(found["touch_key"]), *cells.T, *(numbers(found[table]) for table in FINER)], axis=1)
    same = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    is_current = bools(found, "is_current")
    last = np.full(int(same.max(initial=-1)) + 1, -1, dtype=np.int64)
    old = np.flatnonzero(~is_current & (found["month_level"].to_numpy() > 0))
    last[same[old]] = old
    return np.where(is_current, last[same], -1)


def by_model(column: pa.ChunkedArray) -> Any:
    """An amount as an array of (row, model): one of a struct by attribution model, or of the numbers themselves."""
    struct = column.combine_chunks()
    if not pa.types.is_struct(struct.type):
        return struct.to_numpy(zero_copy_only=False).astype(float)[:, None]
    return np.stack(
        [struct.field(i).to_numpy(zero_copy_only=False) for i in range(struct.type.num_fields)], axis=1
    ).astype(float)


def numbers(column: pa.ChunkedArray) -> Ints:
    """A number for each value, in the values' order, so that nothing depends on that of the rows."""
    encoded = column.combine_chunks().dictionary_encode()
    order = np.asarray(pc.call_function("array_sort_indices", [encoded.dictionary]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """What the numbers of :func:`numbers` stand for."""
    return sorted(column.unique().to_pylist())


def _published(
    session: duckdb.DuckDBPyConnection, decided: list[_Decided], proofs: list[dict[str, Any]], k: int
) -> str:
    def joined(name: str) -> Any:
        return np.concatenate([getattr(one, name) for one in decided]) if decided else np.zeros(0, dtype=np.int64)

    levels = {
        f"{table}_level": np.concatenate(
            [one.levels[table] for one in decided] or [np.zeros(0, dtype=np.int64)]
        ).astype(np.int8)
        for table in TABLES
    }
    marks = {name: joined(name).astype(np.int32) for name in ("arrived", "stepped")}
    table = pa.table({"number": joined("numbers"), **levels, **marks, "is_fresh": joined("is_fresh").astype(bool)})
    session.register("decided", table)
    shown = ", ".join(f"decided.{table}_level" for table in TABLES)
    amounts = ", ".join(
        f"case when is_known and not is_fresh then old_{name} else versions.{name} end as {name}" for name in AMOUNTS
    )
    is_shown = " or ".join(f"decided.{table}_level > 0" for table in TABLES)
    return f"""
        select {", ".join(f"versions.{name}" for name in _WHAT)}, buyer_id, {amounts}, {shown},
            is_current, arrived as arrived_step, stepped as month_step, {k} as k_anonymity,
            {NOTHING} as proof
        from versions join decided using (number) where is_current or {is_shown}
        union all by name {rows_of(session, "proofs", proofs)}"""
