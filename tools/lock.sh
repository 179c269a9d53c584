#!/usr/bin/env bash
# Pins every dependency, with hashes and without naming a host: requirements/{run,dev,plugin,build}.txt from pyproject.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pin() {
    .venv/bin/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        --python-version 3.11 "$@"
}

pin pyproject.toml --extra postgresql --extra sso -o requirements/run.txt
pin pyproject.toml --extra postgresql --extra sso --extra dev --group plugin -o requirements/dev.txt
pin --group plugin -o requirements/plugin.txt
.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' |
    pin - -o requirements/build.txt
