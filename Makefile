# Targets set up their own requirements. Settings such as FAREBOX_HOME or GATEWAY_PORT come from the
# environment or from the command line: make up GATEWAY_PORT=9000
SHELL := /bin/bash
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
# What runs the stack, and what tests and checks need beside it.
READY := .venv/.ready
READY_TO_TEST := .venv/.ready-to-test
CHROMIUM := scripts/debian-package chromium chromium chromium-browser google-chrome
FAKE_CLOCK := scripts/debian-package libfaketime /usr/lib/$(shell uname -m)-linux-gnu/faketime/libfaketime.so.1
E2E_TESTS ?= tests/e2e/test_course_first_dialect.py tests/e2e/test_predictions.py tests/e2e/test_jobs.py \
	tests/e2e/test_sessions.py tests/e2e/test_wallet.py tests/e2e/test_hostile_input.py
COMPOSE_TESTS ?= tests/compose
CODE := kit auth-service billing-service ml-service gateway client dashboard local migrations scripts bench tests
# Without byte code every process compiles all modules: its start takes twice as long, and tests start many.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up down status logs migrate demo demo-ui check style types unit test e2e stress bench drill fuzz plant lock openapi format env \
	compose-test licences sbom audit secrets

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## create .venv and install what runs the stack

setup-dev: $(READY_TO_TEST) ## and what tests and checks need

$(READY): requirements.txt $(wildcard */pyproject.toml) scripts/setup
	@scripts/setup && touch $@

$(READY_TO_TEST): $(READY) requirements-dev.txt
	@scripts/setup dev && touch $@

up: $(READY) ## start the whole stack; prints its address and the administrator's login
	@$(PYTHON) -m local up

down: $(READY) ## stop it
	@$(PYTHON) -m local down

status: $(READY) ## show the running processes
	@$(PYTHON) -m local status

logs: $(READY) ## follow a program's log: make logs OF=ml-service
	@$(PYTHON) -m local logs --follow $(or $(OF),gateway)

migrate: $(READY) ## upgrade the running stack's database
	@$(PYTHON) -m local migrate

demo: $(READY) ## register, train, predict and read the ledger, then remove everything
	@$(PYTHON) -m local demo

demo-ui: $(READY) ## start the stack with a small example, and print its addresses and logins
	@$(PYTHON) -m local demo-ui

check: $(READY_TO_TEST) ## format, lint, types, sizes, language, architecture and unit tests but the slow ones
	@$(MAKE) --no-print-directory -j 2 types style unit

style: $(READY_TO_TEST)
	$(PYTHON) -m ruff format --check $(wildcard $(CODE))
	$(PYTHON) -m ruff check $(wildcard $(CODE))
	$(PYTHON) scripts/sizes.py
	$(PYTHON) scripts/language.py

types: $(READY_TO_TEST)
	$(PYTHON) -m basedpyright

unit: $(READY_TO_TEST)
	$(PYTEST) tests/unit -q -m "not slow"

test: $(READY_TO_TEST) ## all tests
	$(PYTEST) tests/unit tests/integration tests/migrations -q -n 2
	@$(CHROMIUM)
	$(PYTEST) tests/e2e tests/stress -q

e2e: $(READY_TO_TEST) ## tests through the gateway, with real processes
	@$(CHROMIUM)
	$(PYTEST) tests/e2e -q

stress: $(READY_TO_TEST) ## races and killed processes
	$(PYTEST) tests/stress -q

bench: $(READY_TO_TEST) ## measure against references and check the books; PARTS="predictions charges" for some
	$(PYTHON) -m bench $(PARTS)

drill: $(READY_TO_TEST) ## break a stack on purpose for 30 minutes and check it; DRILL="--quick" or "--seed 7 --minutes 5"
	@$(FAKE_CLOCK)
	$(PYTHON) -m tests.drill $(DRILL)

fuzz: $(READY_TO_TEST) ## send 50,000 generated requests to every route; FUZZ="--requests 5000" for fewer
	$(PYTHON) -m tests.fuzz $(FUZZ)

plant: $(READY_TO_TEST) ## break copies of the code, one fault at a time, and show the test that notices; FAULTS="money" for some
	$(PYTHON) -m tests.planted $(FAULTS)

format: $(READY_TO_TEST) ## format the code and fix what can be fixed
	$(PYTHON) -m ruff check --fix $(wildcard $(CODE))
	$(PYTHON) -m ruff format $(wildcard $(CODE))

compose-test: $(READY_TO_TEST) ## test the stack of containers; E2E_TESTS=tests/e2e for all of e2e
	COMPOSE="$${COMPOSE:-docker compose}" E2E_TESTS="$(E2E_TESTS)" $(PYTEST) $(COMPOSE_TESTS) -q -x --timeout 900 --durations=0 --durations-min=1

env: ## write a .env with fresh secrets for docker compose
	@scripts/env

openapi: $(READY_TO_TEST) ## write docs/openapi.json, the description of the published API
	$(PYTHON) scripts/openapi.py

lock: $(READY_TO_TEST) ## resolve versions and write requirements.txt and requirements-dev.txt
	$(PYTHON) scripts/lock.py
	$(MAKE) --no-print-directory licences

licences: $(READY_TO_TEST) ## list the licences of the locked packages; fails on one that is not allowed
	$(PYTHON) scripts/licences.py

sbom: $(READY_TO_TEST) ## write .artifacts/sbom.json, a CycloneDX bill of the packages that run the stack
	@mkdir -p .artifacts
	.venv/bin/cyclonedx-py requirements requirements.txt --output-reproducible -o .artifacts/sbom.json

audit: $(READY_TO_TEST) ## look for known vulnerabilities in the locked packages; needs the internet
	@scripts/audit

secrets: $(READY_TO_TEST) ## look for secrets in committed files
	git ls-files -z | xargs -0 .venv/bin/detect-secrets-hook --disable-plugin KeywordDetector \
		--exclude-files '^(tests/|requirements(-dev)?\.txt|docs/.*\.svg|data/)'
