#!/bin/bash
# Sweeps: the same rows whatever threads, shards, kills; what re-runs and what does not; refusals.
#   KILLS=50 tests/test_sweep.sh    kills as often as asked (default 4)
set -u
full=$PWD/tests/data/sweep.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
scenario=$work/small.json
sed 's/"points": 50/"points": 5/' "$full" >small.json # a tenth of the 20,000 points
bad=0
fail() {
    echo "FAIL $*"
    bad=1
}
same() { cmp -s "$1" "$2" || fail "$3: $1 and $2 differ"; }
sweep() { "$FAASCAST" sweep "$@"; }
# Points computed by the latest run of a store.
computed() { "$FAASCAST" results "$1" --format csv | tail -n 1 | rev | cut -d, -f3 | rev; }

# Once without disturbance; predict gives the same rows.
sweep "$scenario" -j 1 -o one.csv >/dev/null || fail "a plain sweep"
[ "$(wc -l <one.csv)" -eq 1971 ] || fail "rows: $(wc -l <one.csv)"
"$FAASCAST" predict "$scenario" --format csv >predict.csv
same one.csv predict.csv "sweep and predict"
grep -q '"scenario_hash": "[0-9a-f]\{16\}"' one.csv.provenance.json || fail "no provenance beside the CSV"

# Threads, shards.
sweep "$scenario" -j 2 -o two.csv >/dev/null
same one.csv two.csv "-j 2"
for i in 1 2 3; do sweep "$scenario" --shard $i/3 -o part$i.db >/dev/null || fail "shard $i"; done
"$FAASCAST" results part3.db part1.db part2.db -q -o union.csv
same one.csv union.csv "the union of shards"
"$FAASCAST" results part1.db part2.db part3.db -q -o merged.db
"$FAASCAST" results merged.db --run 1 --format csv >merged.csv
same one.csv merged.csv "shards put together in a store"

# Killed at random moments, the sweep goes on where it was.
RANDOM=${SEED:-11}
sweep "$full" -q -o whole.csv >/dev/null || fail "20,000 points"
alive=0
for _ in $(seq "${KILLS:-4}"); do
    sweep "$full" -j 2 -q -o killed.db >/dev/null &
    pid=$!
    sleep "0.$(printf '%03d' $((RANDOM % ${KILL_MS:-150})))"
    kill -9 $pid 2>/dev/null || alive=$((alive + 1))
    wait $pid 2>/dev/null
    if [ "${FRESH:-}" ]; then # resume after every kill, then begin anew
        sweep "$full" -q -o killed.db >/dev/null || fail "the sweep that goes on"
        "$FAASCAST" results killed.db --run 1 --format csv >killed.csv
        same whole.csv killed.csv "after kill -9"
        rm -f killed.db*
    fi
done
sweep "$full" -q -o killed.db >/dev/null || fail "the sweep that goes on"
"$FAASCAST" results killed.db --run 1 --format csv >killed.csv
same whole.csv killed.csv "after kill -9"
[ -z "${FRESH:-}" ] || echo "kills that came too late: $alive"

# Nothing is computed twice; a comment changes nothing; a number re-runs what depends on it.
sweep "$scenario" -o one.db >/dev/null
[ "$(computed one.db)" = 0 ] || fail "a second run computed $(computed one.db)"
sed -e '1i // Another comment' -e 's|"name": "sweep for tests"|"name": "sweep for tests", "note": "new"|' \
    "$scenario" >changed.json
sweep changed.json -o one.db >/dev/null
[ "$(computed one.db)" = 0 ] || fail "a changed comment computed $(computed one.db)"
sed -i 's|"to": 20, "points": 20|"to": 21, "points": 21|' changed.json # one more number of workers
sweep changed.json -o one.db >/dev/null
[ "$(computed one.db)" = 90 ] || fail "one more value computed $(computed one.db)"
sed -i 's|"seed": 7|"seed": 8|' changed.json # the closed form draws nothing
sweep changed.json -o one.db >/dev/null
[ "$(computed one.db)" = 0 ] || fail "a changed seed computed $(computed one.db)"
"$FAASCAST" predict changed.json --format csv >predict.csv
"$FAASCAST" results one.db --run 4 -q -o changed.csv
same predict.csv changed.csv "rows taken over"
sed -i 's|"unit_s": 0.25|"unit_s": 0.26|' changed.json
sweep changed.json -o one.db >/dev/null
[ "$(computed one.db)" = 2060 ] || fail "a changed time computed $(computed one.db)"

# Both engines; -j 1, -j 2 and simulate agree.
few="--set /sweep/grid/~1platform~1memory_mib=[2048] --set /sweep/grid/~1platform~1workers=[2,5]"
for j in 1 2; do
    # shellcheck disable=SC2086
    sweep "$scenario" $few --engine both -j $j -q -o both$j.csv >/dev/null || fail "both engines"
done
same both1.csv both2.csv "both engines, -j"
# shellcheck disable=SC2086
"$FAASCAST" simulate "$scenario" $few --format csv >simulate.csv
{ head -n 1 both1.csv && grep ,simulate, both1.csv; } >simulated.csv
same simulate.csv simulated.csv "sweep and simulate"

# Filters, other commands.
n=$("$FAASCAST" results one.db --run 1 --where 'workers = 5 and time_s < 300' --format csv | wc -l)
m=$(awk -F, '/,ok,/ && $11 == 5 && $15 < 300' one.csv | wc -l)
[ "$n" -eq $((m + 1)) ] && [ "$m" -gt 5 ] || fail "--where: $n lines, expected $m rows and a header"
"$FAASCAST" plot pareto two.db -o pareto.svg 2>plot.err || fail "plot of a store: $(cat plot.err)"

# Two processes, one store.
sweep "$scenario" -q -o shared.db >/dev/null &
first=$!
sweep "$scenario" -q -o shared.db >/dev/null || fail "the second of two processes"
wait $first || fail "the first of two processes"
"$FAASCAST" results shared.db --run 1 --format csv >shared.csv
same one.csv shared.csv "two processes on one store"
# Three that make the file at the same moment, several times over.
sed 's/"points": 50/"points": 1/' "$full" >short.json
for round in 1 2 3 4 5 6 7 8; do
    started=
    for _ in 1 2 3; do
        sweep short.json -q -o "race$round.db" --shard 1/40 >/dev/null &
        started="$started $!"
    done
    for one in $started; do
        wait "$one" || fail "one of three processes that make race$round.db"
    done
done

# Refusals: exit code and words.
refused() { # code, words, command
    code=$1 words=$2
    shift 2
    "$@" >out 2>err
    got=$?
    [ $got -eq "$code" ] || fail "exit code $got, expected $code: $*: $(cat err)"
    grep -q "$words" err || fail "'$words' is not in: $(cat err)"
}
refused 1 'No space left' "$FAASCAST" results one.db --run 1 --format csv -o /dev/full
refused 2 'did you mean\|--engine guess: expected' sweep "$scenario" --engine guess
refused 2 'expected I/N' sweep "$scenario" --shard 4/3
refused 2 'the end .csv' sweep "$scenario" -o results.txt
refused 1 'nowhere/x.db' sweep "$scenario" -o nowhere/x.db
echo 'no store, but long enough to be read as one' >plain.db
refused 3 'no result store' sweep "$scenario" -o plain.db
refused 3 'no result store' "$FAASCAST" results plain.db
refused 1 'cannot open' "$FAASCAST" results nosuch.db
refused 2 'no run 77' "$FAASCAST" results two.db --run 77
refused 2 'did you mean' "$FAASCAST" results two.db --where 'tme_s < 1'
# A folder nobody may write (root may, unless the file system is read-only).
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed && chmod 555 closed
    refused 1 'closed/x.db' sweep "$scenario" -o closed/x.db
fi
# A full disk: a clear error, what is stored stays, and the sweep goes on elsewhere.
mkdir small
if mount -t tmpfs -o size=1m none small 2>/dev/null; then
    refused 1 'no room left on the disk' sweep "$full" -o small/x.db
    mount -o remount,size=64m small
    sweep "$full" -q -o small/x.db >/dev/null || fail "going on after a full disk"
    "$FAASCAST" results small/x.db --run 1 --format csv >full.csv
    same whole.csv full.csv "after a full disk"
    mount -o remount,ro small
    refused 1 'Read-only' sweep "$full" -o small/x.db
    refused 1 'small/y.db' sweep "$full" -o small/y.db
    "$FAASCAST" results small/x.db --run 1 --format csv >full.csv
    same whole.csv full.csv "read from a read-only disk"
    umount small
fi
# A point that cannot be evaluated: the others are kept, the first failure is told with its place.
sed 's|"/platform/workers": {[^}]*}|"/platform/workers": [1, 2], "/workload/dataset": ["mini-imagenet", "mini-imagnet"]|' \
    "$scenario" >broken.json
refused 3 'mini-imagnet' sweep broken.json -q -o broken.db
"$FAASCAST" results broken.db --run 1 --format csv >broken.csv
[ "$(wc -l <broken.csv)" -eq 201 ] || fail "rows beside a failure: $(wc -l <broken.csv)"
sweep "$scenario" --dry-run --store none.db | grep -q '^2000 points, 0 of them stored already in none.db' || fail "--dry-run"
[ ! -e none.db ] || fail "--dry-run makes a store"
sweep "$scenario" --shard 1/4 --store quarter.db -q || fail "a quarter"
sweep "$scenario" --dry-run --store quarter.db | grep -q '^2000 points, 492 of them stored' || fail "--dry-run beside a quarter"
cp quarter.db dry.db
sweep "$scenario" --dry-run -o dry.db | grep -q '^2000 points, 492 of them stored already in dry.db' || fail "--dry-run -o of a store"
cmp -s quarter.db dry.db || fail "--dry-run writes over the store that -o names"
cp "$scenario" own.json
sweep own.json -o own.json 2>err && fail "a sweep over its own scenario"
grep -q 'own.json: this is the file that is read' err && cmp -s "$scenario" own.json || fail "a sweep over its own scenario: $(cat err)"
sweep "$scenario" --dry-run --store quarter.db --set /workload/iterations=7 | grep -q '^2000 points, 0 of them stored' || fail "--dry-run of another scenario"
exit $bad
