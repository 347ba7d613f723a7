"""What the command line prints for people."""

from orchestration.cli.show_status import field_lines


def field(name, **more):
    return {
        "topic": "web",
        "field": name,
        "records": 2,
        "share": 0.125,
        "first_seen_at": "2026-03-11T12:00:00Z",
        **more,
    }


def test_fields_that_changed_are_one_line_a_region_and_none_where_nothing_did():
    found = {"new": [field("properties.coupon")], "broken": [field("userId", reason="invalid_type")]}
    regions = {"eu": {"fields": found}, "us": {"fields": {"new": [], "broken": []}}, "old": {}}
    assert field_lines(regions) == [
        "fields eu: userId (web: invalid_type in 12.50%), new: properties.coupon (web: in 12.50%)"
    ]


def test_a_line_of_fields_stays_a_line():
    found = {"new": [field(f"f{n}") for n in range(9)], "broken": []}
    [line] = field_lines({"eu": {"fields": found}})
    assert "f2" in line
    assert "f3" not in line
    assert line.endswith("and 6 more")
