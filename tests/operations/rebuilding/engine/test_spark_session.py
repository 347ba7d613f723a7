"""What `engine: spark` may be told, what protects it, and what a part that is missing is told by; without any Spark."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress

import pytest

from operations.rebuilding.engine.errors import cause_of
from operations.rebuilding.engine.spark_session import check_installed, described, options, session
from settings import Settings, UsageError, load_settings
from settings.engine import SPARK_VARIABLE


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("engine: polars", "engine"),
        ("spark: {master: yarn}", "spark.master"),
        ("spark: {settings: {spark.sql.ansi.enabled: 'false'}}", "spark.sql.ansi.enabled"),
        ("spark: {settings: {spark.authenticate: 'false'}}", "spark.authenticate"),
        ("spark: {settings: {hive.metastore: x}}", "hive.metastore"),
        ("spark: {shuffle_partitions: 0}", "spark.shuffle_partitions"),
        ("spark: {workers: 2}", "known here: master, memory, shuffle_partitions, settings"),
    ],
)
def test_what_spark_cannot_be_told_is_refused_in_a_line(tmp_path, said, told):
    path = tmp_path / "romi.yaml"
    path.write_text(said)
    with pytest.raises(UsageError) as caught:
        load_settings(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_session_counts_as_duckdb_does_and_is_protected_whatever_is_configured(tmp_path):
    told = options(Settings(spark={"settings": {"spark.sql.adaptive.enabled": "false"}}), tmp_path)
    assert told.pop("spark.sql.adaptive.enabled") == "false"
    assert told["spark.sql.ansi.enabled"] == "true"
    assert told["spark.authenticate"] == told["spark.io.encryption.enabled"] == "true"
    assert told["spark.network.crypto.enabled"] == "true"
    assert told["spark.ui.enabled"] == told["spark.eventLog.enabled"] == "false"
    assert told["spark.driver.bindAddress"] == "127.0.0.1"
    assert told["spark.local.dir"] == str(tmp_path / "local")


def test_a_cluster_is_asked_with_a_secret_from_the_environment_alone(tmp_path, monkeypatch):
    settings = Settings(spark={"master": "spark://127.0.0.1:7077"})
    monkeypatch.delenv(SPARK_VARIABLE, raising=False)
    pretend_installed(monkeypatch)
    with pytest.raises(UsageError, match=SPARK_VARIABLE):
        check_installed(settings)
    monkeypatch.setenv(SPARK_VARIABLE, "made up")
    check_installed(settings)
    assert "made up" in options(settings, tmp_path).values()


@pytest.mark.parametrize("missing", ["pyspark", "dbt.adapters.spark"])
def test_a_missing_package_is_named_with_the_extra_that_has_it(monkeypatch, missing):
    pretend_installed(monkeypatch)
    monkeypatch.setitem(sys.modules, missing, None)
    place, problem, _ = described(Settings(engine="spark"))
    assert place == "local[2]"
    assert "romi-warehouse[spark]" in (problem or "")


def test_a_missing_java_is_told(monkeypatch):
    pretend_installed(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match="Java 17"):
        check_installed(Settings(engine="spark"))


def pretend_installed(monkeypatch) -> None:
    for name in ("pyspark", "dbt.adapters.spark"):
        monkeypatch.setitem(sys.modules, name, sys)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Runtime Error\n  [CAST_INVALID_INPUT] The value 'ann@x.de' cannot be cast. SQLSTATE: 22018",
         "CAST_INVALID_INPUT (its text is left out, as it may quote a value of the data)"),
        ("Database Error\n  [ARITHMETIC_OVERFLOW.WITH_TRY] 12 overflows. SQLSTATE: 22003",
         "ARITHMETIC_OVERFLOW.WITH_TRY (its text is left out, as it may quote a value of the data)"),
        ("Runtime Error\n  [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `impresions` cannot be resolved."
         " SQLSTATE: 42703; line 1 pos 7",
         "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `impresions` cannot be resolved."),
    ],
)  # fmt: skip
def test_what_spark_could_not_do_is_told_without_values_of_the_data(said, told, tmp_path):
    assert str(cause_of(said, tmp_path)) == told


def test_no_configuration_sets_what_a_build_sets_itself(tmp_path):
    for name in options(Settings(spark={"master": "spark://far.example:7077"}), tmp_path):
        with pytest.raises(ValueError, match="cannot be set here"):
            Settings(spark={"settings": {name: "x"}})


@pytest.mark.parametrize("pattern", [r"a\b", "(?i)a", "[[:alpha:]]", "[a&&b]", r"\p{L}", "(?P<a>b)", r"\s"])
def test_a_pattern_that_java_reads_otherwise_is_refused_with_spark_alone(pattern):
    rules = {"channel_rules": [{"channel": "A", "source": pattern}]}
    with suppress(ValueError):  # RE2 may have its own to say of it
        Settings(attribution=rules)
    with pytest.raises(ValueError, match=r"channel_rules|engine: spark"):
        Settings(attribution=rules, engine="spark")


@pytest.mark.parametrize("pattern", ["x.*", r"\d{2}\.example", "(?:a|b)+c?", "[a-z0-9_-]+", "^a$", "Straße"])
def test_a_pattern_that_both_read_the_same_passes(pattern):
    rules = {"channel_rules": [{"channel": "A", "source": pattern}]}
    assert Settings(attribution=rules, engine="spark").engine == "spark"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")
def test_a_session_writes_nothing_into_the_folder_of_the_one_before_it_in_the_same_process(tmp_path):
    pytest.importorskip("pyspark")
    pytest.importorskip("dbt.adapters.spark")
    for region in ("eu", "us"):
        with session(Settings(warehouse=tmp_path), region, tmp_path / region) as spark:
            assert spark.range(100).repartition(3).count() == 100
            assert [one.name for one in tmp_path.iterdir()] == [region]
        shutil.rmtree(tmp_path / region)
    assert list(tmp_path.iterdir()) == []
