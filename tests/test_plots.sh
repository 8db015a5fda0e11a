#!/bin/sh
# Every kind of picture from shipped scenarios, read back: axes, series, points, parts, what is marked.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/plots_support.sh
# ---- every kind, SVG, PNG and PDF: axes with units, series, no text cut or on another
table=tests/data/plots
draw() { # kind, elements, words on the axes (separated by |), sources and options...
    kind=$1 elements=$2 axes=$3
    shift 3
    plot "$kind" "$@" -o "$work/$kind.svg"
    plot "$kind" "$@" -o "$work/$kind.png"
    plot "$kind" "$@" -o "$work/$kind.pdf"
    [ "$(dd if="$work/$kind.png" bs=1 skip=1 count=3 2>/dev/null)" = PNG ] || fail "$kind.png is no PNG"
    size=$(od -An -t u1 -j 16 -N 8 "$work/$kind.png" | tr -s ' ')
    [ "$size" = " 0 0 6 64 0 0 3 232" ] || fail "$kind.png is not 1600 by 1000: $size"
    "$SVG_READ" "$work/$kind.svg" layout >"$work/layout" || fail "$kind.svg: $(cat "$work/layout")"
    got=$("$SVG_READ" "$work/$kind.svg" elements)
    [ "$got" -eq "$elements" ] || fail "$kind.svg has $got plot elements, expected $elements"
    "$SVG_READ" "$work/$kind.svg" texts >"$work/texts"
    [ "$(head -c 5 "$work/$kind.pdf")" = "%PDF-" ] || fail "$kind.pdf is no PDF"
    if command -v pdftotext >/dev/null; then
        # Letter by letter: words that stand upright come one to a line.
        pdftotext -raw "$work/$kind.pdf" - 2>"$work/err" | tr -d ' \n\f' >"$work/pdf" || fail "$kind.pdf: $(cat "$work/err")"
    else
        tr -d ' \n' <"$work/texts" >"$work/pdf"
    fi
    echo "$axes" | tr '|' '\n' >"$work/wanted"
    while read -r words; do
        grep -qxF -- "$words" "$work/texts" || fail "$kind.svg does not say '$words'"
        grep -qF -- "$(echo "$words" | tr -d ' ')" "$work/pdf" || fail "$kind.pdf does not say '$words'"
    done <"$work/wanted"
}
draw speedup 11 "workers (functions or machines)|speed-up over the baseline (ratio)|ideal: linear|maml|anil|alfa|ealfa" $all
draw time 5 "workers (functions or machines)|time (h)|naik" scenarios/naik/workers.json
draw cost 7 "workers (functions or machines)|cost (USD per training run)|maml|ealfa" $all
draw pareto 6 "time (h)|cost (USD per training run)|Pareto front|maml" $all
draw breakdown 7 "workers (functions or machines)|time (h)|computing|exchange|waiting" $one
draw heatmap 3 "workers (functions or machines)|memory of each (MiB)|time (h)" $one --set "$memory"
draw cdf 4 "time (h)|share of configurations (%)|maml" $all
draw compare 12 "time (min)|cost (USD per training run)|cirrus|siren|smlt|computing|requests" scenarios/smlt/resnet-50-*.json
draw idle 3 "time (days)|cost so far (USD)" scenarios/metafaas/retraining.json
"$FAASCAST" score scenarios/metafaas/table3.json --format csv -o "$work/table3.csv" -q || fail "score for plot validation"
draw validation 7 "measured (ratio)|predicted (ratio)|10 % off|20 % off|table3" "$work/table3.csv" --unit ratio
draw gantt 5 "time since the start (s)|worker 0|computing|waiting" $table/gantt.csv
draw tornado 3 "time (min)|/store/latency_s 0.04 to 0.2|input at its 5th percentile" $table/tornado.csv
draw training 2 "outer iterations|accuracy (share of query images, %)|curve" $table/curve.csv
draw roofline 4 "arithmetic intensity (FLOP per byte of saved tensors)|rate (GFLOP/s, one thread)|roof: 100 GFLOP/s, 10.0 GB/s|ealfa" $table/kernel.csv
for kind in $(sed -n 's/^    X(\([a-z]*\),.*/\1/p' cli/plot.h); do
    [ -s "$work/$kind.pdf" ] || fail "no picture of $kind here"
    { grep -qF "](gallery/$kind.svg)" docs/gallery.md && [ -s "docs/gallery/$kind.svg" ]; } || fail "the gallery lacks $kind"
done

# ---- data points read back
near() { # what, expected "x y" lines on stdin, file with the ones found: all within a pixel
    awk -v what="$1" 'NR == FNR { x[NR] = $1; y[NR] = $2; n = NR; next }
        { hit = 0; for (i = 1; i <= n; i++) { dx = x[i] - $1; dy = y[i] - $2
            if (dx < 0) dx = -dx; if (dy < 0) dy = -dy
            if (dx <= 0.003 * ($1 + 1) && dy <= 0.003 * ($2 + 0.1)) hit = 1 }
          if (!hit) { print "FAIL: " what " does not show " $1 " " $2; code = 1 } seen++ }
        END { if (!seen) { print "FAIL: nothing expected of " what; code = 1 } exit code }' "$2" - || bad=1
}
"$FAASCAST" predict $one --format csv >"$work/one.csv"
column workers "$work/one.csv" >"$work/workers"
cp "$work/workers" "$work/workers.of.one"
plot speedup $one -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 3 >"$work/found"
column speedup "$work/one.csv" | paste -d' ' "$work/workers" - | near speedup "$work/found"
plot cost $one -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 2 >"$work/found"
column cost_usd "$work/one.csv" | paste -d' ' "$work/workers" - | near cost "$work/found"
plot time $one -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 3 >"$work/found"
column time_s "$work/one.csv" | awk '{ print $1 / 3600 }' | paste -d' ' "$work/workers" - | near time "$work/found"
# Published points stand where the papers' tables have them.
plot speedup $one -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 4 >"$work/found"
awk -F, '$1 == "Mini-Imagenet" && $2 == "MAML" { print $4, $3 }' scenarios/published/metafaas_table3.csv |
    near "published speed-up" "$work/found"
plot time scenarios/naik/workers.json -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 4 >"$work/found"
awk -F, 'NR > 1 { print $1, $4 / 60 }' scenarios/published/naik_table6.csv | near "published time" "$work/found"

plot validation "$work/table3.csv" -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 7 >"$work/found"
awk -F, 'NR > 1 { print $(NF - 6), $(NF - 5) }' "$work/table3.csv" | near validation "$work/found"
plot time scenarios/mlless/lr-criteo-mlless.json -o "$work/one.svg"
for k in 1 2 3 4 5; do "$SVG_READ" "$work/one.svg" points $k; done >"$work/found"
awk -F, 'NR > 1 { print $1, $3 / 60 }' scenarios/published/mlless_table3.csv | near "published time" "$work/found"
plot time --value exchange_s --per-round scenarios/smlt/resnet-50-*.json -o "$work/one.svg"
for k in 4 5 6 7 8; do "$SVG_READ" "$work/one.svg" points $k; done >"$work/found"
awk -F, '$1 == "resnet50" && $2 == "Siren" { print $3, $4 }' scenarios/published/smlt_fig_comm.csv | near "published exchange" "$work/found"
# Ideal: as many times faster as there are workers.
"$SVG_READ" "$work/speedup.svg" path 1 | tail -2 | awk '$1 - $2 > 0.01 || $2 - $1 > 0.01 { print "FAIL: the ideal line goes through " $0; exit 1 }' || bad=1
# Every configuration is a point of the Pareto picture, in hours and dollars.
plot pareto $one -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" points 2 >"$work/found"
column cost_usd "$work/one.csv" >"$work/costs"
column time_s "$work/one.csv" | awk '{ print $1 / 3600 }' | paste -d' ' - "$work/costs" | near pareto "$work/found"
# Boxes: as high or as wide as the parts up to and with theirs.
same() { # what, expected numbers on stdin, file with the ones found: in this order, within 1 %
    awk -v what="$1" 'NR == FNR { want[NR] = $1; n = NR; next } { d = $1 - want[FNR]; if (d < 0) d = -d
        if (d > 0.01 * want[FNR] + 0.01 || FNR > n) { print "FAIL: " what " shows " $1 ", expected " want[FNR]; code = 1 } seen = FNR }
        END { if (seen != n || !n) { print "FAIL: " what " shows " seen " of " n; code = 1 } exit code }' - "$2" || bad=1
}
"$SVG_READ" "$work/breakdown.svg" boxes 1 | cut -f4 >"$work/found"
column time_s "$work/one.csv" | awk '{ print $1 / 3600 }' | same "height of all parts" "$work/found"
"$SVG_READ" "$work/breakdown.svg" boxes 4 | cut -f4 >"$work/found"
for part in startup_s load_s compute_s; do column $part "$work/one.csv" >"$work/$part"; done
paste "$work/startup_s" "$work/load_s" "$work/compute_s" | awk '{ print ($1 + $2 + $3) / 3600 }' | same "height up to computing" "$work/found"
"$SVG_READ" "$work/breakdown.svg" boxes 1 | cut -f5 | cmp -s - "$work/workers" || fail "bars of the breakdown are not labelled with their workers"
# Heat map: the slower, the darker; the mark on the fastest cell.
"$FAASCAST" predict $one --set "$memory" --format csv -o "$work/grid.csv" -q
for part in workers memory_mib time_s; do column $part "$work/grid.csv" >"$work/$part"; done
paste -d' ' "$work/time_s" "$work/workers" "$work/memory_mib" | sort -g >"$work/cells"
"$SVG_READ" "$work/heatmap.svg" points 3 | head -1 | cut -f2,3 | tr '\t' ' ' >"$work/found"
head -1 "$work/cells" | cut -d' ' -f2- | cmp -s - "$work/found" || fail "the mark is at $(cat "$work/found"), the fastest is $(head -1 "$work/cells")"
"$SVG_READ" "$work/heatmap.svg" boxes 1 | awk -F'\t' 'NR == FNR { grey[$5 " " $6] = $7; next }
    { split($0, c, " "); g = grey[c[2] " " c[3]]; if (g == "" || (n++ && g > last)) { print "FAIL: cell " $0 " has grey " g " after " last; code = 1 } last = g }
    END { if (n != 20) { print "FAIL: " n " cells"; code = 1 } exit code }' - "$work/cells" || bad=1
# Gantt: every span of the table is a box.
for k in 1 2 3 4 5; do "$SVG_READ" "$work/gantt.svg" boxes $k; done | awk -F'\t' '{ printf "%.2f %.2f\n", $1 + 1e-4, $2 }' | sort -g >"$work/found"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { printf "%.2f %.2f\n", $at["from_s"], $at["to_s"] }' $table/gantt.csv | sort -g |
    cmp -s - "$work/found" || fail "the boxes of the Gantt chart are not the spans of its table"
# Tornado: the widest first, from the answer as it is to the answer at either end; what moves nothing is not drawn.
"$SVG_READ" "$work/tornado.svg" boxes 1 | awk -F'\t' '{ printf "%.1f %.1f\n", $1, $2 }' >"$work/found"
printf '50.0 60.0\n60.0 76.7\n59.2 60.0\n' | cmp -s - "$work/found" || fail "tornado's bars at the 5th percentile: $(cat "$work/found")"
"$SVG_READ" "$work/tornado.svg" texts | grep -q "1 input changes nothing" || fail "tornado does not tell what changes nothing"
# Side by side: each system's fastest time and its dollars.
for system in cirrus siren smlt; do
    "$FAASCAST" predict scenarios/smlt/resnet-50-$system.json --format csv -o "$work/system.csv" -q
    column cost_usd "$work/system.csv" >"$work/costs"
    column time_s "$work/system.csv" | paste -d' ' - "$work/costs" | sort -g | head -1
done >"$work/fastest"
"$SVG_READ" "$work/compare.svg" boxes 1 | head -3 | cut -f2 >"$work/found"
awk '{ print $1 / 60 }' "$work/fastest" | same "compare's time" "$work/found"
"$SVG_READ" "$work/compare.svg" boxes 1 | tail -3 | cut -f2 >"$work/found"
awk '{ print $2 }' "$work/fastest" | same "compare's dollars" "$work/found"
# Idle: as many trainings as arrive by then, each at its price; the machine at its hourly one.
retraining=scenarios/metafaas/retraining.json
"$FAASCAST" predict $retraining --format csv -o "$work/retraining.csv" -q
column cost_usd "$work/retraining.csv" | head -2 | sort -g | head -1 >"$work/function_usd"
printf 'note,arrival_s\nfirst,86400\nsecond,172800\nthird,259200\n' >"$work/arrivals.csv"
plot idle $retraining --arrivals "$work/arrivals.csv" --days 4 --vm-usd-per-hour 0.5 -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" path 3 >"$work/found"
awk '{ for (d = 1; d <= 3; d++) print d, d * $1; print 4, 3 * $1 }' "$work/function_usd" | near "trainings from a file" "$work/found"
"$SVG_READ" "$work/one.svg" path 1 >"$work/found"
printf '1 12\n2 24\n4 48\n' | near "a machine that is always on" "$work/found"
"$SVG_READ" "$work/one.svg" texts | grep -q "Training 3 times" || fail "idle does not tell the arrivals"
plot idle $retraining --every 6h --days 2 -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" path 3 >"$work/found"
awk '{ for (i = 0; i <= 8; i++) print i / 4, (i + 1) * $1 }' "$work/function_usd" | near "trainings every 6 hours" "$work/found"
"$SVG_READ" "$work/one.svg" texts | grep -q "Training every 6 hours" || fail "idle does not tell the interval"
# Poisson: the mean over 4000 expected arrivals within four standard deviations; the seed decides.
plot idle $retraining --every 6h --days 1000 --arrivals poisson -o "$work/one.svg" --keep
tail -1 "$work/one.svg.csv" | awk -F, -v usd="$(cat "$work/function_usd")" '{ n = $2 / usd; if (n < 3747 || n > 4253) { print "FAIL: " n " random arrivals"; exit 1 } }' || bad=1
plot idle $retraining --every 6h --days 1000 --arrivals poisson -o "$work/two.svg" && cmp -s "$work/one.svg" "$work/two.svg" || fail "the same seed draws another picture"
plot idle $retraining --every 6h --days 1000 --arrivals poisson --seed 2 -o "$work/two.svg" && cmp -s "$work/one.svg" "$work/two.svg" && fail "another seed draws the same picture"
# Accuracies and the roof, as in their tables.
"$SVG_READ" "$work/training.svg" points 2 >"$work/found"
printf '2 25\n4 55\n6 60\n' | near training "$work/found"
"$SVG_READ" "$work/training.svg" path 1 >"$work/found"
printf '1 20\n5 70\n' | near training "$work/found"
"$SVG_READ" "$work/roofline.svg" points 2 >"$work/found"
printf '40 60\n80 80\n' | near roofline "$work/found"
"$SVG_READ" "$work/roofline.svg" path 1 | tail -n +3 >"$work/found"
awk '{ want = 10 * $1 < 100 ? 10 * $1 : 100; if ($2 > want * 1.03 || $2 < want * 0.97) { print "FAIL: the roof goes through " $0; code = 1 } }
    END { if (NR < 100) { print "FAIL: no roof"; code = 1 } exit code }' "$work/found" || bad=1
# Simulated rows have bands from low to high.
"$FAASCAST" simulate $one --set /workload/iterations=200 --set /simulation/replications_min=5 --format csv -o "$work/simulated.csv" -q || fail "simulate for bands"
for pair in "time time_lo_s time_hi_s 60" "cost cost_lo_usd cost_hi_usd 1"; do
    set -- $pair
    plot $1 "$work/simulated.csv" -o "$work/one.svg"
    "$SVG_READ" "$work/one.svg" area 1 >"$work/found"
    for limit in $2 $3; do
        column $limit "$work/simulated.csv" | awk -v unit=$4 '{ print $1 / unit }' | paste -d' ' "$work/workers.of.one" - | near "$1 band" "$work/found"
    done
    "$SVG_READ" "$work/one.svg" texts | grep -q "Bands: interval of the simulated mean" || fail "$1: the bands are not told"
done
plot speedup "$work/simulated.csv" -o "$work/one.svg"
[ "$("$SVG_READ" "$work/one.svg" area 1 | wc -l)" -eq 10 ] || fail "speedup of simulated rows has no band"
# The simulated runs of one configuration: as many steps as runs, the last at the slowest.
"$FAASCAST" simulate $one --point 3 --set /workload/iterations=40 --runs "$work/runs.csv" --gantt "$work/round.png" --timeline "$work/round.json" \
    --format csv -o "$work/mean.csv" -q || fail "simulate for plot cdf"
[ "$(head -c 4 "$work/round.png" | tail -c 3)" = PNG ] || fail "simulate --gantt round.png draws no PNG"
plot gantt "$work/round.json" -o "$work/round.svg"
"$SVG_READ" "$work/round.svg" texts | grep -qx "worker 6" || fail "the timeline's lanes are not named"
[ "$(column time_s "$work/runs.csv" | wc -l)" -eq "$(column replications "$work/mean.csv")" ] || fail "not one row for each run"
column time_s "$work/runs.csv" | awk '{ s += $1; n++ } END { printf "%.6g\n", s / n }' >"$work/a"
column time_s "$work/mean.csv" | awk '{ printf "%.6g\n", $1 }' | cmp -s - "$work/a" || fail "the runs do not have the mean told"
plot cdf "$work/runs.csv" -o "$work/one.svg"
"$SVG_READ" "$work/one.svg" texts | grep -qxF "share of runs (%)" || fail "cdf of runs does not say so"
"$SVG_READ" "$work/one.svg" path 1 >"$work/found"
column time_s "$work/runs.csv" | sort -g | awk '{ v[NR] = $1 } END { for (i = 1; i <= NR; i++) print v[i], 100 * i / NR }' >"$work/steps"
unit=$("$SVG_READ" "$work/one.svg" texts | sed -n 's/^time (\(.*\))$/\1/p')
awk -v unit="$unit" '{ print $1 / (unit == "min" ? 60 : unit == "h" ? 3600 : 1), $2 }' "$work/steps" | near cdf "$work/found"

# ---- in grey: stacked parts differ in lightness, lines in dash
"$SVG_READ" "$work/breakdown.svg" greys 1 6 | awk '{ g[NR] = $2 } END { for (i = 1; i <= NR; i++) for (j = 1; j < i; j++) {
    d = g[i] - g[j]; if (d < 0) d = -d; if (d < 12) { print "FAIL: parts " i " and " j " look alike in grey"; code = 1 } }
    if (NR != 6) { print "FAIL: " NR " parts in grey, expected 6"; code = 1 } exit code }' || bad=1
dashes=$(sed -n '/_plot_2"/,/_plot_6"/p' "$work/cost.svg" | grep "<path " | grep -o "stroke-dasharray='[^']*'" | sort -u | wc -l)
[ "$dashes" -eq 3 ] || fail "of four lines three are dashed each in its own way, found $dashes"


# ---- the gallery shows what it says
grep -o '(gallery/[a-z]*\.svg)' docs/gallery.md | tr -d '()' | while read -r picture; do
    [ -s "docs/$picture" ] || echo "FAIL: docs/$picture is not there"
done >"$work/gallery"
[ -s "$work/gallery" ] && { cat "$work/gallery"; bad=1; }
for kind in $(sed -n 's/^    X(\([a-z]*\),.*/\1/p' cli/plot.h | grep -v 'tornado\|roofline'); do
    grep -q "faascast plot $kind \|--$kind $kind" docs/gallery.md || fail "the gallery lacks $kind"
done

exit $bad
