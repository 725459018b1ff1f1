# make demo       the main job on real images: fetch, prepare, train, evaluate, a sweep, a leaderboard
# make test       all fast checks
# make test-all   those, and the slow ones
# make clean      free what can be made again
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all packages lock params bench clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

install: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "error: expected Python 3.11 to 3.13 as '$(PYTHON)', received $$($(PYTHON) --version 2>&1): type make PYTHON=python3.12 ..." >&2; exit 1; }
	@if command -v uv >/dev/null; then \
		uv venv --quiet --seed --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) && \
		uv pip install --python $(VENV)/bin/python --compile-bytecode --require-hashes -r requirements.lock && \
		uv pip install --python $(VENV)/bin/python --no-build-isolation --no-deps --editable .; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(VENV)/bin/python -m pip install --require-hashes -r requirements.lock && \
		$(VENV)/bin/python -m pip install --no-build-isolation --no-deps --editable .; \
	fi
	@touch $(READY)

demo: $(READY)
	@bash pipelines/demo.sh

test: $(READY)
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -m "not slow"

test-all: export EYECHART_NO_SKIPS := 1
test-all: packages test
	pytest -m slow

# what the slow tests use of Debian's packages, where they can be installed
packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ ! -d /usr/share/datasets/fashion-mnist ]; then \
		apt-get update -qq && apt-get install -y -qq dataset-fashion-mnist || true; \
	fi

# newest versions of everything that pyproject.toml allows, for all Pythons that it allows
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-header --upgrade \
		pyproject.toml --output-file requirements.lock

# params.yaml as DVC composes it
params: $(READY)
	python pipelines/train.py --cfg job > params.yaml.new && mv params.yaml.new params.yaml

bench: $(READY)
	for program in startup training cold multirun; do python benchmarks/$$program.py || exit 1; done

REMAKEABLE := $(VENV) data .dvc/cache .dvc/tmp .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
KEPT := .eyechart mlflow.db mlartifacts results

clean:
	@echo "frees:"; du -shc $(REMAKEABLE) 2>/dev/null || true
	@echo "keeps your runs (delete them yourself if you mean to):"; du -shc $(KEPT) 2>/dev/null || true
	@rm -rf $(REMAKEABLE)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
