# Python 3.11 or later and make are all it takes.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for one in python3 python3.13 python3.12 python3.11; do \
    $$one -c '$(SUITABLE)' 2>/dev/null && { echo $$one; break; }; done)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo spark-demo run test test-all drill lint secrets ui bench docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/ready ## make the environment in .venv from requirements.lock

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found. Name one: make PYTHON=/path/to/python3.12"; exit 2; }
	@echo "Installing into .venv with $(PYTHON); a minute or two."
	@$(PYTHON) -m venv .venv
	@{ $(BIN)/python -m pip install --no-deps --require-hashes -r requirements.lock \
	    && $(BIN)/python -m pip install --no-deps --no-build-isolation --editable .; } > .venv/install.log 2>&1 \
	    || { tail -5 .venv/install.log; echo "The installation failed; all of it is in .venv/install.log."; exit 1; }
	@echo "Installed $$(ls -d .venv/lib/python*/site-packages/*.dist-info | wc -l) packages; the log is in .venv/install.log."
	@touch $@

demo: .venv/ready ## a sample shop, ingested, attributed, checked and published
	@$(BIN)/romi demo

spark-demo: .venv/ready ## a small sample shop whose models Spark builds, in spark-demo/; takes Java 17 and some minutes
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r .ci/requirements-spark.lock
	@mkdir -p spark-demo && cd spark-demo && ../$(BIN)/romi demo --engine spark --events 3000 --days 4

test: .venv/ready ## the test suite, without the slow drills
	@$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

test-all: .venv/ready ## every test, slow drills included
	@$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder -m "slow or not slow"

drill: .venv/ready ## an outage of three days, the flood after it, kills on the way; docs/drill.md tells of it
	@$(BIN)/python -m tests.drills.outage

lint: .venv/ready ## ruff, sqlfluff, types, secrets
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests --disable-progress-bar
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory secrets

secrets: .venv/ready ## no secret in a tracked file but those that tests make up; they stand in .secrets.baseline; 3 says that lines moved
	@git ls-files -z | xargs -0 sh -c '$(BIN)/detect-secrets-hook --baseline .secrets.baseline "$$@" || test $$? -eq 3' --

ui: .venv/ready ## the Dagster UI on the demo's warehouse, at http://127.0.0.1:3000
	@mkdir -p warehouse/dagster && cp -n orchestration/dagster.yaml warehouse/dagster/
	@PYTHONWARNINGS='ignore:Function `dev_command`' DAGSTER_HOME=$(CURDIR)/warehouse/dagster PATH=$(CURDIR)/$(BIN):$$PATH dagster dev -w workspace.yaml

bench: .venv/ready ## what README's figures come from
	@$(BIN)/python -m benchmarks

docs: .venv/ready ## write the data dictionary, the register of processing, docs/sources.md and docs/runbooks.md anew
	@$(BIN)/python -m operations.finance_tables.published_tables > docs/data_dictionary.md
	@$(BIN)/python -m operations.register.processing > docs/register_of_processing.md
	@$(BIN)/python -m operations.landed_files.document > docs/sources.md
	@$(BIN)/python -m operations.incidents.runbooks > docs/runbooks.md

lock: ## write requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" -o requirements.lock
	uv pip compile pyproject.toml --extra spark --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" --constraint requirements.lock --no-annotate \
	    $$(grep -oE '^[a-z0-9.-]+' requirements.lock | sort -u | sed 's/^/--no-emit-package /') -o .ci/requirements-spark.lock

clean: ## remove the environment and the demo
	rm -rf .venv spark-demo landing warehouse warehouse.keys warehouse.keys.lock romi.yaml
