# The commands of a newcomer. Everything happens in .venv and .crossdock, both beside this file.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test check bench lint types words pictures lock clean

setup: .venv/ready

.venv/ready: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Crossdock needs Python 3.11 or newer; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev: .venv/ready requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: setup
	@$(BIN)/crossdock demo

# Hundreds of processes that tests start read the same files: what was compiled once is kept, whatever this shell says.
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/dev
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

check: lint types test

bench: setup
	@$(BIN)/crossdock bench $(ARGS)

words: .venv/dev
	$(BIN)/pybabel -q extract -F pyproject.toml -k N_ --no-location --sort-output --project=Crossdock -o .venv/words.pot .
	$(BIN)/pybabel -q update --no-fuzzy-matching --omit-header --ignore-pot-creation-date -i .venv/words.pot -d web/translations
	$(BIN)/pybabel -q compile -d web/translations

pictures: .venv/dev
	@$(BIN)/python -m tests.browser.pictures

lock: .venv/dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv .crossdock
