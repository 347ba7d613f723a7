import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.redaction import REDACTED, is_email, redact


@pytest.mark.parametrize(
    "value",
    [
        "jane.doe@example.com", "news_jane%40example.com", "<Jane@Example.CO.UK>", "to=j@x.de&x",
        "+49 170 1234567", "+491701234567", "0049 170 1234567", "tel:+1-202-555-0143", "(202) 555-0143", "202-555-0143",
        "202.555.0143", "0170 1234567", "01701234567", "030/1234567", "call +44 (0)20 7946 0958 now",
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "5555555555554444",
        "6011111111111117",
        "3530111333300000", "30569309025904", "card 4111111111111111 x",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "AKIAIOSFODNN7EXAMPLE", "xoxb-123456789012-abcdef", "550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", "DE/Q1/Brand/da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "Q29udGVudDogMjAyNi0wMy0wMSBqYW5lLmRvZQ==",
    ],
)  # fmt: skip
def test_what_is_shaped_like_a_persons_data_is_redacted(value):
    assert redact(value) == REDACTED


@pytest.mark.parametrize(
    "value",
    [
        "google", "cpc", "brand", "Brand \u2013 Exakt \u2013 DE", "spring_sale_2026", "2026-03-01_spring-sale",
        "20260301-20260331_retargeting",
        "2026-03-01-2026-03-31", "03.2026 Newsletter", "1234567890", "12345678901", "21047586932",
        "120210987654321098", "23851234567890123", "1756230948571234", "1787654321098765", "6012345678901234567",
        "C-1029384756", "pmax|all|de-at-ch", "Q1/2026 Prospecting (LAL 1%)", "utm_source", "50% off!", "a@b", "@shop",
        "1+1=3",
        "SummerSale2026BrandAwarenessEuropeDE", "DE2026Q1/Prospecting/Broad/Interests/Video",
        "DE/Q1/2026/Brand/Search/Exact/v2/A1", "PMax2026Q1DEShoppingAllProductsTROAS400",
        "spring2026summer2026autumn2026winter2026", "20260301springsaleretargetingwebsitevisitors30days",
        "FB2026Q1LAL1PCTDEUEPURCHASE180DVIDEOVIEW",
        "SpringSale2026", "{campaignid}", "{{campaign.name}}", "(not set)", "",
    ],
)  # fmt: skip
def test_typical_names_and_ids_of_campaigns_stay(value):
    assert redact(value) == value


@given(st.integers(10**9, 10**11 - 1) | st.integers(10**16, 10**18 - 1))
def test_bare_digits_of_the_platforms_lengths_stay(number):
    assert redact(str(number)) == str(number)


@given(st.integers(17 * 10**14, 18 * 10**14 - 1))
def test_tiktoks_ids_stay(number):
    assert redact(str(number)) == str(number)


@given(st.from_regex(r"[0-9a-f]{32,64}", fullmatch=True).filter(re.compile("[0-9][a-f]|[a-f][0-9]").search))
def test_hexadecimal_digits_are_told(digits):
    assert redact(digits) == REDACTED


@given(st.emails())
def test_e_mail_addresses_are_told(address):
    assert is_email(address)
    assert redact(f"x {address}") == REDACTED
