# `make` alone lists the targets. Needs Python 3.11 or newer; everything else is set up in ./.venv.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) dev/bootstrap.py

# Without bytecode each process that tests, chaos and bench start would compile everything again; the image has it too.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run migrate compose compose-test setup test test-fast browser fuzz check lint types imports format docs models understanding release-contracts requirements bench bench-large chaos chaos-full chaos-mutants lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  while IFS='|' read -r name does; do printf '  make %-18s %s\n' "$$name" "$$does"; done

run: ## set up, then run all services on http://127.0.0.1:8000
	@$(SETUP)
	@exec $(BIN)/redress up --migrate

migrate: ## set up, then bring databases and topics up to date
	@$(SETUP)
	@$(BIN)/redress migrate

compose: ## start docker-compose.yml; makes .env and the secrets where they are missing
	@$(PYTHON) -m dev.compose up

compose-test: setup ## bring docker-compose.yml up as it is, break it, back it up, restore it, take it down
	@REDRESS_TEST_COMPOSE=1 $(BIN)/python -m pytest tests/compose -x -o faulthandler_timeout=900 --durations=8

setup: ## make ./.venv with everything that tests and checks need
	@$(SETUP) --dev

test: setup ## all tests: the fast part, then the rest on real PostgreSQL and Kafka
	@$(BIN)/python -m dev.test

test-fast: setup ## the tests that need no engine and little time
	@$(BIN)/python -m dev.test --fast

browser: setup ## the screens in a real Chromium (REDRESS_CHROMIUM=path): each role's day, axe, pictures in dist/screens
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/browser.lock
	@! command -v npm >/dev/null || npm ci --silent --no-audit --no-fund --prefix tests/browser/provider
	@$(BIN)/python -m pytest tests/browser -n0 -m browser -q -o faulthandler_timeout=900

fuzz: setup ## 20,000 mutated inputs for every door: no failure, no growth (INPUTS=, SEED=)
	@REDRESS_FUZZ=$(or $(INPUTS),20000) REDRESS_FUZZ_SEED=$(or $(SEED),1) \
	  $(BIN)/python -m pytest tests/service/intake/test_fuzz.py -n0 -q -x -o faulthandler_timeout=0

check: lint types imports ## what must be green before a commit: format, lint, types, import rules

lint: setup ## format and lint
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

types: setup ## strict types
	@$(BIN)/mypy

imports: setup ## who may import whom
	@$(BIN)/lint-imports --no-logo

format: setup ## lay the code out, and fix what can be fixed by itself
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

docs: setup ## write the pages that follow from the code
	@$(BIN)/python -m dev.docs

models: setup ## learn from the examples of packs that changed, and put the models beside them
	@$(BIN)/python -m dev.models

understanding: setup ## how well texts are understood that nobody tuned to: by words, by what was learnt, by both
	@$(BIN)/python -m bench.understanding

release-contracts: setup ## at a release: make today's events the ones that consumers rely on
	@$(BIN)/python -m dev.contracts --release

requirements: setup ## run the tests and write docs/requirements.md: row, tests, result
	@$(BIN)/python -m dev.requirements

bench: setup ## measure, and write docs/performance.md
	@$(BIN)/python -m bench

bench-large: setup ## whether matching, lists and search stay flat from 10,000 to 1,000,000 complaints (SIZES= of matching)
	@$(BIN)/python -m bench.large_followup
	@$(BIN)/python -m bench.large $(if $(SIZES),--sizes $(SIZES))

chaos: setup ## break a running system for some minutes and hold it to its promises
	@$(BIN)/python -m chaos smoke $(if $(SEED),--seed $(SEED))

chaos-full: setup ## everything on one engine: ENGINE=embedded|grown, SLICE=1/3 a part, ONLY=a scenario; results add up in docs
	@$(BIN)/python -m chaos full --keep --engine $(or $(ENGINE),embedded) $(if $(SLICE),--slice $(SLICE)) $(if $(ONLY),--scenario $(ONLY)) $(if $(SEED),--seed $(SEED))

chaos-mutants: setup ## build mistakes in, one at a time: each must be noticed
	@$(BIN)/python -m chaos mutants $(if $(SEED),--seed $(SEED))

LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header
lock: setup ## compile requirements/*.in to *.lock (UPGRADE=--upgrade for newer versions)
	@$(LOCK) $(UPGRADE) requirements/setup.in -o requirements/setup.lock
	@$(LOCK) $(UPGRADE) requirements/run.in -o requirements/run.lock
	@$(LOCK) $(UPGRADE) requirements/dev.in -c requirements/run.lock -o requirements/dev.lock
	@$(LOCK) $(UPGRADE) requirements/browser.in -c requirements/run.lock -c requirements/dev.lock -o requirements/browser.lock

clean: ## remove what set-up, tests and checks made; ./data stays
	@rm -rf .venv .venv.lock .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* dist build
	@find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
