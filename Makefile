# Everything is done through `make`; it needs Python 3.11 to 3.13, make and a package index, and keeps to .venv.
# Variables: PYTHON (which interpreter makes .venv), ARGS (passed on to demo, ui, bench and pytest), WORKERS (test processes).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
ARGS ?=
WORKERS ?= auto

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What is checked, as far as it is there: a release archive may come without the benchmarks.
CODE := $(wildcard ultracore_jobs ultracore_jobs_tests benchmarks docs/pictures)
TYPED := $(wildcard ultracore_jobs ultracore_jobs_tests benchmarks)

# Nobody's use of this product is reported to anybody.
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: help
help: ## Say what there is (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: install
install: $(INSTALLED) ## Make .venv from requirements.lock; every target that needs it does this first

.PHONY: demo
demo: $(INSTALLED) ## Run a business day of the sample platform and show what came out
	@$(BIN)/ultracore-jobs demo $(ARGS)

.PHONY: ui
ui: $(INSTALLED) ## Start Dagster with its user interface, on this machine only, port 3000
	@$(BIN)/ultracore-jobs ui $(ARGS)

.PHONY: test
test: lint types layers ## Everything that must hold: lint, types, layers, then the tests (ARGS='-k fees' for some)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Every rule of ruff but those pyproject.toml gives a reason against, and the format
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	@$(BIN)/mypy $(TYPED)

.PHONY: layers
layers: $(INSTALLED) ## Who may import whom (setup.cfg)
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(INSTALLED) ## Write the format, and the fixes ruff is sure of
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

.PHONY: faults-money
faults-money: $(INSTALLED) ## Kill the fee path 200 times at random, and count what was doubled or lost
	@$(BIN)/python -m ultracore_jobs_tests.kills --random 200 --seed 1 $(ARGS)

.PHONY: test-kafka
test-kafka: $(INSTALLED) ## Run the relay's tests on Apache Kafka itself (needs Java 17 and Maven)
	@$(BIN)/python -m ultracore_jobs_tests.apache_kafka $(ARGS)

.PHONY: bench
bench: $(INSTALLED) ## Measure (benchmarks/)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: pictures
pictures: $(INSTALLED) ## Take the pictures of docs/ anew; needs Chromium
	@$(BIN)/python docs/pictures/take.py $(ARGS)

.PHONY: lock
lock: $(INSTALLED) ## Write requirements.lock anew from pyproject.toml (ARGS=--upgrade for newer releases)
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-strip-extras \
		--extra sample --extra dev --output-file requirements.lock $(ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and built archives; never .ultracore, which is data
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is many times faster than pip, so it is tried first; it does not read pip's settings, so they are handed on.
# Where uv does not run, or cannot reach the index, pip does the same from the same lock.
pip_setting = $$($(BIN)/pip config get :env:.$(1) 2>/dev/null || $(BIN)/pip config get global.$(1) 2>/dev/null || true)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed, and $$($(PYTHON) --version) was found; choose one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@index=$(call pip_setting,index-url); links=$(call pip_setting,find-links); \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi; \
	if [ -n "$$links" ]; then export UV_FIND_LINKS="$${UV_FIND_LINKS:-$${links//[[:space:]]/,}}"; fi; \
	export VIRTUAL_ENV="$(CURDIR)/$(VENV)"; \
	uv=$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock); \
	if $(BIN)/pip install --quiet --disable-pip-version-check "$$uv" \
		&& $(BIN)/uv pip install --quiet --no-deps --compile-bytecode --requirements requirements.lock; then :; else \
		echo "uv could not install; pip takes over, which needs a minute or two" >&2; \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock; \
	fi
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
