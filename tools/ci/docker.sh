#!/usr/bin/env bash
# ci-docker.sh up | base TAG SUITE | build CONTEXT TAG [docker build arguments] | down
# A container engine where there may be none, and images where there is no image registry. Names no mirror.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
SOCK=${CI_DOCKER_SOCK:-/var/run/docker.sock}
ROOT=${CI_DOCKER_ROOT:-/var/lib/docker}
EXEC=${CI_DOCKER_EXEC:-/var/run/docker}
PIDF=${CI_DOCKER_PIDFILE:-/var/run/docker.pid}
STATE=${CI_DOCKER_STATE:-/run/ci-docker}
export DOCKER_HOST=unix://$SOCK
log(){ printf '%s %s\n' "$(date +%T.%1N)" "$*" >&2; }
engine_ok(){ timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
alive(){ # pid, expected comm: true when a non-zombie process of that name
  local s; [ -n "${1:-}" ] && s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && [ "$(awk '{print $3}' <<<"$s")" != Z ]
}
clear_stale(){ # a pid file whose process is not what it should be blocks the start
  local f=$1 comm=$2 p i; [ -e "$f" ] || return 0; p=$(cat "$f")
  for i in $(seq 50); do [ -e "/proc/$p" ] && [ "$(cat /proc/$p/comm)" = "$comm" ] && [ "$(awk '{print $3}' /proc/$p/stat)" = Z ] && sleep .1 || break; done
  alive "$p" "$comm" || { log "stale $f ($p)"; rm -f "$f"; }
}
apt_install(){ # own archive directory: another `apt-get update` deletes the shared one's .debs under our feet where docker-clean is configured
  local dir want=() p; dir=$(mktemp -d); mkdir "$dir/partial"; chmod 755 "$dir"
  for p in "$@"; do dpkg -s "$p" 2>/dev/null | grep -q '^Status: .* installed' || want+=("$p"); done
  [ ${#want[@]} = 0 ] && return
  log "installing ${want[*]}"; apt-get -o DPkg::Lock::Timeout=300 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dir::Cache::archives="$dir" install -y -qq --no-install-recommends "${want[@]}" >/dev/null
  rm -rf "$dir"
}
up(){
  if engine_ok; then log "engine already there"; return; fi
  [ "$(id -u)" = 0 ] || { log "no engine and not root: skip"; exit 77; }
  command -v apt-get >/dev/null || { log "no engine and no apt: skip"; exit 77; }
  local need=(iptables mmdebstrap ca-certificates); command -v dockerd >/dev/null || need+=(docker.io)   # another vendor's engine stays
  apt_install "${need[@]}"
  mkdir -p "$STATE" "$EXEC"
  { iptables -S FORWARD | sed -n 's/^-P FORWARD //p'; sysctl -n net.ipv4.ip_forward; } >"$STATE/before"
  clear_stale "$PIDF" dockerd; clear_stale "$EXEC/containerd/containerd.pid" containerd
  setsid nohup dockerd -H "$DOCKER_HOST" --data-root "$ROOT" --exec-root "$EXEC" --pidfile "$PIDF" >"$STATE/dockerd.log" 2>&1 </dev/null &
  local p=$! i
  for i in $(seq 300); do
    engine_ok && { echo "$p" >"$STATE/pid"; log "dockerd up (pid $p)"; return; }
    kill -0 "$p" 2>/dev/null || { log "dockerd died:"; tail -3 "$STATE/dockerd.log" >&2; exit 1; }
    sleep .1
  done
  log "dockerd did not answer"; exit 1
}
base(){ # tag suite
  local tag=$1 suite=$2 tar; mkdir -p "$STATE"
  docker image inspect "$tag" >/dev/null 2>&1 && { log "$tag present"; return; }
  timeout 120 docker pull -q "$tag" >/dev/null 2>&1 && { log "$tag pulled"; return; }
  log "no registry: building $tag from Debian packages"; apt_install mmdebstrap
  tar=$(mktemp -d)/base.tar
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000} "$HERE/mkbase.sh" "$suite" "$tar" >"$STATE/mmdebstrap.log" 2>&1 || { tail -5 "$STATE/mmdebstrap.log" >&2; exit 1; }
  docker import -c 'CMD ["bash"]' -c 'LABEL ci.standin=1' "$tar" "$tag" >/dev/null; rm -rf "$(dirname "$tar")"
  log "$tag imported"
}
builder(){ # prints the command that can do BuildKit builds
  if docker buildx version >/dev/null 2>&1; then echo "docker build"; return; fi
  local c v; for c in $(type -ap docker | sort -u); do
    v=$("$c" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'); [ "$v" -lt 23 ] && { echo "env DOCKER_BUILDKIT=1 $c build"; return; }
  done; log "no BuildKit client"; return 1
}
build(){ # context tag [docker build arguments]
  local context=$1 tag=$2 dir cmd a=() rc=0; shift 2; cmd=$(builder); dir=$(mktemp -d)
  python3 "$HERE/site_config.py" build "$dir/site" 2>/dev/null && [ -s "$dir/site" ] && a+=(--secret "id=site,src=$dir/site")
  $cmd --progress=plain ${a[@]+"${a[@]}"} -t "$tag" "$@" "$context" || rc=$?
  rm -rf "$dir"; return $rc
}
down(){
  [ -s "$STATE/pid" ] || { log "not ours: left alone"; return; }
  local p policy forward; p=$(cat "$STATE/pid"); alive "$p" dockerd || { log "gone already"; rm -f "$STATE/pid"; return; }
  docker ps -q | xargs -r docker rm -f >/dev/null
  kill -TERM "$p"; for _ in $(seq 300); do alive "$p" dockerd || break; sleep .1; done; rm -f "$STATE/pid"
  [ ! -e "$STATE/before" ] || { read -r policy; read -r forward; } <"$STATE/before" || true
  [ -z "${policy:-}" ] || iptables -P FORWARD "$policy"; [ -z "${forward:-}" ] || sysctl -qw net.ipv4.ip_forward="$forward"
  log "down"
}
"$@"
