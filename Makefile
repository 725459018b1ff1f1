# make demo       the main job on real images: fetch, prepare, train, evaluate, a sweep, a leaderboard
# make ui         show the runs in a browser: make ui PORT=5001 where 5000 is taken
# make source     repeat the results of the course documents: make source EPOCHS=2 for a quick look
# make test       all fast checks
# make test-all   those, and the slow ones
# make clean      free what can be made again
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
VENV_JAX := .venv-jax
READY := $(VENV)/.ready
READY_JAX := $(VENV_JAX)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo ui source test test-all packages lock params bench clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

install: $(READY)

# $(call environment,FOLDER,PYTHON,LOCK): exactly what the lock lists, and this project
define environment
	@if command -v uv >/dev/null; then \
		uv venv --quiet --seed --allow-existing --python "$$(command -v $(2))" $(1) && \
		uv pip install --python $(1)/bin/python --compile-bytecode --no-deps --require-hashes -r $(3) && \
		uv pip install --python $(1)/bin/python --no-build-isolation --no-deps --editable .; \
	else \
		$(2) -m venv $(1) && \
		$(1)/bin/python -m pip install --no-deps --require-hashes -r $(3) && \
		$(1)/bin/python -m pip install --no-build-isolation --no-deps --editable .; \
	fi
	@touch $(1)/.ready
endef

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "error: expected Python 3.11 to 3.13 as '$(PYTHON)', received $$($(PYTHON) --version 2>&1): type make PYTHON=python3.12 ..." >&2; exit 1; }
	$(call environment,$(VENV),$(PYTHON),requirements.lock)
	@$(VENV)/bin/python tools/plots_page.py  # so that dvc plots needs no network

# the same without TensorFlow, where the slow tests run every model on JAX
$(READY_JAX): $(READY)
	@mkdir -p $(VENV_JAX)
	@sed '/^tensorflow==/,/# via/d' requirements.lock > $(VENV_JAX)/requirements.txt
	$(call environment,$(VENV_JAX),$(VENV)/bin/python,$(VENV_JAX)/requirements.txt)

demo: $(READY)
	@bash pipelines/demo.sh

ui: $(READY)
	@python pipelines/ui.py $(if $(PORT),port=$(PORT))

source: $(READY)
	for dataset in fashion_mnist mnist mnist_pkl cifar10; do \
		python pipelines/fetch.py dataset=$$dataset && python pipelines/preprocess.py dataset=$$dataset || exit 1; \
	done
	python pipelines/replicate.py $(if $(EPOCHS),epochs=$(EPOCHS))

test: $(READY)
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -m "not slow" --numprocesses auto --maxprocesses 4

test-all: export EYECHART_NO_SKIPS := 1
test-all: packages $(READY_JAX) test
	pytest -m slow --numprocesses auto --maxprocesses 4

# what the slow tests use of Debian's packages, where they can be installed
packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		! { [ -d /usr/share/datasets/fashion-mnist ] && [ -x /usr/bin/chromedriver ] && [ -d /usr/lib/postgresql ]; }; then \
		apt-get update -qq && apt-get install -y -qq dataset-fashion-mnist chromium chromium-driver postgresql || true; \
	fi

# newest versions of everything that pyproject.toml allows, for all Pythons that it allows
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-header --upgrade \
		pyproject.toml --output-file requirements.lock

# params.yaml as DVC composes it
params: $(READY)
	python pipelines/train.py --cfg job > params.yaml.new && mv params.yaml.new params.yaml

bench: $(READY)
	for program in startup training members cold multirun fused_sweep again report scanning tracking; do python benchmarks/$$program.py || exit 1; done

REMAKEABLE := $(VENV) $(VENV_JAX) .dvc/tmp .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
KEPT := .eyechart mlflow.db mlartifacts results

clean:
	@echo "frees, but for what it says it keeps:"; du -shc $(REMAKEABLE) data .dvc/cache 2>/dev/null || true
	@echo "keeps your runs (delete them yourself if you mean to):"; du -shc $(KEPT) 2>/dev/null || true
	@PYTHONPATH=src $(PYTHON) tools/clean.py 2>/dev/null || echo "keeps data and .dvc/cache, which could not be looked at: make install, then make clean"
	@rm -rf $(REMAKEABLE)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
