"""Rows of advertising cost: what each gives, what counts once, and why one is refused."""

import gzip
import io
import json
import re
from datetime import date

import pytest
import xlsxwriter

from ingestion.sources.tabular.grids import UnreadableTableError
from tests.ingestion.sources.tables import read, reasons, refusals, spend

ROW = {
    "date": "2026-03-01", "campaign_id": "c-1", "campaign_name": "Brand", "impressions": "100", "clicks": "7",
    "spend": "12.3450", "currency": "EUR",
}  # fmt: skip


def line(**changes):
    return ",".join(f'"{value}"' for value in (ROW | changes).values())


def test_a_row_is_exact_and_what_is_below_the_minor_unit_is_kept(tmp_path):
    (row,) = spend(tmp_path, line()).rows.to_dicts()
    assert row["spend_on"] == date(2026, 3, 1)
    assert (row["campaign_id"], row["campaign_name"], row["channel"]) == ("c-1", "Brand", None)
    assert (row["impressions"], row["clicks"], row["currency"], row["line"]) == (100, 7, "EUR", 2)
    assert (row["spend_minor"], row["spend_rest"]) == (1234, 5 * 10**9)


@pytest.mark.parametrize(
    ("changes", "reason", "column"),
    [
        *[({name: "--"}, "missing_field", name) for name in ("date", "spend", "currency")],
        *[({"date": wrong}, "invalid_timestamp", "date") for wrong in ("2026-02-30", "01.03.2026", "03/05/2026", "x")],
        *[({"date": wrong}, "invalid_period", "date") for wrong in ("2026-03", "2026-W10", "2026-03-01 - 2026-03-31")],
        *[({"spend": wrong}, "invalid_money", "spend") for wrong in ("x", "12,34.5", "1e400", "1e15", "1.2.3")],
        ({"spend": "1,234"}, "ambiguous_number", "spend"),
        ({"currency": "XXQ"}, "unknown_currency", "currency"),
        ({"campaign_id": "1.20211E+17"}, "imprecise_id", "campaign_id"),
        ({"date": "", "spend": "x"}, "missing_field", "date"),
        ({"date": "x", "spend": "x"}, "invalid_timestamp", "date"),
        ({"currency": "XXQ", "spend": "x"}, "invalid_money", "spend"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refused_row_says_its_line_reason_and_column(tmp_path, changes, reason, column):
    found = spend(tmp_path, line(), line(**changes))
    assert refusals(found) == [(3, reason, column)]
    assert len(found.rows) == 1
    assert found.records == 2


@pytest.mark.parametrize(
    ("column", "config"), [("spend", {"decimal": ","}), ("metrics.cost_micros", {}), ("spend", {})]
)
def test_whole_amounts_have_the_bound_of_all_money_in_either_sign(tmp_path, column, config):
    """Whole numbers are read by a short way, which has to know the bound that the long one knows."""
    largest = 10**12 * (10**6 if "micros" in column else 1)
    cells = [largest, largest + 1, -largest, -largest - 1, 10**18 + 1, 10**30]
    head = f"segments.date,campaign.id,customer.currency_code,{column}" if "micros" in column else (
        f"date,campaign_id,currency,{column}"
    )  # fmt: skip
    found = spend(
        tmp_path, *[f"2026-03-01,{number},EUR,{one}" for number, one in enumerate(cells)], head=head, **config
    )
    assert found.rows["spend_minor"].to_list() == [10**14, -(10**14)]
    assert reasons(found) == ["invalid_money"] * 4


def test_an_odd_optional_cell_never_costs_the_row_its_money(tmp_path):
    odd = spend(tmp_path, line(impressions="x", clicks="1.5"), line(impressions="1,200", clicks="--"))
    assert odd.rows.select("impressions", "clicks", "spend_minor").rows() == [(None, None, 1234), (1200, None, 1234)]
    assert odd.table.odd == {"impressions": 1, "clicks": 1}


def test_what_a_row_may_leave_out(tmp_path):
    rows = spend(tmp_path, line(campaign_id="", currency="eur"), line(campaign_id="", campaign_name="")).rows
    assert rows["campaign_id"].to_list() == ["Brand", "(none)"]
    assert rows["currency"].to_list() == ["EUR", "EUR"]


def test_a_credit_is_negative_cost(tmp_path):
    assert spend(tmp_path, line(spend="-3.50")).rows["spend_minor"].to_list() == [-350]


def test_rows_equal_in_every_column_count_once_and_others_all_stand(tmp_path):
    found = spend(tmp_path, line(), line(), line(clicks="8"))
    assert (len(found.rows), found.duplicates, found.conflicting) == (2, 1, 0)


def test_the_number_of_a_row_tells_rows_apart_though_its_column_has_no_name(tmp_path):
    rows = [f"{number},2026-03-01,7,5,EUR," for number in range(2)]
    assert len(spend(tmp_path, *rows, head=",date,campaign_id,spend,currency,").rows) == 2
    assert len(spend(tmp_path, *[row[1:] for row in rows], head=",date,campaign_id,spend,currency,").rows) == 1


def test_of_rows_alike_but_for_what_they_measure_the_one_extracted_last_stands(tmp_path):
    head = "_airbyte_raw_id,_airbyte_extracted_at,segments.date,segments.hour,campaign.id,metrics.cost_micros"
    rows = [
        "u1,2026-03-02T01:00:00Z,2026-03-01,8,1,1000000", "u2,2026-03-03T01:00:00Z,2026-03-01,8,1,2000000",
        "u3,2026-03-02T01:00:00Z,2026-03-01,9,1,4000000",
    ]  # fmt: skip
    found = spend(tmp_path, *rows, head=head, currency="EUR")
    assert sorted(found.rows["spend_minor"]) == [200, 400]
    assert (found.duplicates, found.conflicting) == (1, 1)


def test_total_lines_are_no_campaign_with_a_date_or_without(tmp_path):
    found = spend(
        tmp_path, line(), line(date="", campaign_id="", campaign_name="Total"),
        line(campaign_id="", campaign_name="Total"),
        line(date="Total: Account", campaign_id="--"), line(campaign_name="Total", campaign_id="9"),
    )  # fmt: skip
    assert found.rows["campaign_id"].to_list() == ["c-1", "9"]
    assert (found.table.totals, found.records) == (3, 2)


def test_a_row_for_more_than_one_day_is_refused_on_all_of_its_days(tmp_path):
    head = "date_start,date_stop,account_currency,campaign_id,spend"
    found = spend(tmp_path, "2026-03-01,2026-03-31,EUR,77,310.00", head=head, source="spend/meta_ads")
    assert reasons(found) == ["invalid_period"]
    assert found.refused.select("day", "until").rows() == [(date(2026, 3, 1), date(2026, 3, 31))]


def test_campaigns_that_are_shaped_like_a_person_are_redacted(tmp_path):
    (row,) = spend(tmp_path, line(campaign_id="jane@example.com", campaign_name="jane@example.com")).rows.to_dicts()
    assert row["campaign_name"] == "(redacted)"
    assert re.fullmatch(r"\(redacted [0-9a-f]{16}\)", row["campaign_id"])


def test_micros_of_a_currency_with_small_units_may_be_many(tmp_path):
    head = "date,campaign_id,cost_micros,currency"
    found = spend(tmp_path, "2026-03-01,1,5000000000000000,VND", head=head)
    assert found.rows["spend_minor"].to_list() == [5_000_000_000]


def test_text_in_another_encoding_is_refused_row_by_row_unless_it_is_configured(tmp_path):
    content = f"{','.join(ROW)}\n{line()}\n{line(campaign_name='Größe')}\n".encode("cp1252")
    assert refusals(read(tmp_path, content)) == [(3, "invalid_encoding", "campaign_name")]
    assert read(tmp_path, content, encoding="cp1252").rows["campaign_name"].to_list() == ["Brand", "Größe"]


def test_a_row_with_more_cells_than_names_is_refused_and_empty_ones_do_no_harm(tmp_path):
    found = spend(tmp_path, "2026-03-01,1,x,1,1,12,34,EUR", "2026-03-01,1,x,1,1,12.34,EUR,,")
    assert refusals(found) == [(2, "malformed_row", "beyond the last column")]
    assert found.rows["spend_minor"].to_list() == [1234]


@pytest.mark.parametrize("name", ["Total", "TOTAL (all)", "Gesamt: 3", "Summe", "Итого", "合計"])
def test_a_dated_row_that_sums_up_others_is_no_campaign(tmp_path, name):
    found = spend(tmp_path, line(), line(campaign_id="", campaign_name=name))
    assert (len(found.rows), found.table.totals) == (1, 1)


META = "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR)"


@pytest.mark.parametrize("summary", ["2026-03-01,2026-03-02,,3.75", "2026-03-01,2026-03-01,,3.75", "--,--,,3.75"])
def test_metas_summary_row_is_no_campaign_whatever_days_it_names(tmp_path, summary):
    rows = ["2026-03-01,2026-03-01,Brand,1.50", "2026-03-02,2026-03-02,Brand,2.25"]
    for order in ([summary, *rows], [*rows, summary]):
        found = spend(tmp_path, *order, head=META, source="spend/meta_ads")
        assert found.rows["spend_minor"].to_list() == [150, 225]
        assert (found.table.totals, refusals(found)) == (1, [])


def test_cost_without_a_campaign_that_is_no_sum_of_the_others_stays(tmp_path):
    row = "2026-03-01,2026-03-01,{},{}".format
    for several in ([row("Brand", "1.50"), row("", "1.00")], [row("", "1.50")],
                    [row("", "1.50"), row("", "1.00"), row("Brand", "1.00")]):  # fmt: skip
        found = spend(tmp_path, *several, head=META, source="spend/meta_ads")
        assert (len(found.rows), found.table.totals) == (len(several), 0)


def test_an_hour_of_microsoft_advertising_is_part_of_its_day(tmp_path):
    rows = [f"2026-03-01|{hour},7,Brand,1.50,EUR,1,1" for hour in (0, 13)]
    head = "TimePeriod,CampaignId,CampaignName,Spend,CurrencyCode,Impressions,Clicks"
    found = spend(tmp_path, *rows, head=head, source="spend/microsoft_ads")
    assert found.rows.select("spend_on", "spend_minor").rows() == [(date(2026, 3, 1), 150)] * 2


@pytest.mark.parametrize("column", ["end_date", "Date To", "period_end"])
def test_a_plain_row_that_says_where_its_period_ends_has_to_be_of_one_day(tmp_path, column):
    head = f"date,{column},campaign_id,spend,currency"
    found = spend(tmp_path, "2026-03-01,2026-03-31,1,310,EUR", "2026-03-01,2026-03-01,1,10,EUR", head=head)
    assert refusals(found) == [(2, "invalid_period", column)]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("granularity", "month"),
        ("Period", "Weekly"),
        ("time_increment", "7"),
        ("time increment", "all_days"),
        ("Reporting period", "Monthly"),
        ("days", "31"),
    ],
)
def test_a_row_that_says_it_is_for_more_than_a_day_is_refused(tmp_path, column, cell):
    head = f"date,{column},campaign_id,spend,currency"
    found = spend(
        tmp_path, f"2026-03-01,{cell},1,310,EUR", "2026-03-01,1,1,10,EUR", "2026-03-02,Day,1,9,EUR", head=head
    )
    assert refusals(found) == [(2, "invalid_period", column)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04" + bytes(99), "unpack it"), (gzip.compress(b"date,spend", mtime=0), "end in .gz"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "save it as .xlsx"), (b"PAR1" + bytes(99), "end in .parquet"),
    ],
)  # fmt: skip
def test_a_file_whose_name_hides_its_kind_is_told_what_to_change(tmp_path, content, what):
    with pytest.raises(UnreadableTableError, match=what):
        read(tmp_path, content)


def test_records_in_airbytes_envelope_are_read_as_the_tool_gave_them(tmp_path):
    row = {
        "segments.date": "2026-03-01",
        "customer.currency_code": "EUR",
        "campaign.id": 7,
        "metrics.cost_micros": 10**6,
    }
    line = {"_airbyte_raw_id": "x", "_airbyte_extracted_at": 1772496000000, "_airbyte_data": row}
    found = read(tmp_path, json.dumps(line) + "\n", name="a.jsonl")
    assert found.rows.select("campaign_id", "spend_minor", "currency").rows() == [("7", 100, "EUR")]


@pytest.mark.parametrize("day", ["0026-03-02", "1899-12-30"])
def test_a_day_that_has_lost_its_century_is_refused(tmp_path, day):
    assert reasons(spend(tmp_path, line(date=day))) == ["invalid_timestamp"]


@pytest.mark.parametrize("day", ["2026.03.01", "2026/3/1", "20260301", "Mar 1, 2026"])
def test_a_day_is_read_however_it_can_be_read_one_way_only(tmp_path, day):
    assert spend(tmp_path, line(date=day)).rows["spend_on"].to_list() == [date(2026, 3, 1)]


def test_a_day_after_tomorrow_is_noted(tmp_path):
    found = spend(tmp_path, line(), line(date="2026-03-11"), line(date="2027-03-01"))
    assert (len(found.rows), found.ahead) == (3, {"date": 1})


@pytest.mark.parametrize(
    ("days", "is_noted"),
    [
        (("2026-01-01", "2026-02-01", "2026-03-01"), True),
        (("2026-01-01", "2026-02-01", "2026-03-02"), False),
        (("2026-02-02", "2026-02-09", "2026-02-16", "2026-03-02"), True),
        (("2026-02-02", "2026-02-09", "2026-02-16"), False),  # a few days may fall so
        (("2026-02-01", "2026-03-01"), False),
    ],
)
def test_days_that_may_stand_for_months_or_weeks_are_noted(tmp_path, days, is_noted):
    found = spend(tmp_path, *[line(date=day, campaign_id=name) for day in days for name in "ab"])
    assert (len(found.rows), found.coarse) == (2 * len(days), {"date": 2 * len(days)} if is_noted else {})


def test_micros_with_decimals_are_refused_since_they_are_not_millionths(tmp_path):
    head = "segments.date,campaign.id,customer.currency_code,metrics.cost_micros"
    found = spend(tmp_path, "2026-03-01,1,EUR,31.55", "2026-03-01,2,EUR,31550000.0", head=head)
    assert refusals(found) == [(2, "invalid_micros", "metrics.cost_micros")]
    assert found.rows["spend_minor"].to_list() == [3155]


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("EUR 10", "USD", "currency_conflict"), ("£10.00", "EUR", "currency_conflict"),
        ("10 €", "GBP", "currency_conflict"), ("$10.00", "GBP", "currency_conflict"),
        ("¥10", "USD", "currency_conflict"),
        ("EUR 10", "EUR", None), ("$10.00", "CAD", None), ("£10.00", "EGP", None), ("10", "USD", None),
        ("1.234", "JPY", "ambiguous_number"), ("1.5", "JPY", None),
    ],
)  # fmt: skip
def test_an_amount_that_names_another_currency_than_its_row_is_refused(tmp_path, amount, currency, reason):
    assert reasons(spend(tmp_path, line(), line(spend=amount, currency=currency))) == ([reason] if reason else [])


def test_a_headers_currency_and_the_rows_have_to_agree(tmp_path):
    head = "date,campaign_id,Spend (USD),currency"
    found = spend(tmp_path, "2026-03-01,1,10,EUR", "2026-03-01,2,10,USD", "2026-03-01,3,10,", head=head)
    assert refusals(found) == [(2, "currency_conflict", "Spend (USD)")]
    assert found.rows["currency"].to_list() == ["USD", "USD"]


@pytest.mark.parametrize(
    ("name", "currency", "refused"),
    [
        ("cost_usd", "EUR", ["currency_conflict"]), ("Cost USD", "USD", []), ("Cost ($)", "EUR", ["currency_conflict"]),
        ("Cost ($)", "CAD", []), ("cost_all", "EUR", []),
    ],
)  # fmt: skip
def test_a_configured_currency_has_to_be_that_of_the_columns_name(tmp_path, name, currency, refused):
    found = spend(
        tmp_path, "2026-03-01,7,10", head=f"date,campaign_id,{name}", columns={"spend": name}, currency=currency
    )
    assert reasons(found) == refused


@pytest.mark.parametrize(
    ("cells", "by_comma", "by_semicolon"),
    [
        (("1.250", "2.500", "980"), [2, 3], [2, 3]),  # as Germans write thousands, with nothing that says otherwise
        (("1.250", "2.500", "980.5"), [], []),
        (("1.250", "2.500", "0.125"), [], []),
        (("1.250", "980", "7"), [2], [2]),
        (("1.250 €", "980 €"), [2], [2]),
        (("1.250", "12.5 €"), [], []),
        (("1.250", "1250.5"), [], []),
        # Where commas separate the cells, all of them may have three decimals.
        (("1.250", "2.500", "3.750"), [], [2, 3, 4]),
        (("1.250",), [], [2]),
        (("-1.250", "(2.500)"), [], [2, 3]),
    ],
)
def test_points_that_all_stand_before_three_digits_may_group_them(tmp_path, cells, by_comma, by_semicolon):
    for delimiter, refused in {",": by_comma, ";": by_semicolon}.items():
        rows = [f"2026-03-01,{number},{cell},EUR".replace(",", delimiter) for number, cell in enumerate(cells)]
        head = "date,campaign_id,spend,currency".replace(",", delimiter)
        assert refusals(spend(tmp_path, *rows, head=head)) == [(line, "ambiguous_number", "spend") for line in refused]
        assert refusals(spend(tmp_path, *rows, head=head, decimal=".")) == []


def test_an_account_is_the_same_however_its_number_is_written(tmp_path):
    head = "date,campaign_id,spend,currency,account"
    names = ("123-456-7890", "1234567890", "123 456 7890", "1234567890.0", "act_1234567890", "Shop 1", "shop-1")
    rows = [f"2026-03-01,7,{number},EUR,{name}" for number, name in enumerate(names)]
    found = spend(tmp_path, *rows, head=head).rows["account"].to_list()
    assert (len(set(found[:5])), len(set(found))) == (1, 3)


def test_a_number_with_two_points_shows_that_they_group(tmp_path):
    assert refusals(spend(tmp_path, line(spend="1.250.000"), line(spend="2.500"))) == [(3, "ambiguous_number", "spend")]


@pytest.mark.parametrize(
    ("cells", "refused"), [(("1.250", "2.500"), []), (("1.250", "980"), ["ambiguous_number"])], ids=["all", "some"]
)
def test_amounts_of_a_currency_with_three_decimals_may_all_have_them(tmp_path, cells, refused):
    assert reasons(spend(tmp_path, *[line(spend=cell, campaign_id=cell, currency="KWD") for cell in cells])) == refused


def workbook(*row, **options):
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("date", "campaign_id", "spend", "currency"))
        sheet.write_row(1, 0, row)
    return written.getvalue()


@pytest.mark.parametrize(("cell", "refused"), [(1.25, []), (1.234, []), ("1.234", ["ambiguous_number"])])
def test_a_workbooks_own_number_is_told_from_one_that_stands_there_as_text(tmp_path, cell, refused):
    assert reasons(read(tmp_path, workbook("2026-03-01", "1", cell, "EUR"), name="a.xlsx")) == refused


@pytest.mark.parametrize(
    ("cell", "options", "day"),
    [
        (46083, {}, date(2026, 3, 2)),
        (46083.75, {}, date(2026, 3, 2)),
        (44621, {"date_1904": True}, date(2026, 3, 2)),
        (20260302, {}, date(2026, 3, 2)),
        (12, {}, None),
    ],
)
def test_a_workbooks_day_may_be_a_number(tmp_path, cell, options, day):
    found = read(tmp_path, workbook(cell, "1", 5, "EUR", **options), name="a.xlsx")
    assert (found.rows["spend_on"].to_list(), reasons(found)) == (
        ([day], []) if day else ([], ["invalid_timestamp"])
    )  # fmt: skip


def test_a_number_of_days_in_text_is_refused(tmp_path):
    assert reasons(spend(tmp_path, line(date="46083"))) == ["invalid_timestamp"]


def test_a_row_that_tells_only_where_its_period_begins_is_of_a_day_if_the_configuration_says_so(tmp_path):
    content = "Start Date,Portfolio name,Currency,Campaign Name,Spend\n2026-03-01,None,EUR,Mugs,310\n"
    with pytest.raises(UnreadableTableError, match=r"no column where it ends.*columns: {date_until: Start Date}"):
        read(tmp_path, content, "spend/amazon_ads")
    found = read(tmp_path, content, "spend/amazon_ads", columns={"date_until": "Start Date"})
    assert found.rows["spend_minor"].to_list() == [31000]


@pytest.mark.parametrize(
    ("end", "days", "refused"),
    [
        ("March 31, 2026", ("3/1/2026", "3/1/2026"), ["invalid_period"] * 2),
        ("March 31, 2026", ("3/1/2026", "3/2/2026"), []),
        ("March 1, 2026", ("3/1/2026", "3/1/2026"), []),
    ],
)
def test_a_report_of_linkedin_that_is_not_broken_down_is_not_all_of_its_first_day(tmp_path, end, days, refused):
    rows = "".join(f"{day}\tB2B\t{number}\tEUR\t310.00\n" for number, day in enumerate(days))
    content = (
        f"Report Start: March 1, 2026\nReport End: {end}\n\n"
        f"Start Date (in UTC)\tCampaign Name\tCampaign ID\tCurrency\tTotal Spent\n{rows}"
    )
    assert reasons(read(tmp_path, content, "spend/linkedin_ads", "a.tsv")) == refused


@pytest.mark.parametrize(
    "written",
    [
        lambda records: "".join(map(json.dumps, records)),
        lambda records: "\n".join(json.dumps(one, indent=1) for one in records),
        lambda records: "\n".join(json.dumps([one]) for one in records),
        lambda records: "".join(f"\x1e{json.dumps(one)}\n" for one in records),
    ],
    ids=["run together", "over several lines", "batches", "RFC 7464"],
)
def test_records_of_json_may_stand_on_any_lines(tmp_path, written):
    records = [ROW | {"campaign_id": name} for name in ("a", "b")]
    assert read(tmp_path, written(records), name="a.json").rows["campaign_id"].to_list() == ["a", "b"]
    with pytest.raises(UnreadableTableError, match=r"line [0-9]+ is not JSON"):
        read(tmp_path, written(records)[:-20], name="a.json")


def test_column_names_that_stand_again_among_the_rows_are_no_row(tmp_path):
    found = spend(tmp_path, line(), ",".join(ROW), line(campaign_id="c-2"))
    assert (refusals(found), len(found.rows)) == ([], 2)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("March\n\ndate,campaign_id,spend,currency\n2026-03-01,1,1,EUR\n", "stand in line 3.*skip_rows: 2"),
        ("Month,campaign_id,spend,currency\n2026-03-01,1,1,EUR\n", "by Month and not by day"),
        ("segments.week,campaign.id,metrics.cost_micros\n2026-03-01,1,1\n", "by segments.week and not by day"),
        ("<!DOCTYPE html><html>Log in, please</html>", "web page"),
        ("\n\n", "it is empty"),
        ("2026-03-01,1,5.50,EUR\n2026-03-02,1,5.50,EUR\n", "values and no column names.*date,campaign_name,"),
        ("Date,Campaign ID,Cost (USD),Currency\n2026-03-01,1,1,USD\n", r"spend: Cost \(USD\)"),
    ],
)
def test_a_file_that_is_not_read_is_told_what_to_change(tmp_path, content, told):
    with pytest.raises(UnreadableTableError, match=told):
        read(tmp_path, content, source="spend/my_dsp")


@pytest.mark.parametrize("content", ["[]", "{}"])
def test_json_without_records_is_empty(tmp_path, content):
    with pytest.raises(UnreadableTableError, match="it is empty"):
        read(tmp_path, content, name="a.json")
