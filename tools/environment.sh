#!/usr/bin/env bash
# Makes .venv what a set of pinned requirements says: `tools/environment.sh run|dev`, with the interpreter in $PYTHON.
# Nothing is done while the lists are those installed last and the interpreter still runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

set_name=$1
python=${PYTHON:-/usr/bin/python3}
stamp=.venv/installed
export PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
    echo "tools/environment.sh: $1" >&2
    exit 2
}

can_make_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null
}

# The one step that cannot be written in Python: to get Python's own venv where Debian leaves it out.
install_python() {
    local as_root=()
    grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release 2>/dev/null ||
        fail "$python cannot make a virtual environment: install Python 3.11 or newer with venv, or set PYTHON=…, or run \`docker compose up\`"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "python3-venv is missing; not root, and there is no sudo: run make as root"
        as_root=(sudo)
    fi
    # A source that cannot be reached is no reason to stop: it may well not be Debian's.
    "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
        install --yes --no-install-recommends python3-venv </dev/null || fail "apt-get could not install python3-venv"
}

wanted() {
    printf '%s %s\n' "$1" "$(cat "requirements/$1.txt" requirements/build.txt pyproject.toml | sha256sum)"
}

# Scripts of a folder that was moved or copied name an interpreter that is not there.
runs() {
    .venv/bin/pip --version >/dev/null 2>&1
}

is_made() {
    [ -f "$stamp" ] && grep -qxF "$(wanted "$1")" "$stamp" && [ -x .venv/bin/placecard ] && runs
}

main() {
    # The development set contains the other.
    if is_made "$set_name" || { [ "$set_name" = run ] && is_made dev; }; then
        return
    fi
    can_make_venv || install_python
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than Python 3.11"
    runs || "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --require-hashes -r "requirements/$set_name.txt" -r requirements/build.txt
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
    wanted "$set_name" >"$stamp"
}

# Two makes at once wait for each other, where the system can lock a file.
exec 9<"tools/environment.sh"
if command -v flock >/dev/null; then flock 9; fi
main
