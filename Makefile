# Everything is made in `.venv` and `.oppsync`, both in this folder; nothing else is needed than Python and make.
PYTHON ?= python3
WORKERS ?= 2
RUNS ?= 1
SEED ?=
ARGS ?=
READY := .venv/installed
RUN := .venv/bin/python -m

.PHONY: help demo up test check unit chaos mutants
.DEFAULT_GOAL := help

help:  ## these lines
	@echo 'oppsync: a won opportunity becomes approved projects in the ERP. First `make demo`, then:'
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do \
	    printf '%-14s%s\n' "$$name" "$$what"; done

demo: $(READY)  ## win deals and watch them become projects (ARGS=--yes: approve without asking)
	@$(RUN) sandbox demo $(ARGS)

up: $(READY)  ## the whole product, staying up, with the data of the last time
	@$(RUN) sandbox up $(ARGS)

test: check  ## the checks and all tests (ARGS=... goes to pytest)
	@$(RUN) pytest -n $(WORKERS) $(ARGS)

check: $(READY)  ## format, lint, types, architecture, migrations: seconds
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@.venv/bin/lint-imports
	@$(RUN) sandbox check-migrations

unit: $(READY)  ## the tests that need no server
	@$(RUN) pytest tests/unit $(ARGS)

chaos: $(READY)  ## attack everything and count (RUNS=n SEED=s; ARGS=--help for more)
	@$(RUN) tests.chaos --runs $(RUNS) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: $(READY)  ## make the engine wrong in one place at a time: do the tests notice? (ARGS='part of a name')
	@$(RUN) tests.mutants $(ARGS)

$(READY): requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { \
	    echo 'There is no $(PYTHON) here: install Python 3.11 or later, or run `make PYTHON=/path/to/python3 ...`.' >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py
