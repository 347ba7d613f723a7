"""How much of a region's months is named, what waits, and what the proof of small cells had to give up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from quality.proof_record import LAST_STEPS

MONTHS = 3
_FEW = 0.25  # below it a reader wonders where the channels are


def summary(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Of each of the latest months, newest first: revenue, what of it is named, and what its last step's proof says.

    The figures are those of the model `linear` in the region's own tables. `proof` has how many hidden parts were
    `looked_at`, how many cells were `found` to give one away, how often it `repaired`, and what revenue the repairs
    keep in channel (other) (`kept_revenue`); it is None where no step was proved. It counts currencies, cohorts and
    fates as well, and of what they keep the most, since they all divide the same revenue.
    """
    tables = "select count(*) from duckdb_tables() where table_name in ('romi_monthly', 'int_privacy__proofs')"
    if con.execute(tables).fetchall() != [(2,)]:
        return []
    rows = con.execute(f"""
        with months as (
            select month, sum(revenue) as revenue, sum(waiting_revenue) as waiting,
                coalesce(sum(revenue) filter (channel = '(unattributed)'), 0) as unattributed
            from finance.romi_monthly
            where attribution_model = 'linear' group by month order by month desc limit {MONTHS}
        ),
        proofs as ({LAST_STEPS})
        select months.*, coalesce(is_fallen_back, false), looked_at, found, repaired, cost_cents
        from months left join proofs using (month) order by month desc""").fetchall()
    return [
        {
            "month": str(month)[:7], "revenue": float(revenue), "waiting_revenue": float(waiting),
            "unattributed_revenue": float(unattributed),
            "named_share": float((revenue - waiting) / revenue) if revenue else None, "is_fallen_back": is_late,
            "proof": None if looked_at is None else {
                "looked_at": looked_at, "found": found, "repaired": repaired, "kept_revenue": cost_cents / 100,
            },
        }
        for month, revenue, waiting, unattributed, is_late, looked_at, found, repaired, cost_cents in rows
    ]  # fmt: skip


def lines(region: str, months: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A line for each month of which some revenue is named, or could be."""
    for one in months:
        if one["named_share"] is None:
            continue
        said = (
            f"named {region} {one['month']}: {one['named_share']:.0%} of the revenue stands under a channel or campaign"
        )
        if one["unattributed_revenue"]:
            said += f", {one['unattributed_revenue']:,.2f} of it under (unattributed)"
        parts = [said]
        if one["waiting_revenue"] > 0:
            parts.append(
                f"{one['waiting_revenue']:,.2f} stands in channel (other), since too few buyers are behind it, or"
                " behind what is new"
            )
        elif one["waiting_revenue"]:
            parts.append(
                f"channel (other) is at {one['waiting_revenue']:,.2f}, since what too few buyers have cancelled still"
                " stands under its name"
            )
        if one["proof"] and one["proof"]["found"]:
            parts.append(
                f"{one['proof']['found']} small cells could have been computed from the published figures, so less is"
                f" shown of them, and {one['proof']['kept_revenue']:,.2f} more stands in (other)"
            )
        yield "; ".join(parts)


def hints(region: str, months: list[dict[str, Any]], k: int) -> Iterator[str]:
    """What to say to somebody whose first tables show little but (other), and what nobody is credited for."""
    credited = [(one, one["revenue"] - one["unattributed_revenue"]) for one in months]
    shares = [1 - one["waiting_revenue"] / whole for one, whole in credited if whole > 0]
    if k > 1 and shares and max(shares) < _FEW:
        yield (
            f"{region}: nearly all that channels are credited with stands in (other), since a name needs {k} different"
            f" buyers (privacy.k_anonymity) under every model, and your data has few so far. To look at your own data"
            f" alone, set k_anonymity to 1 and run again: whoever reads the tables can then see what single persons"
            f" bought, so keep them close."
        )


def warnings(months: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Months of which nothing moved because the proof ran out of time."""
    for one in months:
        if one["is_fallen_back"]:
            yield (
                f"{one['month']}: the proof of small cells took too long, so what is new waits in (other), or the month"
                f" is merged by the safe map; the next run tries again"
            )
