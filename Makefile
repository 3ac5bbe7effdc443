# Needs make and Python 3.11 or newer; everything else goes into a virtual environment.
#   VENV=dir       the environment to use (default .venv, created if missing)
#   PYTHON=python  the Python to create it with (default: the first suitable one)
#   WORKERS=n      test processes (default 2)

VENV ?= .venv
PYTHON ?=
WORKERS ?= 2

PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test test-slow bench lint docs clean

help:
	@echo "make demo       run the example uu~ -> 3 gamma"
	@echo "make test       lint, types and the tests (a few minutes)"
	@echo "make test-slow  the tests marked slow"
	@echo "make bench      compare with other packages, print tables, write docs/performance.md"
	@echo "make lint       lint and types only"
	@echo "make docs       refresh the generated pages, check them, build the site in build/docs"
	@echo "make clean      remove build products and caches (not $(VENV))"

demo: $(VENV)/.symhep-dev
	@$(PY) examples/03_uu_to_3gamma.py

test: lint
	@$(PY) -m pytest -q -n $(WORKERS) -m "not slow"

# pytest's status 5 means that no test was selected
test-slow: $(VENV)/.symhep-dev
	@$(PY) -m pytest -q -n $(WORKERS) -m slow || [ $$? -eq 5 ]

bench: $(VENV)/.symhep-bench
	@$(PY) -m benchmarks
	@$(PY) -m benchmarks.peers --write

lint: $(VENV)/.symhep-dev
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy symhep

docs: $(VENV)/.symhep-dev
	@$(PY) docs/operations.py
	@$(PY) docs/reference.py
	@PYTHONPATH=. $(PY) docs/errors.py
	@$(PY) docs/update_readme.py
	@$(PY) -m pytest -q tests/test_readme.py tests/docs
	@$(PY) -m sphinx -b html -W --keep-going -n -q docs build/docs
	@echo "build/docs/index.html"

clean:
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find symhep kernels examples benchmarks tests docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.symhep-dev: pyproject.toml | $(PY)
	@echo "installing symhep and its development tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.symhep-bench: $(VENV)/.symhep-dev
	@$(PIP) -e '.[dev,bench]'
	@touch $@

$(PY):
	@for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	  if "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "creating $(VENV) with $$("$$p" --version)"; \
	    "$$p" -m venv "$(VENV)"; exit; \
	  fi; \
	done; \
	echo "error: symhep needs Python 3.11 or newer, with its venv module; none found." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1
