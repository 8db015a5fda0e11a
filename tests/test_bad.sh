#!/bin/sh
# Every malformed scenario of tests/bad must give its one error: exit code and message, to the letter.
#
#   FAASCAST=PROGRAM test_bad.sh [--update]
#
# NAME.json is the scenario, NAME.expect the expectation: first line the exit code, second line the message
# that stands first on the standard error (two lines that show the place may follow). Scenarios too large
# to store are made here; their expectations are stored like the others. --update writes what the
# program says into the .expect files: read the difference before you commit it.
set -u
program=$(realpath "${FAASCAST:?set it to the program}")
update=${1:-}
root=$(dirname "$(realpath "$0")")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root/bad" || exit 1

# 50 MB of valid JSON, and 10,000 levels of arrays.
{
    printf '{ "format": 1, "note": "'
    head -c 52428800 /dev/zero | tr '\0' 'x'
    printf '" }\n'
} >"$scratch/generated-50-megabytes.json"
{
    printf '{ "format": 1, "note": '
    head -c 10000 /dev/zero | tr '\0' '['
    head -c 10000 /dev/zero | tr '\0' ']'
    printf ' }\n'
} >"$scratch/generated-10000-levels.json"

count=0
failed=0
one() { # file as it is named to the program, its folder, expectation
    count=$((count + 1))
    (cd "$2" && timeout 30 "$program" check "$1") >"$scratch/out" 2>"$scratch/err"
    # Where the project lies is no part of the message.
    { echo $?; head -n 1 "$scratch/err" | sed "s|$(dirname "$root")/||"; } >"$scratch/got"
    if [ "$update" = --update ]; then
        cp "$scratch/got" "$3"
    elif ! cmp -s "$scratch/got" "$3"; then
        echo "FAIL $1"
        diff "$3" "$scratch/got" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
    if [ -s "$scratch/out" ] || [ "$(wc -l <"$scratch/err")" -gt 3 ]; then
        echo "FAIL $1: more than one error"
        head -n 5 "$scratch/out" "$scratch/err"
        failed=$((failed + 1))
    fi
}
for file in *.json; do
    one "$file" . "${file%.json}.expect"
done
for file in "$scratch"/generated-*.json; do
    name=$(basename "$file")
    one "$name" "$scratch" "$root/bad/${name%.json}.expect"
done
echo "$count malformed scenarios, $failed wrong"
[ "$failed" -eq 0 ] && [ "$count" -ge 60 ]
