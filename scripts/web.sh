#!/usr/bin/env bash
# Builds the page into web/dist.
source "$(dirname "$0")/common.sh"
build_page
