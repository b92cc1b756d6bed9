#!/bin/bash
# JDKs and Pythons from Debian's packages, and a linker: `packages.bash "17 21" "3.11 3.13"`. The first JDK is /opt/java.
#
# What this Debian does not have comes from a newer one, NEWER_DEBIAN, with what it needs there (the C library, mostly).
# That one stays known to apt, behind this one: or nothing could be installed that goes with the exchanged packages.
set -euo pipefail

newer() {
    local own file list sources=()
    own=$(. /etc/os-release && echo "$VERSION_CODENAME")
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
        [ ! -s "$file" ] || sources+=("$file")
    done
    for file in "${sources[@]}"; do
        sed "s/\b$own\b/$NEWER_DEBIAN/g" "$file" >"/etc/apt/sources.list.d/$NEWER_DEBIAN.${file##*.}"
    done
    printf 'Package: *\nPin: release n=%s*\nPin-Priority: 100\n' "$NEWER_DEBIAN" >"/etc/apt/preferences.d/$NEWER_DEBIAN"
    # The build's own list, if it has one, stands for all that.
    eval "$(apt-config shell list Dir::Etc::sourcelist/f)"
    if [ "$list" != /etc/apt/sources.list ]; then
        file=$(sed "s/\b$own\b/$NEWER_DEBIAN/g" "$list")
        echo "$file" >>"$list"
    fi
    apt-get update -qq
}

wanted=(binutils) options=() # Go's cells are linked
for version in ${1//,/ }; do wanted+=("openjdk-$version-jdk-headless"); done
for version in ${2//,/ }; do wanted+=("python$version" "python$version-venv"); done
apt-get update -qq
for package in "${wanted[@]}"; do
    if [ ${#options[@]} = 0 ] && ! apt-cache show "$package" >/dev/null 2>&1; then
        echo "$package: not in this Debian"
        newer
        options=(--target-release "$NEWER_DEBIAN")
    fi
done
[ ${#options[@]} = 0 ] || wanted+=(python3-pip-whl python3-setuptools-whl) # whose older ones no newer Python takes
mkdir -p /usr/share/man/man1 # a slim base has none, and alternatives want to link into it
# Without what only jlink needs.
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${options[@]}" \
    -o 'Dpkg::Options::=--path-exclude=/usr/lib/jvm/*/jmods/*' "${wanted[@]}" >/tmp/apt.log 2>&1 ||
    { cat /tmp/apt.log >&2; exit 1; }
first=${1//,/ }
first=$(echo /usr/lib/jvm/java-"${first%% *}"-openjdk-*)
"$first/bin/java" -version
ln -s "$first" /opt/java
rm -rf /tmp/apt.log /var/log/apt /var/log/*.log
