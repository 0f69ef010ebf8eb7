# Every target sets up what it needs, once, and says so. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BENCH_VENV ?= .venv-bench
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(BENCH_VENV)/.ready
PATH_TO_SURVEY ?=
PYTEST_ARGS ?=
# A broker that is named is shared by all tests, and some make users in it whose names are given.
TEST_PROCESSES ?= $(if $(WARREN_TEST_AMQP_URLS),0,2)
SEEDS ?= 500
SEED ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Each process has servers of its own. The tests of a file stay together, as they share what the file starts; in the
# order of the folders what takes longest comes first.
PYTEST = $(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) services-demo ## Survey a source tree with a whole cluster on this machine (PATH_TO_SURVEY=… to choose it)
	$(BIN)/python examples/survey/demo.py $(if $(PATH_TO_SURVEY),'$(PATH_TO_SURVEY)')

.PHONY: test
test: $(READY) services-test ## Run all tests but those of endurance; those that need a server start their own
	@echo "· running all tests but those of endurance"
	$(PYTEST) -m "not endurance" $(PYTEST_ARGS)

.PHONY: test-unit
test-unit: $(READY) ## Run the tests that need no server
	@echo "· running the unit tests"
	$(PYTEST) tests/unit $(PYTEST_ARGS)

.PHONY: test-integration
test-integration: $(READY) services-test ## Run the tests that need a server, without those that kill processes
	@echo "· running the tests that need a server"
	$(PYTEST) -m "not chaos and not endurance" --ignore=tests/unit $(PYTEST_ARGS)

.PHONY: test-chaos
test-chaos: $(READY) services-test ## Run the tests that start and kill real processes, also those that take minutes
	@echo "· running the tests that kill processes"
	$(PYTEST) -m "chaos or endurance" $(PYTEST_ARGS)

.PHONY: test-endurance
test-endurance: $(READY) services-test ## Run what `make test` leaves out because it takes minutes
	@echo "· running the tests of endurance"
	$(PYTEST) -m endurance $(PYTEST_ARGS)

.PHONY: simulate
simulate: $(READY) ## Run a cluster on virtual time with everything going wrong, once per seed (SEEDS=…; SEED=… replays one)
	@echo "· simulating $(if $(SEED),seed $(SEED),$(SEEDS) seeds)"
	$(BIN)/python -m warren.testing.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

.PHONY: check
check: $(READY) ## Run what is fast: format, lint, types, import contracts, generated files, unit tests
	@echo "· checking the format"
	$(BIN)/ruff format --check .
	@echo "· linting"
	$(BIN)/ruff check .
	@echo "· checking the types"
	$(BIN)/mypy
	@echo "· checking the import contracts"
	$(BIN)/lint-imports
	@echo "· checking the generated files and running the unit tests"
	$(PYTEST) tests/unit $(PYTEST_ARGS)

.PHONY: generated
generated: $(READY) ## Check that generated files (locks, schemas, exports) are what the code makes of them
	@echo "· checking the generated files"
	$(PYTEST) tests/unit -m golden $(PYTEST_ARGS)

.PHONY: test-jaeger
test-jaeger: $(READY) services-test ## Run a project against a real Jaeger and ask it for the trace
	@$(BIN)/python -m warren.testing.services.jaeger --build
	@echo "· running a project against Jaeger"
	WARREN_TEST_JAEGER=yes $(BIN)/pytest tests/integration/tracing/test_jaeger.py $(PYTEST_ARGS)

.PHONY: jaeger
jaeger: $(READY) ## Run a Jaeger on this machine until Ctrl-C; the first time it may have to be built
	@$(BIN)/python -m warren.testing.services.jaeger

.PHONY: bench
bench: $(BENCH_READY) services-bench ## Measure Warren beside Celery, Dramatiq and the raw client
	$(BENCH_VENV)/bin/python -m benchmarks.run

.PHONY: fmt
fmt: $(READY) ## Format the code and apply the safe fixes of the linter
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: setup
setup: $(READY) ## Make the virtual environment (every target that needs it does)

.PHONY: lock
lock: $(READY) ## Bring both lock files up to date with pyproject.toml
	@.ci/lock $(BIN)/python

.PHONY: clean
clean: ## Remove what these targets made
	rm -rf $(VENV) $(BENCH_VENV) .warren .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

services-%:
	@.ci/services $*

# A new lock is installed over what is there; the environment itself is made once.
$(VENV)/.made $(BENCH_VENV)/.made:
	@python="$$(.ci/python)"; \
	echo "· creating $(@D) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(@D)
	@touch $@

$(READY): requirements.lock pyproject.toml | $(VENV)/.made
	@echo "· installing the dependencies named in $< into $(@D); the first time takes about a minute"
	@$(@D)/bin/python -m pip install --quiet --require-hashes -r $<
	@echo "· installing Warren into $(@D), editable"
	@$(@D)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_READY): benchmarks/requirements.lock pyproject.toml | $(BENCH_VENV)/.made
	@echo "· installing the dependencies named in $< into $(@D); the first time takes about a minute"
	@$(@D)/bin/python -m pip install --quiet --require-hashes -r $<
	@echo "· installing Warren into $(@D), editable"
	@$(@D)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
