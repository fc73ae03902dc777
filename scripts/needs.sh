#!/usr/bin/env bash
# Checks what has to be on the machine. As root on Debian and its kin it installs what is missing; otherwise it
# names the command that would. Usage: scripts/needs.sh rust|node|python…
set -euo pipefail

packages=()
problems=()

has() { command -v "$1" >/dev/null 2>&1; }

need_rust() {
    has cargo || problems+=("Rust: install it with rustup, which reads rust-toolchain.toml")
    has cc || packages+=(gcc libc6-dev)
}

need_node() {
    if ! has node; then
        packages+=(nodejs npm)
        return
    fi
    local major
    major=$(node -p 'process.versions.node.split(".")[0]')
    ((major >= 20)) || problems+=("Node.js 20 or later: this is $(node --version)")
    has npm || packages+=(npm)
}

need_python() {
    if ! has python3; then
        packages+=(python3 python3-venv)
        return
    fi
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        problems+=("Python 3.11 or later: this is $(python3 --version)")
    python3 -c 'import ensurepip' 2>/dev/null || python3 -c 'import virtualenv' 2>/dev/null ||
        packages+=(python3-venv)
}

install_packages() {
    local command="apt-get install --yes --no-install-recommends ${packages[*]}"
    # Once: what the distribution's own packages don't satisfy is then told below.
    if [[ $(id -u) == 0 && -z ${NEEDS_INSTALLED:-} ]] && has apt-get; then
        echo "Installing ${packages[*]}" >&2
        export DEBIAN_FRONTEND=noninteractive
        apt-get update --quiet=2
        $command --quiet=2
        NEEDS_INSTALLED=1 exec "${BASH_SOURCE[0]}" "${parts[@]}"
    fi
    problems+=("these packages (Debian, Ubuntu): sudo $command")
}

parts=("$@")
for part in "${parts[@]}"; do
    "need_$part"
done
((${#packages[@]} == 0)) || install_packages
if ((${#problems[@]} > 0)); then
    echo "Missing on this machine:" >&2
    printf '  - %s\n' "${problems[@]}" >&2
    exit 1
fi
