"""Files of spend, ledger and rates: their books, what a restated file replaces, and what changed by it."""

import pytest

from ingestion.books import region_file
from ingestion.table_books import remove_orders
from quality.books import unbalanced_archives

SPEND_HEAD = "date,campaign_id,campaign_name,impressions,clicks,spend,currency,channel"
LEDGER_HEAD = "order_id,ordered_at,status,revenue,refunded,cogs,currency,updated_at"


def spend_row(day="2026-03-01", campaign="c-1", name="Brand", spend="12.34", currency="EUR", channel=""):
    return f"{day},{campaign},{name},100,7,{spend},{currency},{channel}"


def ledger_row(order="o-1", revenue="10.50", ordered_at="2026-03-01T10:00:00Z", status="completed"):
    return f"{order},{ordered_at},{status},{revenue},0,,EUR,2026-03-02T10:00:00Z"


@pytest.fixture
def spend(zone):
    """Land a file of spend, load it, and give the changes that this made."""

    def land(*rows, name="a.csv", platform="google_ads"):
        zone.put(f"eu/spend/{platform}/{name}", "\n".join([SPEND_HEAD, *rows]))
        before = len(zone.query("from ops.changes")) if zone.settings.region_file("eu").exists() else 0
        zone.load()
        return {(kind, str(day) if day else None, key) for kind, day, key in zone.query("from ops.changes")[before:]}

    return land


def fates(zone):
    return sorted(
        zone.query("select name, fate, reason, fates.records from ops.fates join ops.archives using (archive_id)")
    )


def test_every_row_of_every_kind_of_file_is_in_the_books(zone):
    zone.put(
        "eu/spend/google_ads/a.csv",
        "\n".join([SPEND_HEAD, spend_row(), spend_row(spend="x"), spend_row(currency="XXQ"), spend_row(day="x")]),
    )
    zone.put(
        "eu/ledger/a.csv",
        "\n".join(
            [LEDGER_HEAD, ledger_row(), ledger_row("o-2", "x"), ledger_row("o-3", ordered_at="2010-01-01T00:00:00Z")]
        ),
    )
    zone.put("fx/eurofxref-hist.csv", "Date,USD,JPY,\n2026-03-02,1.0834,162.35,\n2026-02-30,1,1,\n2026-03-03,0,1,\n")
    zone.load()
    assert fates(zone) == [
        ("fx/eurofxref-hist.csv", "dead_letter", "invalid_timestamp", 1),
        ("fx/eurofxref-hist.csv", "loaded", "", 2),
        ("ledger/a.csv", "dead_letter", "invalid_money", 1), ("ledger/a.csv", "expired", "", 1), ("ledger/a.csv",
        "loaded", "", 1),
        ("spend/google_ads/a.csv", "dead_letter", "invalid_money", 1), ("spend/google_ads/a.csv", "dead_letter",
        "invalid_timestamp", 1),
        ("spend/google_ads/a.csv", "dead_letter", "unknown_currency", 1), ("spend/google_ads/a.csv", "loaded", "", 1),
    ]  # fmt: skip
    assert zone.query("select sum(records) from ops.archives") == zone.query("select sum(records) from ops.fates")
    assert zone.query("select platform, line, spend_minor from raw.spend") == [("google_ads", 2, 1234)]
    assert zone.query("select order_id, revenue_minor, cogs_minor from raw.ledger_orders") == [("o-1", 1050, None)]
    assert zone.query("select rate_on::varchar, currency, rate_e8 from raw.fx_rates order by all") == [
        ("2026-03-02", "JPY", 16_235_000_000),
        ("2026-03-02", "USD", 108_340_000),
        ("2026-03-03", "JPY", 100_000_000),
    ]


def test_a_file_without_its_columns_is_corrupt_and_its_rows_before_stay(zone, spend):
    spend(spend_row())
    zone.put("eu/spend/google_ads/a.csv", "date,spend\n2026-03-01,5")
    assert zone.load().corrupt == ["spend/google_ads/a.csv"]
    assert zone.query("select problem from ops.archives where state = 'corrupt'") == [
        ("columns missing: campaign_id or campaign_name, currency; found: date, spend; say what they are called, in"
         " romi.yaml, for example: sources: {spend/google_ads: {columns: {campaign_id: '?'}, currency: EUR}}",)
    ]  # fmt: skip
    assert zone.query("select spend_minor from raw.spend") == [(1234,)]
    assert spend(spend_row(spend="9")) == {("spend", "2026-03-01", "c-1")}
    assert zone.query("select state, count(*) from ops.archives group by all order by all") == [
        ("loaded", 2),
        ("replaced", 1),
    ]


def test_a_restated_file_replaces_its_rows_and_leaves_the_days_that_differ(zone, spend):
    spend(spend_row(), spend_row("2026-03-02"), spend_row("2026-03-03"))
    assert spend(spend_row(), spend_row("2026-03-02", spend="5")) == {
        ("spend", "2026-03-02", "c-1"),
        ("spend", "2026-03-03", "c-1"),
    }
    assert zone.query("select spend_on::varchar, spend_minor from raw.spend order by all") == [
        ("2026-03-01", 1234),
        ("2026-03-02", 500),
    ]


def test_a_file_that_goes_back_to_what_it_was_is_read_again(zone, spend):
    spend(spend_row(spend="1"))
    spend(spend_row(spend="2"))
    assert spend(spend_row(spend="1")) == {("spend", "2026-03-01", "c-1")}
    assert zone.query("select spend_minor from raw.spend") == [(100,)]


def test_other_files_rows_stay_when_one_is_restated(zone, spend):
    spend(spend_row(), name="a.csv")
    spend(spend_row(spend="2"), name="b.csv")
    spend(spend_row(spend="3"), name="a.csv")
    assert zone.query("select file, spend_minor from raw.spend order by all") == [
        ("spend/google_ads/a.csv", 300),
        ("spend/google_ads/b.csv", 200),
    ]


def campaigns(changes):
    return {key for kind, _, key in changes if kind == "campaign"}


def test_a_new_campaign_is_a_change_of_campaigns_by_id_and_name(spend):
    assert campaigns(spend(spend_row())) == {"c-1", "brand"}
    assert campaigns(spend(spend_row(), spend_row(campaign="c-2", name=""))) == {"c-2"}


def test_a_new_day_of_cost_is_no_change_of_campaigns(spend):
    spend(spend_row())
    assert spend(spend_row("2026-03-02"), name="b.csv") == {("spend", "2026-03-02", "c-1")}
    assert campaigns(spend(spend_row(spend="99"), spend_row("2026-03-03"))) == set()


def test_a_renamed_campaign_is_a_change_under_every_name_it_ever_had(spend):
    spend(spend_row(name="Old"))
    spend(spend_row("2026-03-02", name="Middle"), name="b.csv")
    assert campaigns(spend(spend_row("2026-03-03", name="New"), name="c.csv")) == {"c-1", "old", "middle", "new"}
    assert campaigns(spend(spend_row("2026-03-03", name="Newest"), name="c.csv")) == {
        "c-1",
        "old",
        "middle",
        "new",
        "newest",
    }


def test_an_earlier_days_name_is_a_name_that_touches_may_carry(spend):
    spend(spend_row("2026-03-02", name="Now"))
    assert campaigns(spend(spend_row("2026-03-01", name="Then"), name="b.csv")) == {"c-1", "now", "then"}


def test_every_name_that_a_campaign_is_seen_with_is_a_change(spend):
    spend(spend_row(name="First"), spend_row(name="Second"), name="b.csv")
    assert campaigns(spend(spend_row(name="Third"), name="a.csv")) == {"c-1", "first", "second", "third"}
    assert campaigns(spend(spend_row(name="Second"), spend_row(name="First"), name="b.csv")) == {
        "c-1",
        "first",
        "second",
        "third",
    }


def test_a_campaign_that_changes_its_channel_or_goes_away_is_a_change(spend):
    spend(spend_row(), spend_row(campaign="c-2", name="Other"))
    assert campaigns(spend(spend_row(channel="Affiliates"), spend_row(campaign="c-2", name="Other"))) == {
        "c-1",
        "brand",
    }
    assert campaigns(spend(spend_row(channel="Affiliates"))) == {"c-2", "other"}


def test_the_same_id_on_another_platform_is_another_campaign(spend):
    spend(spend_row())
    assert campaigns(spend(spend_row(name="Social"), platform="meta_ads")) == {"c-1", "brand", "social"}
    assert campaigns(spend(spend_row("2026-03-02"), name="b.csv")) == set()


def test_a_restated_ledger_leaves_the_orders_that_differ(zone):
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row("o-1"), ledger_row("o-2"), ledger_row("o-3")]))
    zone.load()
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row("o-1"), ledger_row("o-2", status="cancelled")]))
    before = len(zone.query("from ops.changes"))
    zone.load()
    assert sorted(zone.query("from ops.changes")[before:]) == [("order", None, "o-2"), ("order", None, "o-3")]


def test_new_rates_replace_all_and_leave_the_days_that_differ(zone):
    zone.put("fx/eurofxref-hist.csv", "Date,USD\n2026-03-02,1.1\n2026-03-03,1.2")
    zone.load()
    zone.put("fx/eurofxref-hist.csv", "Date,USD\n2026-03-04,1.4\n2026-03-03,1.3\n2026-03-03,1.25\n2026-03-02,1.1")
    before = len(zone.query("from ops.changes"))
    zone.load()
    assert {(kind, str(day), key) for kind, day, key in zone.query("from ops.changes")[before:]} == {
        ("rate", "2026-03-03", "USD"), ("rate", "2026-03-04", "USD")}  # fmt: skip
    assert zone.query("select rate_e8 from raw.fx_rates order by rate_on") == [
        (110_000_000,),
        (125_000_000,),
        (140_000_000,),
    ]


def test_a_dead_rows_place_is_its_line_and_its_payload_is_sealed(zone):
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, "", ledger_row("jane@example.com", "x")]))
    zone.load()
    ((offset, payload),) = zone.query("select record_offset, payload from ops.dead_letters")
    assert offset == 3
    assert b"jane" not in payload


def unbalanced(zone, *statements):
    """How many files' books do not balance with the tables, after statements that are taken back."""
    with region_file(zone.settings, "eu") as con:
        con.execute("begin")
        for one in statements:
            con.execute(one)
        found = unbalanced_archives(con)
        con.execute("rollback")
    return found


def test_rows_that_are_lost_or_doubled_are_seen_and_a_redelivery_is_clean(zone, spend):
    rows = [ledger_row(), ledger_row("o-2"), ledger_row("o-2", "x"), ledger_row("o-4", "11.00")]
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, *rows]))
    spend(spend_row(), spend_row("2026-03-02"))
    spend(spend_row(), name="b.csv")
    assert unbalanced(zone) == 0
    for table, file in (("spend", "spend/google_ads/a.csv"), ("ledger_orders", "ledger/a.csv")):
        of_file = f"file = '{file}' and line = 2"
        lost, doubled = f"delete from raw.{table} where {of_file}", f"insert into raw.{table} from raw.{table} where "
        assert unbalanced(zone, lost) == 1
        assert unbalanced(zone, doubled + of_file) == 1
        other = f"file = '{file}' and line = 3"
        assert unbalanced(zone, lost, doubled + other) == 1, "one is lost for another that is doubled"
        assert unbalanced(zone, f"delete from raw.{table} where file = '{file}'") == 1
    spend(spend_row())  # restated, with a row less
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, *rows, ledger_row("o-3")]))
    zone.load()
    assert unbalanced(zone) == 0
    zone.put("eu/ledger/a.csv", "no,columns")  # corrupt: the rows stay those of the last that was whole
    zone.load()
    assert unbalanced(zone) == 0


def test_rows_of_the_ledger_that_went_for_good_leave_its_books_balanced(zone):
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row(), ledger_row("o-2"), ledger_row("o-3")]))
    zone.load()
    with region_file(zone.settings, "eu") as con:
        for gone in (2, 4):
            assert remove_orders(con, f"line = {gone}") == 1
            assert unbalanced_archives(con) == 0
    assert unbalanced(zone, "delete from raw.ledger_orders") == 1
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row(), ledger_row("o-2"), ledger_row("o-4")]))
    zone.load()
    assert unbalanced(zone) == 0
