# Everything a fresh machine needs is Python 3.11+ and make; the rest comes into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# tests wait for servers as much as they work, so three at once fit two cores; in order, for the slow suites come first
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo test check format bench crash attack docs clean

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/ready ## start Rowkeep on SQLite and do its main job before the reader's eyes
	$(BIN)/rowkeep demo $(ARGS)

test: .venv/ready ## the whole suite, on SQLite and on PostgreSQL
	$(PYTEST) $(ARGS)

check: .venv/ready ## what CI runs
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

clean:
	rm -rf .venv demo-data demo-data.key
