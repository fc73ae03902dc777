#!/usr/bin/env bash
# Builds and starts the server. Settings in `.env` count as if they stood in the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -f .env ]]; then
    set -a
    # shellcheck disable=SC1091 # the user's own file
    . ./.env
    set +a
fi
# With a key nothing else is needed; with a login, Claude Code: the user's own, else the pinned one.
if [[ -z ${ANTHROPIC_API_KEY:-}${ANTHROPIC_AUTH_TOKEN:-} ]] && ! command -v claude >/dev/null; then
    scripts/tools.sh claude
fi
scripts/needs.sh rust
cargo build --release --bin claude-code-proxy
exec "${CARGO_TARGET_DIR:-target}/release/claude-code-proxy" "$@"
