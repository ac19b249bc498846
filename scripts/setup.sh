#!/usr/bin/env bash
# Make .venv with everything the course needs, in the versions of constraints.txt.
# Takes the interpreter from $PYTHON, else the first fitting one of python3, 3.13, 3.12, 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo "not found"
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || fail "PYTHON=$PYTHON is $(version "$PYTHON"); the course needs Python 3.11, 3.12 or 3.13."
        echo "$PYTHON"
        return
    fi
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "python3 is $(version python3); the course needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=/path/to/python3.12."
}

# Debian and Ubuntu keep what `python3 -m venv` needs in a package of its own.
ensure_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    local package
    package="python$(version "$1")-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing $package"
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq "$package"; } >/dev/null ||
            fail "could not install $package; install Python's venv module and run this again."
    fi
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python's venv module is missing; install it (on Debian and Ubuntu: sudo apt-get install $package) and run this again."
}

if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    fits .venv/bin/python ||
        fail ".venv has Python $(version .venv/bin/python); the course needs 3.11, 3.12 or 3.13: remove .venv and run this again."
else
    python=$(choose_python)
    ensure_venv "$python"
    echo "setup: making .venv with Python $(version "$python")"
    "$python" -m venv --clear .venv
fi

echo "setup: installing the course and what it needs (some minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]' ||
    fail "pip could not install the course; its message is above. Without a connection, give pip a local index or wheels."
touch .venv/.installed
