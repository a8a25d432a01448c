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
# `make … LANG=ja` speaks Japanese whatever LC_ALL says; without it the locale decides. What stands here is UTF-8,
# so a locale of another encoding gets the English.
ifeq ($(origin LANG),command line)
export CHAOS_LANG := $(LANG)
endif
JA := $(filter ja ja_JP ja%UTF-8 ja%utf8,$(firstword $(CHAOS_LANG) $(LC_ALL) $(LC_MESSAGES) $(LANG)))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev chaos test test-slow peers check lint fmt compile bench lab-up lab-down clean

# Each target says after ## what it does, in both languages; the lines below it are the rest of the help.
help: ## what there is | できることの一覧
	@echo "make chaos EXP=postgresql-primary-down    $(if $(JA),組み込みラボでランブックを証明（準備も自動）,prove a runbook in the embedded lab (all set-up included))"
	@echo
	@LC_ALL=C sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\) | \(.*\)/  make \1|\$(if $(JA),3,2)/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@LC_ALL=C sed -n 's/^#$(if $(JA),ja,en) \{0,1\}//p' $(MAKEFILE_LIST)

#en With make chaos:
#en   EXP=id  EXP=a,b  EXP=all  EXP='postgresql-*'   one failure mode, or several in one table
#en   JOBS=n        how many at a time, each in a lab of its own
#en   RESUME=1      do not repeat what is decided already with the same digests; go on with what was interrupted
#en   FAIL_FAST=1   start nothing new after the first that is not good
#en   JUNIT=FILE    the verdicts as JUnit XML
#en   ENV=lab|NAME  DRY=1 (plan only)  SEED=n
#en   ARMS=smoke|standard|certify, or a list: ARMS=treatment=5,no-action=3,look-only,healthy,without-step=5,mutated
#en
#en With any: LANG=ja|en, the language of what is printed (default: the locale's)

#ja 「make chaos」に付けられるもの:
#ja   EXP=id  EXP=a,b  EXP=all  EXP='postgresql-*'   故障モードを1つ、または複数（1つの表に表示）
#ja   JOBS=n        同時に実行する数（ラボは1件ごとに1つ）
#ja   RESUME=1      判定済みで何も変わっていないものは繰り返さず、中断された実行は続きから
#ja   FAIL_FAST=1   良くない結果が1つ出たら、新しい実行を始めない
#ja   JUNIT=FILE    判定をJUnit XMLで保存
#ja   ENV=lab|名前  DRY=1（予定の表示だけ）  SEED=n
#ja   ARMS=smoke|standard|certify、または列挙: ARMS=treatment=5,no-action=3,look-only,healthy,without-step=5,mutated
#ja
#ja どのコマンドでも: LANG=ja|en（表示する言語、指定がなければロケールに従う）

# --- set-up ---------------------------------------------------------------------------------------
# A stamp names what the environment was made from: pyproject, pins, and this folder (scripts in a
# virtual environment hold absolute paths). The second time nothing is done, so no network is needed.

setup: ## install what running needs, once | 実行に必要なものを入れる（初回のみ）
	@sh .ci/setup lab

setup-dev: ## install what developing needs, once | 開発に必要なものを入れる（初回のみ）
	@sh .ci/setup lab,dev

# --- the main job ---------------------------------------------------------------------------------

# Through the environment, so that no shell takes a pattern, a quote or a semicolon in them for its own.
chaos: export CHAOS_EXP = $(EXP)
chaos: export CHAOS_JUNIT = $(JUNIT)
chaos: export CHAOS_ENV = $(ENV)
chaos: export CHAOS_ARMS = $(ARMS)
chaos: export CHAOS_JOBS = $(JOBS)
chaos: export CHAOS_SEED = $(SEED)
chaos: setup ## EXP=id: inject, follow the runbook, prove (without EXP: list the ids) | EXP=id: 障害を注入し、ランブックを実行し、証明する（EXPなし: IDの一覧）
ifeq ($(strip $(EXP)),)
	@$(CHAOS) catalog list
	@echo; echo "$(if $(JA),1つ選んでください,Choose one): make chaos EXP=<id>"
else
	@$(CHAOS) verify --env "$$CHAOS_ENV" --arms "$$CHAOS_ARMS" $(if $(JOBS),--jobs "$$CHAOS_JOBS") \
	  $(if $(DRY),--dry-run) $(if $(SEED),--seed "$$CHAOS_SEED") $(if $(RESUME),--resume) $(if $(FAIL_FAST),--fail-fast) \
	  $(if $(JUNIT),--junit "$$CHAOS_JUNIT") -- "$$CHAOS_EXP"
endif

compile: setup ## write experiments/ anew from the catalogue | カタログからexperiments/を作り直す
	@$(CHAOS) catalog compile

lab-up: setup ## start a lab to play in | 試すためのラボを起動する
	@$(CHAOS) lab up

lab-down: setup ## stop it | そのラボを停止する
	@$(CHAOS) lab down

# --- development ----------------------------------------------------------------------------------

test: setup-dev ## the tests, in parallel | テスト（並列）
	@$(BIN)/pytest -n 2 $(PYTEST)

test-slow: setup-dev ## the whole catalogue, its runbooks spoiled in many ways, and kills | カタログ全体、誤りを入れたランブック、強制終了の遅いテスト
	@$(BIN)/pytest -n 2 --slow -m slow $(PYTEST)

peers: setup-dev ## tests against the tools of others that are here (drivers, valkey-cli, Chromium) | 手元にある外部ツール（ドライバー、valkey-cli、Chromium）と突き合わせるテスト
	@$(BIN)/pytest --peers -m peers -rs $(PYTEST)

check: lint ## format, lint, types, catalogue, runbooks, generated files up to date | 書式、lint、型、カタログ、ランブック、生成物が最新であること
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(CHAOS) catalog check

lint: setup-dev ## ruff's rules | ruffの規則
	@$(BIN)/ruff check -q .

fmt: setup-dev ## format and mend what can be mended | 書式を整え、直せるものを直す
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

bench: setup-dev ## figures and ratios | 測定値と比率
	@$(BIN)/python -m bench

clean: ## stop labs, remove what was made here | ラボを停止し、ここに作られたものを削除する
	-@test ! -x $(BIN)/python || $(BIN)/python -m chaos_lab sweep
	@rm -rf $(VENV) .chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
