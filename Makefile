# Keystead. Two commands matter: `make run` and `make test`. Everything they need is installed by scripts/install.sh.

DATA_DIR ?= dev-data
LISTEN ?= 127.0.0.1:8080
BENCH ?=
CARGO ?= cargo
PYTHON := .venv/bin/python
RELEASE := target/release/keystead

.DEFAULT_GOAL := help
.PHONY: help install build modules run demo test lint unit e2e bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what is missing: Debian packages, Python packages in .venv, Node.js packages for the tests
	@bash scripts/install.sh

build: install ## Build the release binary, and kryoptic's PKCS#11 module beside it
	@$(CARGO) build --release --package keystead
	@bash scripts/kryoptic.sh release

modules: install ## Build kryoptic's PKCS#11 module beside the debug binary, for tests by hand
	@bash scripts/kryoptic.sh debug

run: build ## Start KMS, an XKS proxy and everything they need, until Ctrl-C (DATA_DIR=dev-data LISTEN=127.0.0.1:8080)
	@exec $(RELEASE) dev --data-dir "$(DATA_DIR)" --listen "$(LISTEN)" --aws-cli "$(CURDIR)/.venv/bin/aws"

demo: build ## Run the whole story with the AWS CLI in a temporary folder
	@exec $(PYTHON) demo/story.py --keystead $(RELEASE)

test: ## Run every check and every test
	@bash scripts/test.sh install lint modules unit e2e

lint: ## Check formatting and run clippy
	@bash scripts/test.sh lint

unit: ## Run the Rust tests
	@bash scripts/test.sh modules unit

e2e: ## Run the end-to-end tests against the debug binary
	@bash scripts/test.sh install modules e2e

bench: build ## Measure the release binary; prints a table and writes it as JSON to bench-results/ (BENCH=--quick: a smoke run)
	@$(CARGO) build --release --package keystead-bench
	@exec target/release/keystead-bench --keystead $(RELEASE) --output bench-results/latest.json $(BENCH)

clean: ## Remove what was built and installed here; DATA_DIR stays
	@$(CARGO) clean
	@rm -rf .venv tests/javascript/node_modules bench-results
