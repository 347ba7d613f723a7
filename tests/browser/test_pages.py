"""What people look at, in a real browser: the Dagster UI and the Data Docs, with nothing fetched from outside."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import chromium
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api")
ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_MS = 120_000
_ROW = {"order_id": "o-1", "ordered_at": "2026-03-02T10:00:00Z", "status": "completed", "revenue": "40.00",
        "refunded": "", "cogs": "10.00", "currency": "EUR", "updated_at": "2026-03-02T10:00:00Z"}  # fmt: skip


@pytest.fixture(scope="module")
def browser(built):  # the warehouse first: Playwright's event loop stays open, and Dagster wants one of its own
    sync_api.expect.set_options(timeout=_PATIENCE_MS)
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small warehouse with one version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        shop = Shop(tmp_path_factory.mktemp("shop"))
        shop.configure("privacy: {k_anonymity: 1}\n")
        shop.archive("eu", 0, [
            page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
            order("m2", "2026-03-02T10:00:00Z", "o-1", 40),
        ])  # fmt: skip
        shop.table("eu", "ledger/orders.csv", [_ROW])
        assert shop.romi("run")[0] == 0
        yield shop


@pytest.fixture(scope="module")
def ui(built):
    """The address of a webserver on the warehouse, with the daemon that starts runs."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "-w", str(ROOT / "workspace.yaml"), "-p", str(port)],
        cwd=built.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "DAGSTER_HOME": str(built.warehouse / "dagster"), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/server_info", server)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # as Ctrl-C does: what it started ends with it
        server.wait()


def _wait_for(address: str, server: subprocess.Popen) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=60):
                return
        except OSError:
            continue
    raise AssertionError("the webserver ended")


@pytest.fixture
def tab(browser, request):
    """A page that fetches nothing from outside, and fails the test if something wants to."""
    outside: list[str] = []
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(_PATIENCE_MS)

    def let_through(route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    opened.route("**/*", let_through)
    yield opened
    if folder := os.environ.get("ROMI_PICTURES"):  # to look at them
        opened.screenshot(path=f"{folder}/{request.node.name}.png")
    opened.close()
    assert outside == []


def test_the_lineage_leads_from_raw_to_published(tab, ui):
    tab.goto(f"{ui}/asset-groups")
    for group in ("raw", "ops", "staging", "intermediate", "finance", "released", "published"):
        sync_api.expect(tab.get_by_text(group, exact=True).first).to_be_visible()
    tab.goto(f"{ui}/locations/romi/asset-groups/finance/lineage")
    for asset in ("romi_daily", "reconciliation_daily", "marts"):
        sync_api.expect(tab.get_by_text(asset, exact=True).first).to_be_visible()


def test_an_asset_shows_its_partitions_by_day_and_region(tab, ui):
    tab.goto(f"{ui}/assets/finance/romi_daily?view=partitions")
    sync_api.expect(tab.get_by_text("Materialized (2)")).to_be_visible()
    sync_api.expect(tab.get_by_text("eu", exact=True).first).to_be_visible()


def test_the_check_list_says_what_each_protects_and_what_came_of_it(tab, ui):
    tab.goto(f"{ui}/assets/published/marts?view=checks")
    sync_api.expect(tab.get_by_text("nothing_withheld").first).to_be_visible()
    tab.get_by_text("months_credit_the_same_whole").first.click()
    sync_api.expect(tab.get_by_text("Every model hands out exactly the month's orders")).to_be_visible()
    sync_api.expect(tab.get_by_text("Passed", exact=True).first).to_be_visible()
    tab.goto(f"{ui}/assets/finance/romi_daily?view=checks")
    sync_api.expect(tab.get_by_text("romi_daily_conserves_money").first).to_be_visible()
    sync_api.expect(tab.get_by_text("Succeeded", exact=True)).to_have_count(4)
    sync_api.expect(tab.get_by_text("Skipped")).to_have_count(0)


def test_the_first_page_is_the_timeline_with_the_runs_of_the_command_line(tab, ui):
    tab.goto(ui)
    for job in ("ingest", "rebuild", "publish"):
        sync_api.expect(tab.get_by_text(job, exact=True).first).to_be_visible()
    sync_api.expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.goto(f"{ui}/automation")
    sync_api.expect(tab.get_by_text("backups").first).to_be_visible()
    sync_api.expect(tab.locator("input[type=checkbox]:checked")).to_have_count(0)


def test_figures_of_the_pages_are_those_of_the_tables(tab, ui, built):
    [(spend, net)] = built.query(
        "select coalesce((select sum(spend) from finance.spend_daily), 0), sum(net_revenue) from finance.orders_daily"
    )
    tab.goto(f"{ui}/assets/published/marts?view=overview")
    for name, value in (("net_revenue", net), ("spend", spend)):
        row = tab.locator("tr", has=tab.get_by_text(name, exact=True))
        sync_api.expect(row.first).to_contain_text(f"{float(value):g}")
    tab.goto(f"{ui}/assets/finance/orders_daily?view=partitions&partition=2026-03-02%7Ceu")
    row = tab.locator("tr", has=tab.get_by_text("net_revenue", exact=True))
    sync_api.expect(row.first).to_contain_text("40")
    tab.goto(f"{ui}/assets/raw/events?view=overview")
    with built.region("eu") as con:
        [(events,)] = con.execute("select count(*) from raw.events").fetchall()
    sync_api.expect(tab.locator("tr", has=tab.get_by_text("rows in eu", exact=True)).first).to_contain_text(str(events))


def test_the_history_of_the_backlog_is_plotted_where_somebody_looks_for_it(tab, ui):
    tab.goto(f"{ui}/assets/ops/backlog_history?view=overview")
    row = tab.locator("tr", has=tab.get_by_text("archives that wait in eu", exact=True))
    sync_api.expect(row.first).to_contain_text("0")
    tab.get_by_text("Plots", exact=True).click()
    for what in ("archives that wait in eu", "records that wait in eu", "hours that the oldest has waited in eu"):
        sync_api.expect(tab.get_by_text(what, exact=True).first).to_be_visible()


def _choose_and_launch(tab) -> None:
    """Of the dialog that asks for partitions, the last day, where it asks for days, and every region."""
    dialog = tab.get_by_role("dialog")
    launch = dialog.get_by_role("button", name=re.compile("Launch"))
    for _ in range(50):  # a choice that is made before the dialog knows the partitions is undone
        for button in dialog.get_by_role("button", name="All", exact=True).all():
            button.click()
        for button in dialog.get_by_role("button", name="Latest", exact=True).all()[:1]:
            button.click()
        if launch.is_enabled():
            break
    launch.click()


@pytest.mark.parametrize(
    ("place", "button"),
    [
        pytest.param("assets/finance/spend_daily", "Materialize…", id="asset by day and region"),
        pytest.param("assets/published/marts", "Materialize", id="asset"),
        pytest.param("locations/romi/asset-groups/raw/lineage", "Materialize all…", id="group"),
    ],
)
def test_an_asset_and_a_group_are_materialized_by_clicks(tab, ui, place, button):
    tab.goto(f"{ui}/{place}")
    tab.get_by_role("button", name=re.compile(f"{button}$")).first.click()
    if button.endswith("…"):
        _choose_and_launch(tab)
    view, sure = tab.get_by_text("View", exact=True), tab.get_by_role("button", name="Confirm")
    view.or_(sure).first.wait_for()
    if sure.is_visible():  # of this shop nothing is released yet, of which Dagster warns
        sure.click()
    view.first.click()
    sync_api.expect(tab.get_by_text(re.compile("^(Success|Completed)$")).first).to_be_visible()


def test_data_docs_open_offline_and_lead_to_each_suite(tab, built):
    errors: list[str] = []
    tab.on("console", lambda one: errors.append(one.text))
    tab.context.set_offline(True)
    tab.goto(f"file://{built.warehouse}/quality/data_docs/index.html")
    assert tab.locator("tbody tr").count() > 8
    assert set(tab.locator("tbody b").all_inner_texts()) == {"passed"}
    tab.get_by_role("link", name="romi_daily", exact=True).click()
    sync_api.expect(tab.get_by_text("Net revenue is revenue less refunds, to the cent.")).to_be_visible()
    tab.get_by_role("link", name="Data Docs").click()
    sync_api.expect(tab.get_by_text("What finance may expect of version 1")).to_be_visible()
    assert errors == []
