#!/usr/bin/env bash
# Runs test suites, all of them even when one fails, and ends with one line that sums up:
#   N passed, N failed, N skipped
# Usage: scripts/test.sh rust|project|clients|apart|gateway|claude…
#
# The Python suites get the programs under test by TEST_PROXY_BINARY, TEST_SIMULATOR_BINARY and TEST_CLAUDE_BINARY.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

run_rust() {
    # The tests of the driver run the real program.
    scripts/tools.sh claude && scripts/needs.sh rust &&
        cargo test --workspace --no-fail-fast 2>&1 | tee "$results/rust.log"
}

build_programs() {
    local built="${CARGO_TARGET_DIR:-$PWD/target}/debug"
    scripts/needs.sh rust && cargo build --workspace --bins || return
    export TEST_PROXY_BINARY="$built/claude-code-proxy" TEST_SIMULATOR_BINARY="$built/claude-simulator"
    export TEST_CLAUDE_BINARY="$PWD/.tools/claude/node_modules/.bin/claude"
}

# run_pytest SUITE [VENV]: pytest in the folder of that name; its JUnit file is what is counted.
run_pytest() {
    ".tools/${2:-venv}/bin/python" -B -m pytest -p no:cacheprovider --timeout=300 \
        --junitxml="$results/$1.xml" "tests/$1"
}

run_project() { scripts/tools.sh python && run_pytest project; }
run_gateway() { scripts/tools.sh claude python && build_programs && run_pytest gateway; }
run_clients() { scripts/tools.sh claude codex node python && build_programs && run_pytest clients; }
run_apart() { scripts/tools.sh claude apart && build_programs && run_pytest apart apart; }
run_claude() { scripts/tools.sh claude node python && build_programs && run_pytest claude; }

for suite in "$@"; do
    echo "=== $suite"
    "run_$suite"
    echo $? >"$results/$suite.status"
done
python3 -B scripts/tally.py "$results" "$@"
