from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.money import LARGEST, LARGEST_WORTH_CENTS, MINOR_UNITS, RATES_E8, parse_amount, to_minor
from quality.landed_rates import half_even
from quality.plausible import LARGEST_UNASKED_CENTS


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
        ("900719925474.0993", "EUR", 90071992547410), ("0.1250000000000000000000000000000000001", "EUR", 13),
        ("0.125" + "0" * 300 + "1", "EUR", 13), ("0.12" + "4" + "9" * 300, "EUR", 12), (" 7 ", "EUR", 700), ("+1.10",
        "EUR", 110),
        ("1e-400", "EUR", 0), ("1e-999999999999", "EUR", 0), ("1000000000000", "CLF", 10**16), ("007.50", "EUR", 750),
    ],
)  # fmt: skip
def test_amounts_are_exact_and_rounded_half_even(text, currency, minor):
    assert to_minor(parse_amount(text), currency) == minor


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1,5", "1_000", "12 34", "0x10", "NaN", "Infinity", "-inf", "--1", "+-1", "1e", "e5", ".", "١٢",
    "1€", "€1",
     "-0.01", "-1e-30", "1000000000000.0001", "1e13", "99999999999999", "1" * 1001, "1e999999999999999999999"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError):
        parse_amount(text)


BIGINT, HUGEINT, TOTAL, DOUBLE = 2**63 - 1, 2**127 - 1, 10**18 - 1, 2**52  # TOTAL: DECIMAL(18, 2) in cents


def test_the_bounds_of_money_fit_all_that_is_computed_of_it():
    """The largest of everything at once, as the models multiply and add it up."""
    minor = LARGEST * 10 ** max(MINOR_UNITS.values())
    assert 3 * minor <= BIGINT  # revenue, tax and shipping of an order
    numerator, denominator = RATES_E8[1] * 100, RATES_E8[1] * 10 ** max(MINOR_UNITS.values())
    assert max(numerator, denominator) * max(minor, LARGEST_WORTH_CENTS) * 2 <= HUGEINT  # to_cents
    assert 1_000_000 * minor * minor <= HUGEINT  # a million refunds of one order, times its revenue
    assert LARGEST_WORTH_CENTS < DOUBLE // 2  # half_even's first guess is off by 1 at most
    assert LARGEST_WORTH_CENTS * 10**9 <= HUGEINT  # times a margin rate
    assert LARGEST_WORTH_CENTS * 10**12 * 10**6 * 2 <= HUGEINT  # times a weight, ranked among a million touches
    assert 9_000 * LARGEST_WORTH_CENTS <= TOTAL  # a day's or a month's orders
    assert 1_000_000 * (LARGEST_UNASKED_CENTS - 1) <= TOTAL  # those that events alone know
    assert (4 * 9_000 * LARGEST_WORTH_CENTS) ** 2 <= HUGEINT  # an experiment's total times a unit's base
    assert LARGEST_WORTH_CENTS <= LARGEST * 100


@given(
    st.integers(0, LARGEST * 10**4), st.integers(*RATES_E8), st.integers(*RATES_E8), st.sampled_from([0, 2, 3, 4])
)  # fmt: skip
def test_what_has_a_worth_fits_and_what_has_not_is_above_the_largest(minor, rate, reporting, digits):
    cents = half_even(minor * reporting * 100, rate * 10**digits)
    is_beyond = minor * reporting * 100 > LARGEST_WORTH_CENTS * rate * 10**digits
    assert is_beyond or cents <= LARGEST_WORTH_CENTS
    assert not is_beyond or cents >= LARGEST_WORTH_CENTS


def test_micros_are_shifted_exactly_and_may_be_larger():
    assert parse_amount("123456789012345678", shift=-6) == Decimal("123456789012.345678")


@given(st.integers(0, 10**16 - 1), st.integers(0, 30), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_any_decimal_is_rounded_as_a_fraction_would_be(digits, places, currency):
    text = str(Decimal(digits).scaleb(-places, Context(prec=60)))
    if Decimal(text) > LARGEST:
        return
    unit = 10 ** MINOR_UNITS[currency]
    doubled, rest = divmod(2 * digits * unit, 10**places)
    expected = (doubled + 1) // 2 if doubled % 2 == 0 or rest else ((doubled - 1) // 2 + ((doubled - 1) // 2) % 2)
    assert to_minor(parse_amount(text), currency) == expected
