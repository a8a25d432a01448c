# Short names for what `chaos` does, and the set-up that a fresh machine needs. `make` alone prints help.
# Works with GNU make 3.81 and any POSIX sh.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# A newer version is none of a run's business, and asking for it needs the network.
CHAOS := $(BIN)/python -m chaos_ext --no-version-check --no-log-file
EXP ?=
ENV ?= lab
ARMS ?= smoke
# `make … LANG=ja` speaks Japanese whatever LC_ALL says; without it the locale decides.
ifeq ($(origin LANG),command line)
export CHAOS_LANG := $(LANG)
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev chaos test test-slow check lint fmt compile bench lab-up lab-down clean

help: ## what there is
	@echo "make chaos EXP=postgresql-primary-down    prove a runbook in the embedded lab (all set-up included)"
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo "With make chaos:"
	@echo "  EXP=id  EXP=a,b  EXP=all  EXP='postgresql-*'   one failure mode, or several in one table"
	@echo "  JOBS=n        how many at a time, each in a lab of its own"
	@echo "  RESUME=1      do not repeat what is decided already with the same digests"
	@echo "  FAIL_FAST=1   start nothing new after the first that is not good"
	@echo "  JUNIT=FILE    the verdicts as JUnit XML"
	@echo "  ENV=lab|NAME  ARMS=smoke|standard  DRY=1 (plan only)  SEED=n"
	@echo
	@echo "With any: LANG=ja|en, the language of what is printed (default: the locale's)"

# --- set-up ---------------------------------------------------------------------------------------
# A stamp names what the environment was made from: pyproject, pins, and this folder (scripts in a
# virtual environment hold absolute paths). The second time nothing is done, so no network is needed.

setup: ## install what running needs, once
	@sh .ci/setup lab

setup-dev: ## install what developing needs, once
	@sh .ci/setup lab,dev

# --- the main job ---------------------------------------------------------------------------------

# Through the environment, so that no shell takes a pattern or a quote in EXP for its own.
chaos: export CHAOS_EXP = $(EXP)
chaos: export CHAOS_JUNIT = $(JUNIT)
chaos: setup ## EXP=id: inject, follow the runbook, prove (without EXP: list the ids)
ifeq ($(strip $(EXP)),)
	@$(CHAOS) catalog list
	@echo; echo "Choose one: make chaos EXP=<id>"
else
	@$(CHAOS) verify --env $(ENV) --arms $(ARMS) $(if $(JOBS),--jobs $(JOBS)) $(if $(DRY),--dry-run) \
	  $(if $(SEED),--seed $(SEED)) $(if $(RESUME),--resume) $(if $(FAIL_FAST),--fail-fast) \
	  $(if $(JUNIT),--junit "$$CHAOS_JUNIT") -- "$$CHAOS_EXP"
endif

compile: setup ## write experiments/ anew from the catalogue
	@$(CHAOS) catalog compile

lab-up: setup ## start a lab to play in
	@$(CHAOS) lab up

lab-down: setup ## stop it
	@$(CHAOS) lab down

# --- development ----------------------------------------------------------------------------------

test: setup-dev ## the tests, in parallel
	@$(BIN)/pytest -n 2 $(PYTEST)

test-slow: setup-dev ## the whole catalogue, many times
	@$(BIN)/pytest -n 2 --slow -m slow $(PYTEST)

check: lint ## format, lint, types, catalogue, runbooks, generated files up to date
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(CHAOS) catalog check

lint: setup-dev ## ruff
	@$(BIN)/ruff check -q .

fmt: setup-dev ## format and mend what can be mended
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

bench: setup-dev ## figures and ratios
	@$(BIN)/python -m bench

clean: ## stop labs, remove what was made here
	-@test ! -x $(BIN)/python || $(BIN)/python -m chaos_lab sweep
	@rm -rf $(VENV) .chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
