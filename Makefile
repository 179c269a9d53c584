# Everything a person or a machine runs here. `make help` lists it.
# Each target installs what it needs and nothing more; what is there already is left alone.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The interpreter .venv is made with. QGIS's Python is always the system's own.
export PYTHON ?= /usr/bin/python3

run := .venv/bin/python
# Tests run side by side, a file at a time; much of what they do is waiting.
abreast := -n $$(( $$(nproc) + 1 )) --dist loadfile --no-loadscope-reorder

.PHONY: help install lint test simulate bench demo demo-sso lock plugin qgis browser keycloak apache postgresql clean environment frontend kanboard

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: ## .venv with .venv/bin/placecard, and the public map's browser files
	@tools/environment.sh run
	@$(MAKE) --no-print-directory frontend

lint: environment ## ruff, mypy, bandit, detect-secrets and the Compose schema
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(run) -m tools.security
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

test: environment frontend kanboard keycloak apache browser qgis postgresql ## every test, real components included (ARGS="-k words" for some)
	.venv/bin/pytest $(abreast) $(ARGS)

simulate: environment ## the engine in storms that follow from seeds (SEEDS=2000, 5000-6000, or 17-17 for one, told)
	@$(run) -m tests.simulation $(or $(SEEDS),2000)

bench: environment frontend kanboard ## side-by-side benchmarks, printing ratios (ARGS=name for one)
	$(run) -m bench $(ARGS)

demo: ## a real Kanboard and the service with sample data, until Ctrl-C
	@tools/environment.sh run
	@$(MAKE) --no-print-directory frontend kanboard
	@exec $(run) -m tools.demo $(ARGS)

demo-sso: ## the demo with Keycloak besides, and people to sign in as
	@tools/environment.sh run
	@$(MAKE) --no-print-directory frontend kanboard
	@$(run) -m tools.packages keycloak apache
	@$(run) -m tools.keycloak fetch >/dev/null
	@exec $(run) -m tools.signon $(ARGS)

lock: environment ## pin the dependencies of pyproject.toml anew
	tools/lock.sh

plugin: environment ## the plugin for QGIS, packed as it is released; the service offers it from then on
	@$(run) -m tools.plugin

qgis: environment ## QGIS 3.40, and the newest in a folder of its own, for the tests
	@$(run) -m tools.packages qgis
	@$(run) -m tools.qgis fetch >/dev/null

browser: environment ## Chromium, for the tests
	@$(run) -m tools.packages browser

keycloak: environment ## Keycloak, for the tests and the demo with single sign-on
	@$(run) -m tools.packages keycloak
	@$(run) -m tools.keycloak fetch >/dev/null

apache: environment ## Apache before the board, for the tests
	@$(run) -m tools.packages apache

postgresql: environment ## PostgreSQL 15 with PostGIS, for the tests
	@$(run) -m tools.packages postgresql

clean: ## remove what was built here; downloads in the cache folder and the demo's data stay
	rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf sync_service/publicmap/node_modules sync_service/publicmap/static/vendor sync_service/plugins/placecard.zip

environment:
	@tools/environment.sh dev

frontend:
	@$(run) -m tools.packages node
	@tools/frontend.sh

kanboard:
	@$(run) -m tools.packages kanboard
	@$(run) -m tools.kanboard fetch >/dev/null
