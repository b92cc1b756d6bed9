#!/bin/bash
# `trim.bash DIRECTORY`: remove from Python's libraries what only their makers, or a notebook's page, have a use for.
set -euo pipefail

find "$1" -depth -type d -path '*/site-packages/*/tests' -exec rm -rf {} +
find "$1" -depth -type d -path '*/site-packages/*/labextension' -exec rm -rf {} +
rm -rf "$1"/{etc,share}/jupyter/{lab,nb}* "$1"/lib/python3*/site-packages/widgetsnbextension/static
