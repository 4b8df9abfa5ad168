# One way in. `make` alone prints what there is. Needs Python 3.11 or newer, git and make; nothing else.
# Settings: PYTHON=/path/to/python3.11  WORKERS=2 (test processes)  SOAK_KILLS=200
#   SOAK_CATALOG="sqlite postgres"  SOAK_STORE="local s3" (paired in their order)  UPGRADE=1 (for lock)

BIN := .venv/bin
READY := .venv/ready
WORKERS ?= 2
SOAK_KILLS ?= 200
SOAK_CATALOG ?= sqlite
SOAK_STORE ?= local
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak format lint check coverage bench docs golden argo-templates lock clean
.PHONY: lint-style lint-types lint-layers lint-sizes lint-locks

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: $(READY) ## make .venv with everything in it, from the hashed lock

# The stamp is newer than all that it was made from; a half-made environment has none.
$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml tools/setup.py
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed, and '$(PYTHON)' is not: install one, or name one: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@rm -f $(READY)
	@"$(PYTHON)" tools/setup.py
	@touch $(READY)

demo: $(READY) ## two pipelines over real photographs, through Airflow
	@$(BIN)/python -m dags.demo

test: $(READY) ## run the tests; `make test ARGS="tests/unit/refs -k glob"` runs some
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

soak: $(READY) ## kill -9 at random moments, then compare with an undisturbed run
	@$(BIN)/python -m tests.soak --kills $(SOAK_KILLS) --catalog $(SOAK_CATALOG) --store $(SOAK_STORE)

format: $(READY) ## rewrite the code in the one format
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

# Each check stands alone, so that `make -k lint` shows all that is wrong at once.
lint: lint-style lint-types lint-layers lint-sizes lint-locks ## style, types, layers, size of files, locks

lint-style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
lint-types: $(READY)
	$(BIN)/mypy
lint-layers: $(READY)
	$(BIN)/lint-imports --no-logo
lint-sizes: $(READY)
	$(BIN)/python tools/sizes.py
lint-locks: $(READY)
	$(BIN)/python tools/locks.py check

check: lint test ## what must hold before a commit is shared

coverage: $(READY) ## run the tests and list the lines that none of them reaches
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -n $(WORKERS) --dist loadfile $(ARGS)
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

bench: $(READY) ## measure, and print the tables beside their goals
	@$(BIN)/python -m tests.benchmarks.run $(ARGS)

docs: $(READY) ## build the documentation into site/ and check every link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

golden: $(READY) ## rewrite tests/golden; look at the difference before committing it
	@PFS_TEST_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden

argo-templates: $(READY) ## write argo_templates/ again from pfs_provider/argo
	@$(BIN)/python -m tools.argo_templates

lock: $(READY) ## compile requirements/ again; UPGRADE=1 takes newer versions
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/locks.py write $(if $(UPGRADE),--upgrade)

clean: ## remove what make made
	@rm -rf .venv build dist site .demo .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
