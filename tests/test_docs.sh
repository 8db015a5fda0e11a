#!/bin/sh
# What is generated from the program's tables and checked in must be what the program says.
set -u
cd "$(dirname "$0")/.."
bad=0
"$FAASCAST" help --man | cmp -s - cli/faascast.1 || { echo "cli/faascast.1 is stale: run scripts/refresh"; bad=1; }
"$FAASCAST" help --completion | cmp -s - cli/completion.bash || { echo "cli/completion.bash is stale: run scripts/refresh"; bad=1; }
bash -n cli/completion.bash || bad=1
# Every command and option of --help stands in the man page.
for command in $("$FAASCAST" help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
    grep -q "^\.SS $command" cli/faascast.1 || { echo "man page lacks $command"; bad=1; }
    for option in $("$FAASCAST" help "$command" | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
        grep -qF -- "\\-\\-$(printf %s "$option" | sed 's/-/\\-/g')" cli/faascast.1 ||
            { echo "man page lacks --$option of $command"; bad=1; }
    done
done
# The README prints what its first command prints.
"$FAASCAST" predict scenarios/metafaas/mini-imagenet-maml-5way-1shot.json | sed 's/^\(.\)/    \1/' >"${TMPDIR:-/tmp}/readme.$$"
sed -n '/^The first prints/,/^## /p' README.md | sed '1,2d;$d' | sed '$d' | diff - "${TMPDIR:-/tmp}/readme.$$" ||
    { echo "README.md shows another output than predict has"; bad=1; }
rm -f "${TMPDIR:-/tmp}/readme.$$"
exit $bad
