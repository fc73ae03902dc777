#!/usr/bin/env bash
# Renews the locks after a version was changed: npm's without addresses, Python's with the hashes of every wheel and
# source archive, so that both install from any mirror and on any machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/needs.sh node python

for folder in tools/claude tools/codex tests/clients/node; do
    (cd $folder && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --loglevel=error)
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools
for folder in tests tests/apart bench/claude; do
    # Starting from the present lock keeps the versions that still fit.
    rm -f "$work/requirements.txt"
    [[ ! -f $folder/requirements.txt ]] || cp "$folder/requirements.txt" "$work/requirements.txt"
    # --allow-unsafe: pip too has its hash where a client asks for it.
    (cd "$folder" && "$work/venv/bin/pip-compile" --quiet --generate-hashes --strip-extras --no-annotate --no-header \
        --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
        --output-file "$work/requirements.txt" requirements.in)
    {
        # shellcheck disable=SC2016 # the backquotes are text
        echo '# Made by `make lock` from requirements.in: every file that may be installed, by its hash.'
        cat "$work/requirements.txt"
    } >"$folder/requirements.txt"
done
