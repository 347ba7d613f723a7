"""Layer boundaries, read from the manifest."""

import pytest

from operations.rebuilding.engine import project

READS = {
    "staging": {"raw", "ops"},
    "intermediate": {"staging", "intermediate", "ops"},  # hooks ask the books which days are final
    "finance": {"intermediate"},
}


@pytest.fixture(scope="module")
def nodes():
    manifest = project.parsed()
    return {**manifest.nodes, **manifest.sources}


def test_each_layer_reads_only_the_one_below(nodes):
    models = [node for node in nodes.values() if node.resource_type == "model"]
    assert models
    for model in models:
        read = [nodes[name] for name in model.depends_on.nodes if nodes[name].resource_type != "seed"]
        is_base = [one.name.startswith("base_") for one in read]  # what a staging model is joined from
        of_layer = {one.schema for one, base in zip(read, is_base, strict=True) if not base}
        assert of_layer <= READS[model.schema], model.name
        assert model.schema == "staging" or not any(is_base), model.name
        assert not (model.name.startswith("base_") and any(is_base)), model.name


def test_everything_that_stays_is_built_in_the_region_and_in_a_known_schema(nodes):
    built = [node for node in nodes.values() if node.resource_type in ("model", "seed")]
    assert {node.name for node in built if node.database != "region"} == {
        "int_attribution__paths", "int_attribution__order_weights", "int_privacy__steps",
        "int_privacy__cohort_steps", "int_privacy__currency_steps", "int_privacy__fate_steps", "int_orders__fates",
        "int_privacy__segment_credits",
        "int_privacy__weights_to_show", "int_privacy__arms_to_show",
        "int_payback__order_credits",
    }  # fmt: skip
    assert {node.schema for node in built} == {"staging", "intermediate", "finance"}


def test_staging_is_ephemeral_and_marts_have_contracts(nodes):
    models = [node for node in nodes.values() if node.resource_type == "model"]
    assert {node.config.materialized for node in models if node.schema == "staging"} == {"ephemeral"}
    # A view keeps the alias under which the region's file is attached, so it must not stay there.
    assert {node.database for node in models if node.config.materialized == "view"} == {"memory"}
    assert all(node.config.contract.enforced for node in models if node.schema == "finance")


def test_models_and_published_columns_are_described(nodes):
    for node in nodes.values():
        if node.resource_type == "model":
            assert node.description, node.name
            if node.schema == "finance":
                assert all("Source: " in column.description for column in node.columns.values()), node.name
