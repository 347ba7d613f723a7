from __future__ import annotations

import json
import re
import shutil
from datetime import date
from html.parser import HTMLParser

import duckdb
import pytest

from operations.reports.report import first_screen, is_of, refresh, report_file, write_report
from settings import Settings, UnknownValueError, UsageError
from tests.operations.reports.conftest import HOSTILE, write_version

SEPTEMBER = "month = '2026-09-01' and attribution_model = 'linear'"


class _Tables(HTMLParser):
    """The texts of each table's cells by row, by the table's id, and every tag's name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict]] = []
        self._rows: list[list[str]] | None = None
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attributes)["id"], [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False
        elif tag == "table":
            self._rows = None

    def handle_data(self, data):
        if self._in_cell and self._rows:
            self._rows[-1][-1] += data.strip()


@pytest.fixture(scope="module")
def page(version, tmp_path_factory) -> str:
    out = tmp_path_factory.mktemp("report") / "report.html"
    write_report(version, out, month=date(2026, 9, 15))
    return out.read_text()


def test_the_first_screen_gives_the_figures_of_the_tables(version, ask):
    written = first_screen(version, date(2026, 9, 1))
    figures = {one.name: one.figure for one in written.answers}
    [(spend, margin)] = ask(f"select sum(spend), sum(margin) from finance.romi_monthly where {SEPTEMBER}")
    [nameless] = ask(f"select sum(net_revenue) from finance.romi_monthly where {SEPTEMBER} and channel[1] = '('")
    [(before,)] = [ask("""select sum(margin) - sum(spend) - 7.84 from finance.romi_monthly
        where month = '2026-08-01' and attribution_model = 'linear'""")]  # fmt: skip
    moved = margin - spend - before
    assert (figures["spend"], figures["return"], figures["unknown"]) == (
        f"€{spend:,}",
        f"€{margin:,}",
        f"€{nameless:,}",
    )
    assert figures["change"].replace("\N{MINUS SIGN}", "-").replace("€", "").lstrip("+") == f"{moved:,}"


def test_the_first_screen_says_what_paid_channels_return_and_which_campaigns_lose(version, ask):
    spent, back, change, _ = (one.words for one in first_screen(version, date(2026, 9, 1)).answers)
    [(margin, romi)] = ask(f"""
        with channels as (
            select sum(spend) as spend, sum(margin) as margin from finance.romi_monthly where {SEPTEMBER}
            group by channel having sum(spend) > 0
        ) select sum(margin), (sum(margin) - sum(spend)) / sum(spend) from channels""")
    assert f"Channels with spend are credited with €{margin:,} of it: ROMI {romi:.0%} on them." in back
    lost = ask(f"""
        select campaign from (
            select channel, campaign, sum(margin) - sum(spend) as left_over, sum(spend) as spend
            from finance.romi_monthly where {SEPTEMBER} group by all
        ) where left_over < 0 and spend > 0 and campaign[1] != '(' order by left_over""")
    assert [name in spent for (name,) in lost[:2]] == [True] * min(len(lost), 2)
    assert ("cost more than they brought" in spent) == bool(lost)
    assert re.search(r"ROMI (rose|fell) from .*% to .*%\.", change)


def test_the_table_of_channels_and_campaigns_shows_what_is_published(page, ask):
    shown = {row[0]: row[1:] for row in _Tables(page).tables["table-channels"]}
    for channel, spend, net, romi in ask(f"""
        select channel, sum(spend), sum(net_revenue), (sum(margin) - sum(spend)) / nullif(sum(spend), 0)
        from finance.romi_monthly where {SEPTEMBER} group by channel"""):
        assert shown[channel][0] == f"{spend:,}"
        assert shown[channel][1].replace("\N{MINUS SIGN}", "-") == f"{net:,}"
        if romi is not None:
            assert shown[channel][4].replace("\N{MINUS SIGN}", "-") == f"{romi:.1%}"
    assert set(HOSTILE) <= set(shown)


def test_names_that_mean_harm_are_text(page):
    tags = _Tables(page).tags
    assert not [one for tag, one in tags if tag in ("img", "iframe", "link", "object") or "onerror" in one]
    allowed = re.search(r"script-src (.*?);", page)[1]
    assert "unsafe" not in allowed
    assert len([one for tag, one in tags if tag == "script" and one.get("type") != "application/json"]) == 2
    assert "{{ 7 * 7 }}" in page
    charts = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)[1]
    assert set(json.loads(charts)["specs"]) >= {"waterfall", "bridge", "models"}


def test_nothing_is_fetched_from_anywhere(page):
    assert not [one for _, one in _Tables(page).tags if one.get("src") or one.get("href", "#")[0] != "#"]
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_a_region_that_begins_or_ends_between_the_months_is_named_as_a_cause(version, ask, tmp_path):
    [august, september] = ask("""select sum(margin) - sum(spend) from finance.romi_monthly
        where region = 'us' and attribution_model = 'linear' and month in ('2026-08-01', '2026-09-01')
        group by month order by month""")
    for gone, has_nothing, moved in (("08", "August", september), ("09", "September", -august)):
        shutil.copytree(version, tmp_path / gone)
        with duckdb.connect(str(tmp_path / gone / "marts.duckdb")) as con:
            for table in ("orders_daily", "spend_daily"):
                con.execute(f"delete from finance.{table} where region = 'us' and month(date) = {gone}")
        words = first_screen(tmp_path / gone, date(2026, 9, 1)).answers[2].words.replace("\N{MINUS SIGN}", "-")
        amount = f"{moved:+,}".replace("+", "+€").replace("-", "-€")
        assert f" Region us, which has nothing in {has_nothing} 2026, accounts for {amount} of it." in words
    assert "which has nothing" not in first_screen(version, date(2026, 9, 1)).answers[2].words


def test_a_running_month_is_compared_day_for_day(version, ask):
    written = first_screen(version, date(2026, 10, 1))
    [now] = ask("select sum(margin) from finance.orders_daily where date >= '2026-10-01'")
    assert written.answers[1].figure == f"€{now:,}"
    assert "so far (to day 12)" in written.answers[0].words
    assert "1 to 12 September" in written.answers[2].words


def test_without_a_month_it_is_the_last_whole_one(version):
    assert first_screen(version).month == date(2026, 9, 1)


def test_of_a_first_month_no_comparison_is_made_up(tmp_path):
    young = write_version(tmp_path / "v", first=date(2026, 9, 20), last=date(2026, 9, 28))
    assert first_screen(young).answers[2].figure == "Not known"
    assert write_report(young, tmp_path / "r.html").month == date(2026, 9, 1)


def test_a_month_that_is_not_published_is_refused_with_those_that_are(version, tmp_path):
    with pytest.raises(UnknownValueError, match="known: 2026-07, 2026-08, 2026-09, 2026-10"):
        write_report(version, tmp_path / "r.html", month=date(2027, 1, 1))


def test_without_a_version_the_command_that_makes_one_is_named(tmp_path):
    with pytest.raises(UsageError, match="romi run"):
        write_report(tmp_path / "published", tmp_path / "r.html")


def test_the_same_version_gives_the_same_page_and_it_knows_its_version(version, tmp_path):
    for name in ("a.html", "b.html"):
        write_report(version, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert is_of(tmp_path / "a.html", 12)
    assert not is_of(tmp_path / "a.html", 1)
    assert not is_of(tmp_path / "none.html", 12)


def test_the_report_follows_the_version_that_is_published(tmp_path):
    settings = Settings(warehouse=tmp_path)
    assert refresh(settings) is None  # nothing is published
    write_version(tmp_path / "versions" / "000012")
    settings.published.symlink_to("versions/000012")
    assert refresh(settings).version == 12
    assert refresh(settings) is None
    report_file(settings).write_text(
        report_file(settings).read_text().replace('data-version="12"', 'data-version="13"')
    )
    assert refresh(settings).month == date(2026, 9, 1)
    with duckdb.connect(str(tmp_path / "versions" / "000012" / "marts.duckdb")) as con:
        con.execute("delete from finance.romi_monthly")
    report_file(settings).write_text("of a version before")
    assert refresh(settings) is None
    assert not report_file(settings).exists()
