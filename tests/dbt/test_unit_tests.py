"""The unit tests that stand beside the models."""


def test_dbt_unit_tests_pass(region, dbt):
    # They read the columns' types from tables, so these are built first.
    dbt.build(region, "2026-03-01", "2026-03-01", "--exclude-resource-type", "test")
    result = dbt("test", region, "2026-03-01", "2026-03-01", "--select", "test_type:unit")
    assert len(result.result.results) >= 9
