"""What Markov and Shapley learn about channels: one row per month, attribution model and channel.

A Python model, because both are more than SQL says well. The functions are pure, and exact or correctly rounded in an
order of their own, so that equal paths give equal weights on every machine, however their rows come. A model in Python
sees no variables of a build: the pre-hook cleared the months to learn anew, and the months it finds missing it learns.
"""

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import compress

import numpy as np
import pyarrow as pa

MAX_PLAYERS = 16
E12 = 10**12
SCHEMA = pa.schema(
    {
        "month": pa.date32(),
        "attribution_model": pa.string(),
        "channel": pa.string(),
        "weight": pa.float64(),
        "share": pa.float64(),
        "weight_e12": pa.int64(),
        "is_pooled": pa.bool_(),
    }
)


def transitions(steps):
    """How often a state follows another, as `{(from, to): count}`.

    Args:
        steps: (channel, next channel, conversions, nulls) each: how many paths that convert, and that do not, take the
            step. None before the first channel, and after the last.

    Returns:
        Channels are themselves, start is None; the ends are True (conversion) and False (null).
    """
    counts = Counter()
    for channel, following, conversions, nulls in steps:
        if following is None:
            counts[channel, True] += conversions
            counts[channel, False] += nulls
        else:
            counts[channel, following] += conversions + nulls
    return counts


def removal_effects(steps):
    """Each channel's removal effect, exactly: (P(conversion) - P(conversion without it)) / P(conversion).

    Without a channel its transitions in go to null, so what is lost is P(ever reaching it) x P(conversion from it).
    With D the channels' numbers of leavings, C their transitions, s and r those from start and to conversion, and A the
    adjugate of D - C: P(conversion from i) ~ (Ar)_i, P(reaching i) ~ (sA)_i / A_ii, P(conversion) ~ sAr. The matrix is
    a regular M-matrix (every path ends), so no pivot vanishes.

    Returns:
        `{channel: Fraction}`; all 0 where nothing converts.
    """
    counts = transitions(steps)
    channels = sorted({state for state, _ in counts} - {None})
    start = [counts[None, channel] for channel in channels]
    convert = [counts[channel, True] for channel in channels]
    leaving = Counter()
    for (state, _), count in counts.items():
        leaving[state] += count
    matrix = [[leaving[one] * (one == other) - counts[one, other] for other in channels] for one in channels]
    adjugate = _adjugate(matrix)
    converts = [_dot(row, convert) for row in adjugate]
    reaches = [_dot(start, column) for column in zip(*adjugate, strict=True)]
    whole = _dot(start, converts)
    return {
        channel: Fraction(reaches[i] * converts[i], adjugate[i][i] * whole) if whole else Fraction(0)
        for i, channel in enumerate(channels)
    }


def _dot(left, right):
    return sum(x * y for x, y in zip(left, right, strict=True))


def _adjugate(matrix):
    """Of an integer matrix without vanishing pivots, by Bareiss' elimination: all divisions come out even."""
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    previous = 1
    for k, pivot_row in enumerate(rows):
        pivot = pivot_row[k]
        for i, row in enumerate(rows):
            if i != k:
                factor = row[k]
                rows[i] = [(pivot * x - factor * y) // previous for x, y in zip(row, pivot_row, strict=True)]
        previous = pivot
    return [row[size:] for row in rows]


def shapley_values(paths):
    """Each channel's Shapley value of v(S) = conversions / paths among the paths whose channels all lie within S.

    Beyond 16 channels those on the fewest paths become one player, whose value they share evenly.

    Args:
        paths: (channels, conversions, nulls) each; what counts is which channels.

    Returns:
        `{channel: (value, is_pooled)}`; a negative value counts as 0.
    """
    paths = list(paths)
    on_paths = Counter()
    for path, conversions, nulls in paths:
        for channel in set(path):
            on_paths[channel] += conversions + nulls
    ranked = sorted(on_paths, key=lambda channel: (-on_paths[channel], channel))
    single = ranked if len(ranked) <= MAX_PLAYERS else ranked[: MAX_PLAYERS - 1]
    pool = ranked[len(single) :]
    player = {channel: min(number, len(single)) for number, channel in enumerate(ranked)}
    values = _values_of_players(_worth_of_coalitions(paths, player, len(single) + bool(pool)))
    found = {channel: (max(Fraction(0), values[player[channel]]), False) for channel in single}
    return found | {channel: (max(Fraction(0), values[-1]) / len(pool), True) for channel in pool}


def _worth_of_coalitions(paths, player, players):
    """v(S) by S as a bit mask: counts by exact set, then summed over all subsets (zeta transform)."""
    conversions, totals = np.zeros(2**players, np.int64), np.zeros(2**players, np.int64)
    for path, converted, nulls in paths:
        mask = 0
        for channel in path:
            mask |= 1 << player[channel]
        conversions[mask] += converted
        totals[mask] += converted + nulls
    for counts in (conversions, totals):
        for bit in range(players):
            halves = counts.reshape(-1, 2, 2**bit)
            halves[:, 1] += halves[:, 0]
    return np.divide(conversions, totals, out=np.zeros(len(totals)), where=totals > 0)


def _values_of_players(worth):
    """Sums by size of the coalition are rounded once (fsum), so neither order nor names of the players tell."""
    players = len(worth).bit_length() - 1
    masks = np.arange(len(worth))
    sizes = np.bitwise_count(masks)
    values = [Fraction(0)] * players
    for size in range(players + 1):
        of_size = masks[sizes == size]
        for i in range(players):
            has = of_size >> i & 1 == 1
            if size:
                gained = Fraction(math.fsum(worth[of_size[has]]))
                values[i] += gained / (players * math.comb(players - 1, size - 1))
            if size < players:
                lost = Fraction(math.fsum(worth[of_size[~has]]))
                values[i] -= lost / (players * math.comb(players - 1, size))
    return values


def learn(steps, paths):
    """Rows of (attribution model, channel, weight, share, weight_e12, is_pooled) from a month's steps and paths."""
    learned = {
        "markov": {channel: (effect, False) for channel, effect in removal_effects(steps).items()},
        "shapley": shapley_values(paths),
    }
    for attribution_model, values in learned.items():
        total = sum(value for value, _ in values.values())
        for channel, (value, is_pooled) in sorted(values.items()):
            share = value / total if total else None
            weight_e12 = round(share * E12) if total else 0  # a Fraction rounds half to even
            yield attribution_model, channel, float(value), float(share) if total else None, weight_e12, is_pooled


def by_month(relation, columns):
    """What a relation counts of paths by these columns, as rows by month."""
    counted = f"month, {columns}, cast(sum(conversions) as bigint), cast(sum(non_conversions) as bigint)"
    found = defaultdict(list)
    for month, *row in relation.aggregate(counted).fetchall():
        found[month].append(row)
    return found


def steps_by_month(learning):
    """How many paths take which step, by month; what is before the first channel or after the last is None."""
    ends = "unnest(list_prepend(null, path)) as channel, unnest(list_append(path, null)) as following"
    return by_month(learning.project(f"*, {ends}"), "channel, following")


def sets_by_month(learning, steps):
    """How many paths have which channels, by month: to ask for each channel costs less than to sort every path's."""
    channels = sorted({channel for of_month in steps.values() for channel, *_ in of_month if channel is not None})
    if not channels:
        return {}
    literals = ["'" + channel.replace("'", "''") + "'" for channel in channels]
    counted = by_month(learning, ", ".join(f"list_contains(path, {literal})" for literal in literals))
    return {
        month: [(list(compress(channels, has)), conversions, nulls) for *has, conversions, nulls in rows]
        for month, rows in counted.items()
    }


def model(dbt, session):
    """dbt's entry: what the pre-hook left stays, the other months are learned.

    A table that carries its rows on, as dbt-duckdb leaves an incremental Python model's interim table behind. It gives
    a relation of this session back, as anything else is written in a transaction that the one open here can't see.
    """
    learning = dbt.ref("int_attribution__learning_paths")
    tables = "select 1 from duckdb_tables() where (database_name, schema_name, table_name) = (?, ?, ?)"
    place = [dbt.this.database, dbt.this.schema, dbt.this.identifier]
    is_known = session.execute(tables, place).fetchall()
    columns = ", ".join(SCHEMA.names)  # of which a later one may stand last in the table
    kept = session.execute(f"select {columns} from {dbt.this}").fetchall() if is_known else []
    if known := {month for month, *_ in kept}:
        months = ", ".join(f"date '{month}'" for month in sorted(known))
        learning = learning.filter(f"month not in ({months})")
    # Paths are many, their steps and sets of channels few.
    steps = steps_by_month(learning)
    sets = sets_by_month(learning, steps)
    learned = [(month, *row) for month, paths in sorted(sets.items()) for row in learn(steps[month], paths)]
    rows = list(zip(*kept, *learned, strict=True)) or [()] * len(SCHEMA)
    return session.from_arrow(pa.table(rows, schema=SCHEMA))
