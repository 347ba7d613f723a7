"""Reference rates: exact, and one odd cell costs that cell only."""

import pytest

from ingestion.sources.fx import read_rates
from ingestion.sources.tabular.grids import UnreadableTableError


@pytest.fixture
def rates(tmp_path):
    def read(text, name="eurofxref-hist.csv"):
        (tmp_path / name).write_text(text)
        return read_rates(tmp_path / name)

    return read


def told(found):
    return {(str(day), currency): rate for day, currency, rate in found.rows.iter_rows()}


def test_rates_are_exact_and_those_that_are_not_quoted_left_out(rates):
    found = rates("Date,USD,JPY,RUB,BGN,,XYZ\n2026-03-02,1.0834,162.35,N/A,,,5\n")
    assert told(found) == {("2026-03-02", "USD"): 108_340_000, ("2026-03-02", "JPY"): 16_235_000_000}


def test_a_withdrawn_currency_is_known(rates):
    assert told(rates("Date,HRK,LTL\n2012-03-01,7.5,3.4528\n")).keys() == {("2012-03-01", "HRK"), ("2012-03-01", "LTL")}


@pytest.mark.parametrize("odd", ["x", "0", "-1", "1,234"])
def test_an_odd_cell_costs_that_cell_only(rates, odd):
    found = rates(f'Date,USD,GBP\n2026-03-02,"{odd}",0.85\n2026-03-03,1.1,0.86\n')
    assert len(told(found)) == 3
    assert found.odd == {"USD": 1}
    assert found.refused.is_empty()


def test_a_row_without_a_day_is_refused_and_of_a_day_that_comes_twice_the_last_counts(rates):
    found = rates("Date,USD\nx,1\n2026-03-02,1\n2026-03-02,2\n")
    assert found.refused.select("line", "reason", "column_name").rows() == [(2, "invalid_timestamp", "Date")]
    assert told(found) == {("2026-03-02", "USD"): 200_000_000}


def test_a_file_without_days_and_currencies_is_unreadable(rates):
    with pytest.raises(UnreadableTableError, match="columns missing: Date"):
        rates("Datum,USD\n2026-03-02,1\n")
