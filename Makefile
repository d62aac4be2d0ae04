# Each target makes its own virtual environment; nothing but Python >= 3.11 and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out/mtj-transfer
# Tests run in this many processes of one thread each; any other number of threads would only stand in their way.
WORKERS ?= auto

.PHONY: demo test lint style types tests bench docs clean

demo: $(VENV)/.base
	$(BIN)/spinloom run mtj-transfer --out $(OUT)

test: style
	$(MAKE) --jobs=2 types tests

lint: style types

style: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/macrospin.py
	$(BIN)/python benchmarks/activation.py
	$(BIN)/python benchmarks/micromagnetics.py
	$(BIN)/python benchmarks/radio.py
	$(BIN)/python benchmarks/robustness.py
	$(BIN)/python benchmarks/crossbar.py
	$(BIN)/python benchmarks/memories.py
	$(BIN)/python benchmarks/equilibrium.py
	$(BIN)/python benchmarks/spiking.py

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) out site build
	find src -name '*.nb[ic]' -delete  # compiled loops that name files which have moved since

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Spinloom needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@# its drawings want pycairo and the headers of a system library, its currents do not
	-$(BIN)/pip install --quiet --constraint constraints.txt --no-deps badcrossbar
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@
