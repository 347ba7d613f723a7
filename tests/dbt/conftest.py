"""A fresh region file for each test, and dbt run in this process."""

import uuid

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.kit.dbt import Dbt
from tests.kit.examples import examples
from tests.kit.raw_region import Region

# Shops are dear to build: few examples, the same ones each time, and no shrinking of a failure into minutes.
settings.register_profile(
    "few_shops",
    max_examples=examples(6, fast=3),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="session")
def whole_dbt(tmp_path_factory):
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture
def dbt(whole_dbt, request):
    """dbt, which builds what a module says that it reads in ``MODELS``, or all models."""
    return whole_dbt.of(getattr(request.module, "MODELS", ()))


@pytest.fixture
def new_region(tmp_path):
    return lambda: Region(tmp_path / f"{uuid.uuid4().hex}.duckdb")


@pytest.fixture
def region(new_region):
    return new_region()
