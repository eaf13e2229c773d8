#!/usr/bin/env bash
# Formatting, clippy, eslint, type checks. Warnings are errors.
source "$(dirname "$0")/common.sh"
need_rust
build_page

say "lint: cargo fmt"
cargo fmt --all --check || fail "the Rust code is not formatted: run 'make fmt'."
say "lint: clippy"
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
say "lint: the page (eslint, prettier, svelte-check)"
(cd web && npm run --silent lint && npm run --silent check)
