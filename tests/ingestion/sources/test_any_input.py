"""Whatever a line of another format holds, it becomes a record or a dead letter: no value breaks a run."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.reading import DEFAULTS
from ingestion.records import DeadLetter, read_record
from ingestion.sources import converter
from ingestion.sources.snowplow import COLUMNS
from tests.ingestion.strategies import NOW
from tests.kit.examples import examples

SCALARS = st.sampled_from([
    None, True, False, 0, -1, 2**70, 1e300, "", "x", "12.5", "1e5", "purchase", "page_view", "refund", "transaction",
        "EUR", "\ud83d",
    "https://[x/?utm_id=1", "https://shop.example/?utm_source=a", "2026-03-01 10:00:00", "yes", "allow_selected",
])  # fmt: skip
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["key", "value", "string_value", "type", "schema", "data", "event_type", "consent_scopes",
        "revenue"]), inner, max_size=3),
    max_leaves=8)  # fmt: skip
GA4 = [
    "event_name", "event_timestamp", "user_pseudo_id", "user_id", "event_params", "ecommerce", "privacy_info",
    "collected_traffic_source",
    "batch_page_id",
]  # fmt: skip
ODD_JSON = [
    '{"a": 1e99999999999999999999}',
    "[[" * 3000,
    '{"schema": 5, "data": []}',
    "NaN",
    '{"data": [{"schema": "iglu:x", "data": {}}]}',
]
LISTED = '{"schema": "iglu:a/contexts/jsonschema/1-0-0", "data": [%s]}'
ACTIONS = [
    LISTED % f'{{"schema": "iglu:a/{name}/jsonschema/1-0-0", "data": {{"{key}": {value}}}}}'
    for name, key in (
        ("consent_preferences", "eventType"),
        ("snowplow_ecommerce_action", "type"),
        ("transaction", "revenue"),
    )
    for value in ('"x"', "{}", "[]", "null", "5", '"allow_selected"')
]


def passes(source: str, line: str) -> None:
    with contextlib.suppress(DeadLetter):
        read_record(converter(source, DEFAULTS)(line), NOW)


@settings(max_examples=examples(300, fast=50), deadline=None)
@given(st.dictionaries(st.sampled_from(GA4), JSON, max_size=8))
def test_any_row_of_ga4_is_a_record_or_a_dead_letter(row):
    passes("ga4", json.dumps(row))


@settings(max_examples=examples(300, fast=50), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(COLUMNS),
        st.sampled_from(ODD_JSON + ACTIONS) | SCALARS.map(str) | JSON.map(json.dumps),
        max_size=8,
    )
)
def test_any_enriched_event_of_snowplow_is_a_record_or_a_dead_letter(values):
    passes("snowplow", "\t".join(values.get(name, "").replace("\t", " ") for name in COLUMNS))


@pytest.mark.parametrize("text", ODD_JSON + ACTIONS)
@pytest.mark.parametrize("column", ["contexts", "derived_contexts", "unstruct_event"])
def test_any_entity_of_snowplow_is_read_or_passed_over(column, text):
    passes("snowplow", "\t".join({column: text, "event_id": "e"}.get(name, "") for name in COLUMNS))
