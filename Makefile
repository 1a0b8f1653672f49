# Every verb can run alone and twice. They share one cluster on this machine; see e2e/cluster/README.md.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# One target directory for the whole workspace, whatever the caller's shell says.
unexport CARGO_TARGET_DIR

# Stories that `cargo test` leaves out (`test = false` in e2e/Cargo.toml).
LONG := $(shell sed -n '/^name = /{s/.*"\(.*\)"/\1/;h};/^test = false/{x;p}' e2e/Cargo.toml)

.PHONY: help demo test lint unit stories stories-long generate verify bench images cluster cluster-down node-add node-kill

help: ## List the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## From nothing to a running Foreman on a real Kubernetes; CLUSTER=existing uses your own kubeconfig and REGISTRY
	@e2e/demo

test: lint unit verify stories ## Everything: format, clippy, unit tests, bundles, stories on the cluster

lint: ## Format and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package e2e $(addprefix --test ,$(LONG)) --locked -- -D warnings

unit: ## Unit tests, the comparison of everything generated among them
	@e2e/cluster/packages
	cargo test --workspace --exclude e2e --locked

verify: ## The OLM bundles, by operator-verify and scorecard
	@e2e/tools/build operator-verify scorecard-test
	@bundles/verify

stories: ## What users do, on the real cluster
	@e2e/run

stories-long: ## The rest of a Pulp: clouds, ways in, take-over, upgrades, lost nodes and other trouble; the rest of Smart Proxies and backups; on a machine that does nothing else
	@e2e/run $(addprefix --test ,$(LONG))

generate: ## Write CRDs, RBAC, charts, bundles, the API reference and golden files anew
	GENERATE=1 cargo test --workspace --exclude e2e --lib --test generated

bench: ## Measure; results go to docs/benchmarks.md
	@e2e/bench/run

images: ## Build the images that the tests run
	@e2e/images/build

cluster: ## Start a real Kubernetes on this machine
	@e2e/cluster/up

cluster-down: ## Take it down; nothing is left
	@e2e/cluster/down

node-add: ## Add a second node
	@e2e/cluster/node-add

node-kill: ## Kill the second node as a power loss would
	@e2e/cluster/node-kill
