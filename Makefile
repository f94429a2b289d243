# The one entry point: people, hooks and CI call these targets. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all operations lint format docs proof chaos soak load bench fuzz audit lock bench-lock audit-lock clean secrets up down reload backup restore images

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# What goes together, and in which order, is said in tests/conftest.py.
THREE_AT_ONCE := -n 3 --dist loadgroup --no-loadscope-reorder
# Kept's own tools for the lock; not needed to use or to test Kept.
UV_VERSION := 0.13.9
UV := .cache/uv
# The tools of the audit, in an environment of their own, and the scanner for secrets, which is a Go program.
AUDIT := .cache/audit
GITLEAKS := github.com/zricethezav/gitleaks/v8@v8.30.1
# What the container image is made of: the same versions, without the tools of developers.
LOCK_IMAGE := $(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --constraint requirements.lock --custom-compile-command "make lock"

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  More options of a command: make demo ARGS='--port 8500', make test ARGS='-k sqlite'"

setup: $(VENV)/.project ## Make .venv with the locked dependencies and Kept itself.

demo: setup ## Run the whole pipeline with a simulated city on this machine, until Ctrl-C.
	@$(BIN)/kept demo $(ARGS)

test: setup ## Run the tests; what a missing Java, Maven or Chromium prevents is skipped and listed.
	$(BIN)/pytest $(THREE_AT_ONCE) -m "not influxdb and not kustomize and not operations" $(ARGS)

test-all: setup ## Run all tests, also those that need an InfluxDB 2 server (influxd, or KEPT_TEST_INFLUXD), or kustomize and Go.
	$(BIN)/pytest $(ARGS)

operations: setup ## Run the long tests of operating Kept: upgrades, stops, misconfigurations, restores, alerts (10 minutes).
	$(BIN)/pytest -m "operations and not influxdb" $(ARGS)

lint: setup ## Check style, format, types and who imports whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Put the code into its format and mend what can be mended.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Make the generated documents anew.
	@for script in $(sort $(wildcard docs/generate*.py)); do echo "$$script"; $(BIN)/python "$$script" || exit 1; done

proof: setup ## Play a quarter of incidents through the real chain of alerts, and write docs/alert-proof.md (10 minutes).
	@$(BIN)/python -m local_stack.alert_proof --output docs/alert-proof.md $(ARGS)

chaos: setup ## Tell 200 stories of faults on the real parts, and write docs/chaos.md (an hour; ARGS="--seed 137" tells one, "--at-once 2" two at a time).
	@$(BIN)/python -m local_stack.chaos --output docs/chaos.md $(ARGS)

soak: setup ## Tell half of peak for 30 minutes, and write docs/soak.md (ARGS="--minutes 3" tries it out).
	@$(BIN)/python -m local_stack.soak --output docs/soak.md $(ARGS)

load: setup ## Overload the real parts in four ways, and write docs/load.md (15 minutes).
	@$(BIN)/python -m bench.load --output docs/load.md $(ARGS)

bench: setup ## Measure Kept beside its peers, which are installed into .cache/bench (ARGS=--quick tries it out).
	$(BIN)/python -m bench $(ARGS)

fuzz: setup ## Damage a million events, and write docs/fuzzing.md (6 minutes; ARGS="--seed 7").
	$(BIN)/python -m tests.fuzz --output docs/fuzzing.md $(ARGS)

audit: setup $(AUDIT)/.installed ## Look for known vulnerabilities and for secrets (ARGS=--must-answer for a release).
	$(BIN)/python -m tests.audit --pip-audit $(AUDIT)/bin/pip-audit --gitleaks $(AUDIT)/bin/gitleaks $(ARGS)

lock: ## Write requirements.lock, and the locks of the container image, anew from pyproject.toml.
	@test -x $(UV)/bin/uv || { $(PYTHON) -m venv $(UV) && $(UV)/bin/pip install --quiet uv==$(UV_VERSION); }
	printf 'hatchling>=1.25,<2\neditables>=0.5,<1\n' | $(UV)/bin/uv pip compile --quiet --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --group dev \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml -
	$(LOCK_IMAGE) --output-file deployment/requirements-runtime.lock pyproject.toml
	printf 'hatchling>=1.25,<2\n' | $(LOCK_IMAGE) --output-file deployment/requirements-build.lock -

bench-lock: ## Write the requirements of the peers in bench/ anew.
	@test -x $(UV)/bin/uv || { $(PYTHON) -m venv $(UV) && $(UV)/bin/pip install --quiet uv==$(UV_VERSION); }
	@for peer in quix_streams:quixstreams==3.28.1 "bytewax:bytewax[kafka]==0.21.1"; do \
		printf '%s\nmsgspec==0.22.0\n' "$${peer#*:}" | $(UV)/bin/uv pip compile --quiet --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command \
		"make bench-lock" --output-file "bench/requirements-$${peer%%:*}.txt" - || exit 1; done

audit-lock: ## Write the requirements of the audit's tools anew.
	@test -x $(UV)/bin/uv || { $(PYTHON) -m venv $(UV) && $(UV)/bin/pip install --quiet uv==$(UV_VERSION); }
	printf 'pip-audit>=2.9,<3\n' | $(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-emit-index-url --custom-compile-command "make audit-lock" \
		--output-file tests/audit/requirements.txt -

secrets: ## Deployment: make the secrets of docker-compose.yml that are missing, in deployment/secrets.
	@deployment/make-secrets

up: ## Deployment: check and start Kept in containers (PROFILES=demo, ARGS="--scale worker=4"); see docs/compose.md.
	@$(if $(PROFILES),COMPOSE_PROFILES="$(PROFILES)") deployment/up $(ARGS)

down: ## Deployment: stop and remove the containers; all data stay.
	@deployment/down

reload: ## Deployment: make anew what is made of the catalogue, after it was changed.
	@deployment/reload

backup: ## Deployment: back up into backups/TIME; what writes is stopped meanwhile.
	@deployment/backup

restore: ## Deployment: put a backup into an empty installation (FROM=backups/TIME).
	@deployment/restore "$(FROM)"

images: ## Deployment: write the digest behind each image's tag into docker-compose.yml (ARGS=--check compares).
	@deployment/images $(ARGS)

clean: ## Remove what was made here: environment, caches, builds.
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Kept needs Python 3.11 or newer, $(PYTHON) is: $$($(PYTHON) --version 2>&1)."; \
		echo "Install a newer one and name it: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
		echo "Python cannot make environments here; install the rest of it with: apt-get install -y python3-venv"; exit 1; }
	@echo "Installing the locked dependencies into $(VENV) (once, and after each change of requirements.lock)."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(AUDIT)/.installed: tests/audit/requirements.txt Makefile
	@command -v go >/dev/null || { echo "The scanner for secrets is built with Go; install it with: apt-get install -y golang-go"; exit 1; }
	@test -x $(AUDIT)/bin/pip || $(PYTHON) -m venv $(AUDIT)
	@echo "Installing the tools of the audit into $(AUDIT) (once; some minutes)."
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/audit/requirements.txt
	@GOBIN="$(CURDIR)/$(AUDIT)/bin" go install $(GITLEAKS)
	@touch $@

$(VENV)/.project: $(VENV)/.locked pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
