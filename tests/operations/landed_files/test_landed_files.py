"""What each file gave, what one would give, taking one's rows out again, and a first configuration."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
import yaml

from ingestion.books import region_file
from ingestion.landing import discover
from ingestion.load_tables import natural_order
from ingestion.sources import snowplow
from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.table_books import tell_vanished
from operations.landed_files import document, findings
from operations.landed_files.check import check
from operations.landed_files.first_config import first_config
from operations.landed_files.forget import forget
from operations.landed_files.listing import list_files, show_file
from quality.books import unbalanced_archives
from settings import Settings, UsageError
from settings.sources import COLUMNS
from tests.ingestion import conftest
from tests.ingestion.test_load_tables import LEDGER_HEAD, SPEND_HEAD, ledger_row, spend_row

clock, zone = conftest.clock, conftest.zone
ROOT = Path(__file__).parents[3]
NAME = "spend/google_ads/a.csv"


@pytest.fixture
def landed(zone):
    zone.put(f"eu/{NAME}", "\n".join([SPEND_HEAD, spend_row(), spend_row(spend="x")]))
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row()]))
    zone.load()
    return zone


def test_files_are_listed_and_shown_with_the_rows_that_were_refused(landed):
    found = {
        one["name"]: (one["state"], one["loaded"], one["refused"]) for one in list_files(landed.settings, None, None)
    }
    assert found == {NAME: ("loaded", 1, 1), "ledger/a.csv": ("loaded", 1, 0)}
    shown = show_file(landed.settings, "eu", NAME)
    assert [(one["line"], one["reason"], one["column"]) for one in shown["refused"]] == [(3, "invalid_money", "spend")]
    with pytest.raises(UsageError, match="no file x was read"):
        show_file(landed.settings, None, "x")


def test_a_file_that_has_disappeared_is_listed_as_gone_until_it_is_back(landed):
    content = (landed.landing / "eu" / NAME).read_bytes()

    def is_gone():
        with region_file(landed.settings, "eu") as con:
            tell_vanished(con, {one.name for one in discover(landed.settings, "eu")}, datetime(2026, 3, 10))
        shown = show_file(landed.settings, "eu", NAME)["is_gone"]
        listed = {one["name"]: one["is_gone"] for one in list_files(landed.settings, None, None)}
        assert listed == {NAME: shown, "ledger/a.csv": False}
        return shown

    (landed.landing / "eu" / NAME).unlink()
    assert is_gone()
    (landed.landing / "eu" / NAME).write_bytes(content)
    assert not is_gone()


@pytest.mark.parametrize(("name", "table"), [(NAME, "spend"), ("ledger/a.csv", "ledger_orders")])
def test_a_forgotten_files_rows_are_out_booked_and_not_read_again(landed, name, table):
    done = forget(landed.settings, None, name)
    assert done.rows == 1
    assert [str(first) for first, _ in done.days] == ["2026-03-01"]
    assert landed.query(f"select count(*) from raw.{table}") == [(0,)]
    with region_file(landed.settings, "eu") as con:
        assert unbalanced_archives(con) == 0
    landed.load()
    assert landed.query(f"select count(*) from raw.{table}") == [(0,)]
    with pytest.raises(UsageError, match="forgotten before"):
        forget(landed.settings, None, name)


def test_a_further_sheet_with_such_a_table_is_named(zone):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        for sheet, rows in {"March": [SPEND_HEAD, spend_row()], "Notes": ["x"], "April": [SPEND_HEAD]}.items():
            written = book.add_worksheet(sheet)
            for place, row in enumerate(rows):
                written.write_row(place, 0, row.split(","))
    zone.put("eu/spend/google_ads/a.xlsx", content.getvalue())
    zone.load()
    told = (
        "spend/google_ads/a.xlsx: the sheet 'April' has such a table, too, and is not read: export it as a file of its"
        " own"
    )
    with region_file(zone.settings, "eu") as con:
        assert list(findings.unread_sheets(con)) == [told]
        assert told in findings.all_lines(con, zone.settings, "eu")
        assert list(findings.unread_sheets(con, after_archive=1)) == []
    assert check(zone.settings, zone.landing / "eu/spend/google_ads/a.xlsx", None, None)["unread_sheets"] == ["April"]


def test_a_check_lists_the_words_that_are_known_for_a_status(landed):
    words = check(landed.settings, landed.landing / "eu/ledger/a.csv", None, None)["status_words"]
    assert words["voided"] == "refunded"


def test_a_file_is_checked_without_being_loaded(landed):
    path = landed.landing / "eu" / NAME
    found = check(landed.settings, path, None, None)
    assert (found["source"], found["preset"]) == ("spend/google_ads", "plain_spend")
    assert [(one["spend_on"].isoformat(), one["campaign_id"], one["spend"]) for one in found["rows"]] == [
        ("2026-03-01", "c-1", "12.34")
    ]
    assert found["totals"] == [{"day": "2026-03-01", "currency": "EUR", "amount": "12.34", "rows": 1}]
    assert [(one["line"], one["reason"]) for one in found["refused"]] == [(3, "invalid_money")]
    assert landed.query("select count(*) from ops.archives") == [(2,)]
    with pytest.raises(UsageError, match="say --as"):
        check(landed.settings, path.rename(landed.landing / "a.csv"), None, None)
    with pytest.raises(UnreadableTableError, match=r"/a\.csv is not read: this is a table of"):
        check(landed.settings, landed.landing / "a.csv", "ledger", None)


def test_a_first_configuration_says_what_was_recognised_and_what_was_not(zone):
    zone.put("eu/spend/meta_ads/a.csv", "Reporting starts,Reporting ends,Campaign name,Amount spent (USD)\n")
    zone.put("eu/spend/my_dsp/a.csv", "Tag,Kosten\n")
    zone.put(f"eu/{NAME}", "\n".join([SPEND_HEAD, spend_row(currency="USD")]))
    text = first_config(zone.settings)
    assert Settings(**yaml.safe_load(text)).reporting_currency == "USD"
    assert "spend/meta_ads: Meta Ads Manager (export) (meta_ads_ui)" in text
    assert "eu/spend/my_dsp/a.csv: columns missing" in text


SHOPIFY = "Name,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,Lineitem name,Refunded Amount\n"


@pytest.mark.parametrize(
    ("offsets", "timezone"),
    [
        (["01-09 10:00:00 +0100", "07-09 10:00:00 +0200"], "Europe/Berlin"),
        (["07-09 10:00:00 -0700"], "America/Los_Angeles"),
        (["01-09 10:00:00 +0000"], "UTC"),
        (["01-09 10:00:00 +0545"], "UTC"),
    ],
)
def test_a_first_configuration_guesses_the_time_zone_and_knows_layouts_of_archives(zone, offsets, timezone):
    rows = [f"#{number},paid,EUR,10.00,0,0,10.00,2026-{at},shirt,0\n" for number, at in enumerate(offsets)]
    zone.put("eu/ledger/orders.csv", SHOPIFY + "".join(rows))
    zone.put("eu/events/segment-logs/src1/1793491200000/1.gz", b"")
    zone.put("eu/events/rudder-logs/src2/01-09-2026/1.json.gz", b"")
    for number in range(3):
        zone.put(f"eu/events/{number}.log", b"")
    before = list(findings.ignored_files(zone.settings, "eu"))
    assert "`topics: {src1: {layout: segment}}`" in "".join(before)
    assert before[0].startswith("3 archives are not read, the first events/0.log: ")
    text = first_config(zone.settings)
    written = Settings(**yaml.safe_load(text))
    assert written.region("eu").timezone == timezone
    assert (written.topic("src1").layout, written.topic("src2").layout) == ("segment", "rudderstack")
    assert list(findings.ignored_files(written, "eu")) == before[:1]
    assert f"#   eu: {before[0]}" in text


def test_a_first_configuration_knows_the_formats_of_topics(zone):
    ga4 = {
        "event_name": "page_view",
        "event_timestamp": "1772356800000000",
        "user_pseudo_id": "1.2",
        "event_params": [],
    }
    wrapped = {"schema": {}, "payload": json.dumps(ga4)}
    event = "\t".join(["web"] + [""] * (len(snowplow.COLUMNS) - 1))
    for topic, line in {
        "web": json.dumps({"messageId": "m", "type": "page"}), "ga": json.dumps(ga4), "ga_kafka": json.dumps(wrapped),
        "sp_json": json.dumps(event), "broken": "{", "sp": event,
    }.items():  # fmt: skip
        suffix = "tsv" if topic == "sp" else "json"
        zone.put(f"eu/events/topics/{topic}/partition=0/{topic}+0+0000000000.{suffix}", line + "\n")
    written = Settings(**yaml.safe_load(first_config(zone.settings)))
    assert {topic: written.topic(topic).format for topic in ("web", "ga", "ga_kafka", "sp_json", "broken", "sp")} == {
        "web": "segment", "ga": "ga4", "ga_kafka": "ga4", "sp_json": "snowplow", "broken": "segment", "sp": "snowplow",
    }  # fmt: skip
    assert list(findings.ignored_files(written, "eu")) == []


def test_a_first_configuration_names_the_folder_whose_clicks_a_tools_cost_meets(zone):
    zone.put("eu/spend/bing/a.csv", '"Gregorian date","Campaign name","Spend","Currency code"\n2026-03-01,x,1.00,EUR\n')
    text = first_config(zone.settings)
    assert "call the folder spend/microsoft_ads, so that its cost meets the clicks of that platform" in text


def test_the_document_is_what_the_registry_says():
    assert (ROOT / "docs" / "sources.md").read_text() == document.as_markdown(), "run `make docs`"
    text = document.as_markdown()
    assert all(f"`{name}`" in text for names in COLUMNS.values() for name in names)


def test_names_sort_as_people_count():
    names = [
        "a/2",
        "a/10",
        "export_9",
        "export_10",
        "export_010b",
        "report.csv",
        "report (1).csv",
        "report (10).csv",
        "report copy.csv",
        "report-2.csv",
        "report-10.csv",
    ]
    assert sorted(names, key=natural_order) == names
    assert natural_order("report.csv.gz") < natural_order("report(2).csv.gz")
