"""A table that is not understood is answered with lines of YAML that make it so."""

import json

import pytest
import yaml

from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.sources.tabular.read import expected_of
from tests.ingestion.sources.tables import read, reasons, refusals

GOOGLE_GERMAN = (
    "Kampagnenbericht\n1. März 2026\nTag,Kampagne,Kampagnen-ID,Währungscode,Kosten,Impr.\n"
    '2026-03-02,Brand,1,EUR,"1.234,56",12\n'
)
META_GERMAN = "Kampagnenname,Kampagnen-ID,Tag,Währung,Ausgegebener Betrag (EUR)\nBrand,1,2026-03-02,EUR,1234.56\n"
META_FRENCH = "Nom de la campagne;Jour;Montant dépensé (EUR)\nBrand;2026-03-02;1234.56\n"
META_SPANISH = (
    "Nombre de la campaña,Día,Importe gastado (EUR),Inicio del informe,Fin del informe\n"
    "Brand,2026-03-02,1234.56,2026-03-01,2026-03-31\n"
)
REDDIT = "Date,Campaign Name,Campaign ID,Amount Spent (USD)\n2026-03-02,Brand,1,1234.56\n"
OUTBRAIN = "Day,Campaign,cost_usd\n2026-03-02,Brand,1234.56\n"
CRITEO = "Day;Campaign;Cost;Currency\n2026-03-02;Brand;1234,56;EUR\n"


def advice(folder, content, source):
    with pytest.raises(UnreadableTableError) as caught:
        read(folder, content, source)
    text = caught.value.problem.partition("for example: ")[2]
    return yaml.safe_load(text.partition(";")[0])["sources"][source]


@pytest.mark.parametrize(
    ("content", "source", "campaign_id", "currency"),
    [
        (GOOGLE_GERMAN, "spend/google_ads", "1", "EUR"),
        (META_GERMAN, "spend/meta_ads", "1", "EUR"),
        (META_FRENCH, "spend/meta_ads", "Brand", "EUR"),
        (META_SPANISH, "spend/meta_ads", "Brand", "EUR"),
        (REDDIT, "spend/reddit_ads", "1", "USD"),
        (CRITEO, "spend/criteo", "Brand", "EUR"),
        (OUTBRAIN, "spend/outbrain", "Brand", "USD"),
    ],
)
def test_a_table_is_read_once_the_lines_that_its_message_gives_are_configured(
    tmp_path, content, source, campaign_id, currency
):
    found = read(tmp_path, content, source, **advice(tmp_path, content, source))
    assert found.rows.select("campaign_id", "campaign_name", "spend_minor", "currency").rows() == [
        (campaign_id, "Brand", 123456, currency)
    ]


def test_a_report_without_days_is_told_to_be_exported_by_day(tmp_path):
    with pytest.raises(UnreadableTableError) as caught:
        read(tmp_path, "Campaign,Currency code,Cost,Impr.\nBrand,EUR,10.00,1\n")
    assert caught.value.problem.endswith("where no column has the day, export the report by day")


def test_the_end_of_a_flight_is_left_aside_where_the_configuration_says_so(tmp_path):
    rows = "date,campaign_name,spend,currency,end_date\n2026-03-02,Brand,10.00,EUR,2026-12-31\n"
    assert refusals(read(tmp_path, rows, "spend/my_dsp")) == [(2, "invalid_period", "end_date")]
    found = read(tmp_path, rows, "spend/my_dsp", columns={"date_until": "date"})
    assert found.rows.select("campaign_id", "spend_minor").rows() == [("Brand", 1000)]


META_RANGE = "Berichtsstart,Berichtsende,Kampagnenname,Ausgegebener Betrag (EUR)\n"


def test_a_report_in_another_language_is_no_less_refused_for_its_rows_of_several_days(tmp_path):
    content = META_RANGE + "2026-03-02,2026-03-02,Brand,5\n2026-03-01,2026-03-31,Brand,310\n"
    found = read(tmp_path, content, "spend/meta_ads", **advice(tmp_path, content, "spend/meta_ads"))
    assert refusals(found) == [(3, "invalid_period", "Berichtsende")]


def test_a_report_in_another_language_has_its_summary_row_left_out(tmp_path):
    content = META_RANGE + "2026-03-02,2026-03-02,,12\n2026-03-02,2026-03-02,A,5\n2026-03-02,2026-03-02,B,7\n"
    found = read(tmp_path, content, "spend/meta_ads", **advice(tmp_path, content, "spend/meta_ads"))
    assert (found.rows["campaign_id"].to_list(), found.table.totals) == (["A", "B"], 1)


@pytest.mark.parametrize("name", ["Week", "Monat", "Semaine"])
def test_a_column_of_several_days_is_no_day_even_where_the_configuration_says_so(tmp_path, name):
    content = f"{name},campaign_name,spend,currency\n2026-03-02,Brand,310,EUR\n"
    found = read(tmp_path, content, "spend/my_dsp", columns={"date": name})
    assert refusals(found) == [(2, "invalid_period", name)]


@pytest.mark.parametrize(
    ("content", "source", "told"),
    [
        ("Day,Campaign,Currency code,Cost\n2026-03-02,Brand,EUR,7\n", "spend/google_ads", "Google Ads.* without Impr"),
        ("Name,Financial Status,Currency,Subtotal,Shipping,Total,Created at,Lineitem name\n", "ledger",
         "Shopify.* without Taxes"),
    ],
)  # fmt: skip
def test_an_export_that_lacks_a_column_is_told_from_a_table_of_no_known_tool(tmp_path, content, source, told):
    with pytest.raises(UnreadableTableError, match=f"it looks like {told}"):
        read(tmp_path, content, source)


ETSY = (
    "Sale Date,Order ID,Currency,Order Value,Coupon Code,Shipping,Sales Tax,Order Total,Status\n"
    "2026-03-02,123,EUR,100.00,,5,19,124,completed\n"
)
JTL = (
    "Auftragsnummer;Auftragsdatum;Währung;Nettobetrag;Bruttobetrag;Status\nA-1;2026-03-02;EUR;100.00;119.00;completed\n"
)


def test_nothing_but_revenue_is_proposed_as_revenue_and_no_column_twice_for_what_it_is_not(tmp_path):
    columns = advice(tmp_path, ETSY, "ledger")["columns"]
    assert "Shipping" not in columns.values()
    assert columns["revenue"] == "?"
    assert columns.get("ordered_at") != "Order ID"


def test_without_a_column_for_changes_the_orders_own_moment_is_proposed(tmp_path):
    lines = advice(tmp_path, JTL, "ledger")
    found = read(tmp_path, JTL, "ledger", **lines)
    assert lines["columns"]["updated_at"] == "Auftragsdatum"
    assert found.rows.select("order_id", "revenue_minor", "currency").rows() == [("a-1", 10000, "EUR")]


def test_nobodys_name_is_proposed_as_the_number_of_an_order(tmp_path):
    proposed = advice(tmp_path, "Name,Date,Status,Currency,Gross\nJane,2026-03-02,Completed,EUR,10.00\n", "ledger")
    assert proposed["columns"]["order_id"] == "?"
    assert "Name" not in proposed["columns"].values()


def test_a_column_of_a_known_export_is_missed_by_the_tools_own_name(tmp_path):
    shopware = {"orderNumber": "1", "orderDateTime": "2026-03-01", "amountTotal": 5, "amountNet": 5, "taxStatus": "net",
                "shippingCosts": {"totalPrice": 0, "calculatedTaxes": []}}  # fmt: skip
    missed = r"Shopware.*: status \(stateMachineState.technicalName\), currency \(currency.isoCode\); found"
    with pytest.raises(UnreadableTableError, match=missed) as caught:
        read(tmp_path, json.dumps(shopware), "ledger", "a.json")
    assert "status: taxStatus" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "odd", "reason"),
    [
        ("10.00", "1,234", "ambiguous_number"),
        ("2026-03-01", "01.03.2026", "invalid_timestamp"),
        ("completed", "shipped", "unknown_status"),
        ("o-1", "\xf6-1", "invalid_encoding"),
    ],
)
def test_a_refused_row_is_told_with_the_lines_that_read_it(tmp_path, cell, odd, reason):
    head = "order_id;ordered_at;status;revenue;currency;updated_at\n"
    content = (head + "o-1;2026-03-01;completed;10.00;EUR;2026-03-01\n".replace(cell, odd)).encode("cp1252")
    assert reasons(read(tmp_path, content, "ledger")) == [reason]
    text = expected_of(reason, "ledger/a.csv").partition("in romi.yaml: `")[2].removesuffix("`")
    found = read(tmp_path, content, "ledger", **yaml.safe_load(text)["sources"]["ledger"])
    assert (reasons(found), len(found.rows)) == ([], 1)
    assert "romi.yaml" not in expected_of(reason, "fx/eurofxref-hist.csv")
    assert f"{{spend/my_dsp: {{{text.partition('ledger: {')[2]}" in expected_of(reason, "spend/my_dsp/2026/a.csv")


def test_how_many_orders_there_were_is_not_proposed_as_their_number(tmp_path):
    report = "Day,Net sales,Currency,Status,Orders\n2026-03-02,100.00,EUR,completed,4\n"
    assert advice(tmp_path, report, "ledger")["columns"]["order_id"] == "?"
