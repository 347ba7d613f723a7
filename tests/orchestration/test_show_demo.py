"""The end of `romi demo`: a table that fits a terminal and adds up, and what to ask next."""

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from rich.console import Console

from operations.reports.report import report_file, write_report
from orchestration.cli.main import main
from orchestration.cli.show_demo import Cell, _month, _table, next_question, tell_of_the_report
from settings import Settings
from tests.operations.reports.conftest import write_version


def cell(channel, campaign, spend, margin, before=None):
    return Cell(channel, campaign, Decimal(spend), Decimal(margin) * 2, Decimal(margin), before)


CELLS = [
    cell("Direct", "(none)", "0", "98765.43"),
    cell("Paid Social", "Prospecting_Lookalike 1%", "12408.26", "8616.59", 0.62),
    cell("Paid Search", "Generic - Running Shoes", "11106.60", "5636.15", -0.46),
    cell("Email", "Weekly News", "214.73", "755.33", 37.8),
    cell("(other)", "(other)", "4063.14", "-2247.25", 0.63),
]


def test_the_table_fits_a_terminal_and_adds_up():
    console = Console(width=200)
    with console.capture() as captured:
        console.print(_table(CELLS, date(2026, 10, 1), "EUR"))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    assert max(map(len, lines)) <= 100
    rows = [line.split() for line in lines if line.strip()]
    whole = next(row for row in rows if row[0] == "all")
    assert whole == ["all", "27,792.73", "223,052.50", "111,526.25", "+301%"]
    assert lines[0] == "October 2026 in EUR, all regions, attribution model linear"
    assert rows[1] == ["channel", "campaign", "spend", "net", "revenue", "margin", "ROMI", "in", "Sep"]


def test_a_month_that_runs_in_any_region_is_not_the_last_full_one_even_on_its_last_day():
    with duckdb.connect() as con:
        con.execute("""create schema finance; create table finance.romi_monthly as
            select month::date as month, is_partial from (values ('2026-10-01', false), ('2026-10-01', false),
                ('2026-11-01', false), ('2026-11-01', true)) as months (month, is_partial)""")
        assert _month(con) == date(2026, 10, 1)
        con.execute("delete from finance.romi_monthly where month < '2026-11-01'")
        assert _month(con) == date(2026, 11, 1)


def test_in_eighty_columns_no_channel_and_no_figure_is_cut():
    console = Console(width=80)
    with console.capture() as captured:
        console.print(_table([*CELLS, cell("(unattributed)", "(none)", "0", "15907.79")], date(2026, 10, 1), "EUR"))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    for one in ("(unattributed)", "31,815.58", "254,868.08", "+3780%"):
        assert sum(one in line for line in lines) == 1


def test_one_asks_next_where_the_campaign_fell_that_loses_now():
    question = next_question(CELLS)
    assert "where Prospecting_Lookalike 1% fell from +62% to -31%" in question
    assert "WHERE campaign = 'Prospecting_Lookalike 1%'" in question


def test_a_name_with_a_quote_is_asked_for_as_sql_wants_it():
    assert "campaign = 'Members'' Week'" in next_question([cell("Email", "Members' Week", "10", "5", 0.5)])


@pytest.mark.parametrize("cells", [[], [cell("Direct", "(none)", "0", "1")], [cell("(other)", "(other)", "9", "1", 2)]])
def test_where_nothing_named_has_cost_there_is_nothing_to_ask(cells):
    assert next_question(cells) is None


def test_where_nothing_fell_one_asks_about_the_dearest_channel():
    assert "campaigns of Paid Search earn" in next_question([cell("Paid Search", "(other)", "10", "5", 0.9)])


def test_it_ends_with_the_first_screen_of_the_report_and_where_it_lies(tmp_path, capsys):
    settings = Settings(warehouse=tmp_path)
    write_version(tmp_path / "versions" / "000012")
    settings.published.symlink_to(tmp_path / "versions" / "000012")
    tell_of_the_report(settings)
    assert capsys.readouterr().out == ""  # none is written yet
    write_report(settings.published, report_file(settings))
    tell_of_the_report(settings)
    said = capsys.readouterr().out
    assert "What did we spend?  €1,356.10 on advertising in September 2026" in said
    assert f"report: {tmp_path}/report/report.html" in said


def test_the_demo_writes_no_configuration_for_an_engine_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    done = CliRunner().invoke(main, ["demo", "--engine", "spark"])
    assert done.exit_code == 2
    assert "engine: spark needs pyspark" in done.output
    assert not Path("romi.yaml").exists()


def test_the_demo_says_where_its_configuration_has_another_engine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("romi.yaml").write_text("landing: ./landing\n")
    done = CliRunner().invoke(main, ["demo", "--engine", "spark"])
    assert done.exit_code == 2
    assert "romi.yaml has `engine: duckdb`; change it there" in done.output
    assert not Path("landing").exists()
