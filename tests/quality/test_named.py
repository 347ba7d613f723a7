"""What a run and `romi status` say of how much is named."""

import duckdb

from quality import named


def region_with(*rows):
    con = duckdb.connect()
    con.execute("create schema finance; create schema intermediate")
    con.execute("""create table finance.romi_monthly (
        month date, attribution_model varchar, channel varchar, revenue decimal(18, 2),
        waiting_revenue decimal(18, 2))""")
    con.execute("""create table intermediate.int_privacy__proofs (
        month date, division varchar, step integer, is_fallen_back boolean, looked_at integer, found integer,
        repaired integer, cost_cents bigint)""")
    con.executemany(
        "insert into finance.romi_monthly values ($1, 'linear', $4, $2, $3)",
        [(*row, "Email")[:4] for row in rows],
    )
    return con


def test_a_month_says_what_is_named_and_what_waits():
    [one] = named.summary(region_with(("2026-03-01", 75, 0), ("2026-03-01", 25, 25)))
    assert list(named.lines("eu", [one])) == [
        "named eu 2026-03: 75% of the revenue stands under a channel or campaign; 25.00 stands in channel (other),"
        " since too few buyers are behind it, or behind what is new"
    ]
    assert list(named.hints("eu", [one], 10)) == []


def test_a_trial_on_little_data_is_told_why_all_is_other_and_how_to_look_at_it():
    months = named.summary(region_with(("2026-03-01", 20, 20)))
    [hint] = named.hints("eu", months, 10)
    assert "10 different buyers" in hint
    assert "set k_anonymity to 1" in hint
    assert list(named.hints("eu", months, 1)) == []


def test_what_nobody_is_credited_for_is_not_taken_for_a_named_channel():
    months = named.summary(region_with(("2026-03-01", 80, 0, "(unattributed)"), ("2026-03-01", 20, 20)))
    [line] = named.lines("eu", months)
    assert "80% of the revenue stands under a channel or campaign, 80.00 of it under (unattributed);" in line
    [hint] = named.hints("eu", months, 10)
    assert hint.startswith("eu: nearly all that channels are credited with stands in (other)")


def test_a_channel_other_below_zero_is_what_was_cancelled_and_still_stands():
    months = named.summary(region_with(("2026-03-01", 105, 0), ("2026-03-01", -5, -5)))
    assert list(named.lines("eu", months)) == [
        "named eu 2026-03: 105% of the revenue stands under a channel or campaign; channel (other) is at -5.00, since"
        " what too few buyers have cancelled still stands under its name"
    ]


def test_a_proof_that_ran_out_of_time_is_told_until_one_did_not():
    con = region_with(("2026-03-01", 20, 0))
    con.execute("insert into intermediate.int_privacy__proofs values ('2026-03-01', 'credits', 1, true, 9, 2, 0, 0)")
    [warning] = named.warnings(named.summary(con))
    assert warning.startswith("2026-03: the proof of small cells took too long")
    con.execute(
        "insert into intermediate.int_privacy__proofs values ('2026-03-01', 'credits', 2, false, 9, 2, 1, 1250)"
    )
    assert list(named.warnings(named.summary(con))) == []


def test_a_month_says_what_the_proof_of_its_last_step_looked_at_found_and_cost():
    con = region_with(("2026-03-01", 20, 0), ("2026-02-01", 20, 0))
    con.execute(
        "insert into intermediate.int_privacy__proofs values ('2026-03-01', 'credits', 2, false, 9, 2, 1, 1250)"
    )
    con.execute("insert into intermediate.int_privacy__proofs values ('2026-03-01', 'credits', 1, false, 3, 0, 0, 0)")
    march, february = named.summary(con)
    assert march["proof"] == {"looked_at": 9, "found": 2, "repaired": 1, "kept_revenue": 12.5}
    assert february["proof"] is None
    assert list(named.lines("eu", [march, february])) == [
        "named eu 2026-03: 100% of the revenue stands under a channel or campaign; 2 small cells could have been"
        " computed from the published figures, so less is shown of them, and 12.50 more stands in (other)",
        "named eu 2026-02: 100% of the revenue stands under a channel or campaign",
    ]


def test_what_the_proofs_of_currencies_cohorts_and_fates_found_counts_too():
    con = region_with(("2026-03-01", 20, 0))
    con.execute("insert into intermediate.int_privacy__proofs values ('2026-03-01', 'credits', 2, false, 9, 2, 1, 50)")
    con.execute("insert into intermediate.int_privacy__proofs values ('2026-03-01', 'fates', 1, true, 4, 1, 1, 90)")
    [march] = named.summary(con)
    assert march["proof"] == {"looked_at": 13, "found": 3, "repaired": 2, "kept_revenue": 0.9}
    assert list(named.warnings([march]))


def test_a_region_that_was_never_built_has_nothing_to_tell():
    assert named.summary(duckdb.connect()) == []
