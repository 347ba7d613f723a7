"""Rows of a report that sum up its other rows, and those that are only called so."""

import pytest

from tests.ingestion.sources.tables import read, refusals

HEAD = "Campaign name,Day,Age,Gender,Amount spent (EUR)"


@pytest.mark.parametrize(
    ("rows", "cents"),
    [
        (["All,All,30", "18-24,m,10", "25-34,f,20"], 3000),
        (["All,All,30", "18-24,All,10", "18-24,m,6", "18-24,f,4", "25-34,all,20", "25-34,f,20"], 3000),
        (["Total,,30.01", "18-24,m,10", "25-34,f,20"], 3000),  # what each was rounded to
        (["TOTAL,TOTAL,10", "18-24,m,10"], 1000),
        (["All,All,30"], 3000),  # nothing else says it
        (["All,m,30", "18-24,m,10", "25-34,f,19"], 5900),  # an audience of that name
        (["All,m,12", "18-24,m,0", "25-34,f,0"], 1200),
        (["Tous,,30", "18-24,m,10", "25-34,f,20"], 3000),
    ],
)
def test_a_row_that_sums_up_its_campaigns_other_rows_of_the_day_is_no_cost(tmp_path, rows, cents):
    content = "\n".join([HEAD, *(f"Spring,2026-03-01,{row}" for row in rows)]) + "\n"
    others = "Spring,2026-03-02,18-24,m,1\nSummer,2026-03-01,18-24,m,1\nSummer,2026-03-01,25-34,f,2\n"
    for source, text in (("spend/meta_ads", content + others), ("spend/my_dsp", content + others)):
        config = {"columns": {"date": "Day", "campaign_name": "Campaign name", "spend": "Amount spent (EUR)"}}
        found = read(tmp_path, text, source=source, **(config if "dsp" in source else {}))
        assert found.rows["spend_minor"].sum() == cents + 400
        assert found.refused.is_empty()
        assert len(found.rows) + found.table.totals == len(rows) + 3


META = "date_start,date_stop,campaign_id,account_currency,adset_id,action_type,spend,impressions,clicks"


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        (["a,link_click,5,10,1", "a,purchase,5,10,1", "b,link_click,7,10,1"], [2, 3]),
        (["a,link_click,5,10,1", "b,link_click,5,10,1"], []),  # two ad sets that cost the same
        (["a,link_click,5,10,1", "a,purchase,0,0,0", "a,lead,0,0,0"], []),  # Google gives conversions no cost
        (["a,link_click,5,10,1", "a,purchase,6,10,1"], []),
    ],
)
def test_cost_that_stands_at_each_of_a_campaigns_conversions_is_not_spent_as_often(tmp_path, rows, refused):
    lines = [f"2026-03-01,2026-03-01,7,EUR,{row}" for row in rows]
    found = read(tmp_path, "\n".join([META, *lines]) + "\n", source="spend/meta_ads")
    assert refusals(found) == [(line, "repeated_cost", "action_type") for line in refused]
