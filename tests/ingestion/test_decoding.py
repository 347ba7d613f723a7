"""Records in whatever envelope a pipeline put around them."""

import base64
import json
from itertools import product

import pytest

from ingestion.decoding import DeadLetter, decode_line, decode_record
from ingestion.expected import expected
from tests.ingestion.strategies import order, page


def base64_of(inner):
    return base64.b64encode(json.dumps(inner).encode()).decode()


WRAPPERS = {
    "kafka connect": lambda inner: {"schema": {"type": "struct", "fields": []}, "payload": inner},
    "kafka message": lambda inner: {"topic": "web", "offset": 7, "timestamp": 1772445600000, "value": inner},
    "debezium": lambda inner: {"before": None, "after": inner, "op": "c", "source": {"db": "x"}},
    "airbyte": lambda inner: {"_airbyte_raw_id": "7", "_airbyte_extracted_at": 1, "_airbyte_data": inner},
    "string": json.dumps,
    "kinesis": lambda inner: {"eventSource": "aws:kinesis", "kinesis": {"partitionKey": "p", "data": base64_of(inner)}},
    "eventbridge": lambda inner: {"version": "0", "detail-type": "Event", "source": "partner", "detail": inner},
    "pub/sub": lambda inner: {"subscription": "s", "message": {"messageId": "77", "data": base64_of(inner)}},
    "cloud event": lambda inner: {"specversion": "1.0", "type": "x", "source": "s", "id": "1", "data": inner},
    "sns": lambda inner: {"Type": "Notification", "MessageId": "x", "Message": json.dumps(inner)},
    "sqs": lambda inner: {"MessageId": "x", "Body": json.dumps(inner)},
}


@pytest.mark.parametrize(("outer", "inner"), product(WRAPPERS, WRAPPERS))
def test_a_record_is_taken_out_of_any_two_envelopes(outer, inner):
    wrapped = json.dumps(WRAPPERS[outer](WRAPPERS[inner](page())))
    assert decode_record(wrapped) == decode_record(json.dumps(page()))


@pytest.mark.parametrize("name", ["payload", "value", "after", "_airbyte_data", "detail", "data", "message"])
def test_a_record_with_an_identity_is_no_envelope(name):
    record = page(**{name: order()})
    assert decode_record(json.dumps(record))["messageId"] == "m-1"


@pytest.mark.parametrize("text", [
    '{"value": 5}', '{"value": [1]}', '{"type": "page"}', '{"message": "hello"}',
    '{"data": "eyJ*"}',
])  # fmt: skip
def test_what_holds_no_record_is_left_as_it_is(text):
    assert decode_record(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"before": {"messageId": "m"}, "after": null, "op": "d"}', "missing_field"),
        ('{"value": null}', "missing_field"),
        (json.dumps('{"messageId": "m'), "malformed_json"), ('{"payload": "{"}', "malformed_json"),
        ('"x"', "invalid_type"), ('{"payload": "x"}', "invalid_type"), ("[]", "invalid_type"),
        ('"' + '\\\\"' * 3, "malformed_json"),
    ],
)  # fmt: skip
def test_an_envelope_of_nothing_or_of_no_json_has_its_reason(text, reason):
    with pytest.raises(DeadLetter) as caught:
        decode_record(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [([page(), page()], "invalid_type", ""), ({"batch": [page()], "sentAt": "2026"}, "missing_field", "batch")],
)
def test_several_records_on_a_line_are_told_to_be_split(line, reason, field):
    with pytest.raises(DeadLetter) as caught:
        decode_record(json.dumps(line))
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert "a line" in expected(reason, field)


def test_a_line_of_tsv_is_taken_out_too():
    line = "shop\tweb\t" + "\t" * 128
    for wrapped in (json.dumps(line), json.dumps({"payload": line}), json.dumps({"value": json.dumps(line)}), line):
        assert decode_line(wrapped) == line
