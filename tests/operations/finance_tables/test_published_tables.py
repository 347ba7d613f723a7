import json
from pathlib import Path

import yaml

from operations.finance_tables.published_tables import EXPERIMENT_LIFT, PUBLISHED, as_markdown, dictionary
from operations.rebuilding.engine import DBT_PROJECT

DOCS = Path(__file__).parents[3] / "docs"


def test_data_dictionary_in_docs_is_the_one_that_is_published():
    assert (DOCS / "data_dictionary.md").read_text() == as_markdown(), "run `make docs`"


def test_every_published_column_has_a_meaning_a_unit_and_a_source():
    described = {row[:3] for row in dictionary() if all(row)}
    assert described == {(table.schema, table.name, column) for table in PUBLISHED for column in table.columns}


def test_the_contract_of_experiments_is_that_of_their_model():
    models = yaml.safe_load((DBT_PROJECT / "models/marts/finance/_finance.yml").read_text())["models"]
    [model] = [one for one in models if one["name"] == EXPERIMENT_LIFT.name]
    assert {one["name"]: one["data_type"].upper() for one in model["columns"]} == EXPERIMENT_LIFT.columns


def test_what_was_published_once_is_published_still():
    """The contract only grows: what is added to it is added to the kept file, nothing in that is changed or removed."""
    kept = json.loads(Path(__file__).with_name("contract_1.json").read_text())
    present = {str(table): {"grain": [*table.grain], "columns": table.columns} for table in PUBLISHED}
    for name, table in kept.items():
        assert present[name]["grain"] == table["grain"], name
        assert present[name]["columns"].items() >= table["columns"].items(), name
    unkept = {f"{name}.{column}" for name, table in present.items() for column in table["columns"]} - {
        f"{name}.{column}" for name, table in kept.items() for column in table["columns"]
    }
    assert not unkept, "published now, so it has to stay: add it to contract_1.json"
