#!/bin/sh
# usage: mkbase.sh <suite> <out.tar>   (root; no mirror named: mmdebstrap's own default is used)
set -eu
suite=$1 out=$2; shift 2
hooks=/usr/share/mmdebstrap/hooks/merged-usr
exec mmdebstrap --mode=root --variant=minbase \
  --hook-dir="$hooks" --include=usr-is-merged,ca-certificates \
  --aptopt='APT::Install-Recommends "false"' \
  --aptopt='Acquire::Languages "none"' \
  --aptopt='Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/lintian/*' \
  --customize-hook='printf "APT::Keep-Downloaded-Packages \"false\";\nDPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb || true\"; };\n" > "$1/etc/apt/apt.conf.d/docker-clean"' \
  "$@" "$suite" "$out"
