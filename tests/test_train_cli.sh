#!/bin/sh
# train and calibrate as a user runs them: exit codes, outputs, a run that is killed, mistakes.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }
expect() { # exit code, words that stderr must hold, command...
    code=$1 words=$2
    shift 2
    "$FAASCAST" "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" -eq "$code" ] || { fail "$* exits with $got, expected $code"; cat "$work/err"; }
    grep -qF -- "$words" "$work/err" || { fail "$* does not say '$words':"; cat "$work/err"; }
}
small="tests/data/small.json --validation-classes 6 --validation-tasks 4 --test-tasks 6 --evaluate-every 4"

# A curve, whole, and the summary beside it; nothing on stderr when it is no terminal and a file is named.
"$FAASCAST" train $small --iterations 12 --threads 1 -o "$work/one.csv" >"$work/out" 2>"$work/err" || fail "train fails"
[ -s "$work/err" ] && fail "train writes to stderr: $(cat "$work/err")"
[ "$(wc -l <"$work/one.csv")" -eq 13 ] || fail "the curve has not 12 rows"
grep -q '^test: *accuracy 0\.' "$work/out" || fail "no test accuracy: $(cat "$work/out")"
"$FAASCAST" train $small --iterations 12 --threads 2 -q >"$work/two.csv" || fail "train to stdout fails"
cmp -s "$work/one.csv" "$work/two.csv" || fail "the curve depends on the number of threads"

# Killed while it runs, then run again: the same bytes as never killed.
"$FAASCAST" train $small --iterations 12 --checkpoint "$work/run.ckpt" -q >/dev/null 2>&1 &
child=$!
tries=0
while [ ! -s "$work/run.ckpt" ] && kill -0 $child 2>/dev/null && [ $tries -lt 300 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -9 $child 2>/dev/null
wait $child 2>/dev/null
"$FAASCAST" train $small --iterations 12 --checkpoint "$work/run.ckpt" -q >"$work/killed.csv" || fail "resuming fails"
cmp -s "$work/one.csv" "$work/killed.csv" || fail "a killed run does not end in the same curve"

# The rate that falls is another curve, and depends on how many iterations there are.
"$FAASCAST" train $small --iterations 12 --anneal -q >"$work/anneal.csv" || fail "train --anneal fails"
cmp -s "$work/one.csv" "$work/anneal.csv" && fail "--anneal changes nothing"
expect 3 'other settings' train $small --iterations 12 --anneal --checkpoint "$work/run.ckpt"

# Interrupted: the curve so far, the checkpoint, exit code 130.
"$FAASCAST" train $small --iterations 1000000 --checkpoint "$work/stop.ckpt" -q -o "$work/stop.csv" 2>"$work/err" &
child=$!
tries=0
while [ ! -s "$work/stop.ckpt" ] && kill -0 $child 2>/dev/null && [ $tries -lt 80 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -TERM $child
wait $child
[ $? -eq 130 ] || fail "an interrupted run does not exit with 130"
grep -q 'stopped after iteration' "$work/err" || fail "an interrupted run does not say so"
[ -s "$work/stop.ckpt" ] && [ -s "$work/stop.csv" ] || fail "an interrupted run keeps nothing"

# Real drawings, from a folder and from a zip.
for data in tests/data/omniglot/images tests/data/omniglot/images.zip; do
    "$FAASCAST" train tests/data/small.json --data $data --test-classes Tagalog --validation-classes 0 \
        --iterations 2 --test-tasks 4 -q >"$work/$(basename $data).csv" || fail "train --data $data fails"
done
cmp -s "$work/images.csv" "$work/images.zip.csv" || fail "folder and zip train differently"

expect 3 'no class or group is called' train tests/data/small.json --data tests/data/omniglot/images --test-classes Tagallog
expect 1 'cannot read' train tests/data/small.json --data /no/such/folder
expect 3 'training classes: class' train tests/data/small.json --data tests/data/omniglot/images \
    --set /workload/queries=15 --validation-classes 0
expect 2 '--iterations 0' train tests/data/small.json --iterations 0
expect 2 'usage' train
expect 3 'expected maml' train tests/data/small.json --set /workload='{"algorithm":"sgd","parameters":1e6,"samples":1000,"flop_per_sample":1e6,"bytes_per_sample":100,"iterations":5}' \
    --set /compute/flop_per_s=1e9

# A profile is measured, read by a scenario, and compared with itself.
"$FAASCAST" calibrate tests/data/small.json --seconds 0.05 -q -o "$work/mine.json" || fail "calibrate fails"
# A second call keeps what the first one measured, to the digit, and adds to it.
grep -A1 '"adaptation_steps": 1' "$work/mine.json" >"$work/first"
"$FAASCAST" calibrate tests/data/small.json --set /workload/adaptation_steps=2 --seconds 0.05 -q -o "$work/mine.json" --add ||
    fail "calibrate --add fails"
grep -A1 '"adaptation_steps": 1' "$work/mine.json" | sed 's/,$//' >"$work/second"
grep -qF "$(sed -n 2p "$work/first")" "$work/second" || fail "--add measured again what was there"
[ "$(grep -c '"unit_s"' "$work/mine.json")" -eq 2 ] || fail "--add did not add"
sed 's/"machine": "/&Another /' "$work/mine.json" >"$work/other.json"
expect 3 'its times cannot be added to' calibrate tests/data/small.json --seconds 0.05 -o "$work/other.json" --add
expect 2 '--add needs -o FILE' calibrate tests/data/small.json --seconds 0.05 --add
"$FAASCAST" predict tests/data/small.json --set /compute/profile="$work/mine.json" >"$work/out" 2>"$work/err" ||
    { fail "predict cannot use the profile"; cat "$work/err"; }
"$FAASCAST" calibrate tests/data/small.json --seconds 0.05 -q --compare "$work/mine.json" >"$work/out" || fail "compare fails"
grep -q 'maml omniglot conv4-32 1-shot T=1' "$work/out" || fail "compare does not list the task"
expect 3 'not a measured profile' calibrate tests/data/small.json --seconds 0.05 --compare tests/data/small.json
expect 2 "datasets have no 'omniglott', did you mean 'omniglot'?" calibrate --datasets omniglott
expect 2 'expected a number from 1 to 1000' calibrate --shots none

# What could not be kept is told before anything is measured or trained; nothing that is read is written over.
expect 1 "cannot write $work/none/x.csv" train $small --iterations 1000000 -o "$work/none/x.csv"
expect 1 "cannot write $work: it is a directory" train $small --iterations 1000000 -o "$work"
expect 1 "cannot write $work/none/x.ckpt" train $small --iterations 1000000 --checkpoint "$work/none/x.ckpt"
cp tests/data/small.json "$work/own.json"
expect 2 'this is the file that is read' calibrate "$work/own.json" --seconds 0.05 -o "$work/own.json"
cmp -s tests/data/small.json "$work/own.json" || fail "calibrate wrote over the scenario"
expect 2 'train writes csv alone' train $small --iterations 1 --format json
expect 2 'calibrate writes json alone' calibrate tests/data/small.json --format csv
expect 2 'has no rows to look at' train $small --iterations 1 --fail-if 'time_s > 0'
expect 2 '--shots belongs to a grid' calibrate tests/data/small.json --shots 1
expect 2 'did you mean synthetic?' train tests/data/small.json --data syntetic

# What measures needs no profile yet; another build of the kernel is not mixed in; a stopped one keeps what is there.
"$FAASCAST" train $small --iterations 2 --set /compute/profile=not-yet -q >"$work/not-yet.csv" || fail "train asks for a profile"
"$FAASCAST" calibrate tests/data/small.json --set /compute/profile=not-yet --seconds 0.05 -q --path portable -o "$work/portable.json" ||
    fail "calibrate asks for the profile it is to write"
expect 3 'holds tasks of the kernel built for portable, this one is for plain' calibrate tests/data/small.json --seconds 0.05 \
    --set /workload/adaptation_steps=2 --path plain -o "$work/portable.json" --add
"$FAASCAST" calibrate --shots 1,2,3,4,5 --seconds 30 -o "$work/part.json" >/dev/null 2>"$work/err" &
child=$!
sleep 1
kill -INT $child
kill -TERM $child
wait $child
[ $? -eq 130 ] || fail "an interrupted calibration does not exit with 130"
grep -q 'stopped after [0-9]* of 50 kinds of task; --add goes on' "$work/err" || fail "an interrupted calibration: $(cat "$work/err")"
grep -q 'not finished: ' "$work/part.json" || fail "an interrupted calibration is not marked"

expect 1 'profiles/epyc-zen5.json' calibrate tests/data/small.json --seconds 0.05 --compare epyc-zen5

# A profile with a mistake in it.
sed 's/"unit_s"/"unit_sec"/' "$work/mine.json" >"$work/spelt.json"
expect 3 "unknown key 'unit_sec' of a measured task, did you mean 'unit_s'?" predict tests/data/small.json --set /compute/profile="$work/spelt.json"
sed 's/"unit_s": [0-9.e+-]*/"unit_s": 0/' "$work/mine.json" >"$work/zero.json"
expect 3 'seconds above 0' predict tests/data/small.json --set /compute/profile="$work/zero.json"

# null takes a key away, as in an overlay.
"$FAASCAST" predict scenarios/metafaas/mini-imagenet-maml-5way-1shot.json --set /sweep=null --set /platform/workers=3 --format csv -q \
    >"$work/out" || fail "--set /sweep=null"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "--set /sweep=null leaves a sweep"
exit $bad
