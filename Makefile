# `make` alone lists the targets. Nothing has to be activated: the first target that needs it makes
# $(VENV) with the versions pinned in requirements.txt.

# The first of these that runs, is Python 3.11 or newer, and can make a virtual environment.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV ?= .venv
# How pip is given this package: as a link to the source, or for instance PACKAGE=. for a copy.
PACKAGE ?= --editable .
BACKENDS ?= tensorflow jax torch
# Test processes. Each holds a whole backend: about 2 GB.
WORKERS ?= 2
PYTEST_ARGS ?=
DEMO_ARGS ?= --out build/demo
# Where `make docs` writes
SITE ?= build/docs

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal
comma := ,
SOURCES := requirements.txt setup.py pyproject.toml

# Fewer of TensorFlow's start-up messages (a few come regardless)
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo install test test-fast lint format docs bench test-lowest audit measures clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo  ## train AMID on the ripple tank, print the table, export the student
	KERAS_BACKEND=tensorflow $(BIN)/python recipes/ripple_tank.py $(DEMO_ARGS)

install: $(VENV)/.all  ## make the virtual environment with every backend and tool

test: $(VENV)/.all  ## run all tests on each backend in turn
	@failed=; for backend in $(BACKENDS); do \
		echo "KERAS_BACKEND=$$backend $(PYTEST) $(PYTEST_ARGS)"; \
		KERAS_BACKEND=$$backend $(PYTEST) $(PYTEST_ARGS) || failed="$$failed $$backend"; \
	done; \
	if [ -n "$$failed" ]; then echo "Tests failed on:$$failed" >&2; exit 1; fi

test-fast: $(VENV)/.all  ## run the quick tests on TensorFlow
	KERAS_BACKEND=tensorflow $(PYTEST) -m "not slow" $(PYTEST_ARGS)

# Old releases call what newer ones of theirs have deprecated: that is not for us to mend.
# JAX and keras-hub want newer NumPy and TensorFlow than the lowest: their tests are skipped.
LOWEST_EXTRAS := test parquet tensorboard torch
test-lowest: $(VENV)/lowest/.all  ## run the quick tests on the lowest versions that setup.py allows
	KERAS_BACKEND=tensorflow $(VENV)/lowest/bin/pytest -n $(WORKERS) --dist worksteal \
		-m "not slow" -W ignore::DeprecationWarning -W ignore::FutureWarning $(PYTEST_ARGS)

lint: $(VENV)/.all  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.all  ## put style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Warnings are errors, and so is a link that leads nowhere or into a network.
docs: $(VENV)/docs/.all  ## build the documentation, into build/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --quiet --strict --site-dir $(abspath $(SITE))
	$(VENV)/docs/bin/python docs/tools/check_site.py $(SITE)

bench: $(VENV)/.all  ## print the benchmarks' ratios, on each backend
	@set -e; for benchmark in tests/benchmarks/bench_*.py; do for backend in $(BACKENDS); do \
		echo "KERAS_BACKEND=$$backend $(BIN)/python $$benchmark"; \
		PYTHONPATH=tests/support KERAS_BACKEND=$$backend $(BIN)/python $$benchmark; \
	done; done

audit: $(VENV)/.all  ## name known vulnerabilities of what is installed (a warning, no failure)
	-$(BIN)/pip-audit --progress-spinner off

measures: $(VENV)/.all  ## damage 2,000 files, kill 100 processes, train on 300 clips: over an hour
	@for measure in tests/measures/measure_*.py; do \
		PYTHONPATH=tests/support KERAS_BACKEND=tensorflow $(BIN)/python $$measure || exit 1; \
	done

clean:  ## remove outputs and caches; the virtual environment stays
	rm -rf build dist outputs *.egg-info .pytest_cache .ruff_cache
	find keras_amid recipes tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python $(VENV)/docs/bin/python $(VENV)/lowest/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv was not found:" \
		"install it, or say where it is with make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(@:/bin/python=)

# The demo needs neither JAX nor PyTorch: only the package's own dependencies, at pinned versions.
$(VENV)/.demo: $(SOURCES) | $(BIN)/python
	$(PIP) --constraint requirements.txt $(PACKAGE)
	@touch $@

$(VENV)/.all: $(SOURCES) | $(BIN)/python
	$(PIP) --requirement requirements.txt $(PACKAGE)
	@touch $@ $(VENV)/.demo

# uv, for pip tries every release of every package where bounds meet others' bounds.
$(VENV)/lowest/.all: setup.py .ci/lowest.py | $(VENV)/lowest/bin/python
	$(VENV)/lowest/bin/python -m pip --disable-pip-version-check install --quiet uv
	$(VENV)/lowest/bin/python .ci/lowest.py $(LOWEST_EXTRAS) > $(VENV)/lowest/constraints.txt
	$(VENV)/lowest/bin/uv pip install --quiet --python $(VENV)/lowest/bin/python \
		--constraint $(VENV)/lowest/constraints.txt --editable '.[$(subst $() $(),$(comma),$(LOWEST_EXTRAS))]'
	@touch $@

$(VENV)/docs/.all: requirements-docs.txt | $(VENV)/docs/bin/python
	$(VENV)/docs/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@
