#!/bin/sh
# import, fit and refit as a user runs them.
set -u
program=$(realpath "${FAASCAST:?set it to the program}")
cd "$(dirname "$0")/.." || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
check() { # what, expected exit code, actual
    [ "$2" -eq "$3" ] || { echo "FAIL $1: exit code $3, expected $2"; bad=1; }
}
says() { # file, text
    grep -qF -- "$2" "$1" || { echo "FAIL: '$2' not in:"; cat "$1"; bad=1; }
}

# Every measured entry comes out as it is checked in, to the byte.
mkdir "$scratch/refit"
REFIT_OUT=$scratch/refit scripts/refit "$program" || bad=1
diff -r scenarios/catalogue/measured "$scratch/refit" || bad=1

log=tests/data/import/cloudwatch_lambda.log
"$program" import "$log" -o "$scratch/trace.csv" 2>"$scratch/err"
check import 0 $?
says "$scratch/err" "10 rows, 0 bad, 22 others"
gzip -c "$log" | "$program" import - --as cloudwatch >"$scratch/piped.csv" 2>/dev/null
check "import from a pipe" 0 $?
cmp "$scratch/trace.csv" "$scratch/piped.csv" || bad=1

printf 'REPORT RequestId: a\tDuration: x ms\n' | cat "$log" - >"$scratch/broken.log"
"$program" import "$scratch/broken.log" -o "$scratch/t.csv" 2>"$scratch/err"
check "import with a bad line" 0 $?
says "$scratch/err" "broken.log:33: "
says "$scratch/err" "10 rows, 1 bad, 22 others"
"$program" import tests/data/import/SOURCES.md -o "$scratch/none.csv" 2>"$scratch/err"
check "import of something else" 3 $?
[ ! -e "$scratch/none.csv" ] || { echo "FAIL: a trace from nothing"; bad=1; }
"$program" import "$log" --as cloudwach 2>"$scratch/err"
check "import as a kind with a typing error" 2 $?
says "$scratch/err" "did you mean 'cloudwatch'"

printf 'when,ms,bytes\n1700000000,12.5,1\n1700000009,13.5,1\n1700000019,11,2\n1700000029,14,1\n1700000039,12,1\n' >"$scratch/own.csv"
"$program" import "$scratch/own.csv" --map when=time_s --map ms=duration_ms --map bytes=size_bytes \
    --const op=get --const service=mine -q -o "$scratch/own-trace.csv"
check "import of plain CSV" 0 $?
"$program" fit "$scratch/own-trace.csv" --what store --over s3-standard-current --name mine \
    -o "$scratch/mine.json" 2>"$scratch/err"
check fit 0 $?
says "$scratch/err" "get_latency_s"
says "$scratch/mine.json" '"date": "2023-11-14"'
"$program" fit "$scratch/own-trace.csv" 2>"$scratch/err"
check "fit of nothing in particular" 2 $?
"$program" fit "$scratch/own-trace.csv" --what stores 2>"$scratch/err"
check "fit with a typing error" 2 $?
says "$scratch/err" "did you mean 'store'"

# The entry can be used by a scenario that names the file, or one that includes such a scenario.
scenario=$PWD/scenarios/metafaas/mini-imagenet-maml-5way-1shot.json
mkdir "$scratch/elsewhere"
printf '{ "include": ["%s"], "catalogue": ["mine.json"], "store": { "use": "mine" } }\n' "$scenario" >"$scratch/own.json"
printf '{ "include": ["../own.json"] }\n' >"$scratch/elsewhere/above.json"
"$program" predict "$scratch/own.json" --format csv -q >"$scratch/own.out" 2>"$scratch/err"
check "predict with a fitted store" 0 $?
"$program" predict "$scratch/elsewhere/above.json" --format csv -q >"$scratch/above.out" 2>>"$scratch/err"
check "predict with a fitted store, included" 0 $?
"$program" predict "$scenario" --set "/catalogue=[\"$scratch/mine.json\"]" --set /store/use=mine --format csv -q \
    >"$scratch/set.out" 2>>"$scratch/err"
check "predict with a fitted store by --set" 0 $?
"$program" new "$scratch/elsewhere/copy" --from "$scratch/own.json" -q &&
    "$program" predict "$scratch/elsewhere/copy.json" --format csv -q >"$scratch/copy.out" 2>>"$scratch/err"
check "predict with a fitted store, from a copy elsewhere" 0 $?
"$program" predict "$scenario" --format csv -q >"$scratch/shipped.out"
cmp -s "$scratch/own.out" "$scratch/shipped.out" && { echo "FAIL: the fitted store changes nothing"; bad=1; }
sed -i 's/"mini-ImageNet, MAML, 5-way 1-shot"/copy/' "$scratch/own.out" "$scratch/above.out" "$scratch/set.out" # its name
for other in above set copy; do
    cmp "$scratch/own.out" "$scratch/$other.out" || bad=1
done
[ $bad -eq 0 ] || cat "$scratch/err"
"$program" predict "$scenario" --set '/catalogue=["none.json"]' 2>"$scratch/err"
check "a catalogue file that is not there" 3 $?
says "$scratch/err" "/catalogue/0: cannot open none.json"
"$program" predict "$scratch/own.json" --set "/catalogue=[\"$scratch/mine.json\"]" 2>"$scratch/err"
check "a catalogue file twice" 3 $?
says "$scratch/err" "'mine' stands in $scratch/mine.json:"

# A copy elsewhere finds what its origin names beside it: profile, values of the sweep.
cp scenarios/profiles/epyc-zen5-avx2.json "$scratch/near.json"
printf '/platform/workers,/platform/memory_mib\n1,2048\n3,4096\n' >"$scratch/values.csv"
printf '{ "include": ["own.json"], "compute": { "profile": "near" }, "sweep": { "grid": null, "values_from": "values.csv" } }\n' \
    >"$scratch/near-files.json"
"$program" new "$scratch/elsewhere/moved" --from "$scratch/near-files.json" -q &&
    "$program" predict "$scratch/elsewhere/moved.json" >"$scratch/out" 2>"$scratch/err"
check "predict of a copy with files beside its origin" 0 $?
# Two axes leave no room for all parts of the time: a part goes, the marks stay whole.
says "$scratch/out" cheapest
says "$scratch/out" fastest
[ "$(awk '/speed-up  *start/ { print length }' "$scratch/out")" -le 100 ] || { echo "FAIL: a table wider than 100"; bad=1; }

# A profile lies beside the scenario, by its name or as a file; the report finds it too.
profile=scenarios/profiles/epyc-zen5-avx2.json
cp "$profile" "$scratch/slow.json"
for name in slow slow.json ./slow.json "$scratch/slow.json"; do
    "$program" predict "$scratch/own.json" --set "/compute/profile=$name" -q >/dev/null 2>"$scratch/err"
    code=$?
    case $name in /*) check "profile $name" 0 $code ;; *) check "profile $name of another folder" 3 $code ;; esac
    printf '{ "include": ["own.json"], "compute": { "profile": "%s" } }\n' "$name" >"$scratch/p.json"
    "$program" predict "$scratch/p.json" --format csv -q >"$scratch/p.out" 2>"$scratch/err"
    check "profile $name" 0 $?
    "$program" report "$scratch/p.json" -o "$scratch/p.html" -q >/dev/null 2>"$scratch/err"
    code=$?
    [ $code -eq 4 ] || check "report with profile $name" 0 $code
    says "$scratch/p.html" "faascast calibrate on this host"
done
"$program" predict "$scratch/own.json" --set /compute/profile=epyc-zen5-avx 2>"$scratch/err"
check "a profile with a typing error" 3 $?
says "$scratch/err" 'no profile "epyc-zen5-avx", did you mean "epyc-zen5-avx2"? (neither epyc-zen5-avx.json nor '
exit $bad
