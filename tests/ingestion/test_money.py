from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.money import MINOR_UNITS, parse_amount, to_minor


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("EUR", 2), ("USD", 2), ("KWD", 3), ("CLF", 4), ("HUF", 2), ("KRW", 0)]
)
def test_minor_units_of_iso_4217(currency, digits):
    assert MINOR_UNITS[currency] == digits


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0.125", "EUR", 12), ("0.135", "EUR", 14), ("0.5", "JPY", 0), ("1.5", "JPY", 2), ("2.5", "JPY", 2),
        ("0.0005", "KWD", 0),
        ("0.0015", "KWD", 2), ("12.345", "KWD", 12345), ("1e3", "EUR", 100000), ("1.5E-1", "EUR", 15), ("-0.00",
        "EUR", 0),
        ("90071992547409.93", "EUR", 9007199254740993), ("0.1250000000000000000000000000000000001", "EUR", 13),
        ("0.125" + "0" * 300 + "1", "EUR", 13), ("0.12" + "4" + "9" * 300, "EUR", 12), (" 7 ", "EUR", 700), ("+1.10",
        "EUR", 110),
        ("1e-400", "EUR", 0), ("1e-999999999999", "EUR", 0), ("100000000000000", "KWD", 10**17), ("007.50", "EUR", 750),
    ],
)  # fmt: skip
def test_amounts_are_exact_and_rounded_half_even(text, currency, minor):
    assert to_minor(parse_amount(text), currency) == minor


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1,5", "1_000", "12 34", "0x10", "NaN", "Infinity", "-inf", "--1", "+-1", "1e", "e5", ".", "١٢",
    "1€", "€1",
     "-0.01", "-1e-30", "100000000000000.01", "1e15", "1e999999999999999999999"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError):
        parse_amount(text)


def test_micros_are_shifted_exactly_and_may_be_larger():
    assert parse_amount("123456789012345678", shift=-6) == Decimal("123456789012.345678")


@given(st.integers(0, 10**16 - 1), st.integers(0, 30), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_any_decimal_is_rounded_as_a_fraction_would_be(digits, places, currency):
    text = str(Decimal(digits).scaleb(-places, Context(prec=60)))
    if Decimal(text) > 10**14:
        return
    unit = 10 ** MINOR_UNITS[currency]
    doubled, rest = divmod(2 * digits * unit, 10**places)
    expected = (doubled + 1) // 2 if doubled % 2 == 0 or rest else ((doubled - 1) // 2 + ((doubled - 1) // 2) % 2)
    assert to_minor(parse_amount(text), currency) == expected
