# Tidewatch. `make run` and `make test` set up what they need by themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help run test lint e2e soak bench audit web fmt

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: ## typhoon Haikui (2012) at 60 times its pace; ends with the page's address and password
	@scripts/run.sh

test: ## lint, all tests of program and page, end to end with a real broker and browser
	@scripts/test.sh

lint: ## formatting, clippy, eslint, type check
	@scripts/lint.sh

e2e: ## only the page in a real browser against a real server; pictures in target/e2e
	@scripts/e2e.sh

soak: ## whole-night runs: sensors that die or lie, replays killed again and again; an hour or more
	@scripts/soak.sh

bench: ## speed and memory, as ratios where possible: a table, and target/bench.json
	@scripts/bench.sh

audit: ## bans, licences, sources; advisories when ADVISORY_DB names a local copy
	@scripts/audit.sh

web: ## build the page into web/dist
	@scripts/web.sh

fmt: ## format everything
	cargo fmt --all
	cd web && npm run format
