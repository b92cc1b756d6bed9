#!/bin/bash
# `toolchains.bash TOOL VERSIONS LANGUAGE…`: let execd install the languages for each version of their tool, link the
# first one to /opt/TOOL, and remove what programs do not need.
set -euo pipefail

tool=$1 versions=${2//,/ } kernels=/usr/local/share/execd/kernels
shift 2
wanted=()
for version in $versions; do
    for language in "$@"; do wanted+=("$language@$version"); done
done
# The build arguments have the names of the daemon's settings, and would choose what is not there yet.
env -u NODE_VERSION -u GO_VERSION -u JAVA_VERSION -u PYTHON_VERSION execd kernels install "${wanted[@]}"

[ "$tool" != java ] || exit 0
first=$(printf '%s\n' "$kernels/toolchains/$tool-${versions%% *}"{,.*} | while read -r home; do
    [ ! -x "$home/bin/$tool" ] || echo "$home"
done | sort -V | tail -n 1)
ln -s "$first" "/opt/$tool"
for home in "$kernels/toolchains/$tool"-*; do
    case $tool in
        node) rm -rf "$home"/{include,share} "$home"/lib/node_modules/npm/{docs,man} ;;
        go) # not the compiler's sources, nor the library's own tests
            find "$home/src" \( -name '*_test.go' -o -path '*/race/*.syso' \) -delete
            find "$home/src" -depth -type d -name testdata -exec rm -rf {} +
            rm -rf "$home"/{api,doc,misc,test,src/cmd}
            ;;
    esac
done
