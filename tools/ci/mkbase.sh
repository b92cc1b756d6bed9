#!/bin/sh
# mkbase.sh SUITE OUT.tar [ARGUMENT…]: make a small Debian root file system from packages (root, needs mmdebstrap).
#
# It stands in for the official slim image where no registry is reached: without documentation, manuals and
# translations, and apt keeps no packages. Names no mirror: mmdebstrap's default is taken.
set -eu
suite=$1 out=$2
shift 2
clean='APT::Keep-Downloaded-Packages "false";\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n'
exec mmdebstrap --mode=root --variant=minbase \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include=usr-is-merged,ca-certificates \
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
    --customize-hook="printf '$clean' >\"\$1/etc/apt/apt.conf.d/docker-clean\"" \
    "$@" "$suite" "$out"
