#!/usr/bin/env bash
# Installs the pinned tools, each only when its lock changed.
# Usage: scripts/tools.sh [claude] [codex] [node] [python] [apart]
#   claude  the Claude Code CLI                .tools/claude/node_modules/.bin/claude
#   codex   the Codex CLI                      .tools/codex/node_modules/.bin/codex
#   node    the JavaScript clients             tests/clients/node/node_modules
#   python  pytest and the clients             .tools/venv
#   apart   clients that need older libraries  .tools/apart
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A copy of the lock, written last, says that all of it was installed.
is_current() { cmp -s "$1" "$2"; }

npm_install() {
    # Install scripts are not needed; what is installed is fixed by the hashes in the lock.
    # Both packages ask for Node 22 and run on 20, hence no warnings.
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

runs() {
    local home status=0
    home=$(mktemp -d)
    env -i HOME="$home" PATH="$PATH" DISABLE_AUTOUPDATER=1 "$1" --version >/dev/null 2>&1 || status=1
    rm -rf "$home"
    return $status
}

# The package's own `claude` is a stub that its install script replaces by this machine's program: 380 MB, so link it.
link_claude() {
    local bin=$1/node_modules/.bin program
    for program in "$1"/node_modules/@anthropic-ai/claude-code-*/claude; do
        # An older npm installs one for each C library, of which one runs.
        if runs "$program"; then
            mkdir -p "$bin"
            ln -sfn "../@anthropic-ai/$(basename "$(dirname "$program")")/claude" "$bin/claude"
            return
        fi
    done
    echo "Claude Code has no program for this machine ($(uname -sm))." >&2
    return 1
}

install_claude() {
    local from=tools/claude to=.tools/claude
    is_current $from/package-lock.json $to/installed-lock.json && return
    scripts/needs.sh node
    echo "Installing Claude Code $(node -p "require('./$from/package.json').dependencies['@anthropic-ai/claude-code']")" >&2
    mkdir -p $to
    cp $from/package.json $from/package-lock.json $to/
    npm_install $to
    link_claude "$PWD/$to"
    cp $from/package-lock.json $to/installed-lock.json
}

# Its program is in the package for this machine, which the command looks up: nothing to link.
install_codex() {
    local from=tools/codex to=.tools/codex
    is_current $from/package-lock.json $to/installed-lock.json && return
    scripts/needs.sh node
    echo "Installing Codex $(node -p "require('./$from/package.json').dependencies['@openai/codex']")" >&2
    mkdir -p $to
    cp $from/package.json $from/package-lock.json $to/
    npm_install $to
    cp $from/package-lock.json $to/installed-lock.json
}

install_node() {
    local at=tests/clients/node
    is_current $at/package-lock.json $at/node_modules/installed-lock.json && return
    scripts/needs.sh node
    echo "Installing the JavaScript clients" >&2
    npm_install $at
    cp $at/package-lock.json $at/node_modules/installed-lock.json
}

# install_venv FOLDER LOCK WHAT
install_venv() {
    local venv=$1 lock=$2
    is_current "$lock" "$venv/installed-requirements.txt" && [[ -x $venv/bin/python ]] && return
    scripts/needs.sh python
    echo "Installing $3" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" 2>/dev/null || python3 -m virtualenv --quiet "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
    cp "$lock" "$venv/installed-requirements.txt"
}

install_python() { install_venv .tools/venv tests/requirements.txt "pytest and the Python clients"; }
install_apart() { install_venv .tools/apart tests/apart/requirements.txt "clients that need older libraries"; }

for part in "${@:-claude codex node python apart}"; do
    for name in $part; do
        "install_$name"
    done
done
