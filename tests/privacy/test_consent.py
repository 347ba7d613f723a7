"""What an event states of consent, in the vocabularies that shops use."""

import pytest

from privacy.consent import UnreadableConsentError, advertising, stated
from settings import Consent

NAMES = Consent()


def categories(**preferences):
    return {"categoryPreferences": preferences}


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        (None, None), ({}, None), ("", None), ({"categoryPreferences": None}, None),
        (categories(Analytics=True), True), (categories(analytics=False), False), (categories(ANALYTICS=True), True),
        (categories(C0001=True, C0002=True, C0004=False), True), (categories(c0002=False, C0001=True), False),
        (categories(performance=True), True), (categories(statistics=True, marketing=False), True),
        (categories(analytics_storage="granted"), True), (categories(analytics_storage="DENIED"), False),
        ({"analytics_storage": "granted", "ad_storage": "denied"}, True), ({"ad_storage": "granted"}, False),
        ({"provider": "some banner"}, None), ({"provider": "some banner", "version": 1}, None),
        ({"analytics": None, "version": 1}, None), ({"analytics": False, "version": 1}, False),
        ({"categoryPreferences": ["C0001", "C0002"]}, True), ({"categoryPreferences": ["C0001"]}, False),
        ({"categoryPreferences": "C0001:1,C0002:1,C0004:0"}, True), ({"categoryPreferences": "C0001:1,C0002:0"}, False),
        ({"categoryPreferences": ["C0002:1"]}, True), ({"categoryPreferences": "C0002:1"}, True),
        ({"categoryPreferences": ["C0002:0", "C0002"]}, False),
        ({"categoryPreferences": ",C0001,C0002,"}, True), ({"categoryPreferences": "C0001, C0004"}, False),
        # A preference that was stated and says nothing of analytics is no.
        (categories(), False), (categories(Advertising=True), False), (categories(Analytics=None), False),
        # Where several names of it are stated, all have to say yes.
        (categories(Analytics=True, performance=False), False),
        (categories(Analytics=True) | {"analytics_storage": "denied"}, False),
        (categories(Analytics=True) | {"ad_storage": "denied", "provider": "some banner"}, True),
        # Banners have levels of their own between, and lists of what was chosen and what was not.
        ({"categories": {"analytics": False, "necessary": True}}, False), ({"Categories": {"statistics": True}}, True),
        ({"categories": ["necessary"], "revision": 0}, False), ({"categories": ["necessary", "analytics"]}, True),
        ({"accepted": ["necessary"], "rejected": ["analytics"]}, False), ({"rejected": []}, False),
        ({"accepted": ["analytics"], "rejected": ["statistics"]}, False), ({"purposes": {"1": True}}, False),
        ({"preferences": True, "statistics": True, "marketing": False}, True),  # Cookiebot's
        ({"languages": ["de"], "banner": {"shown": True}}, None),
        # Whatever the level between is called, what goes by a known name or in Google's words below it is stated.
        ({"google": {"analytics_storage": "denied"}}, False), ({"google": {"ad_storage": "granted"}}, False),
        ({"cookiebot": {"consent": {"statistics": True, "marketing": False}}, "version": 3}, True),
        ({"onetrust": {"groups": ["C0001"]}}, False), ({"usercentrics": {"services": {"analytics": False}}}, False),
        ({"default": {"analytics_storage": "denied"}, "update": {"analytics_storage": "granted"}}, True),
        ({"default": {"analytics_storage": "granted"}, "update": {"analytics_storage": "denied"}}, False),
        ({"default": {"analytics_storage": "denied"}}, False), ({"default": True}, False),
    ],
)  # fmt: skip
def test_categories_are_read_whatever_their_case_and_words(consent, expected):
    assert stated(consent, None, NAMES.analytics) is expected


@pytest.mark.parametrize(
    ("management", "expected"),
    [
        ({}, None), ({"provider": "oneTrust"}, None),
        ({"allowedConsentIds": ["C0001", "C0002"], "deniedConsentIds": ["C0004"], "provider": "oneTrust"}, True),
        ({"allowedConsentIds": ["c0001"], "deniedConsentIds": ["c0002"]}, False),
        ({"allowedConsentIds": ["C0001"]}, False), ({"allowedConsentIds": [], "deniedConsentIds": []}, False),
        ({"deniedConsentIds": ["C0004"]}, False), ({"allowedConsentIds": {"analytics": {}}}, True),
    ],
)  # fmt: skip
def test_rudderstacks_lists_of_ids_are_read(management, expected):
    assert stated(None, management, NAMES.analytics) is expected


def test_two_statements_have_to_agree():
    assert stated(categories(Analytics=True), {"deniedConsentIds": ["C0002"]}, NAMES.analytics) is False


def test_a_shop_may_call_its_categories_otherwise():
    names = Consent(analytics=["stats", "7"])
    assert stated(categories(Stats=True), None, names.analytics) is True
    assert stated(categories(Analytics=True), None, names.analytics) is False
    assert stated(None, {"allowedConsentIds": [7]}, names.analytics) is True


@pytest.mark.parametrize(
    ("consent", "management", "field"),
    [
        ("all", None, "context.consent"),
        ({"categoryPreferences": "all"}, None, "context.consent.categoryPreferences"),
        *[({"analytics": word, "version": 1}, None, "context.consent.Analytics") for word in ("no", "yes", 0, 1)],
        ({"categories": {"analytics": "yes"}}, None, "context.consent.categories.Analytics"),
        (categories(ANALYTICS="yes"), None, "context.consent.categoryPreferences.Analytics"),
        (None, {"allowedConsentIds": "C0002"}, "context.consentManagement.allowedConsentIds"),
    ],
)
def test_what_is_neither_yes_nor_no_is_named_by_its_field(consent, management, field):
    with pytest.raises(UnreadableConsentError) as caught:
        stated(consent, management, NAMES.analytics)
    assert caught.value.field == field


@pytest.mark.parametrize("signal", [{"gpc": True}, {"gpc": "1"}, {"globalPrivacyControl": 1}, {"Sec-GPC": "1"}])
def test_global_privacy_control_means_no_advertising_whatever_else_is_stated(signal):
    context = {"consent": categories(Advertising=True, Analytics=True)}
    assert advertising(context, NAMES.advertising) is True
    assert advertising(context | signal, NAMES.advertising) is False
    assert stated(context["consent"], None, NAMES.analytics) is True
    assert advertising(context | {"gpc": False}, NAMES.advertising) is True
