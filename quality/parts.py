"""Steps of tables that divide a region's month into parts: orders by currency, say, or later orders by cohort.

What is published of a part are the items that stood in it when it last moved. It moves when k buyers have something
new in it (:mod:`quality.stepping`), and the proof does not find that one could tell what of it came at which step;
until then what is new waits, and the caller shows the month's total less all that is named as ``(other)``. So neither a
part nor its difference to a version before rests on fewer than k buyers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quality.changes import OWN, REST, Ints, Month
from quality.proof_record import NOTHING, record_of, rows_of
from quality.step_tables import LEARNED, Relation, Rules, bools, by_model, by_month, held, numbers
from quality.stepping import step

_FIRST_MEASURE = 13  # of the columns that a month is decided by
_DECIDED = pa.schema([("number", pa.int64()), ("new_level", pa.int8()), ("arrived", pa.int32()),
                      ("stepped", pa.int32()), ("is_fresh", pa.bool_())])  # fmt: skip


@dataclass(frozen=True)
class Division:
    """How items are divided, in names of columns.

    Attributes:
        kept: the table of `intermediate` that holds what was last published.
        item: what tells an item of a month from others.
        cell: the part that an item is in; NULL where it is in none, and waits for good.
        kin: parts that may stand together as ``(other)`` of theirs, at level 1, where they cannot alone.
        measures: amounts, each a number or a struct by attribution model; revenue comes first.
        carried: further amounts that are published, and say nothing of when a part moves.
    """

    kept: str
    item: tuple[str, ...]
    cell: str
    kin: str
    measures: tuple[str, ...]
    carried: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tables of a build are called by: dbt builds several divisions at once, in one database."""
        return self.kept.removeprefix("int_privacy__published_")

    @property
    def amounts(self) -> tuple[str, ...]:
        return self.measures + self.carried

    @property
    def columns(self) -> tuple[str, ...]:
        return ("month", *self.item, "buyer_id", *dict.fromkeys((self.kin, self.cell)), *self.amounts)


def stepped(session: duckdb.DuckDBPyConnection, this: Any, items: Relation, rules: Rules, how: Division) -> Relation:
    """The items of the rules' months with their level: 2 their own part, 1 ``(other)`` of their kin, 0 what waits.

    An item that has changed, or is gone, and still stands in its part, is a row that is not ``is_current``. A row
    without an item is what the proof of a month's step says.

    Args:
        this: the model; in its schema lies what was last published.
        items: a relation with the columns that `how` names, a row for each item as it stands today.
    """
    _match(session, this, items, rules, how)
    found = session.sql(f"""
        select number, month, coalesce({how.kin}::varchar, '') as kin, coalesce({how.cell}::varchar, '') as cell,
            {how.cell} is not null as is_placed, hash({", ".join(how.item)})::varchar as item,
            (hash(buyer_id) >> 1)::bigint as buyer, is_current, is_known, is_new, level, arrived_step, month_step,
            {", ".join(how.measures)}
        from {how.name}_parts order by number""").to_arrow_table()  # fmt: skip
    proofs: list[dict[str, Any]] = []
    decided = [_step_month(month, of_month, rules, proofs) for month, of_month in by_month(found)]
    session.register(f"{how.name}_decided", pa.concat_tables([_DECIDED.empty_table(), *decided]))
    shown = ", ".join(
        f"case when is_known and not is_fresh then old_{name} else parts.{name} end as {name}" for name in how.amounts
    )
    fixed = ", ".join(f"parts.{name}" for name in how.columns if name not in how.amounts)
    return session.sql(f"""
        select {fixed}, {shown}, new_level as level, is_current, arrived as arrived_step, stepped as month_step,
            {rules.k} as k_anonymity, {NOTHING} as proof
        from {how.name}_parts as parts join {how.name}_decided using (number) where is_current or new_level > 0
        union all by name {rows_of(session, f"{how.name}_proofs", proofs)}""")


def _match(session: duckdb.DuckDBPyConnection, this: Any, items: Relation, rules: Rules, how: Division) -> None:
    """Make ``<name>_parts``: what stands today beside what was published, the same where rule-based models agree."""
    content = [how.kin, how.cell, *(one for name in how.amounts for one in _settled_fields(items, name))]
    items = items.project(", ".join(how.columns)).project(f"*, hash({', '.join(content)}) as digest")
    items.to_view(f"{how.name}_now", replace=True)
    _last_published(session, this, items, rules, how).project(f"*, hash({', '.join(content)}) as digest").to_view(
        f"{how.name}_published", replace=True
    )
    either = ", ".join(f"coalesce(now.{name}, old.{name}) as {name}" for name in how.columns if name != "buyer_id")
    same = " and ".join(f"now.{name} = old.{name}" for name in ("month", *how.item, "digest"))
    buyers = ", ".join(how.item)
    session.execute(f"""
        create or replace temp table {how.name}_parts as
        select row_number() over () as number, {either},
            -- Who placed an order is who is known to have done so today, for its former versions, too.
            coalesce(now.buyer_id, buyers.buyer_id, old.buyer_id) as buyer_id,
            {", ".join(f"old.{name} as old_{name}" for name in how.amounts)},
            now.month is not null as is_current, old.month is not null as is_known,
            now.month is not null and old.month is null or now.month is null and old.is_current as is_new,
            coalesce(old.level, 0) as level, coalesce(old.arrived_step, 0) as arrived_step,
            coalesce(old.month_step, 0) as month_step
        from {how.name}_now as now full join {how.name}_published as old on {same}
        left join (select {buyers}, any_value(buyer_id) as buyer_id from {how.name}_now group by all) as buyers
            on {" and ".join(f"old.{name} = buyers.{name}" for name in how.item)}""")


def _settled_fields(items: Relation, name: str) -> list[str]:
    """What of an amount no learned model moves, since those move everyone's a little with each order."""
    [kind] = items.select(name).types
    if kind.id != "struct":
        return [name]
    return [f"{name}.{model}" for model, _ in kind.children if model not in LEARNED]


def _last_published(
    session: duckdb.DuckDBPyConnection, this: Any, items: Relation, rules: Rules, how: Division
) -> Relation:
    """What the build before left; nothing where there was none, or it was made for another k."""
    tables = "select 1 from duckdb_tables() where (database_name, schema_name, table_name) = ('region', ?, ?)"
    if session.execute(tables, [this.schema, how.kept]).fetchall():
        return session.sql(f"""
            select * from region.{this.schema}.{how.kept} where k_anonymity = {rules.k}
                and month between date '{rules.first_month}' and date '{rules.last_month}'""")
    return items.project(
        "* exclude (digest), 0 as level, true as is_current, 0 as arrived_step, 0 as month_step"
    ).limit(0)


def _step_month(on: date, found: pa.Table, rules: Rules, proofs: list[dict[str, Any]]) -> pa.Table:
    """What a step makes of a month's parts; its proof is added to `proofs`."""
    month, is_known, k = _arrays(found), bools(found, "is_known"), rules.k
    before, is_placed = month.levels["month"], bools(found, "is_placed")
    number, now = found["number"].to_numpy(), month.next_step
    month.arrived = np.where(is_known, month.arrived, now)
    if k > 1 and (rules.is_held or not bools(found, "is_new").any()):
        still = np.zeros(len(month), dtype=bool)
        return _decided(number, before, held(month) if rules.is_held else month.arrived, month.stepped, still)
    done = step(month, k, stays=~is_placed)
    proofs.append(record_of(done.proof, on, now, is_first=not is_known.any()))
    after = done.levels["month"]
    moved = before != after
    cells, was = (np.where(level == OWN, month.campaign, -1 - month.channel) for level in (after, before))
    is_fresh = (after > REST) & np.isin(cells, np.unique(np.r_[cells[moved], was[moved]]))
    stepped_at = np.where(after == REST, 0, np.where(moved, now, month.stepped))
    return _decided(number, after, month.arrived, stepped_at, is_fresh | (k <= 1))


def _decided(*columns: NDArray[Any]) -> pa.Table:
    arrays = [pa.array(one, type=field.type) for one, field in zip(columns, _DECIDED, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_DECIDED)


def _arrays(found: pa.Table) -> Month:
    amounts = np.stack([by_model(found[name]) for name in found.column_names[_FIRST_MEASURE:]], axis=2)
    cell = np.unique(np.stack([numbers(found["kin"]), numbers(found["cell"])], axis=1), axis=0, return_inverse=True)[1]
    campaign = cell.reshape(-1).astype(np.int64)
    is_current, level = bools(found, "is_current"), found["level"].to_numpy().astype(np.int64)
    return Month(
        campaign=campaign, channel=numbers(found["kin"]), columns={}, buyer=numbers(found["buyer"]),
        gives=(amounts != 0).any(axis=2), amounts=amounts, is_current=is_current, levels={"month": level},
        replaces=_replaced(np.stack([numbers(found["item"]), campaign], axis=1), is_current, level),
        arrived=found["arrived_step"].to_numpy().astype(np.int64),
        stepped=found["month_step"].to_numpy().astype(np.int64),
    )  # fmt: skip


def _replaced(keys: Ints, is_current: Any, level: Ints) -> Ints:
    """Of each row that is current, the published version of the same item in the same part; -1 where there is none."""
    same = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    last = np.full(int(same.max(initial=-1)) + 1, -1, dtype=np.int64)
    old = np.flatnonzero(~is_current & (level > 0))
    last[same[old]] = old
    return np.where(is_current, last[same], -1)
