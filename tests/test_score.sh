#!/bin/sh
# faascast score on a table whose answer is known: 10 + 2 x seconds on one worker, less and less exact.
set -u
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "$1"; bad=1; }

cat >"$dir/table.csv" <<'TEXT'
units,time_s
0,8
10,30
20,50
40,90
TEXT
scenario() { # columns "set", file
    cat >"$2" <<TEXT
{
  "format": 1,
  "name": "a line",
  "system": { "name": "serial" },
  "workload": { "algorithm": "sgd", "model": "none", "dataset": "none", "parameters": 1, "batch_size": 1, "iterations": 10 },
  "compute": { "unit_s": 1 },
  "platform": { "kind": "vm", "workers": 1, "vcpus": 1, "start_s": 10 },
  "data_store": {},
  "score": {
    "against": "table.csv",
    "where": { "units": { "above": 0 } },
    "set": { $1 },
    "measured": "time_s",
    "predicted": "startup_s + compute_s",
    "fit": { "/compute/unit_s": { "from": 0, "to": 100, "start": 1 } }
  }
}
TEXT
}
scenario '"units": "/workload/iterations"' "$dir/good.json"
scenario '"unit": "/workload/iterations"' "$dir/column.json"

"$FAASCAST" score "$dir/good.json" --format csv >"$dir/out" 2>"$dir/err" || fail "score failed: $(cat "$dir/err")"
[ "$(wc -l <"$dir/out")" -eq 4 ] || fail "expected a header and the three rows above 0: $(cat "$dir/out")"
tail -n +2 "$dir/out" | awk -F, '$6 > 1e-6 || $6 < -1e-6 { exit 1 }' || fail "the line is not found: $(cat "$dir/out")"
"$FAASCAST" score "$dir/good.json" --hold-out leave-one-out --max-mape 0.001 >"$dir/out" 2>&1 || fail "an exact line has an error: $(cat "$dir/out")"
"$FAASCAST" score "$dir/good.json" --hold-out units=40 --format csv >"$dir/out" 2>&1
[ "$(wc -l <"$dir/out")" -eq 2 ] || fail "one row is held out: $(cat "$dir/out")"

# A run twice as long as the law says must show, and end with 4 beyond --max-mape.
sed 's/^40,90$/40,180/' "$dir/table.csv" >"$dir/off.csv"
"$FAASCAST" score "$dir/good.json" --against "$dir/off.csv" --hold-out units=40 --max-mape 0.1 >"$dir/out" 2>&1
[ $? -eq 4 ] || fail "an error of half does not end with 4: $(cat "$dir/out")"
grep -q 'largest 50.00 %' "$dir/out" || fail "an error of half is not shown: $(cat "$dir/out")"

"$FAASCAST" score "$dir/column.json" >"$dir/out" 2>&1
[ $? -eq 3 ] || fail "an unknown column does not end with 3"
grep -q 'column.json:12:.*unit' "$dir/out" || fail "an unknown column is not named with its line: $(cat "$dir/out")"
"$FAASCAST" score "$dir/good.json" --hold-out units=99 >"$dir/out" 2>&1 && fail "holding out no row passes"
"$FAASCAST" score "$dir/good.json" --hold-out 9 >"$dir/out" 2>&1 && fail "more folds than rows pass"
"$FAASCAST" score "$dir/good.json" --against "$dir/none.csv" >"$dir/out" 2>&1 && fail "a missing table passes"
exit $bad
