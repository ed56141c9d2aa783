# Two commands matter: `make run` and `make test`. Everything they need they install, from package registries only.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
PYTHON ?= python3
UV := .tools/bin/uv
RUN := .venv/bin/
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= copy
export npm_config_fund := false
export npm_config_audit := false
export npm_config_update_notifier := false

# Cargo counts its own jobs: it is not handed the channel by which make shares them.
OWN_JOBS := env -u MAKEFLAGS

say = @printf '\033[1m== %(%H:%M:%S)T %s\033[0m\n' -1 "$(1)"

.PHONY: help setup run test lint lint-python lint-page lint-rust unit wheel bench soak clean format
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

## --- set-up -------------------------------------------------------------------------------------------------------
# Each step leaves a stamp that is older than its inputs when it must run again.
STAMPS := .tools/stamps
RUST_SOURCES := $(shell find rust -path rust/target -prune -o \( -name '*.rs' -o -name 'Cargo.*' -o -name pyproject.toml \) -print)
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)

$(UV):
	$(call say,installing uv $(UV_VERSION) into .tools)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.x")'
	@$(PYTHON) -m venv .tools || { echo "python venv is missing: apt-get install python3-venv"; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMPS)/prerequisites: scripts/prerequisites.sh
	@scripts/prerequisites.sh build
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python: $(UV) $(STAMPS)/prerequisites pyproject.toml uv.lock $(RUST_SOURCES)
	$(call say,Python packages and the media node (the first Rust build takes about 3 minutes))
	@$(OWN_JOBS) $(UV) sync --locked --python "$(PYTHON)"
	@mkdir -p $(@D) && touch $@

$(STAMPS)/node: web/package.json web/package-lock.json $(STAMPS)/prerequisites
	$(call say,page packages)
	@cd web && npm ci --ignore-scripts --no-progress
	@mkdir -p $(@D) && touch $@

$(STAMPS)/web: $(STAMPS)/node $(WEB_SOURCES)
	$(call say,building the page)
	@cd web && npm run --silent build
	@rm -rf src/diemcau/web_dist && cp -r web/dist src/diemcau/web_dist
	@mkdir -p $(@D) && touch $@

setup: $(STAMPS)/python $(STAMPS)/web ## install and build everything a server needs

run: setup ## start the server with a demo nation; prints the address and log-ins
	@$(RUN)diemcau demo $(ARGS)

## --- checks -------------------------------------------------------------------------------------------------------
$(STAMPS)/testing: scripts/prerequisites.sh
	@scripts/prerequisites.sh test
	@mkdir -p $(@D) && touch $@

# What sets up and what checks the sources takes turns on two cores (the Rust build ends on one); tests run alone.
test: $(STAMPS)/testing ## every check that decides whether a change lands
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line setup lint
	@$(MAKE) --no-print-directory unit

lint: lint-page lint-python lint-rust

lint-python: $(STAMPS)/python
	$(call say,format and lint: Python)
	@$(RUN)ruff format --check src tests bench scripts
	@$(RUN)ruff check src tests bench scripts
	$(call say,strict types: Python)
	@$(RUN)mypy
	$(call say,import order)
	@$(RUN)lint-imports

lint-page: $(STAMPS)/node
	$(call say,format + types + lint + tests: page)
	@cd web && npm run --silent check

lint-rust: $(STAMPS)/python
	$(call say,format and lint: Rust)
	@cd rust && $(OWN_JOBS) cargo fmt --all --check
	@cd rust && $(OWN_JOBS) cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

# The browsers' driver keeps an event loop of its own running, so its tests have a process of their own.
unit: setup
	$(call say,tests: Rust)
	@cd rust && cargo test --quiet --locked --workspace
	$(call say,tests: browsers)
	@$(RUN)pytest tests/browser
	$(call say,tests: Python + databases + faults)
	@$(RUN)pytest --ignore=tests/browser

format: ## rewrite the code in the one format
	@$(RUN)ruff format src tests bench scripts && $(RUN)ruff check --fix src tests bench scripts
	@cd rust && cargo fmt --all
	@cd web && npx prettier --write --log-level warn .

## --- the rest -----------------------------------------------------------------------------------------------------
wheel: setup ## build the two wheels and the source archives into dist/
	@rm -rf dist && $(UV) build --quiet --all-packages --out-dir dist && ls -l dist

bench: setup ## measure; prints tables and JSON lines, misses included
	@$(RUN)python -m bench

soak: setup ## half an hour of sites that join and leave: memory and descriptors have to stay flat
	@$(RUN)python -m bench.soak --plot docs/screens/soak.svg

clean: ## remove what was built
	rm -rf .venv .tools rust/target web/node_modules web/dist src/diemcau/web_dist dist
