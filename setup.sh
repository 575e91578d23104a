#!/usr/bin/env bash
# Brings this clone to where `python -m cloud.run` can take over: Debian packages and a virtual environment.
#
#   ./setup.sh run     what the cloud needs
#   ./setup.sh test    also what the tests, the checks and the benchmarks need
#   ./setup.sh slow    also what the slow tests need
#
# Each step is skipped when what it makes is there and made from the same inputs. One line a step, with its seconds.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
what="${1:-run}"
venv=.venv
log="$(mktemp "${TMPDIR:-/tmp}/stackling-setup-XXXXXXXXXX")" # a name nobody guesses, so nobody's link leads elsewhere
trap 'rm -f "$log"' EXIT

step() { # step TEXT COMMAND…: runs it quietly; shows its output only when it fails
    local text="$1" start=$EPOCHREALTIME
    shift
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        # shellcheck disable=SC1111  # the quotes are meant
        echo "setup: “$text” failed; the lines above say why." >&2
        exit 1
    fi
    printf '  %-44s %6.1f s\n' "$text" "$(awk "BEGIN {print $EPOCHREALTIME - $start}")"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; return; fi
    if ! command -v sudo >/dev/null; then
        echo "This needs root: run as root, or install sudo. The command was: $*" >&2
        return 1
    fi
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
}

missing_packages() { # those named in the given files that dpkg does not have installed
    local have name
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
    sed 's/#.*//' "$@" | while read -r name; do
        [ -z "$name" ] || grep -qxF "$name" <<<"$have" || printf '%s ' "$name"
    done
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    # A cloud brings its own servers up in namespaces; the machine's own PostgreSQL cluster is not wanted.
    if [[ " $* " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    # The cloud runs an nginx and tgtds of its own: the machine's shall take no port, now or at the next boot. `systemctl unmask nginx tgt`
    # undoes it.
    local unit package folder service
    for unit in "nginx-light nginx nginx" "tgt tgt tgt"; do
        read -r package folder service <<<"$unit"
        if [[ " $* " == *" $package "* ]] && [ ! -e "/etc/$folder" ] && [ ! -e "/etc/systemd/system/$service.service" ]; then
            as_root mkdir -p /etc/systemd/system
            as_root ln -s /dev/null "/etc/systemd/system/$service.service"
        fi
    done
    # Tests bring their own directory up; the machine shall not have one running.
    if [[ " $* " == *" slapd "* ]]; then
        echo "slapd slapd/no_configuration boolean true" | as_root debconf-set-selections
    fi
    as_root apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold "$@" && return
    as_root apt-get update -q
    as_root apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold "$@"
}

debian=(requirements/debian.txt)
pins=(requirements/base.txt)
case "$what" in
    run) ;;
    test) debian+=(requirements/debian-test.txt); pins+=(requirements/dev.txt) ;;
    slow) debian+=(requirements/debian-test.txt requirements/debian-slow.txt); pins+=(requirements/dev.txt) ;;
    *) echo "usage: setup.sh run|test|slow" >&2; exit 2 ;;
esac

# Programs of a cloud run as users of their own (cloud/run/users.py, which looks closer): said before minutes of set-up.
if [ "$what" = run ] && [ "$(id -u)" = 0 ] && [ "${STACKLING_USER:-}" != root ] && ! grep -qs '^STACKLING_USER=root' .env; then
    folder="$PWD"
    while [ "$folder" != / ]; do
        if [ "$(stat -c '%U %G' "$folder")" = "root root" ] && [ $((8#$(stat -c %a "$folder") % 8 % 2)) = 0 ]; then
            echo "The cloud's programs run as users of their own, who may not pass $folder. Let them in with \`chmod o+x $folder\`, clone to a folder that all may read (/srv, say), or set STACKLING_USER=root." >&2
            exit 1
        fi
        folder="$(dirname "$folder")"
    done
fi

if ! command -v dpkg-query >/dev/null; then
    echo "Stackling sets itself up on Debian 12. Elsewhere, install what requirements/debian.txt names." >&2
    exit 1
fi
missing=$(missing_packages "${debian[@]}")
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086  # a list of package names
    step "Debian packages ($(wc -w <<<"$missing") missing)" install_packages $missing
fi

if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    step "list of Debian packages" as_root apt-get update -q # the demo images are made from Debian's packages
fi

python="${PYTHON:-/usr/bin/python3}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $python is older." >&2; exit 1; }

install_python() { # install_python PINS…: uv where it works here (5 × faster), else pip; hashes are always required
    local args=() file
    for file in "$@"; do args+=(-r "$file"); done
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt &&
        "$venv/bin/uv" pip install --compile-bytecode --python "$venv/bin/python" --require-hashes "${args[@]}"; then
        return
    fi
    "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes "${args[@]}"
}

for file in "${pins[@]}"; do
    want=$(cat "$file" requirements/uv.txt | sha256sum | cut -c1-16)
    stamp="$venv/.made-from-$(basename "$file" .txt)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
        [ -x "$venv/bin/python" ] || step "virtual environment" "$python" -m venv "$venv"
        step "Python packages ($(basename "$file"))" install_python "$file"
        echo "$want" >"$stamp"
    fi
done
