#!/bin/sh
# Pictures when something is wrong: gnuplot fails, names look like programs, tables are empty, broken or large.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/plots_support.sh
"$FAASCAST" predict $one --format csv >"$work/one.csv"

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

# ---- names in the data stay text: a series of each, and a file of each
header=$(head -1 "$work/one.csv")
marker="$work/ran"
cat >"$work/names" <<NAMES
"><script>alert(1)</script>
system("touch $marker")
\`touch $marker\`
\$(touch $marker)
--]]> & <b>
{/=40 big}_a^b \\n @x
-日本 é
it's, '
NAMES
awk -F, -v header="$header" 'BEGIN { print header } NR == FNR { gsub(/"/, "\"\""); name[++n] = "\"" $0 "\""; next } FNR > 1 {
    gsub(/"[^"]*"/, "scenario"); for (k = 1; k <= n; k++) { OFS = ","; $3 = name[k]; print } }' "$work/names" "$work/one.csv" >"$work/evil.csv"
[ "$(echo "$header" | cut -d, -f3)" = system ] || fail "the third column is not the system"
for kind in speedup pareto compare; do
    plot $kind "$work/evil.csv" -o "$work/evil.svg"
    grep -q '<script' "$work/evil.svg" && fail "a script element from a name"
    if command -v xmllint >/dev/null; then
        xmllint --noout "$work/evil.svg" 2>"$work/err" || fail "$kind of strange names is no XML: $(head -1 "$work/err")"
    fi
    "$SVG_READ" "$work/evil.svg" texts >"$work/texts"
    while read -r name; do
        grep -qF -- "$(printf '%s' "$name" | cut -c1-12)" "$work/texts" || fail "$kind: the name $name is not shown as it is"
    done <"$work/names"
done
awk 'NR == 1 { print; next } { gsub(/"[^"]*"/, "\"two\nlines\""); print }' "$work/one.csv" >"$work/lines.csv"
plot time "$work/lines.csv" -o "$work/evil.svg"
"$SVG_READ" "$work/evil.svg" texts | grep -qxF "Time: two lines" || fail "a name of two lines is not shown on one"
[ ! -e "$marker" ] || fail "a name in the data was run"
# Files of results too; what their errors say cannot steer the terminal.
strange=$(printf -- "-a 'b\" \$(touch pwned)\n\033[31mé.csv")
cp "$work/one.csv" "$work/$strange"
(cd "$work" && "$FAASCAST" plot cost -o strange.svg -q -- "$strange") || fail "a strange name of results is refused"
printf 'workers,cost_usd\n\033[31mred,1\n' >"$work/$strange"
expect 3 "column 'workers' holds '?[31mred'" plot cost "$work/$strange" -o "$work/x.svg"
[ ! -e "$work/pwned" ] || fail "a name of results was run"

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
printf 'a,b\n1,2\n' >"$work/other.csv"
sed '3s/,ok,[^,]*,/,ok,fast,/' "$work/one.csv" >"$work/words.csv"
expect 3 "words.csv:3: column 'time_s' holds 'fast'" plot time "$work/words.csv" -o "$work/x.svg"
expect 3 "no feasible configuration of machines" plot idle $one -o "$work/x.svg"
expect 2 "did you mean 'speedup'" plot speed-up $one -o "$work/x.svg"
expect 2 "ends in .svg, .png or .pdf" plot time $one -o "$work/x.jpg"
expect 2 "plot heatmap takes time_s or cost_usd" plot heatmap $one --value wait_s -o "$work/x.svg"
for kind in gantt tornado validation training roofline idle; do
    expect 3 "the file is empty" plot $kind "$work/empty.csv" -o "$work/x.svg"
    expect 3 "no column '" plot $kind "$work/other.csv" -o "$work/x.svg"
done
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
