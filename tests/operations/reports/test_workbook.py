"""The workbook: live formulas that LibreOffice reckons to what SQL says, and text that stays text."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date, datetime
from decimal import Decimal

import pytest

from operations.reports.workbook import write_workbook
from tests.operations.reports.conftest import HOSTILE

openpyxl = pytest.importorskip("openpyxl")
_SEPTEMBER = "month = '2026-09-01' and attribution_model = 'linear'"
_HEADER = 4  # the row of a sheet's header, from 1


@pytest.fixture(scope="module")
def path(version, tmp_path_factory):
    out = tmp_path_factory.mktemp("book") / "report.xlsx"
    write_workbook(version, out, month=date(2026, 9, 1))
    return out


@pytest.fixture(scope="module")
def written(path):
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def reckoned(path):
    """The workbook after LibreOffice (Debian's ``libreoffice-calc``) has reckoned every formula anew."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if not office:
        pytest.skip("LibreOffice is not installed")
    folder = path.parent / "reckoned"
    profile = path.parent / "profile"
    # Its own profile, so that neither another LibreOffice nor a setting of this user is in the way.
    subprocess.run(
        [office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", "xlsx", "--outdir",
         str(folder), str(_without_values(path))],
        check=True, capture_output=True,
    )  # fmt: skip
    return openpyxl.load_workbook(folder / "bare.xlsx", data_only=True)


def _without_values(path):
    """A copy that has only formulas, no value that the writer reckoned, so that none is believed."""
    bare = path.with_name("bare.xlsx")
    openpyxl.load_workbook(path).save(bare)
    return bare


def _rows(sheet, first: int = _HEADER) -> list[dict]:
    names = [cell.value for cell in sheet[first] if cell.value is not None]
    found = []
    for row in sheet.iter_rows(min_row=first + 1, values_only=True):
        if row[0] is None:
            break
        found.append(dict(zip(names, row, strict=False)))
    return found


def _cents(value) -> Decimal:
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))


def test_no_formula_comes_to_an_error(reckoned):
    errors = [(sheet.title, cell.coordinate) for sheet in reckoned for row in sheet.iter_rows() for cell in row
              if cell.data_type == "e"]  # fmt: skip
    assert errors == []


def test_sums_of_channels_and_campaigns_are_what_sql_says(reckoned, ask):
    shown = {row["Channel"]: row for row in _rows(reckoned["Channels"])}
    for channel, spend, net, margin, romi, roas in ask(f"""
        select channel, sum(spend), sum(net_revenue), sum(margin),
            (sum(margin) - sum(spend))::double / nullif(sum(spend), 0), sum(net_revenue) / nullif(sum(spend), 0)
        from finance.romi_monthly where {_SEPTEMBER} group by rollup (channel)"""):
        row = shown[channel or "All channels"]
        assert [_cents(row[name]) for name in ("Spend", "Net revenue", "Margin")] == [spend, net, margin]
        assert [row["ROMI"], row["ROAS"]] == pytest.approx([romi, roas])
    [total] = [row for row in _rows(reckoned["Campaigns"]) if row["Region"] == "Total"]
    [(spend, net)] = ask(f"select sum(spend), sum(net_revenue) from finance.romi_monthly where {_SEPTEMBER}")
    assert [_cents(total["Spend"]), _cents(total["Net revenue"])] == [spend, net]


def test_the_span_between_the_models_is_reckoned_from_their_columns(reckoned, ask):
    for row in _rows(reckoned["Models"])[:-1]:
        margins = ask(f"""select sum(margin) from finance.romi_monthly
            where month = '2026-09-01' and channel = '{row["Channel"]}' group by attribution_model""")
        assert _cents(row["Span"]) == max(margins) - min(margins)
    [margin] = ask(f"select sum(margin) from finance.romi_monthly where {_SEPTEMBER}")
    whole = _rows(reckoned["Models"])[-1]  # the same under every model
    assert [_cents(whole[name]) for name in ("Least", "Most", "Span")] == [margin, margin, 0]


def test_everything_ties_to_the_cent(reckoned):
    sheet = reckoned["Tie-out"]
    checks = _rows(sheet)
    days = _rows(sheet, _HEADER + len(checks) + 2)
    assert len(checks) == 6 + 3  # the campaigns, and each of three models
    assert len(days) == 60
    assert {row["Difference"] for row in checks} | {row["Difference"] for row in days} == {0}
    assert {row["Net difference"] for row in days} == {0}
    bridge = list(reckoned["Bridge"].iter_rows(min_row=_HEADER + 1, values_only=True))
    assert next(row[1] for row in bridge if row[0] == "Difference") == 0


def test_totals_and_ratios_are_live_formulas(written):
    last = written["Campaigns"].max_row
    assert written["Campaigns"][f"D{last}"].value == f"=SUM(D5:D{last - 1})"
    assert written["Channels"]["H5"].value == "=G5-B5"
    assert written["Channels"]["I5"].value == '=IF(B5=0,"",(G5-B5)/B5)'
    assert written["Channels"]["B5"].value.startswith("=SUMPRODUCT(--EXACT(Campaigns!")
    ties = {row[0].value: row[1].value for row in written["Tie-out"].iter_rows(min_row=_HEADER + 1, max_row=13)}
    last = written["Models"].max_row
    assert ties["Models: margin, Linear"] == f"=Models!E{last}"
    assert ties["Campaigns: spend"] == f"=Campaigns!D{written['Campaigns'].max_row}"


def test_names_that_begin_like_a_formula_stay_text(written, reckoned):
    for book in (written, reckoned):
        names = {cell.value: cell for cell in book["Campaigns"]["C"]}
        assert set(HOSTILE) <= set(names)
        assert {names[one].data_type for one in HOSTILE} == {"s"}
    quoted = {cell.value for cell in written["Campaigns"]["C"] if cell.quotePrefix}  # so it stays, edited by hand
    assert quoted == {one for one in HOSTILE if one[0] in "=+-@"}
    changed = [cell for cell in written["What changed"]["K"] if cell.value == "=late cost"]
    assert [cell.data_type for cell in changed] == ["s"]


def test_an_answer_of_the_first_sheet_is_read_without_scrolling(written):
    sheet = written["Read me"]
    width = sheet.column_dimensions["C"].width
    assert width < 100
    for row in range(4, 8):
        assert sheet.cell(row, 3).alignment.wrap_text
        assert sheet.row_dimensions[row].height >= 15 * len(sheet.cell(row, 3).value) / width


def test_a_label_above_a_column_has_room_for_all_its_lines(written):
    sheet = written["Credit"]
    labels = {cell.value: cell for cell in sheet[_HEADER]}
    longest = labels["Credited to campaigns without cost"]
    assert sheet.column_dimensions[longest.column_letter].width < len(longest.value) / 2
    assert sheet.row_dimensions[_HEADER].height == 45
    assert sheet.print_title_rows == f"${_HEADER}:${_HEADER}"


def test_dates_are_dates(written):
    assert isinstance(written["Days"]["A5"].value, datetime)
    assert written["Months"]["A5"].value == datetime(2026, 7, 1)


def test_the_same_version_gives_the_same_bytes(version, path, tmp_path):
    write_workbook(version, tmp_path / "again.xlsx", month=date(2026, 9, 30))
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()
