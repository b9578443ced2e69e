# What people and CI run; `make` alone lists it, from the text behind each target's `##`.
# Python 3.11 or later and make are all it needs. The first run makes `.venv` (tools/bootstrap.py); what runs keeps
# its data in `.oppsync`. Both are in this folder: delete them and everything is gone.
PYTHON ?= python3
WORKERS ?= 2
RUNS ?= 1
SEED ?=
ARGS ?=
# What whoever adds something does: the guide's steps, walked in copies of the tree.
WALKS := tests/unit/test_guide.py tests/web/test_guide.py $(wildcard tests/contract/test_new_*.py)
# Minutes of their own: `make stories` runs them, `make test` leaves them out, and CI runs both.
STORIES := tests/story tests/chaos tests/stateful/test_histories.py tests/service/test_ways_out.py \
	tests/integration/test_first_minute.py tests/integration/test_neighbours.py $(WALKS)
READY := .venv/installed
RUN := .venv/bin/python -m

.PHONY: help demo up test coverage stories check unit hooks chaos mutants
.DEFAULT_GOAL := help

help:  ## these lines
	@echo 'oppsync: a won opportunity becomes approved projects in the ERP. First `make demo`, then:'
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(READY)  ## win deals and watch them become projects (ARGS=--yes: approve without asking)
	@$(RUN) sandbox demo $(ARGS)

up: $(READY)  ## the whole product, staying up, with the data of the last time
	@$(RUN) sandbox up $(ARGS)

test: check  ## the checks and the tests of every part, in minutes (ARGS=... goes to pytest)
	@$(RUN) pytest -n $(WORKERS) --dist worksteal $(STORIES:%=--ignore=%) $(ARGS)

coverage: check  ## the same tests, and which lines and branches they reach: a third slower
	@$(RUN) pytest -n $(WORKERS) --dist worksteal $(STORIES:%=--ignore=%) --cov --cov-report=term $(ARGS)

stories: $(READY)  ## the whole product as processes, ended and cut off on the way; the guide walked; histories by the hundred
	@$(RUN) pytest -n $(WORKERS) --dist loadgroup $(STORIES) $(ARGS)

check: $(READY)  ## format, lint, types, architecture, migrations: seconds
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@.venv/bin/lint-imports
	@$(RUN) sandbox check-migrations

unit: $(READY)  ## the tests that need no server, in seconds (ARGS=tests/unit/test_money.py: that file alone)
	@$(RUN) pytest $(if $(filter tests/%,$(ARGS)),,tests/unit) $(ARGS)

hooks: $(READY)  ## let git run `make check` before each commit
	@.venv/bin/pre-commit install

chaos: $(READY)  ## attack everything and count (RUNS=n SEED=s; ARGS=--help for more)
	@$(RUN) tests.chaos --runs $(RUNS) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: $(READY)  ## make the engine wrong in one place at a time: do the tests notice? (ARGS='part of a name')
	@$(RUN) tests.mutants $(ARGS)

$(READY): requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { \
	    echo 'There is no $(PYTHON) here: install Python 3.11 or later, or run `make PYTHON=/path/to/python3 ...`.' >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py
