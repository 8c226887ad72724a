# Every target sets up what it needs by itself; a second run finds it done and starts at once.
#   make perform ARGS="my-show --input song.flac"          what `getaway perform` takes
#   make perform SHOW=my-show.toml                         the same, for a show only
#   make test    ARGS="-k grid -x"                         what pytest takes

PYTHON := .venv/bin/python
SHOW ?=
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup perform test lint check wheel clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: ## system libraries, .venv and Getaway in it (what performing needs)
	@scripts/setup perform

perform: setup ## hear and show: SHOW=a show's name or file, ARGS=more options
	@.venv/bin/getaway perform $(SHOW) $(ARGS)

test: ## the whole test suite, with real sound servers and windows: ARGS=options of pytest
	@scripts/setup test
	@$(PYTHON) -m pytest $(ARGS)

lint: ## ruff and mypy
	@scripts/setup test
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy engine visuals

check: lint test ## lint, then test

wheel: ## dist/getaway-*.whl
	@scripts/setup perform
	@$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## removes .venv, caches and what was built; nothing else
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find engine visuals tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
