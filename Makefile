# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv by itself, once.
#   make demo   the whole chain on 2 cores, about a quarter of an hour, leaves runs/demo/report.html
#   make test   the test suite, about thirteen minutes;  make test-slow  the tests that take longer
#   make bench  times against PyTorch and matrix products on a quiet machine, about ten minutes; a table and
#               bench.json;  BENCH_FLAGS=--quick for fewer rounds
#   make lint   formatter, linter and types, changes nothing;  make format writes
#   make coverage  which lines the test suite runs, as coverage/index.html
#   make wheel  dist/keras_itm-*.whl

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DATA_DIR := runs/data
WORKERS := 2
BENCH_VENV := .venv-bench
BENCH_INSTALLED := $(BENCH_VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow coverage bench lint format wheel clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(INSTALLED)
	$(BIN)/python -m launchers.run_study --gin_file=demo.gin --workdir=runs/demo --data_dir=$(DATA_DIR)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) -q

coverage: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) -q --cov --cov-report=html:coverage

bench: $(INSTALLED) $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks.run --pytorch=$(BENCH_VENV)/bin/python $(BENCH_FLAGS)

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow -q

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(INSTALLED)
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) $(BENCH_VENV) build coverage dist *.egg-info

# A Python counts only if it runs: a version manager's shim may stand for one that is not there.
$(INSTALLED): setup.cfg constraints.txt
	@python=; for name in python3.11 python3.10 python3 python; do \
	  if $$name -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'error: no Python 3.10 or 3.11 found (tried python3.11, python3.10, python3, python);' \
	    'tensorflow-addons runs on no later one: install one of them, then give the same command' >&2; \
	  exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "error: $$python cannot make environments (venv or ensurepip is missing);" \
	    "on Debian and Ubuntu install its -venv package, then give the same command" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) from $$($$python --version) ($$(command -v $$python)); this takes about two minutes"; \
	rm -rf $(VENV) && $$python -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(INSTALLED)

# PyTorch is a need of the benchmark alone, so it has an environment of its own.
$(BENCH_INSTALLED): benchmarks/requirements.txt | $(INSTALLED)
	rm -rf $(BENCH_VENV) && $(BIN)/python -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $(BENCH_INSTALLED)
