#!/bin/sh
# plan: the answer for people and for programs, exit codes, limits that cannot be met, the picture.
set -u
root=$(realpath "$(dirname "$0")/..")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root" || exit 1
bad=0
fail() {
    echo "FAIL $*"
    bad=1
}
scenario=scenarios/metafaas/mini-imagenet-maml-5way-1shot.json
small="--set /name=small --set /compute/framework_ratio=2.42 --set /plan={\"grid\":{\"/platform/workers\":[1,2,4,8,9,16],\"/platform/memory_mib\":{\"from\":256,\"to\":10240,\"points\":157}}}"
plan() { # expected exit code, arguments
    want=$1
    shift
    # shellcheck disable=SC2086 # the options are words
    "$FAASCAST" plan "$scenario" $small "$@" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" -eq "$want" ] || fail "plan $*: exit code $got, expected $want: $(cat "$scratch/err")"
}
says() { grep -q -- "$1" "$scratch/out" "$scratch/err" || fail "missing: $1"; }

# The JSON of two commands, but for the line that says which command it was.
same_answer() {
    for one in out one.json; do
        grep -v '^    "command": ' "$scratch/$one" >"$scratch/$one.rest"
    done
    cmp -s "$scratch/out.rest" "$scratch/one.json.rest" || fail "$1"
}

# Within limits: a recommendation, with intervals and shares; not a word on stderr.
plan 0 --deadline 8h --budget '20 USD' --replications 8
says '^Recommended: [0-9]* workers of [0-9]* MiB$'
says 'simulated runs with 95 % intervals'
# A mean and its interval end in the same digit; ties are explained where there are some, and only there.
says '^    [0-9]* h [0-9]* min \([0-9]* s ± [0-9]* s\|± [0-9]* min\), [0-9.]* ± [0-9.]* USD$'
sed -n 's/.* \([0-9]*\.[0-9]*\) ± \([0-9]*\.[0-9]*\) USD.*/\1 \2/p' "$scratch/out" |
    awk '{ split($1, a, "."); split($2, b, "."); if (length(a[2]) != length(b[2])) exit 1; n++ } END { exit !n }' ||
    fail "dollars and their interval differ in precision"
[ "$(grep -c '^  = ' "$scratch/out")" -gt 0 ] && ties=1 || ties=0
[ "$(grep -c '(= not told from the best' "$scratch/out")" -eq $ties ] || fail "the sign of ties: $ties, but: $(grep '^Rivals' "$scratch/out")"
says '% of runs are within 8 h 00 min and for at most 20.00 USD'
says '^    one hour earlier '
[ ! -s "$scratch/err" ] || fail "words on stderr: $(cat "$scratch/err")"

# Out of reach: exit code 4, what is nearest, and what each limit alone would take.
plan 4 --deadline 2h --budget '5 USD'
says '^No configuration is within 2 h 00 min and for at most 5.000 USD.$'
says '^Nearest: '
says 'within 2 h 00 min: nothing, the fastest takes'
says 'for 5.000 USD the fastest takes'
plan 4 --deadline 1h --closed-form
says 'within 1 h 00 min: nothing, the fastest takes .* USD: the nearest$'

# Exact and exhaustive are the same; so are all numbers of threads.
plan 0 --deadline 9h --budget 99 --closed-form --format csv
cp "$scratch/out" "$scratch/exact.csv"
plan 0 --deadline 9h --budget 99 --closed-form --format csv --strategy exhaustive -j 1
cmp -s "$scratch/out" "$scratch/exact.csv" || fail "exhaustive gives another front"
plan 0 --deadline 9h --budget 99 --closed-form --format csv -j 3
cmp -s "$scratch/out" "$scratch/exact.csv" || fail "three threads give another front"
plan 0 --deadline 9h --budget 99 --minimise time --replications 4 -j 1 --format json
cp "$scratch/out" "$scratch/one.json"
plan 0 --deadline 9h --budget 99 --minimise time --replications 4 -j 2 --format json
same_answer "two threads give another answer"
"$FAASCAST" plot pareto "$scratch/one.json" -o "$scratch/front.svg" 2>"$scratch/err" ||
    fail "plot pareto refuses a plan: $(cat "$scratch/err")"

# Every row of the front is nobody's inferior.
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) { if ($i == "time_s") t = i; if ($i == "cost_usd") c = i } next }
    NR > 2 && ($t <= time || $c >= cost) { exit 1 } { time = $t; cost = $c }' \
    "$scratch/exact.csv" || fail "the front is not sorted"

# A time that is only an upper bound has the sign in the table and the key in CSV and JSON, as everywhere.
few='--set=/plan={"grid":{"/platform/workers":[1,2,4,8,16],"/platform/memory_mib":[10240]}}'
plan 4 "$few" --closed-form --format csv
bounds=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bound") b = i; next } { n += $b } END { print n + 0 }' "$scratch/out")
[ "$bounds" -gt 0 ] || fail "no row of the front is a bound: nothing is tested"
plan 4 "$few" --closed-form
[ "$(sed -n '/^Pareto/,$p' "$scratch/out" | grep -c '^ .*<= .* USD')" -eq "$bounds" ] || fail "$bounds bounds in CSV, in the table: $(cat "$scratch/out")"
says '^<= is an upper bound'
plan 0 "$few" --closed-form --minimise time --deadline 99h --budget 99 --format json
says '"answer": {.*"bound": 1'

# A condition on the answer.
plan 4 --deadline 9h --budget 99 --closed-form --fail-if 'cost_usd > 1'
plan 0 --deadline 9h --budget 99 --closed-form --fail-if 'cost_usd > 50'

# sensitivity: the table, the same bytes again, the picture of its CSV, inputs that change nothing.
sensitivity() { "$FAASCAST" sensitivity "$scenario" --samples 64 "$@" >"$scratch/out" 2>"$scratch/err"; }
sensitivity --vary /compute/serial_share=0.02:0.2 --vary /server/start_s=1:2 || fail "sensitivity: $(cat "$scratch/err")"
says '^/compute/serial_share '
says '^/store/latency_s '
says '^Shares of the variance (Sobol indices, 64 rows, 95 % bootstrap intervals)$'
says '^Nothing changes with .*/server/start_s'
sensitivity --format csv || fail "sensitivity as csv"
cp "$scratch/out" "$scratch/inputs.csv"
sensitivity --format csv
cmp -s "$scratch/out" "$scratch/inputs.csv" || fail "sensitivity gives other bytes"
"$FAASCAST" plot tornado "$scratch/inputs.csv" -o "$scratch/tornado.svg" 2>"$scratch/err" ||
    fail "plot tornado refuses sensitivity: $(cat "$scratch/err")"
sensitivity --vary nonsense
[ $? -eq 2 ] || fail "a --vary without a range is no usage error"
sensitivity --vary /compute/unit=1:2
[ $? -eq 2 ] || fail "an unknown --vary is no usage error"

# Break-even: functions or machines by the machine's price, as table, JSON and CSV; the bills are
# equal where the choice changes.
network='--set /network={"latency_s":0.0005,"aggregate_bytes_per_s":1.25e9}'
rivals='--set /plan={"zip":{"/system":[{"name":"metafaas","variant":"literal"},{"name":"vm-ring"}],"/platform/use":["aws-lambda-2022-06","ec2-c5.4xlarge"]},"grid":{"/platform/workers":[1,2,4,8,16]}}'
hourly=/prices/classes/ec2-c5.4xlarge/usd_per_hour
limits='--set /constraints={"deadline_s":1e9}'
# shellcheck disable=SC2086 # the options are words
plan 0 $network $rivals $limits --break-even $hourly
says ', functions win over machines$'
says '^    below .* vm-ring, ec2-c5.4xlarge$'
says '^    above .* metafaas (literal), aws-lambda-2022-06$'
# shellcheck disable=SC2086
plan 0 $network $rivals $limits --break-even $hourly --format json
says '"jump": false, "before": {"configuration": "1 worker, vm-ring'
says '"now": 0.68'
# shellcheck disable=SC2086
plan 0 $network $rivals $limits --break-even $hourly --format csv
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) name[$i] = i }
    NR == 2 { gsub(/"[^"]*"/, "x")
              d = $name["before_cost_usd"] / $name["after_cost_usd"] - 1
              found = d < 1e-6 && d > -1e-6 && $name["before_system"] == "vm-ring" }
    END { exit NR == 2 && found ? 0 : 1 }' "$scratch/out" || fail "the bills differ at the break-even price"
# shellcheck disable=SC2086
plan 0 $network $rivals $limits --break-even $hourly:1:2
says '^Nothing changes.$'
plan 3 --break-even /store/latncy_s
says "did you mean 'latency_s'"
plan 2 --break-even /store/latency_s:2:1
plan 2 --break-even /platform/workers
says 'searched by the plan itself'

# SMLT's optimiser beside the exact answer: measurements, bill, regret; same seed, same bytes.
plan 0 --deadline 9h --budget 99 --strategy smlt-ei
says '^Recommended  '
says '^Regret .* with profiling '
plan 0 --deadline 9h --budget 99 --strategy smlt-ei --seed 3 --format json
says '"strategy": "smlt-ei"'
cp "$scratch/out" "$scratch/one.json"
plan 0 --deadline 9h --budget 99 --strategy smlt-ei --seed 3 --format json -j 2
same_answer "the same seed gives other measurements"
plan 0 --deadline 9h --budget 99 --strategy smlt-ucb --format csv
[ "$(wc -l <"$scratch/out")" -eq 2 ] || fail "smlt-ucb has 16 workers alone to measure: $(cat "$scratch/out")"
plan 4 --deadline 2h --budget '5 USD' --strategy smlt-ei
says '^Nothing is within the limits.$'

# Where results come from: in the JSON of predict, simulate, plan and sensitivity; beside CSV files.
# Prices, profile and program are the same for all of them (a plan's scenario has other axes).
short="$small --set /simulation/replications_min=2 --set /simulation/replications_max=2 --set /workload/iterations=20"
for command in predict simulate "plan --closed-form" "plan --break-even /store/latency_s" "plan --strategy smlt-ei" \
    "sensitivity --samples 0"; do
    # shellcheck disable=SC2086 # the options are words
    "$FAASCAST" $command "$scenario" $short --set '/constraints={"deadline_s":1e9}' --format json >"$scratch/out" 2>"$scratch/err" ||
        fail "$command as json: $(cat "$scratch/err")"
    for key in faascast commit scenario name scenario_hash prices_hash profile_hash engines command host seed points; do
        grep -q "^    \"$key\": " "$scratch/out" || fail "$command does not say its $key"
    done
    grep -E '"(commit|prices_hash|profile_hash)": ' "$scratch/out" >"$scratch/hashes"
    [ -s "$scratch/first" ] || cp "$scratch/hashes" "$scratch/first"
    cmp -s "$scratch/hashes" "$scratch/first" || fail "$command has other hashes: $(cat "$scratch/hashes")"
    ! grep -q '"started"' "$scratch/out" || fail "$command tells the time of day"
done
for command in predict "plan --closed-form" "sensitivity --samples 0"; do
    rm -f "$scratch/beside.csv.provenance.json"
    # shellcheck disable=SC2086
    "$FAASCAST" $command "$scenario" $short --set '/constraints={"deadline_s":1e9}' --format csv -o "$scratch/beside.csv" 2>"$scratch/err" ||
        fail "$command -o: $(cat "$scratch/err")"
    grep -E '"(commit|prices_hash|profile_hash)": ' "$scratch/beside.csv.provenance.json" >"$scratch/hashes"
    cmp -s "$scratch/hashes" "$scratch/first" || fail "$command: no provenance beside its CSV file"
done
"$FAASCAST" predict "$scenario" --format csv -o /dev/null || fail "predict -o /dev/null"
[ ! -e /dev/null.provenance.json ] || fail "a file beside /dev/null"

# check reads the section plan as plan does.
check() { # expected exit code, section plan, words
    "$FAASCAST" check "$scenario" --set "/plan=$2" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" -eq "$1" ] || fail "check with plan $2: exit code $got, expected $1: $(cat "$scratch/err")"
    says "$3"
}
check 0 '{"grid":{"/platform/workers":[1,2],"/platform/memory_mib":[1024,2048,4096]}}' 'valid, 5 configurations, 6 to plan from$'
check 3 '{"gird":{}}' "did you mean 'grid'"
check 3 '{"grid":{"/platform/wrokers":[1,2]}}' 'wrokers'
check 3 '{"grid":{"/store/use":["s3-standard-2022","no-store"]}}' 'no "no-store" among'
check 3 '{"zip":{"/platform/workers":[1,2],"/store/latency_s":[1,2]}}' 'cannot stand in a zip'

# Wrong usage.
plan 2 --minimise speed
says 'expected time, cost or balanced:0.5'
plan 2 --minimise balanced:2
plan 2 --deadline soon
plan 2 --strategy guess
plan 2 --confidence 2
plan 2 --break-even /store/latency_s --break-even /workload/iterations
says 'expected one at a time'
plan 4 --break-even /store/latency_s:0.01:0.1 --deadline '1 s'
says 'no configuration is within 1 s'
exit $bad
