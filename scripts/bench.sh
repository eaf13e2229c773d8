#!/usr/bin/env bash
# Speed and memory. Ratios compare two things in the same run.
source "$(dirname "$0")/common.sh"
need_broker
install_missing
need_rust
build_page
say "building for the benchmark"
cargo build --release --locked --benches
cargo bench --locked --bench tidewatch -- "$@"
