"""Every file that is not read or lost rows is named, with what to change; one that is gone, once."""

from __future__ import annotations

from ingestion.books import region_file
from operations.incidents import run_warnings
from operations.landed_files import findings
from settings import Source
from tests.ingestion import conftest
from tests.ingestion.test_load_tables import SPEND_HEAD, spend_row

clock, zone = conftest.clock, conftest.zone


def told(zone):
    return [line.removeprefix("eu: ") for line in run_warnings.warnings(zone.settings, {"eu": 0})]


def test_every_file_that_is_not_read_is_named_with_what_to_change(zone):
    zone.put("eu/spend/my_dsp/a.csv", "Tag;Kampagne;Kosten\n01.03.2026;x;1,50\n")
    zone.put("eu/spend/meta_ads/b.csv", "Day,Cost,Impr.,Campaign,Currency code\n2026-03-01,1,1,x,EUR\n")
    zone.put("eu/spend/tiktok_ads/c.csv", "stat_time_day,campaign_id,spend\n2026-03-01,1,1\n")
    zone.put("eu/spend/loose.csv", "date\n")
    zone.put("eu/ledger/a.zip", "x")
    zone.put("eu/costs/a.csv", "x")
    zone.put("eu/ledger/b.xlsx", "x")
    zone.put("fx/rates.csv", "x")
    zone.load()
    lines = dict(line.split(" is not read: ") for line in told(zone))
    assert lines.keys() == {
        "spend/my_dsp/a.csv", "spend/meta_ads/b.csv", "spend/tiktok_ads/c.csv", "spend/loose.csv", "ledger/a.zip",
        "ledger/b.xlsx", "costs/a.csv", "fx/rates.csv",
    }  # fmt: skip
    assert "found: Tag, Kampagne, Kosten; say what they are called, in romi.yaml" in lines["spend/my_dsp/a.csv"]
    assert "move it to spend/google_ads" in lines["spend/meta_ads/b.csv"]
    assert "sources: {spend/tiktok_ads: {currency: EUR}}" in lines["spend/tiktok_ads/c.csv"]
    assert "spend/<platform>/" in lines["spend/loose.csv"]
    assert "ask upstream" not in "".join(lines.values())


def test_a_file_that_was_not_read_is_once_the_configuration_says_how(zone):
    zone.put("eu/spend/my_dsp/a.csv", "Tag;Kampagne;Kosten\n01.03.2026;x;1,50\n")
    assert zone.load().corrupt == ["spend/my_dsp/a.csv"]
    assert zone.load().corrupt == []
    assert zone.query("select count(*) from ops.archives") == [(1,)], "the same problem is booked once"
    columns = {"date": "Tag", "campaign_name": "Kampagne", "spend": "Kosten"}
    source = Source(columns=columns, date_format="%d.%m.%Y", decimal=",", currency="EUR")
    zone.settings = zone.settings.model_copy(update={"sources": {"spend/my_dsp": source}})
    zone.load()
    assert zone.query("select spend_on::varchar, campaign_id, spend_minor from raw.spend") == [("2026-03-01", "x", 150)]
    assert told(zone) == []


def test_a_run_says_how_many_rows_it_added_up_replaced_and_left_out(zone):
    zone.put(
        "eu/spend/google_ads/a9.csv", "\n".join([SPEND_HEAD, spend_row(), spend_row(spend="1"), ",,Total,,,13.34"])
    )
    zone.load()
    before = run_warnings.booked_so_far(zone.settings)["eu"]
    zone.put("eu/spend/google_ads/a10.csv", "\n".join([SPEND_HEAD, spend_row(spend="2")]))
    zone.load()
    with region_file(zone.settings, "eu", read_only=True) as con:
        assert list(findings.added_up(con, 0)) == [
            "tables: 1 rows added up with others of their campaign and day, 2 rows of earlier deliveries replaced by"
            " later ones, 1 total line left out"
        ]
        assert list(findings.added_up(con, before)) == ["tables: 2 rows of earlier deliveries replaced by later ones"]


def test_a_file_that_is_gone_keeps_its_rows_and_is_told_of_once(zone):
    path = zone.put("eu/spend/google_ads/a.csv", "\n".join([SPEND_HEAD, spend_row()]))
    zone.load()
    assert told(zone) == []
    content = path.read_text()
    path.unlink()
    (line,) = told(zone)
    assert line.startswith(
        "spend/google_ads/a.csv is gone from the landing zone, and its rows still count: `romi files"
    )
    assert told(zone) == []
    assert zone.query("select count(*) from raw.spend") == [(1,)]
    path.write_text(content)
    assert told(zone) == []
    path.unlink()
    assert len(told(zone)) == 1
