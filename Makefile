# The study in a few targets; `make` lists them.
PYTHON ?= python3
STUDY ?= default
JOBS ?= 2
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TOOLS := $(VENV)/tools
export PYTHONHASHSEED = 0

.DEFAULT_GOAL := help
.PHONY: help study test lint lab lock extras docs audit mutation bench fuzz clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

study: $(READY) ## set up and run a study: make study STUDY=default JOBS=2
	$(BIN)/research run $(STUDY) --jobs $(JOBS)

test: $(TOOLS) ## set up and run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-slow: $(TOOLS) ## run the tests that run whole studies (half an hour)
	$(BIN)/python -m pytest -m slow

lint: $(TOOLS) ## check style, imports between layers, spelling, and that notebooks carry no outputs
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/nbstripout --verify notebooks/*.ipynb

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

extras: $(TOOLS) ## install what transactions, clusters, the paper and two references need: DuckDB, Spark, PostgreSQL, Dask, pandoc, empulse
	$(INSTALL) --require-hashes -r requirements-extras.lock

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --quiet
lock: ## compile the lock files from pyproject.toml: the study, with tools and tests, with the extras (needs uv)
	$(COMPILE) --group build --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group dev --all-extras --constraint requirements-dev.lock --output-file requirements-extras.lock

docs: $(TOOLS) ## write the generated pages of docs/
	$(BIN)/research verify --write
	$(BIN)/python -m research.documentation

audit: ## look the locked packages up in the database of known vulnerabilities (needs the network)
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements-dev.lock

mutation: $(TOOLS) ## put small faults into the numeric modules and see that the tests notice (an hour)
	$(BIN)/python tests/mutation --write

bench: $(TOOLS) ## measure the claims about speed and write docs/performance.md (an hour; `make extras` first)
	for script in $(filter-out %/record.py %/page.py,$(wildcard bench/*.py)); do $(BIN)/python $$script || exit 1; done
	$(BIN)/python bench/page.py

fuzz: $(TOOLS) ## 10,000 damaged inputs of every kind: make fuzz SEED=1 JOBS=2
	PYTHONPATH=tests $(BIN)/python -m fuzz --seed $(or $(SEED),1) --jobs $(JOBS)

clean: ## remove the environment, the cache and the reports
	rm -rf .venv .cache .pytest_cache .ruff_cache .import_linter_cache
	find reports -mindepth 1 -maxdepth 1 ! -name reference ! -name recorded ! -name README.md -exec rm -rf {} +

# pip and uv both honour the user's own mirror settings. The package is installed last, as a link to src/.
UV := $(shell command -v uv)
INSTALL = $(if $(UV),uv pip install --quiet --python $(BIN)/python --compile-bytecode,\
	$(BIN)/python -m pip install --quiet --disable-pip-version-check)
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"found Python {v[0]}.{v[1]}, expected 3.11 to 3.13; choose one with PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo "installing the packages of the study into $(VENV) with $(if $(UV),uv,pip: uv on the path would be faster)"
	@date +%s > $(VENV)/began
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@echo "installed in $$(($$(date +%s) - $$(cat $(VENV)/began))) s; what follows is the study itself"
	@rm $(VENV)/began; touch $@
$(TOOLS): $(READY) requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
