#!/bin/bash
# An environment with kernel and libraries for each Python that is named but the base's, which has its own:
# `pythons.bash "3.11 3.13"`. The first is in /opt/venv, any other in /opt/python/VERSION.
set -euo pipefail

base=$(/opt/venv/bin/python3 -c 'import sys; print("{}.{}".format(*sys.version_info))')
versions=(${1//,/ })
for version in "${versions[@]}"; do
    home=/opt/python/$version
    if [ "$version" = "${versions[0]}" ]; then
        [ "$version" != "$base" ] || continue
        home=/opt/venv
        rm -rf /opt/venv
    fi
    "python$version" -m venv "$home"
    "$home/bin/pip" install --quiet --require-hashes --no-deps --requirement kernel.txt --requirement data.txt
    "$home/bin/pip" config --quiet --site set global.disable-pip-version-check true
    bash trim.bash "$home"
    chown -R 1000:1000 "$home"
done
