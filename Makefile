# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv by itself, once.
#   make demo   the whole chain on 2 cores, about a quarter of an hour, leaves runs/demo/report.html
#   make test   the test suite, about 25 minutes;  make test-slow  the tests that take longer
#   make test-stacks  the suite on the modern stack, and what depends on the stack on the classic one
#   make bench  times against PyTorch and matrix products on a quiet machine, a quarter of an hour; a table and
#               bench.json;  BENCH_FLAGS=--quick for fewer rounds
#   make fuzz   5,000 changed inputs through all readers, about three minutes; SEED= and N= for others
#   make kill   SIGKILLs at random times over builds, trainings and a study, a quarter of an hour; SEED=, SECONDS=
#   make lint   formatter, linter and types, changes nothing;  make format writes
#   make coverage  which lines the test suite runs, as coverage/index.html
#   make site   the documentation as build/site/index.html; a broken link is an error
#   make wheel  dist/keras_itm-*.whl
#   make bundles  dist/keras_itm_bundles-*.whl, small bundles that learnt from simulated patients; trains what is not
#               finished in runs/bundles, about 40 minutes

VENV := .venv
# The newest that runs is taken: 3.12 and 3.13 give the modern stack, 3.10 and 3.11 the classic one.
PYTHONS := python3.13 python3.12 python3.11 python3.10 python3 python
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DATA_DIR := runs/data
BUNDLE_RUNS := runs/bundles
WORKERS := 2
SEED := 0
N := 5000
SECONDS := 900
OTHER_STACK_TESTS := tests/keras_itm tests/launchers/chain_test.py tests/launchers/resume_test.py \
  tests/stroke_tfds/pipelines tests/stroke_tfds/stack_sets_test.py tests/stroke_tfds/phantom_stroke \
  tests/stroke_tfds/synthetic_stroke
BENCH_VENV := .venv-bench
BENCH_INSTALLED := $(BENCH_VENV)/installed
BUILD_VENV := .venv-build
BUILD_INSTALLED := $(BUILD_VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-stacks test-other-stack test-slow fuzz kill coverage bench lint format site wheel bundles clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(INSTALLED)
	$(BIN)/python -m launchers.run_study --gin_file=demo.gin --workdir=runs/demo --data_dir=$(DATA_DIR)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

test-stacks:
	$(MAKE) test VENV=.venv-modern PYTHONS='python3.13 python3.12'
	$(MAKE) test-other-stack VENV=.venv-classic PYTHONS='python3.11 python3.10'

# Models, checkpoints, resumption, bundles, one chain and the builders.
test-other-stack: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(OTHER_STACK_TESTS)

coverage: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q --cov --cov-report=html:coverage

bench: $(INSTALLED) $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks.run --pytorch=$(BENCH_VENV)/bin/python $(BENCH_FLAGS)

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow -q

fuzz: $(INSTALLED)
	@$(BIN)/python -m tests.campaigns.fuzz --seed=$(SEED) --inputs=$(N) 2>/dev/null

kill: $(INSTALLED)
	@$(BIN)/python -m tests.campaigns.kill --seed=$(SEED) --seconds=$(SECONDS) 2>/dev/null

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

site: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(BUILD_INSTALLED)
	$(BUILD_VENV)/bin/python -m build --wheel -C quiet=true

# A training that is finished says so and ends.
bundles: $(INSTALLED) $(BUILD_INSTALLED)
	$(BIN)/python -m launchers.train_lesion_gan --gin_file=lesion_gan_mini.gin --workdir=$(BUNDLE_RUNS)/lesion_gan --data_dir=$(DATA_DIR)
	$(BIN)/python -m launchers.train_itm --gin_file=flow_mini.gin --workdir=$(BUNDLE_RUNS)/flow --data_dir=$(DATA_DIR)
	$(BIN)/python -m launchers.train_unet --gin_file=unet_mini.gin --workdir=$(BUNDLE_RUNS)/unet --data_dir=$(DATA_DIR)
	$(BIN)/python -m bundles.assemble --runs=$(BUNDLE_RUNS)
	$(BUILD_VENV)/bin/python -m build --wheel -C quiet=true --outdir dist bundles

clean:
	rm -rf $(VENV) .venv-modern .venv-classic $(BENCH_VENV) $(BUILD_VENV) build coverage dist *.egg-info

# An environment of the newest Python that runs, else by uv: a version manager's shim may stand for a Python that is
# not there, so each is tried.
define make_environment
	@python=; for name in $(PYTHONS); do \
	  if $$name -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	if [ -n "$$python" ]; then \
	  if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "error: $$python cannot make environments (venv or ensurepip is missing);" \
	      "on Debian and Ubuntu install its -venv package, then give the same command" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(1) from $$($$python --version) ($$(command -v $$python))"; \
	  rm -rf $(1) && $$python -m venv $(1); \
	elif command -v uv >/dev/null; then \
	  echo "Making $(1) by uv, with Python 3.12"; \
	  rm -rf $(1) && uv venv --quiet --seed --python 3.12 $(1); \
	else \
	  echo 'error: no Python from 3.10 to 3.13 found (tried $(PYTHONS)), nor uv, which would bring one;' \
	    'TensorFlow has no release for others: install one of them, then give the same command' >&2; \
	  exit 1; \
	fi
endef

$(INSTALLED): setup.cfg constraints-modern.txt constraints-classic.txt
	$(call make_environment,$(VENV))
	@echo 'Installing TensorFlow and what else is needed; this takes about two minutes'
	@stack=$$($(BIN)/python -c 'import sys; print("modern" if sys.version_info >= (3, 12) else "classic")'); \
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints-$$stack.txt -e '.[dev]'
	@touch $(INSTALLED)

# A wheel needs nothing of what the package needs to run.
$(BUILD_INSTALLED):
	$(call make_environment,$(BUILD_VENV))
	$(BUILD_VENV)/bin/pip install --quiet --disable-pip-version-check build
	@touch $(BUILD_INSTALLED)

# PyTorch is a need of the benchmark alone, so it has an environment of its own.
$(BENCH_INSTALLED): benchmarks/requirements.txt | $(INSTALLED)
	rm -rf $(BENCH_VENV) && $(BIN)/python -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $(BENCH_INSTALLED)
