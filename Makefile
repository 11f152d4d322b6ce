# Everything here sets itself up: `make run` and `make test` are all a fresh machine needs.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test lint checks format screenshots bench set-up set-up-dev constraints clean distclean

# The newest of these that is 3.11 or later makes .venv; PYTHON=... overrides it.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
# Where set-up had to unpack system libraries for this user alone, this makes the dynamic linker find them.
ENV := set -a; . ./.venv/environment; set +a;
BUILD := build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: set-up  ## set up, and open the window on the demo scan (without a display: make its picture)
	@$(ENV) $(BIN)/python packaging/first_run.py $(BUILD)/demo

test: set-up-dev  ## set up, check the code (ruff, mypy, imports), run all tests with coverage
	@status=0; $(MAKE) --no-print-directory checks || status=1; \
	$(ENV) $(BIN)/python -m pytest -n auto --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS) || status=1; \
	exit $$status

lint: set-up-dev  ## check the code
	@$(MAKE) --no-print-directory checks

checks:
	@status=0; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/mypy --no-explicit-package-bases packaging || status=1; \
	$(BIN)/lint-imports || status=1; \
	exit $$status

format: set-up-dev  ## put the code into its form
	@$(BIN)/ruff check --fix-only . && $(BIN)/ruff format .

screenshots: set-up-dev  ## make docs/images anew from the real window, in a paper's resolution
	@$(ENV) QT_QPA_PLATFORM=offscreen $(BIN)/python packaging/screenshots.py docs/images --scale 2

bench: set-up  ## the kernels against this machine's memory bandwidth
	@$(ENV) $(BIN)/ltdesk bench

set-up:  ## .venv, the package and what it needs
	$(if $(PYTHON),,$(error ltdesk needs Python 3.11 or newer. On Debian: sudo apt-get install python3))
	@$(PYTHON) packaging/bootstrap.py

set-up-dev:  ## the same with what tests and checks need
	$(if $(PYTHON),,$(error ltdesk needs Python 3.11 or newer. On Debian: sudo apt-get install python3))
	@$(PYTHON) packaging/bootstrap.py --extras dev

constraints: set-up-dev  ## write the installed versions down as the tested ones
	@{ sed -n '/^#/p' packaging/constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > $(BUILD)-constraints; \
	mv $(BUILD)-constraints packaging/constraints.txt

clean:  ## remove what was made, but not .venv
	rm -rf $(BUILD) dist ltdesk.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		.coverage .coverage.* htmlcov .cache
	find ltdesk resources tests packaging benchmarks -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf .venv
