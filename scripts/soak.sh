#!/usr/bin/env bash
# Whole typhoon nights instead of a few hours: sensors that die and lie, and
# replays that are killed fifty times. An hour or more.
source "$(dirname "$0")/common.sh"
need_rust
build_page

say "whole nights: every station dies once, two hundred sets of them, and lies"
cargo test --release --locked --features soak --bin tidewatch -- resilience --nocapture

say "whole nights: the replay killed at fifty moments"
cargo test --release --locked --features soak --test main -- e2e::replay --nocapture
