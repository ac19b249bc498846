#!/usr/bin/env bash
# Make .venv with everything that building, grading and testing need, in the versions of
# constraints.txt; as root on Debian and Ubuntu, install the system's packages too that are missing.
# Students need less: README.md has their lines.
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

has_server() {
    command -v pg_ctl >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null
}

# On Ubuntu the package is a stub that wants snap; there the tests of what students see are skipped.
lacks_browser() {
    grep -qx 'ID=debian' /etc/os-release 2>/dev/null &&
        ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null
}

# The packages of Debian and Ubuntu that are still missing; the box and the tests need them.
missing_packages() {
    # Debian and Ubuntu keep what `python3 -m venv` needs in a package of its own.
    [ "$making" = no ] || "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        echo "python$(version "$1")-venv"
    [ "$(uname)" = Linux ] || return 0
    command -v bwrap >/dev/null || echo bubblewrap
    has_server || echo postgresql
    ! lacks_browser || echo chromium
    "$1" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null || echo libseccomp2
}

install_packages() {
    local packages
    packages=$(missing_packages "$1" | xargs)
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing $packages"
        # shellcheck disable=SC2086  # a list of words
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $packages; } >/dev/null ||
            echo "setup: apt-get could not install them; its message is above." >&2
        packages=$(missing_packages "$1" | xargs)
        [ -n "$packages" ] || return 0
    fi
    case "$packages" in
        *-venv*) fail "Python's venv module is missing; install it (on Debian and Ubuntu: sudo apt-get install $packages) and run this again." ;;
    esac
    echo "setup: still missing: $packages (on Debian and Ubuntu: sudo apt-get install $packages)." >&2
    echo "setup: going on without; \`course doctor\` says what the box lacks, and tests that need PostgreSQL or a browser are skipped." >&2
}

making=yes
if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    making=no
    python=.venv/bin/python
    fits "$python" ||
        fail ".venv has Python $(version "$python"); the course needs 3.11, 3.12 or 3.13: remove .venv and run this again."
    install_packages "$python"
else
    python=$(choose_python)
    install_packages "$python"
    echo "setup: making .venv with Python $(version "$python")"
    "$python" -m venv --clear .venv
fi

echo "setup: installing the course and what it needs (some minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]' ||
    fail "pip could not install the course; its message is above. Without a connection, give pip a local index or wheels."
.venv/bin/jupyter kernelspec install autograder/box/kernelspec --name course-box --sys-prefix \
    >/dev/null 2>&1 || fail "the kernelspec of the box could not be installed into .venv."
touch .venv/.installed
