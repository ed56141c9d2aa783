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
# Tests start servers by the dozen, each of which would compile its thousand files again.
unexport PYTHONDONTWRITEBYTECODE

# How many processes pytest has. Pages have one: two at once are for machines of more than two cores
# (BROWSERS="--numprocesses=2 --dist=loadgroup").
WORKERS ?= --numprocesses=2 --dist=loadfile
BROWSERS ?=

# Cargo counts its own jobs: it is not handed the channel by which make shares them.
OWN_JOBS := env -u MAKEFLAGS

say = @printf '\033[1m== %(%H:%M:%S)T %s\033[0m\n' -1 "$(1)"

.PHONY: help setup run test built lint lint-python lint-page lint-rust rust-tests unit wheel bench soak clean format
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

$(STAMPS)/packages: $(UV) $(STAMPS)/prerequisites pyproject.toml uv.lock rust/pyproject.toml
	$(call say,Python packages)
	@$(OWN_JOBS) $(UV) sync --locked --inexact --no-install-package diemcau-media --python "$(PYTHON)"
	@mkdir -p $(@D) && touch $@

# The media node is installed as it ships, or as tests run it (rust/Cargo.toml says in what the builds differ): each
# of the two takes the other's place.
MEDIA := $(OWN_JOBS) $(UV) sync --locked --python "$(PYTHON)" --reinstall-package diemcau-media

$(STAMPS)/python: $(STAMPS)/packages $(RUST_SOURCES)
	$(call say,the media node (the first Rust build takes about 4 minutes))
	@$(MEDIA)
	@rm -f $(STAMPS)/python-testing && touch $@

$(STAMPS)/python-testing: $(STAMPS)/packages $(RUST_SOURCES)
	$(call say,the media node for tests: with its checks and without LTO)
	@$(MEDIA) --config-settings-package diemcau-media:build-args=--profile=testing
	@rm -f $(STAMPS)/python && touch $@

$(STAMPS)/node: web/package.json web/package-lock.json $(STAMPS)/prerequisites
	$(call say,page packages)
	@cd web && npm ci --ignore-scripts --no-progress
	@mkdir -p $(@D) && touch $@

$(STAMPS)/web: $(STAMPS)/node $(WEB_SOURCES)
	$(call say,building the page)
	@cd web && npm run --silent bundle
	@rm -rf src/diemcau/web_dist && cp -r web/dist src/diemcau/web_dist
	@mkdir -p $(@D) && touch $@

setup: $(STAMPS)/python $(STAMPS)/web ## install and build everything a server needs

run: setup ## start the server with a demo nation; prints the address and log-ins
	@$(RUN)diemcau demo $(ARGS)

## --- checks -------------------------------------------------------------------------------------------------------
$(STAMPS)/testing: scripts/prerequisites.sh
	@scripts/prerequisites.sh test
	@mkdir -p $(@D) && touch $@

# Two things at once, one for each core; cargo's chain goes beside what has one thread. Then the tests, on both.
test: $(STAMPS)/testing ## every check that decides whether a change lands
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line built lint rust-tests
	@$(MAKE) --no-print-directory unit

built: $(STAMPS)/python-testing $(STAMPS)/web

lint: lint-page lint-python lint-rust

lint-python: $(STAMPS)/packages
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

# One profile for all three, so that what they have in common is built once. Overflow and debug assertions are on in it.
CARGO_TEST := $(OWN_JOBS) cargo test --quiet --profile testing --locked --workspace

lint-rust: $(STAMPS)/python-testing
	$(call say,format and lint: Rust)
	@cd rust && $(OWN_JOBS) cargo fmt --all --check
	@cd rust && $(OWN_JOBS) cargo clippy --quiet --profile testing --locked --workspace --all-targets -- -D warnings

rust-tests: lint-rust
	$(call say,building the tests: Rust)
	@cd rust && $(CARGO_TEST) --no-run

# The browsers' driver keeps an event loop of its own running, so its tests have processes of their own.
unit: built
	$(call say,tests: Rust)
	@cd rust && $(CARGO_TEST)
	$(call say,tests: browsers)
	@$(RUN)pytest tests/browser -m "not alone" $(BROWSERS)
	$(call say,tests: browsers that hold seconds)
	@$(RUN)pytest tests/browser -m alone
	$(call say,tests: faults that hold seconds)
	@$(RUN)pytest --ignore=tests/browser -m alone
	$(call say,tests: Python + databases)
	@$(RUN)pytest --ignore=tests/browser -m "not alone" $(WORKERS)

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
