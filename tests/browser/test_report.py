"""The report in a real browser: read, clicked, in the dark, narrow, on paper, by a checker of accessibility."""

from __future__ import annotations

import re
from datetime import date

import pytest

from operations.reports.report import write_report
from tests.browser.conftest import chromium
from tests.operations.reports.conftest import HOSTILE, ask, version  # noqa: F401  (fixtures)

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
_SEPTEMBER = "month = '2026-09-01' and attribution_model = 'linear'"
_MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def browser():
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def page_file(version, tmp_path_factory):  # noqa: F811
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(version, path, month=date(2026, 9, 1))
    return path


@pytest.fixture
def opened(browser, page_file):
    """Opens the report; whatever it says on the console or asks of the network fails the test."""
    complaints: list[str] = []
    contexts = []

    def at(width: int, colours: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=colours, offline=True)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda one: complaints.append(one.text))
        tab.on("pageerror", lambda one: complaints.append(str(one)))
        tab.on(
            "request", lambda one: complaints.append(one.url) if not one.url.startswith(("file:", "data:")) else None
        )
        tab.goto(page_file.as_uri())
        tab.wait_for_selector("html[data-printable=yes]")
        return tab

    yield at
    for context in contexts:
        context.close()
    assert complaints == []


def _cells(tab, table: str, name: str) -> list[str]:
    row = tab.locator(f"#table-{table} tr").filter(has=tab.get_by_role("rowheader", name=name, exact=True))
    return [text.replace(_MINUS, "-") for text in row.first.locator("td").all_inner_texts()]


def test_what_a_reader_sees_is_what_sql_says_and_a_channel_opens_to_its_campaigns(opened, ask):  # noqa: F811
    tab = opened(1280)
    [(spend, margin, net)] = ask(f"select sum(spend), sum(margin), sum(net_revenue) from finance.romi_monthly"
                                 f" where {_SEPTEMBER}")  # fmt: skip
    assert tab.locator("#answer-spend .figure").inner_text() == f"€{spend:,}"
    assert tab.locator("#answer-return .figure").inner_text() == f"€{margin:,}"
    assert _cells(tab, "channels", "All channels")[:4] == [f"{one:,}" for one in (spend, net, margin, margin - spend)]
    campaign = tab.get_by_role("rowheader", name=HOSTILE[1], exact=True)
    sync_api.expect(campaign).to_be_hidden()
    drill = tab.get_by_role("button", name="Paid Search")
    drill.focus()
    tab.keyboard.press("Enter")
    sync_api.expect(campaign).to_be_visible()
    assert drill.get_attribute("aria-expanded") == "true"
    [(spend, net)] = ask(f"""select sum(spend), sum(net_revenue) from finance.romi_monthly
        where {_SEPTEMBER} and campaign = '{HOSTILE[1].replace("'", "''")}'""")
    assert _cells(tab, "channels", HOSTILE[1])[:2] == [f"{spend:,}", f"{net:,}"]
    drill.click()
    sync_api.expect(campaign).to_be_hidden()
    assert tab.title() == "Marketing return, September 2026"  # no name has become a script


def test_the_table_behind_the_bridge_adds_up_to_the_cent(opened):
    tab = opened(1280)
    tab.locator("section", has=tab.locator("#why")).get_by_text("The figures behind it").click()
    cells = [one.replace(_MINUS, "-") for one in tab.locator("#table-bridge td.money").all_inner_texts()]
    cents = [int(re.sub(r"[,.]", "", one)) for one in cells]
    assert sum(cents[:-1]) == cents[-1]
    assert cents[1] == 784  # what August has been restated by: 12.34 - 0.50 - 1.00 - 3.00


@pytest.mark.parametrize(("width", "colours"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_is_accessible_in_light_and_dark_and_narrow(opened, width, colours):
    tab = opened(width, colours)
    for one in tab.locator("summary, button.drill").all():
        one.click()
    found = axe.Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("html").get_attribute("data-theme") == colours
    assert tab.locator(".live svg").count() >= 4


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_label_of_a_chart_is_cut(opened, width):
    tab = opened(width)
    cut = tab.evaluate("""() => [...document.querySelectorAll(".live")].flatMap(place => {
        const room = place.getBoundingClientRect();
        const isCut = box => box.left < room.left - 1 || box.right > room.right + 1;
        return [...place.querySelectorAll("svg text:not([opacity='0'])")]
            .filter(text => text.textContent && isCut(text.getBoundingClientRect())).map(text => text.textContent);
    })""")
    assert cut == []


def test_colours_can_be_chosen(opened):
    tab = opened(1280)
    before = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.get_by_role("button", name="Dark colours").click()
    sync_api.expect(tab.locator(".live[data-drawn=dark]").first).to_be_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_it_prints_on_one_page(opened):
    printed = opened(1280, "dark").pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == 1
