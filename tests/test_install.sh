#!/bin/sh
# An installed program finds its data, away from the source tree.
set -eu
build=$(dirname "$(dirname "$FAASCAST")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cmake --install "$build" --prefix "$root" >/dev/null
cd /
unset FAASCAST_DATA FAASCAST_PLOTS
"$root/bin/faascast" version | grep -q '^faascast '
"$root/bin/faascast" predict "$root/share/faascast/scenarios/metafaas/mini-imagenet-maml-5way-1shot.json" \
    --format csv >"$root/out.csv"
[ "$(wc -l <"$root/out.csv")" -eq 6 ]
strings=$("$root/bin/faascast" show catalogue | wc -l)
[ "$strings" -gt 50 ]
[ -f "$root/share/man/man1/faascast.1" ]
