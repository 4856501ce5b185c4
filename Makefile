# fpm-edge: `make help` lists what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo report-demo test web-test jvm-test conformance check format lint types docs docs-run wheel pythons fallbacks lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s '@'

setup: $(READY) ## Make .venv and install everything from the lock (the other targets do it by themselves)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.11 to 3.13; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Convert the shipped model to int8, run it on pictures, write a report (out/demo)
	$(BIN)/fpm-edge demo -o out/demo

report-demo: $(READY) ## Report of the demo bundle (out/report-demo), and screenshots of it (docs/images/report-*.png)
	$(BIN)/fpm-edge demo -o out/report-demo
	$(BIN)/python scripts/report_screenshots.py out/report-demo/report.html docs/images

test: $(READY) ## Run the whole test suite
	$(BIN)/python scripts/run_tests.py

web-test: $(READY) ## Run the tests of the web runtime, and the conformance suite in Node and Chromium
	$(BIN)/python scripts/run_web_tests.py

jvm-test: $(READY) ## Run the tests of the runtime for the JVM and Android, and the conformance suite with it
	$(BIN)/python scripts/run_jvm_tests.py

conformance: $(READY) ## Hold a runtime to the reference: make conformance CLIENT="node client.js" (without CLIENT: the reference itself)
	$(BIN)/python -m pytest -p no:cacheprovider -m "slow or not slow" conformance/suite $(if $(CLIENT),--client "$(CLIENT)")

check: lint types docs test wheel ## Format and lint check, types, documentation, tests, and what the wheel holds

format: $(READY) ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## Check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## Check types (mypy strict)
	$(BIN)/mypy

docs: $(READY) ## Check the documentation, and build it as a site (out/site)
	$(BIN)/python scripts/check_docs.py
	$(BIN)/python scripts/make_reference.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-run: $(READY) ## Run the commands of the documentation, page by page (most of an hour; before each release)
	$(BIN)/python scripts/run_docs.py

wheel: $(READY) ## Build the wheel, check its contents, try it in a fresh environment
	$(BIN)/python scripts/check_wheel.py

pythons: $(READY) ## Try the wheel and its extras on each Python 3.10 to 3.14 on the path; are there wheels for the rest?
	$(BIN)/python scripts/check_pythons.py

fallbacks: $(READY) ## Try the wheel without LiteRT: tflite-runtime, ONNX Runtime alone, OpenVINO alone
	$(BIN)/python scripts/check_fallbacks.py

lock: $(READY) ## Write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-emit-index-url --no-emit-find-links \
		--no-header --upgrade pyproject.toml -o requirements.lock

clean: ## Remove what the targets made
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
