#!/bin/sh
# faascast claims: conditions on predictions, true, false and open; every claim of the papers has a place.
set -u
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "$1"; bad=1; }

cat >"$dir/line.json" <<'TEXT'
{
  "format": 1,
  "name": "a line",
  "system": { "name": "serial" },
  "workload": { "algorithm": "sgd", "model": "none", "dataset": "none", "parameters": 1, "batch_size": 1, "iterations": 10 },
  "compute": { "unit_s": 1 },
  "platform": { "kind": "vm", "workers": 1, "vcpus": 1, "start_s": 10 },
  "data_store": {}
}
TEXT
claims() { # condition, file
    cat >"$2" <<TEXT
{ "claims": [
  { "id": "A", "holds": $1, "values": {
      "short": { "scenario": "line.json", "value": "compute_s" },
      "long": { "scenario": "line.json", "set": { "/workload/iterations": 30 }, "phase": "compute" } } },
  { "id": "B", "open": "nobody knows" } ] }
TEXT
}
printf 'id,document,where,claim\nA,Somebody,1,"it takes longer, the more there is"\nB,Somebody,2,why\n' >"$dir/papers.csv"

claims '"short == 10 && long == 1"' "$dir/true.json"
"$FAASCAST" claims "$dir/true.json" --papers "$dir/papers.csv" >"$dir/out" 2>&1
[ $? -eq 0 ] || fail "a claim that holds does not end with 0: $(cat "$dir/out")"
grep -q '^A *yes *it takes longer, the more there is$' "$dir/out" || fail "the claim is not told: $(cat "$dir/out")"
grep -q '1 hold, 0 do not, 1 are not modelled' "$dir/out" || fail "claims do not add up: $(cat "$dir/out")"
claims '["short < long", "short > 0"]' "$dir/false.json"
"$FAASCAST" claims "$dir/false.json" --papers "$dir/papers.csv" --format csv >"$dir/out" 2>&1
[ $? -eq 4 ] || fail "a claim that does not hold does not end with 4: $(cat "$dir/out")"
grep -q '^A,NO,Somebody,1,"it takes longer, the more there is",' "$dir/out" || fail "a row is not as it should be: $(cat "$dir/out")"
claims '"short < lnog"' "$dir/typo.json"
"$FAASCAST" claims "$dir/typo.json" --papers "$dir/papers.csv" >"$dir/out" 2>&1
[ $? -eq 3 ] || fail "an unknown name passes: $(cat "$dir/out")"
grep -q "typo.json:2:.*lnog.*long" "$dir/out" || fail "an unknown name is not told with its place: $(cat "$dir/out")"

# The shipped file: whatever holds, all claims of the papers are in it, and none besides.
"$FAASCAST" claims --format csv >"$dir/out" 2>"$dir/err"
code=$?
[ $code -eq 0 ] || [ $code -eq 4 ] || fail "the shipped claims cannot be read: $(cat "$dir/err")"
cut -d, -f1 scenarios/published/qualitative_claims.csv | sort >"$dir/papers"
cut -d, -f1 "$dir/out" | sort >"$dir/asked"
cmp -s "$dir/papers" "$dir/asked" || fail "claims of the papers and those asked differ: $(diff "$dir/papers" "$dir/asked")"
exit $bad
