# Sourced by every script here: which PostgreSQL, where things lie, and who runs the server.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
umask 022 # as root, the server's user has to read what we unpack

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TOOLS=$ROOT/toolchain
LOCAL=$ROOT/.toolchain # ignored by git; everything fetched or built for us is here
EMBEDDED=18            # the major version that comes as a wheel

say() { printf '\033[1mholdfast:\033[0m %s\n' "$*" >&2; }
die() { printf '\033[1;31mholdfast:\033[0m %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

# PG=15 names the major version; PG_CONFIG=… names an installed server, which then names the version.
if [ -n "${PG_CONFIG:-}" ]; then
    need "$PG_CONFIG" "PG_CONFIG must be the path of a server's pg_config"
    PG_CONFIG=$(command -v "$PG_CONFIG")
    given=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    [ "${PG:-$given}" = "$given" ] || die "PG=$PG, but $PG_CONFIG belongs to PostgreSQL $given"
    PG=$given
fi
PG=${PG:-$EMBEDDED}
case $PG in
    14 | 15 | 16 | 17 | 18) ;;
    *) die "PG=$PG: this extension is for PostgreSQL 14 to 18" ;;
esac

# PostgreSQL refuses to run as root, so an ordinary user runs it then.
RUNAS=
if [ "$(id -u)" = 0 ]; then
    RUNAS=${HOLDFAST_RUNAS:-$(id -un postgres 2>/dev/null || echo nobody)}
fi
as_server() {
    if [ -z "$RUNAS" ]; then
        (cd / && exec "$@")
    else
        (cd / && exec setpriv --reuid="$RUNAS" --regid="$(id -g "$RUNAS")" --init-groups -- "$@")
    fi
}

# What the server reads and writes lies in REACH: the clone itself, unless it is in a place that
# the server's user can't enter, such as root's home.
mkdir -p "$LOCAL"
if as_server test -r "$LOCAL" -a -x "$LOCAL"; then
    REACH=$LOCAL
else
    REACH=/var/tmp/holdfast-$(id -u)-$(cksum <<<"$ROOT" | cut -d' ' -f1)
    mkdir -p "$REACH"
    [ -O "$REACH" ] || die "$REACH belongs to somebody else"
fi
VARIANT=$PG
[ -z "${PG_CONFIG:-}" ] || VARIANT=$PG-$(cksum <<<"$PG_CONFIG" | cut -d' ' -f1)
BASE=$REACH/pg$VARIANT       # PostgreSQL as it came: what we build against, and where cargo pgrx test installs
SERVER=$REACH/pg$VARIANT-run # a copy of it with the extension: what the demo and the tests run
BUILD_CONFIG=$BASE/bin/pg_config
[ -z "${IN_PLACE:-}" ] || BUILD_CONFIG=$PG_CONFIG # `make install` copies nothing

# Debian's programs, when unpacked and not installed, find their libraries here.
if [ "$VARIANT" = "$PG" ] && [ "$PG" != "$EMBEDDED" ]; then
    libraries=$SERVER/usr/lib/$(uname -m)-linux-gnu
    [[ ${LD_LIBRARY_PATH:-} == "$libraries"* ]] || export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

# Two runs in one clone take turns to fetch and build; what a script calls shares its turn.
take_turns() {
    [ -z "${HOLDFAST_TURN:-}" ] || return 0
    exec 9>"$LOCAL/turn"
    flock 9
    export HOLDFAST_TURN=1
    rm -rf "$LOCAL"/new.* "$REACH"/new.* # left by an interrupted run
}

# A folder is complete when its stamp says what was put there; an interrupted run leaves no stamp.
has() { [ "$(cat "$1/.complete" 2>/dev/null)" = "$2" ]; }
complete() { # unfinished folder, final folder, stamp
    printf '%s\n' "$3" >"$1/.complete"
    rm -rf "$2"
    mv "$1" "$2"
}

pgrx_version() { sed -nE 's/^pgrx = .*"=([0-9.]+)".*/\1/p' "$ROOT/Cargo.toml"; }

export USER="${USER:-$(id -un)}" # cargo pgrx test asks for it; a container or a cron job may lack it

# Nobody's settings but ours reach a client or a build.
unset PGOPTIONS PGSERVICE PGHOSTADDR PGRX_PG_CONFIG_PATH PG_VERSION
