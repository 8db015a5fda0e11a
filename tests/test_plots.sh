#!/bin/sh
# Every kind of picture from shipped scenarios, read back; what happens when gnuplot fails; names that
# look like programs; tables that are empty, broken or large.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
TMPDIR=$work/tmp
export TMPDIR
bad=0
fail() { echo "FAIL: $*"; bad=1; }
plot() { "$FAASCAST" plot "$@" -q 2>"$work/err" || fail "plot $*: $(cat "$work/err")"; }
expect() { # exit code, words that stderr must hold, command...
    code=$1 words=$2
    shift 2
    "$FAASCAST" "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" -eq "$code" ] || { fail "$* exits with $got, expected $code"; cat "$work/err"; }
    grep -qF -- "$words" "$work/err" || { fail "$* does not say '$words':"; cat "$work/err"; }
}
one=scenarios/metafaas/mini-imagenet-maml-5way-1shot.json
all=scenarios/metafaas/mini-imagenet.json
memory='/sweep/grid/~1platform~1memory_mib=[1769,3008,4096,10240]'
column() { # name, of a CSV file: one value per line (the shipped names hold commas inside quotes only)
    awk -v want="$1" 'BEGIN { FPAT = "([^,]*)|(\"[^\"]*\")" } { n = 0; rest = $0; while (length(rest)) {
        if (substr(rest, 1, 1) == "\"") { match(rest, /^"[^"]*"/) } else { match(rest, /^[^,]*/) }
        field[++n] = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 2) }
        if (NR == 1) { for (i = 1; i <= n; i++) if (field[i] == want) at = i } else print field[at] }' "$2"
}

# ---- every kind, SVG and PNG: axes with units, series, no text cut or on another
table=tests/data/plots
draw() { # kind, elements, words on the axes (separated by |), sources and options...
    kind=$1 elements=$2 axes=$3
    shift 3
    plot "$kind" "$@" -o "$work/$kind.svg"
    plot "$kind" "$@" -o "$work/$kind.png"
    [ "$(dd if="$work/$kind.png" bs=1 skip=1 count=3 2>/dev/null)" = PNG ] || fail "$kind.png is no PNG"
    size=$(od -An -t u1 -j 16 -N 8 "$work/$kind.png" | tr -s ' ')
    [ "$size" = " 0 0 6 64 0 0 3 232" ] || fail "$kind.png is not 1600 by 1000: $size"
    "$SVG_READ" "$work/$kind.svg" layout >"$work/layout" || fail "$kind.svg: $(cat "$work/layout")"
    got=$("$SVG_READ" "$work/$kind.svg" elements)
    [ "$got" -eq "$elements" ] || fail "$kind.svg has $got plot elements, expected $elements"
    "$SVG_READ" "$work/$kind.svg" texts >"$work/texts"
    echo "$axes" | tr '|' '\n' >"$work/wanted"
    while read -r words; do
        grep -qxF -- "$words" "$work/texts" || fail "$kind.svg does not say '$words'"
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
plot time $all -o "$work/time.pdf"
[ "$(head -c 5 "$work/time.pdf")" = "%PDF-" ] || fail "time.pdf is no PDF"

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
awk -F, 'NR > 1 { print $(NF - 5), $(NF - 4) }' "$work/table3.csv" | near validation "$work/found"
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

# ---- gnuplot missing, too old, failing, hanging: said, kept, exit 1
mkdir "$work/missing" "$work/old" "$work/failing" "$work/hanging" "$work/silent"
printf '#!/bin/sh\necho "gnuplot 4.6 patchlevel 0"\n' >"$work/old/gnuplot"
answers='#!/bin/sh\n[ "$1" = --version ] && { echo "gnuplot 5.4 patchlevel 4"; exit 0; }\n'
printf "$answers"'echo "line 3: some trouble" >&2; exit 1\n' >"$work/failing/gnuplot"
printf "$answers"'exec /bin/sleep 60\n' >"$work/hanging/gnuplot"
printf "$answers"'exit 0\n' >"$work/silent/gnuplot"
chmod +x "$work"/*/gnuplot
broken() { # folder of the program, words
    out="$work/$1/picture.svg"
    (PATH="$work/$1" && export PATH && expect 1 "$2" plot cost $one --time-limit 0.5s -o "$out"; exit $bad) || bad=1
    [ ! -e "$out" ] || fail "$1: a picture is there"
    [ -s "$out.csv" ] && [ -s "$out.gp" ] || fail "$1: table or script not kept"
    PATH=/usr/bin:/bin; export PATH
    (cd "$work/$1" && /usr/bin/env gnuplot -d picture.svg.gp 2>"$work/err" && [ -s picture.svg ]) || fail "$1: the kept script draws nothing"
}
for tool in cat grep; do ln -s "$(command -v $tool)" "$work/missing/$tool"; for d in old failing hanging silent; do ln -s "$(command -v $tool)" "$work/$d/$tool"; done; done
path=$PATH
broken missing "cannot start gnuplot: it is not installed"
broken old "gnuplot 4.6 is too old, 5.4 or newer is needed"
broken failing "gnuplot failed: line 3: some trouble"
broken hanging "gnuplot did not finish within 0.5 s"
broken silent "gnuplot wrote no picture"
PATH=$path
[ -z "$(ls "$TMPDIR")" ] || fail "private folders are left: $(ls "$TMPDIR")"

# ---- file names are names and nothing else
(cd "$work" && "$FAASCAST" plot cost "$OLDPWD/$one" -o "-a 'b\" \$HOME
é;touch pwned.svg" --keep 2>/dev/null) || fail "a strange file name is refused"
[ "$(cd "$work" && find . -name '-a*' | tr '\n' '?' | grep -o 'svg' | wc -l)" -eq 3 ] || fail "picture, table and script are not all there"
(cd "$work" && for f in ./-a*.gp; do rm "${f%.gp}"; gnuplot -d "$f" 2>/dev/null || exit 1; [ -s "${f%.gp}" ] || exit 1; done) ||
    fail "the kept script of a strange name does not draw"
[ ! -e "$work/pwned" ] && [ ! -e "$work/pwned.svg" ] || fail "a file name was run"

# ---- names in the data stay text
header=$(head -1 "$work/one.csv")
evil() { # a value of the column `system`: every row gets it
    awk -v name="$1" 'BEGIN { FS = OFS = "," } NR == 1 { for (i = 1; i <= NF; i++) if ($i == "system") at = i; print; next }
        { gsub(/"[^"]*"/, "scenario"); $at = name; print }' "$work/one.csv" >"$work/evil.csv"
}
marker="$work/ran"
for name in "\"\"\"><script>alert(1)</script>\"" "\"system(\"\"touch $marker\"\")\"" "\`touch $marker\`" \
    "\$(touch $marker)" "--]]> & <b>" "{/=40 big}_a^b \\\\n @x" "-日本 é" "it's" "\"two
lines\""; do
    evil "$name"
    for kind in speedup pareto compare; do
        plot $kind "$work/evil.csv" -o "$work/evil.svg"
        grep -q '<script' "$work/evil.svg" && fail "a script element from the name $name"
        if command -v xmllint >/dev/null; then
            xmllint --noout "$work/evil.svg" 2>"$work/err" || fail "$kind with $name is no XML: $(head -1 "$work/err")"
        fi
    done
    plain=$(printf '%s' "$name" | tr '\n' ' ' | sed 's/^"\(.*\)"$/\1/; s/""/"/g; s/\\\\/\\/g')
    case $name in *script* | *lines* | *日本* | *big* | *\>*) "$SVG_READ" "$work/evil.svg" texts | grep -qF -- "$(printf '%s' "$plain" | cut -c1-12)" ||
        fail "the name $plain is not shown as it is" ;; esac
done
[ ! -e "$marker" ] || fail "a name in the data was run"

# ---- the gallery shows what it says
grep -o '(gallery/[a-z]*\.svg)' docs/gallery.md | tr -d '()' | while read -r picture; do
    [ -s "docs/$picture" ] || echo "FAIL: docs/$picture is not there"
done >"$work/gallery"
[ -s "$work/gallery" ] && { cat "$work/gallery"; bad=1; }
for kind in $(sed -n 's/^    X(\([a-z]*\),.*/\1/p' cli/plot.h | grep -v tornado); do
    grep -q "faascast plot $kind \|--$kind $kind" docs/gallery.md || fail "the gallery lacks $kind"
done

# ---- empty, single, infeasible, infinite, missing columns, large
: >"$work/empty.csv"
expect 3 "the file is empty" plot time "$work/empty.csv" -o "$work/x.svg"
echo "$header" >"$work/header.csv"
expect 3 "no row to draw" plot time "$work/header.csv" -o "$work/x.svg"
head -2 "$work/one.csv" >"$work/single.csv"
for kind in speedup time cost pareto breakdown heatmap cdf compare; do
    plot $kind "$work/single.csv" -o "$work/single.svg"
    "$SVG_READ" "$work/single.svg" layout >"$work/layout" || fail "$kind of one row: $(cat "$work/layout")"
done
sed '2,$s/,ok,[^,]*,[^,]*,/,infeasible: memory,,,/' "$work/one.csv" >"$work/infeasible.csv"
expect 4 "none of 5 configurations is feasible" plot pareto "$work/infeasible.csv" -o "$work/x.svg"
sed '2,$s/,ok,[^,]*,/,ok,inf,/' "$work/one.csv" >"$work/infinite.csv"
expect 3 "a finite 'time_s'" plot time "$work/infinite.csv" -o "$work/x.svg"
sed '2s/,ok,[^,]*,/,ok,inf,/' "$work/one.csv" >"$work/some.csv"
plot time "$work/some.csv" -o "$work/some.svg"
"$SVG_READ" "$work/some.svg" texts | grep -q "1 row without finite values" || fail "a row left out is not told"
sed '1s/,time_s,/,tine_s,/' "$work/one.csv" >"$work/missing.csv"
expect 3 "no column 'time_s', which this picture shows; there is 'tine_s'" plot time "$work/missing.csv" -o "$work/x.svg"
sed '3s/,ok,[^,]*,/,ok,fast,/' "$work/one.csv" >"$work/words.csv"
expect 3 "words.csv:3: column 'time_s' holds 'fast'" plot time "$work/words.csv" -o "$work/x.svg"
expect 3 "no feasible configuration of machines" plot idle $one -o "$work/x.svg"
expect 2 "did you mean 'speedup'" plot speed-up $one -o "$work/x.svg"
expect 2 "ends in .svg, .png or .pdf" plot time $one -o "$work/x.jpg"
expect 2 "plot heatmap takes time_s or cost_usd" plot heatmap $one --value wait_s -o "$work/x.svg"
expect 1 "cannot write" plot time $one -o "$work/no/such/x.svg"
[ ! -e "$work/x.svg" ] || fail "a refused picture was written"
awk -v rows="${FAASCAST_PLOT_ROWS:-60000}" 'BEGIN { print "system,status,point,workers,memory_mib,time_s,cost_usd,compute_s"
    for (i = 0; i < rows; i++) { w = 1 + i % 300; m = 128 + 37 * int(i / 300); t = 1e6 / m / (w > 6 ? 6 : w) + w / 2
        print "s,ok," i "," w "," m "," t "," t * w * m * 1.6e-8 "," t } }' >"$work/large.csv"
for kind in pareto heatmap cdf breakdown; do
    plot $kind "$work/large.csv" -o "$work/large.svg"
    [ "$(wc -c <"$work/large.svg")" -lt 3000000 ] || fail "$kind of many rows is a picture of $(wc -c <"$work/large.svg") bytes"
done
exit $bad
