# One word per task; `make` alone lists them. Needs the oldest Python that is supported, or a newer one, and Node with npm.

VENV ?= .venv
BIN  := $(VENV)/bin
TEST ?= tests
STAGE ?= dev

# The oldest version that is supported, such as 3.10: the one place that states it is local/package/runtime.py.
OLDEST := $(shell sed -n 's/^OLDEST = (\([0-9]*\), \([0-9]*\))$$/\1.\2/p' local/package/runtime.py)

# What package, check-deploy and deploy are for: 3.11 is SCF's Python3.11, custom-3.12 its CustomRuntime with
# a Python of your own. A name apart from PYTHON, which is the interpreter that sets up $(VENV).
RUNTIME := $(OLDEST)
export RUNTIME

# That version is preferred. A pyenv shim can be there and fail: only a run counts.
PYTHON ?= $(shell for python in python$(OLDEST) "$$HOME"/.pyenv/versions/$(OLDEST).*/bin/python \
                                python3 python3.14 python3.13 python3.12 python3.11; do \
            "$$python" -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(OLDEST)".split("."))))' 2>/dev/null \
              && command -v "$$python" && break; done)

# pip comes with Python. CI sets INSTALLER=uv, which checks the same digests in a tenth of pip's processor time.
INSTALLER ?= pip
UV_READY := .venv-lock/bin/uv
PIP      := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
INSTALL_WITH_pip = $(PIP) install --no-input
INSTALL_WITH_uv  = .ci/uv pip install --quiet --no-config --python $(BIN)/python
INSTALL  := $(INSTALL_WITH_$(INSTALLER)) --require-hashes --no-build-isolation
COMPILE  := .ci/uv pip compile --quiet --no-config --universal --python-version $(OLDEST) \
             --fork-strategy fewest --no-strip-extras --generate-hashes \
             --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

DEPLOY_OPTIONS := $(if $(VIA),--via $(VIA)) $(if $(PLAN),--plan) $(if $(JSON),--json) $(if $(CHANGE_URLS),--change-urls)

FUZZ_SECONDS ?= 300
# How many processes share the tests; 0 is one that runs them itself.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
# Where every branch of shared/ is reached. They run apart, because the tracer slows whatever runs beside them.
MEASURED := tests/shared tests/functions
# Folders are named as well as markers: what is deselected has been imported. A worker takes a file as a whole,
# so that what the tests of a file share is made once.
OTHERS := tests $(addprefix --ignore ,$(MEASURED) tests/browser tests/reliability) \
          -m "not browser and not reliability" --dist loadfile --no-loadscope-reorder

# What depends on the version of Python: neither documents, nor packages, which are for one version, nor SDKs under Node.
OF_THE_CODE := $(addprefix tests/,functions fuzz local openapi security shared)

# Bytecode that is kept saves every process of the tests and of the stack from compiling the same files again.
unexport PYTHONDONTWRITEBYTECODE

PACKAGE_READY := $(VENV)/.ready-to-package
RUN_READY  := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test
TOOLS_READY := $(VENV)/.ready-to-prove
PAGE := local/page
NODE_READY := $(PAGE)/node_modules/.ready
PROOF_NODE := tests/deploy/node
PROOF_READY := $(PROOF_NODE)/node_modules/.ready
CLIENTS_NODE := tests/clients/node
CLIENTS_READY := $(CLIENTS_NODE)/node_modules/.ready
EXAMPLES := clients/examples
NODE_FOLDERS := $(CURDIR)/$(CLIENTS_NODE) $(CURDIR)/clients/node $(CURDIR)/$(EXAMPLES) $(CURDIR)/tests/clients/web_app
EXAMPLES_READY := $(EXAMPLES)/node_modules/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo examples client-types release forgery-drill audit fuzz fuzz-api fuzz-events mutation simulate test test-core test-fast test-reliability check format openapi schema lock coverage package check-deploy confirm deploy rollback test-deploy clean browser durability bench soak

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: $(RUN_READY) $(NODE_READY) ## the whole system on this machine, with a page to try it
	@$(BIN)/python -m local serve $(ARGS)

test: $(TEST_READY) $(NODE_READY) $(PROOF_READY) $(CLIENTS_READY) $(EXAMPLES_READY) browser ## the tests, in a headless Chromium too where there is one
	@npm test --prefix $(PAGE) --silent
	@$(PYTEST) $(MEASURED) --cov
	@$(PYTEST) $(OTHERS)
	@# Apart, because Playwright leaves an event loop running in the process; by files, which build their apps once.
	@$(PYTEST) --dist loadfile tests/browser

test-fast: $(TEST_READY) $(NODE_READY) $(CLIENTS_READY) ## the tests of the code that functions and the local stack run; CI runs them on the newest Python
	@npm test --prefix $(PAGE) --silent
	@$(PYTEST) $(if $(filter tests,$(TEST)),$(OF_THE_CODE),$(TEST)) -m "not browser and not reliability and not proof"

test-core: $(TEST_READY) ## the tests of shared/, which CI runs on each version of Python
	@$(PYTEST) tests/shared

test-reliability: $(TEST_READY) ## nothing lost, nothing doubled: kills, outages, thousands of copies
	@$(PYTEST) tests/reliability tests/cluster -m reliability

fuzz: fuzz-signature fuzz-notification fuzz-context_token ## feed the three parsers for FUZZ_SECONDS each (300)

fuzz-%: $(TOOLS_READY)
	@$(BIN)/python -m tests.fuzz.fuzzing $* --seconds $(FUZZ_SECONDS)

forgery-drill: $(TEST_READY) ## everything that can be forged, posted to a stack of its own
	@$(BIN)/python -m tests.security.forgery_drill

fuzz-api: $(TEST_READY) ## 20,000 requests by Schemathesis against the local stack, in some ten minutes
	@$(BIN)/python -m tests.openapi.whole_api --requests 20000

fuzz-events: $(TEST_READY) ## 100,000 hostile events through every function, in some three minutes
	@$(BIN)/python -m tests.fuzz.hostile_events --events 100000

simulate: $(TEST_READY) ## the whole system on virtual time by one SEED, for DAYS, RUNS times (PLANTED=1: known faults are found)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) \
	  $(if $(RUNS),--runs $(RUNS)) $(if $(PLANTED),--planted "$(PLANTED)")

mutation: $(TOOLS_READY) ## change the code that decides who gets what, and count what no test notices
	@rm -rf mutants
	@CI=true $(BIN)/mutmut run || true
	@$(BIN)/python -m tests.mutation.score

check: $(TEST_READY) $(NODE_READY) ## format, lint, types and a scan for secrets: what a change must pass beside the tests
	@$(BIN)/ruff format --check --quiet || { echo "Some files are not formatted: make format." >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/python -m tests.supply_chain.secret_scan
	@npm run check --prefix $(PAGE) --silent
	@cd $(PAGE) && node_modules/.bin/biome check $(NODE_FOLDERS)

durability: $(TEST_READY) ## what a store that crashes has lost, measured in a minute; see docs/operations.md
	@$(BIN)/python -m tests.durability.measure

format: $(TEST_READY) $(NODE_READY) ## lay out all code and mend what can be mended
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format --quiet
	@npm run format --prefix $(PAGE) --silent
	@cd $(PAGE) && node_modules/.bin/biome check --write $(NODE_FOLDERS)

coverage: $(TEST_READY) ## which lines and branches of shared/ its tests reach, as a page
	@$(PYTEST) $(MEASURED) --cov --cov-report term --cov-report html:.local/coverage
	@echo ".local/coverage/index.html shows it line by line."

schema: $(RUN_READY) ## write shared/schema/compiled.json, by which functions validate, anew from the models
	@$(BIN)/python -m local.compiled_schema

openapi: $(RUN_READY) ## write docs/openapi.json anew from the code
	@$(BIN)/python -m local.openapi

examples: $(TEST_READY) $(EXAMPLES_READY) ## install what clients/examples needs (docs/your-app.md)

client-types: $(TEST_READY) $(CLIENTS_READY) ## write the types of the receivers in clients/ anew from docs/openapi.json
	@$(BIN)/python -m tests.clients.event_types

release: $(RUN_READY) ## build the packages of clients/ as they would be released, into build/release/
	@$(BIN)/python -m local.package.release

audit: $(TOOLS_READY) ## known vulnerabilities of all that is locked
	@$(BIN)/python -m tests.supply_chain.known_vulnerabilities

lock: $(UV_READY) ## pin what the .in files name (UPGRADE=1: to the newest versions)
	@$(COMPILE) requirements/lock.in -o requirements/lock.txt
	@$(COMPILE) requirements/build.in -o requirements/build.txt
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements/package.in -o requirements/package.txt
	@$(COMPILE) requirements/local.in -o requirements/local.txt
	@$(COMPILE) requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) requirements/proof.in -o requirements/proof.txt
	@$(COMPILE) --no-deps requirements/clients.in -o requirements/clients.txt

package: $(PACKAGE_READY) ## build what is deployed into build/, with what each function weighs (RUNTIME=3.11)
	@$(BIN)/python -m local.package

check-deploy: $(PACKAGE_READY) ## serverless.yml, the settings of STAGE and the packages: all that can be known here
	@$(BIN)/python -m local.deploy check --stage "$(STAGE)"

deploy: package ## package, check, deploy STAGE by the Serverless CLI, and read it back (VIA=api: by SCF's API; PLAN=1 shows what would change)
	@$(BIN)/python -m local.deploy deploy --stage "$(STAGE)" $(DEPLOY_OPTIONS)

rollback: $(PACKAGE_READY) ## after VIA=api: the releases of STAGE, or with TO=… back to one of them
	@$(BIN)/python -m local.deploy rollback --stage "$(STAGE)" --to "$(TO)"

confirm: $(PACKAGE_READY) ## after a deployment by hand: set shares of concurrency, and read the URLs back
	@$(BIN)/python -m local.deploy confirm --stage "$(STAGE)" $(if $(VIA),--via $(VIA))

bench: $(TEST_READY) ## how fast: cold start, warm path, load, pull, delivery, growth, scale, as tables and as plots in docs/ (BENCH=cold for one)
	@$(BIN)/python -m tests.bench $(BENCH)

soak: $(TEST_READY) ## 20 minutes at 50 requests a second: memory, descriptors, errors
	@$(BIN)/python -m tests.bench soak

test-deploy: $(TEST_READY) $(PROOF_READY) ## of these, packages and deployment: the CLI against a cloud on this machine
	@$(BIN)/python -m pytest -n 2 tests/deploy tests/test_serverless_file.py

clean: ## remove what set-up, tests and packaging made (.env and .local/ stay)
	@rm -rf .venv .venv-* $(PAGE)/node_modules $(PROOF_NODE)/node_modules $(CLIENTS_NODE)/node_modules $(EXAMPLES)/node_modules build mutants .coverage .coverage.* .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# From here on: how the above get what they need. Each step runs again only when its lock file changes.

$(BIN)/python: $(if $(filter uv,$(INSTALLER)),| $(UV_READY))
	@test -n "$(PYTHON)" || { echo "No Python $(OLDEST) or newer was found: install one, or name it with PYTHON=…" >&2; exit 1; }
ifeq ($(INSTALLER),uv)
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version)"
	@.ci/uv venv --quiet --no-config --python "$(PYTHON)" $(VENV)
else
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || { "$(PYTHON)" -c 'import sys; sys.exit("Python cannot make \
	a virtual environment here. On Debian and Ubuntu: apt-get install python%d.%d-venv" % sys.version_info[:2])'; exit 1; }
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV)
endif

$(PACKAGE_READY): requirements.txt requirements/package.txt | $(BIN)/python
	@echo "Installing what packages and deploys"
	@$(INSTALL) -r requirements.txt -r requirements/package.txt
	@touch $@

$(RUN_READY): requirements/build.txt requirements/local.txt $(PACKAGE_READY)
	@echo "Installing the locked Python packages"
	@$(INSTALL) -r requirements/build.txt
	@$(INSTALL) -r requirements/local.txt
	@touch $@

$(TEST_READY): requirements/dev.txt requirements/clients.txt $(RUN_READY)
	@echo "Installing the tools for tests"
	@$(INSTALL) -r requirements/dev.txt
	@$(INSTALL) --no-deps -r requirements/clients.txt
	@touch $@

$(TOOLS_READY): requirements/proof.txt $(TEST_READY)
	@echo "Installing the tools that look for what the tests miss"
	@$(INSTALL) -r requirements/proof.txt
	@touch $@

$(NODE_READY): $(PAGE)/package.json $(PAGE)/package-lock.json
	@command -v npm >/dev/null || { echo "Node with npm was not found; the page needs it for the Web SDK of VOD." >&2; exit 1; }
	@echo "Installing the locked Node packages"
	@npm ci --prefix $(PAGE) --loglevel error --no-audit --no-fund
	@touch $@

$(PROOF_READY): $(PROOF_NODE)/package.json $(PROOF_NODE)/package-lock.json
	@command -v npm >/dev/null || { echo "Node with npm was not found; the CLI that deploys is a program for it." >&2; exit 1; }
	@echo "Installing the locked packages that deploy"
	@npm ci --prefix $(PROOF_NODE) --loglevel error --no-audit --no-fund
	@touch $@

$(CLIENTS_READY): $(CLIENTS_NODE)/package.json $(CLIENTS_NODE)/package-lock.json
	@command -v npm >/dev/null || { echo "Node with npm was not found; most SDKs of VOD are programs for it." >&2; exit 1; }
	@echo "Installing the locked SDKs of VOD that the tests run"
	@npm ci --prefix $(CLIENTS_NODE) --ignore-scripts --loglevel error --no-audit --no-fund
	@touch $@

$(EXAMPLES_READY): $(EXAMPLES)/package.json $(EXAMPLES)/package-lock.json $(wildcard clients/web/* clients/node/*)
	@command -v npm >/dev/null || { echo "Node with npm was not found; the web client and its examples need it." >&2; exit 1; }
	@echo "Installing the locked packages that bundle the web client"
	@npm ci --prefix $(EXAMPLES) --loglevel error --no-audit --no-fund
	@touch $@

browser: $(RUN_READY)
	@$(BIN)/python -m local.chromium

$(UV_READY): requirements/lock.txt
	@test -n "$(PYTHON)" || { echo "No Python $(OLDEST) or newer was found: install one, or name it with PYTHON=…" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet --quiet install --require-hashes -r $<
	@touch $@
