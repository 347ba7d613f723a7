"""Cost by day: what of a delivery adds up, and what a later one replaces."""

DAY = "2026-03-01"
MODELS = ("int_spend__daily_costs",)


def part(region, cents, delivery="a", **columns):
    """A row of a delivery, unlike any other unless its hash is given."""
    row = region.cost(columns.pop("on", DAY), columns.pop("campaign", "7"), cents)
    row |= {"delivery": delivery, "delivery_order": delivery, "row_hash": row["line"], "entity_hash": None}
    return row | {"extracted_at": None, "account": None, "spend_rest": 0} | columns


def costs(region, dbt, *rows):
    region.insert("spend", list(rows))
    dbt.build(region, DAY, DAY)
    return region.query(
        "select platform, campaign_id, spend_cents, impressions from intermediate.int_spend__daily_costs order by all"
    )


def test_a_deliverys_rows_add_up_and_a_later_delivery_replaces_them(region, dbt):
    found = costs(
        region, dbt,
        # Parts of a day, in two files of one delivery; a row that is in both counts once.
        part(region, 1000, campaign="parts", file="a/1.csv"), part(region, 2000, campaign="parts", file="a/2.csv"),
        part(region, 3000, campaign="equal", file="a/1.csv", row_hash=99),
        part(region, 3000, campaign="equal", file="a/2.csv", row_hash=99),
        # Of rows alike but for what they measure the one extracted last.
        part(region, 1, campaign="extracted", entity_hash=5, extracted_at="2026-03-02"),
        part(region, 2, campaign="extracted", entity_hash=5, extracted_at="2026-03-03"),
        part(region, 4, campaign="extracted", entity_hash=6, extracted_at="2026-03-02"),
        # A later delivery, restated; of accounts each for itself, unless one names none.
        part(region, 10, "b9", campaign="restated"), part(region, 20, "c1", campaign="restated"),
        part(region, 30, "c1", campaign="restated"),
        part(region, 10, "b", campaign="accounts", account="1"),
        part(region, 20, "c", campaign="accounts", account="2"),
        part(region, 10, "b", campaign="no account", account="1"), part(region, 20, "c", campaign="no account"),
        part(region, 5, "c", campaign="named later"), part(region, 7, "d", campaign="named later", account="1"),
        # Thirds of a cent are added up before they are rounded; cost without counts has none.
        *[part(region, 333, campaign="thirds", spend_rest=3_333_333_333, impressions=None) for _ in range(3)],
        part(region, -50, campaign="credit"), part(region, 20, campaign="credit"),
        # As earlier versions read it: the last line of a file.
        part(region, 1, campaign="earlier", row_hash=None), part(region, 2, campaign="earlier", row_hash=None),
    )  # fmt: skip
    assert {campaign: cents for _, campaign, cents, _ in found} == {
        "parts": 3000, "equal": 3000, "extracted": 6, "restated": 50, "accounts": 30, "no account": 20,
        "named later": 7, "thirds": 1000, "credit": -30, "earlier": 2,
    }  # fmt: skip


def test_a_campaign_with_cost_in_two_currencies_is_one_row_of_the_day(region, dbt):
    region.insert("fx_rates", [{"rate_on": "2026-02-27", "currency": "USD", "rate_e8": 125_000_000}])
    found = costs(region, dbt, part(region, 1000, account="1"), part(region, 1250, account="2", currency="USD"))
    assert found == [("google_ads", "7", 2000, 0)]


def test_a_rate_that_is_too_old_prices_nothing(region, dbt):
    region.insert("fx_rates", [{"rate_on": "2026-02-20", "currency": "USD", "rate_e8": 125_000_000}])
    assert costs(region, dbt, part(region, 1250, currency="USD")) == [("google_ads", "7", None, 0)]
