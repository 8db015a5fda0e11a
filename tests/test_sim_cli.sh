#!/bin/sh
# simulate as a user runs it: the same bytes from every build and any number of threads, kills, full disks.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }
noisy=tests/data/simulate.json

# Every build (gcc, clang, debug, release, sanitizers) is held against the same stored rows.
# FAASCAST_STORE=1 writes them anew: look at the difference before it is committed.
for threads in 1 2; do
    : >"$work/rows$threads"
    for system in metafaas lambdaml-scatterreduce lambdaml-allreduce mlless naik siren cirrus smlt; do
        "$FAASCAST" simulate $noisy --threads $threads --format csv --set /system/name=\"$system\" \
            --runs "$work/runs" >>"$work/rows$threads" 2>"$work/err" || fail "$system: $(cat "$work/err")"
        cat "$work/runs" >>"$work/rows$threads"
    done
done
cmp "$work/rows1" "$work/rows2" || fail "the answer depends on the number of threads"
[ "${FAASCAST_STORE:-}" != 1 ] || cp "$work/rows1" tests/data/simulate_rows.csv
cmp "$work/rows1" tests/data/simulate_rows.csv || fail "not the bytes of tests/data/simulate_rows.csv"

# Starts as a trace: as many cold and warm ones as the run says, the same bytes from any number of threads, and the
# pace and the starts it was made with are fitted back.
"$FAASCAST" simulate scenarios/jobs/burst.json --threads 1 --starts "$work/starts1.csv" >"$work/out" || fail "--starts"
"$FAASCAST" simulate scenarios/jobs/burst.json --threads 2 --starts "$work/starts2.csv" >"$work/out" || fail "--starts"
cmp "$work/starts1.csv" "$work/starts2.csv" || fail "--starts depends on the number of threads"
awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { n[$at["run"]]++; cold[$at["run"]] += $at["cold"]; bad += !($at["start_s"] > $at["submit_s"]) }
    END { for (r in n) { runs++; bad += n[r] != 50 || cold[r] != 40 } exit bad || runs != 200 }' "$work/starts1.csv" ||
    fail "--starts: not 200 runs of 50 starts, 40 of them cold, each after its invocation"
"$FAASCAST" fit "$work/starts1.csv" --what start --name again --date simulated -q -o "$work/again.json" || fail "fit of --starts"
value() { # file, key: mean of the simulated bursts'"'"' pace or median as the fit tells it
    sed -n "/\"fits\"/,\$s/.*\"$2\": { \"value\": \([0-9.e-]*\).*/\1/p" "$1"
}
pace=$(value scenarios/catalogue/measured/lambda-start-2020-measured.json invoke_latency_s)
again=$(value "$work/again.json" invoke_latency_s)
awk -v a="$pace" -v b="$again" 'BEGIN { exit !(b > 0.85 * a && b < 1.15 * a) }' ||
    fail "a pace of $pace s is fitted back as $again s"
# A scenario uses the entry just fitted.
printf '{"format": 1, "include": ["%s/scenarios/jobs/burst.json"], "catalogue": ["again.json"], "platform": {"use": "again"}}' \
    "$PWD" >"$work/own.json"
"$FAASCAST" simulate "$work/own.json" --format csv >"$work/out" 2>"$work/err" || fail "an entry of its own: $(cat "$work/err")"
grep -q ",again," "$work/out" || fail "the row does not name its own entry: $(cat "$work/out")"

# Functions of a map wait for nobody: invoked one after another over 40 s, each is billed its own eight seconds by both.
cost() { # engine
    "$FAASCAST" "$1" scenarios/jobs/burst.json --set /platform/invoke_latency_s=0.2 --set /platform/workers=200 --format json |
        sed -n 's/.*"cost_usd": \([0-9.e-]*\).*/\1/p'
}
closed=$(cost predict)
played=$(cost simulate)
awk -v a="$closed" -v b="$played" 'BEGIN { exit !(a > 0 && a > 0.97 * b && a < 1.03 * b) }' ||
    fail "a map invoked slowly costs $closed by the closed form and $played as played"

# Interrupted: what is done is told, exit code 130. Without end unless it is interrupted.
endless="--set /simulation/replications_max=1000000000 --set /simulation/half_width_ratio=1e-9 --threads 2"
# The run for the timeline is cut off too: the answer does not hang on it.
env --default-signal=INT "$FAASCAST" simulate $noisy $endless --exact --set /workload/iterations=2000 \
    --timeline "$work/cut.json" --format csv >"$work/out" 2>"$work/err" &
child=$!
sleep 1.5
kill -INT $child
( sleep 20; kill -9 $child 2>/dev/null ) & # a simulation that does not listen fails the test, in time
watch=$!
wait $child
got=$?
kill $watch 2>/dev/null
[ $got -eq 130 ] || fail "an interrupted simulation exits with $got: $(cat "$work/err")"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "an interrupted simulation tells nothing: $(cat "$work/out")"

# Killed while it works: an older result stays as it was, and no other file is left.
for file in kept.csv kept.json kept.svg kept-runs.csv; do echo older >"$work/$file"; done
"$FAASCAST" simulate $noisy $endless -o "$work/kept.csv" --timeline "$work/kept.json" --gantt "$work/kept.svg" \
    --runs "$work/kept-runs.csv" 2>/dev/null &
child=$!
sleep 0.4
kill -9 $child
wait $child 2>/dev/null
[ "$(cat "$work"/kept*)" = "$(printf 'older\nolder\nolder\nolder')" ] || fail "a killed simulation spoils an older result"
ls "$work" | grep -q tmp && fail "a killed simulation leaves $(ls "$work")"

# Nowhere to write to: one clear error, exit code 1, no file.
refuses() { # what, words
    [ "$got" -eq 1 ] || fail "$1: exit code $got"
    [ "$(grep -c ^error: "$work/err")" -eq 1 ] && grep -qF "$2" "$work/err" || fail "$1: $(cat "$work/err")"
}
"$FAASCAST" simulate $noisy >/dev/full 2>"$work/err"
got=$?
refuses "a full disk" "standard output: No space left on device"
"$FAASCAST" simulate $noisy >&- 2>"$work/err"
got=$?
refuses "a closed standard output" "standard output: Bad file descriptor"
("$FAASCAST" simulate $noisy --format csv 2>"$work/err"; echo $? >"$work/code") | true
# Nobody reads: either the row was taken into the pipe before its end closed, or the error says so.
got=$(cat "$work/code")
[ "$got" -eq 0 ] || refuses "a reader that is gone" "standard output: Broken pipe"
"$FAASCAST" simulate $noisy -o /dev/full 2>"$work/err"
got=$?
refuses "a full device" "/dev/full: No space left on device"
for option in -o --runs --timeline --starts; do
    "$FAASCAST" simulate $noisy $option "$work/none/file" >/dev/null 2>"$work/err"
    got=$?
    refuses "$option in no folder" "$work/none/file: No such file or directory"
    # A file that may grow to 512 bytes only, as on a disk that fills up: the write fails half way.
    (
        trap '' XFSZ
        ulimit -f 1
        [ $option = --timeline ] && set -- --timeline-rounds 9
        exec "$FAASCAST" simulate $noisy $option "$work/half" "$@"
    ) >/dev/null 2>"$work/err"
    got=$?
    refuses "$option on a disk that fills up" "$work/half: File too large"
    ls "$work" | grep -q half && fail "$option leaves half a file: $(ls "$work")"
done
"$FAASCAST" simulate $noisy --gantt "$work/none/file.svg" >/dev/null 2>"$work/err"
got=$?
refuses "--gantt in no folder" "$work/none/file.svg: No such file or directory"
(
    trap '' XFSZ
    ulimit -f 1
    exec "$FAASCAST" simulate $noisy --gantt "$work/half.svg"
) >/dev/null 2>"$work/err"
got=$?
refuses "--gantt on a disk that fills up" "File too large"
ls "$work" | grep -q half && fail "--gantt leaves half a file: $(ls "$work")"

# The timeline is Chrome's Trace Event Format, one event a line: an array in an object, commas between events, complete events (X)
# and no unfinished ones (B), named processes and threads. Spans of one thread do not overlap, times are in microseconds, counters that end with the spans and never exceed what there is: 6 functions, 2e8 bytes/s.
"$FAASCAST" simulate $noisy --timeline "$work/run.json" --timeline-rounds 2 >/dev/null 2>"$work/err" || fail "$(cat "$work/err")"
awk '
    function number(key) { return match($0, "\"" key "\":[-0-9.e+]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : -1 }
    function wrong(what) { print what ": " $0; bad = 1 }
    NR == 2 && $0 != "\"traceEvents\":[" { wrong("not an array of events") }
    NR > 2 && !/^\]}$/ { if (NR > 3 && !comma) wrong("no comma before this"); comma = /},$/; if (!/^{.*},?$/) wrong("not an object") }
    /^\]}$/ { if (comma) wrong("a comma before the end"); closed++ }
    /"ph":"M"/ {
        if (/thread_name/) named[number("tid")] = 1
        if (/process_name/) process[number("pid")] = 1
        next
    }
    /"ph":/ && !(number("pid") in process) { wrong("of a process without a name") }
    /"ph":"X"/ {
        tid = number("tid"); from = number("ts"); took = number("dur"); spans++
        if (!(tid in named) || tid < 1 || from < 0 || took < 0 || !/"cat":"[a-z-]+","name":"[^"]+"/) wrong("not a span")
        at[spans] = from; by[spans] = tid; until[spans] = from + took
        if (from + took > last) last = from + took
        next
    }
    /"ph":"C"/ {
        counters++
        if (number("ts") > ended) ended = number("ts")
        if (number("functions") > most) most = number("functions")
        if (number("bytes_per_s") > fastest) fastest = number("bytes_per_s")
        if (number("bytes_per_s") > 2e8 * (1 + 1e-6) || number("requests") > 6) wrong("more than there is")
        next
    }
    /"ph":"i"/ || NR <= 2 || /^\]}$/ { next }
    { wrong("not an event") }
    END {
        for (i = 1; i <= spans; i++) for (k = 1; k <= spans; k++)
            if (i != k && by[i] == by[k] && at[i] <= at[k] && at[k] < until[i] - 0.01) { print "spans overlap in lane " by[i] ": " at[i] " " until[i] " " at[k]; bad = 1 }
        if (closed != 1) { print "not closed"; bad = 1 }
        if (spans < 60 || counters < 60 || most != 6 || fastest < 1.9e8 || ended > last + 0.01) { print spans, counters, most, fastest, ended, last; bad = 1 }
        exit bad
    }' "$work/run.json" || fail "the timeline is not what it should be"
"$FAASCAST" simulate $noisy --gantt "$work/round.svg" --gantt-round 301 >/dev/null 2>"$work/err"
[ $? -eq 2 ] && grep -qF -- "--gantt-round 301: the run has rounds 0 to 299" "$work/err" || fail "a round that is none: $(cat "$work/err")"
# Rounds count from 0, and what follows the last, the final write, is none.
few="--set /workload/iterations=20 --set /simulation/replications_min=2 --set /simulation/replications_max=2"
refused() { # words, options
    words=$1
    shift
    "$FAASCAST" simulate $noisy $few "$@" >/dev/null 2>"$work/err"
    [ $? -eq 2 ] && grep -qF -- "$words" "$work/err" && [ ! -e "$work/no.svg" ] || fail "$*: $(cat "$work/err")"
}
refused "--gantt-round 20: the run has rounds 0 to 19" --gantt "$work/no.svg" --gantt-round 20
refused "--gantt-round 1.5: expected a whole number" --gantt "$work/no.svg" --gantt-round 1.5
refused "--gantt-round says something of --gantt" --gantt-round 3
refused "--timeline-rounds says something of --timeline" --timeline-rounds 3
"$FAASCAST" simulate $noisy $few --gantt "$work/last.svg" --gantt-round 19 >/dev/null 2>"$work/err" || fail "the last round: $(cat "$work/err")"
exit $bad
