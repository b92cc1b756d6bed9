#!/usr/bin/env bash
# A container engine where there may be none, and images where there may be no registry. Names no mirror.
#
#   docker.sh up                                  use the engine that answers, else install and start one (root, Debian)
#   docker.sh base TAG SUITE                      have a Debian image under this name: here, pulled, or made from packages
#   docker.sh build CONTEXT TAG [ARGUMENT…]       build with BuildKit and with this machine's settings for package clients
#   docker.sh image                               all of the above, for execd:dev
#   docker.sh interpreter                         and on that execd-code-interpreter:dev; all its languages are tried
#   docker.sh down                                stop the engine that `up` started, and no other
#
# Status 77: there is no engine and none can be had; one line says why. A second engine beside the machine's own is
# told apart by CI_DOCKER_SOCK, _ROOT, _EXEC, _PIDFILE and _STATE, all of them.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
SOCK=${CI_DOCKER_SOCK:-/var/run/docker.sock}
ROOT=${CI_DOCKER_ROOT:-/var/lib/docker}
EXEC=${CI_DOCKER_EXEC:-/var/run/docker}
PIDFILE=${CI_DOCKER_PIDFILE:-/var/run/docker.pid}
STATE=${CI_DOCKER_STATE:-/run/ci-docker}
[ -z "${CI_DOCKER_SOCK:-}" ] || export DOCKER_HOST=unix://$SOCK
TEMPORARY=() # the secret may lie in one of them
trap '[ ${#TEMPORARY[@]} = 0 ] || rm -rf "${TEMPORARY[@]}"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

say() { printf '%s docker.sh: %s\n' "$(date +%T)" "$*" >&2; }

cannot() {
    say "$*"
    exit 77
}

# A client may be there without an engine, so only an answer counts.
engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Asks our own engine, and no other, whatever DOCKER_HOST says.
our_docker() { timeout 60 docker --host "unix://$SOCK" "$@"; }

state_of() { awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$1/stat" 2>/dev/null; }

is_named() { [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]; }

is_alive() { is_named "$1" "$2" && [ "$(state_of "$1")" != Z ]; }

# After a kill -9 the pid file is left, and its process may be a zombie for a while: both keep an engine from starting.
clear_stale() { # pid file, name of the process
    local pid
    [ -e "$1" ] || return 0
    pid=$(cat "$1")
    for _ in {1..50}; do
        is_named "$pid" "$2" && [ "$(state_of "$pid")" = Z ] || break
        sleep 0.1
    done
    is_alive "$pid" "$2" || rm -f "$1"
}

# Only what is missing, or it would be upgraded. With an archive folder of its own: where docker-clean is configured,
# anybody's `apt-get update` empties the shared one under a running install.
apt_install() {
    local archives missing=() name
    for name in "$@"; do
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} != 0 ] || return 0
    say "installing ${missing[*]}"
    archives=$(mktemp -d)
    TEMPORARY+=("$archives")
    mkdir "$archives/partial"
    chmod 755 "$archives"
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dir::Cache::archives="$archives" \
        install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    rm -rf "$archives"
}

# Where systemd runs, the package's service starts with its installation; that engine is the machine's, not ours.
service_answers() {
    [ -d /run/systemd/system ] || return 1
    for _ in {1..20}; do
        ! engine_answers || return 0
        sleep 0.5
    done
    return 1
}

up() {
    local wanted=(ca-certificates iptables) pid
    ! engine_answers || return 0
    case ${DOCKER_HOST:-} in
        "" | "unix://$SOCK" | "unix:///run/${SOCK#/var/run/}") ;;
        *) cannot "no container engine answers at $DOCKER_HOST, and here is started only one at unix://$SOCK" ;;
    esac
    [ "$(id -u)" = 0 ] || cannot "no container engine answers, and only root can start one"
    if ! command -v dockerd >/dev/null; then
        command -v apt-get >/dev/null || cannot "no container engine is installed, and there is no apt-get to install one"
        wanted+=(docker.io)
    fi
    # An engine that finds AppArmor in the kernel needs its parser.
    [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ] || wanted+=(apparmor)
    apt_install "${wanted[@]}"
    ! service_answers || return 0
    mkdir -p "$STATE" "$EXEC"
    { iptables -S FORWARD | sed -n 's/^-P FORWARD //p'; sysctl -n net.ipv4.ip_forward; } >"$STATE/before"
    clear_stale "$PIDFILE" dockerd
    clear_stale "$EXEC/containerd/containerd.pid" containerd
    setsid nohup dockerd -H "unix://$SOCK" --data-root "$ROOT" --exec-root "$EXEC" --pidfile "$PIDFILE" \
        >"$STATE/dockerd.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >"$STATE/pid" # before the wait: whoever is stopped meanwhile can still say `down`
    for _ in {1..300}; do
        if engine_answers; then
            say "the engine is up"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 5 "$STATE/dockerd.log" >&2
    say "the engine did not start"
    ! is_alive "$pid" dockerd || kill -TERM "$pid"
    rm -f "$STATE/pid"
    exit 1
}

base() { # tag, suite
    local folder
    if docker image inspect "$1" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$1" >/dev/null 2>&1; then
        return
    fi
    [ "$(id -u)" = 0 ] || cannot "no registry gives $1, and only root can make it from packages"
    say "no registry gives $1: making it from packages"
    apt_install mmdebstrap
    folder=$(mktemp -d)
    TEMPORARY+=("$folder")
    if ! SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000} "$HERE/mkbase.sh" "$2" "$folder/base.tar" >"$folder/log" 2>&1; then
        tail -n 5 "$folder/log" >&2
        exit 1
    fi
    docker import --change 'CMD ["bash"]' --change 'LABEL ci.standin=1' "$folder/base.tar" "$1" >/dev/null
    rm -rf "$folder"
}

# A client of 23 or later needs the buildx plugin for BuildKit; an older one, as it comes with Debian's engine, has it.
buildkit_client() {
    local client
    if docker buildx version >/dev/null 2>&1; then
        echo docker
        return
    fi
    for client in $(type -ap docker | sort -u); do
        if [ "$("$client" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')" -lt 23 ]; then
            echo "$client"
            return
        fi
    done
    say "no client here can build with BuildKit: install the buildx plugin"
    return 1
}

build() { # context, tag, arguments of docker build
    local client folder context=$1 tag=$2 secret=() status=0
    shift 2
    client=$(buildkit_client)
    folder=$(mktemp -d)
    TEMPORARY+=("$folder")
    python3 "$HERE/site_config.py" "$folder/site"
    [ ! -s "$folder/site" ] || secret=(--secret "id=site,src=$folder/site")
    DOCKER_BUILDKIT=1 "$client" build --progress=plain ${secret[@]+"${secret[@]}"} --tag "$tag" "$@" "$context" || status=$?
    rm -rf "$folder"
    return "$status"
}

build_tree() { # Dockerfile, tag
    local tree
    tree=$(readlink -f "$HERE/../..")
    build "$tree" "$2" --file "$tree/docker/$1.Dockerfile" \
        --build-arg "REVISION=$(git -C "$tree" rev-parse HEAD 2>/dev/null || echo unknown)"
}

image() {
    up
    base debian:bookworm-slim bookworm
    build_tree execd execd:dev
}

interpreter() {
    image
    build_tree code-interpreter execd-code-interpreter:dev
    # Each language is tried by a cell where nothing can be fetched, and next to nothing written.
    docker run --rm --network none --read-only --tmpfs /tmp --user 12345:12345 execd-code-interpreter:dev kernels install
}

down() {
    local pid running policy="" forward=""
    if [ ! -s "$STATE/pid" ]; then
        say "no engine here is ours to stop"
        return
    fi
    pid=$(cat "$STATE/pid")
    if is_alive "$pid" dockerd; then
        # One that ignores SIGTERM would delay the end
        mapfile -t running < <(our_docker ps --quiet)
        [ ${#running[@]} = 0 ] || our_docker rm -f "${running[@]}" >/dev/null || true
        kill -TERM "$pid"
        for _ in {1..300}; do
            is_alive "$pid" dockerd || break
            sleep 0.1
        done
    fi
    rm -f "$STATE/pid"
    { read -r policy && read -r forward; } <"$STATE/before" || true
    # An engine closes forwarding to everybody else on the machine.
    [ -z "$policy" ] || iptables -P FORWARD "$policy"
    [ -z "$forward" ] || sysctl -qw net.ipv4.ip_forward="$forward"
    say "the engine is down"
}

case ${1:-} in
    up | base | build | image | interpreter | down) "$@" ;;
    *)
        sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
