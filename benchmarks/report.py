"""The report of a year's marts of 1,000,000 cells: how long it takes to write, how large it is, and when it is painted.

Three regions, a hundred campaigns, nine models, 365 days. The page is opened in headless Chromium (the machine's, or
that of ROMI_CHROMIUM) with the network off; painted is the browser's own largest contentful paint.
"""

from __future__ import annotations

import os
import shutil
import time
from datetime import date
from pathlib import Path

import duckdb

from operations.finance_tables.version_tables import create_tables
from operations.reports.report import write_report
from operations.reports.workbook import write_workbook
from settings.durable import write_json

_CELLS = """
    insert into finance.romi_daily by name
    select date, region, 'Channel ' || campaign % 12 as channel, 'Campaign ' || campaign as campaign,
        attribution_model, money / 10 as spend, 100 as impressions, 10 as clicks, 1 as conversions, money as revenue,
        money / 20 as refunds, money / 2 as cogs, date < date '2026-02-01' as is_final
    from (
        select (date '2025-03-01' + day::int) as date, region, campaign, attribution_model,
            ((day * 7 + campaign * 13) % 997 / 10)::decimal(18,2) as money
        from range(365) as days (day), range(100) as campaigns (campaign),
            (values ('eu'), ('us'), ('jp')) as regions (region),
            (values ('linear'), ('first_touch'), ('last_touch'), ('last_non_direct'), ('position_based'),
                ('time_decay'), ('markov'), ('shapley'), ('counterfactual')) as models (attribution_model)
    );
    update finance.romi_daily set net_revenue = revenue - refunds, margin = revenue - refunds - cogs;
    insert into finance.romi_monthly by name
        select date_trunc('month', date)::date as month, region, channel, campaign, attribution_model,
            sum(spend) as spend, sum(revenue) as revenue, sum(refunds) as refunds, sum(net_revenue) as net_revenue,
            sum(cogs) as cogs, sum(margin) as margin, sum(conversions) as conversions, bool_and(is_final) as is_final,
            0 as waiting_revenue
        from finance.romi_daily group by all;
    insert into finance.orders_daily by name
        select date, region, count(*) as orders, sum(revenue) as revenue, sum(refunds) as refunds,
            sum(net_revenue) as net_revenue, sum(cogs) as cogs, sum(margin) as margin, 10 as new_customers
        from finance.romi_daily where attribution_model = 'linear' group by all;
    insert into finance.spend_daily by name
        select date, region, 'google_ads' as platform, channel, campaign, spend
        from finance.romi_daily where attribution_model = 'linear';
    insert into meta.versions by name
        select 1 as version, timestamp '2026-03-01 12:00' as built_at, region, 0 as withheld_days
        from finance.orders_daily group by region
"""


def run(folder: Path) -> None:
    """Print the seconds and sizes of report and workbook, and the moment at which the page is painted."""
    version = folder / "000001"
    version.mkdir()
    with duckdb.connect(str(version / "marts.duckdb")) as con:
        create_tables(con)
        con.execute(_CELLS)
        [(cells,)] = con.execute("select count(*) from finance.romi_daily").fetchall()
    write_json(version / "manifest.json", {"currency": "EUR"})
    print(f"{cells:,} cells")
    page, book = folder / "report.html", folder / "report.xlsx"
    write_report(version, page)  # bundles Vega's script, once for each user and release
    for name, path, write in (("report", page, write_report), ("workbook", book, write_workbook)):
        begun = time.perf_counter()
        write(version, path, month=date(2026, 2, 1))
        seconds = time.perf_counter() - begun
        aim = " (aim: under 3 MB)" if name == "report" else ""
        print(f"{name}: {seconds:.1f} s, {path.stat().st_size / 1e6:.2f} MB{aim}")
    print(f"painted after {_painted(page) / 1000:.2f} s (aim: 2 s)")


def _painted(page: Path) -> float:
    """Milliseconds from the navigation to the largest contentful paint."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = os.environ.get("ROMI_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-printable=yes]")
        painted: float = tab.evaluate("""new Promise(tell => new PerformanceObserver(
            list => tell(list.getEntries().at(-1).startTime)
        ).observe({type: "largest-contentful-paint", buffered: true}))""")
        browser.close()
    return painted
