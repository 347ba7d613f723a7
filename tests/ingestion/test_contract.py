import polars as pl
import pytest

from ingestion import contract
from ingestion.boundary import MASKED
from ingestion.contract import ContractError, events, hold
from ingestion.sources import fx, ledger, spend
from tests.ingestion.test_boundary import masked, order, page


def frame(**values):
    return pl.DataFrame(masked(page(), order()), schema=MASKED).with_columns(
        **{name: pl.lit(v) for name, v in values.items()}
    )


def test_masked_events_keep_their_contract():
    hold(events(), frame())
    hold(events(), MASKED.to_frame())


@pytest.mark.parametrize(
    "values",
    [{"user_id": "jane@example.com"}, {"type": "jane"}, {"event": "jane"}, {"page_host": "Jane Doe"},
    {"currency": "XXQ"},
     {"revenue_minor": -1}, {"record_offset": 7}, {"message_id": None}],
)  # fmt: skip
def test_a_broken_contract_says_what_and_how_often_and_quotes_nothing(values):
    with pytest.raises(ContractError) as caught:
        hold(events(), frame(**values).cast(dict(MASKED)))
    assert next(iter(values)) in str(caught.value)
    assert "(2 rows)" in str(caught.value)
    assert "jane" not in str(caught.value).lower()
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("of_kind", "schema"),
    [(contract.spend, spend.ROWS), (contract.ledger, ledger.ROWS), (contract.rates, fx.ROWS)],
)
def test_an_empty_table_keeps_its_contract(of_kind, schema):
    hold(of_kind(), schema.to_frame())


def test_a_rate_stands_once_for_a_day_and_currency():
    rates = pl.DataFrame([{"rate_on": None, "currency": "USD", "rate_e8": 1}] * 2, schema=fx.ROWS)
    with pytest.raises(ContractError, match="reference rates"):
        hold(contract.rates(), rates)
