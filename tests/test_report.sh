#!/bin/sh
# The report page: what it says, that it is valid HTML, that nothing leaves it; in a real browser,
# with and without JavaScript, when chromium is installed.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
TMPDIR=$work/tmp
export TMPDIR
bad=0
fail() { echo "FAIL: $*"; bad=1; }
expect() { # exit code, words that stderr must hold, command...
    code=$1 words=$2
    shift 2
    "$FAASCAST" "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" -eq "$code" ] || { fail "$* exits with $got, expected $code"; cat "$work/err"; }
    [ -z "$words" ] || grep -qF -- "$words" "$work/err" || { fail "$* does not say '$words':"; cat "$work/err"; }
}
one=scenarios/metafaas/mini-imagenet-maml-5way-1shot.json
page=$work/report.html

valid() { # page
    if command -v tidy >/dev/null; then
        tidy -q -e "$1" >"$work/tidy" 2>&1
        [ -s "$work/tidy" ] && fail "$1 is not valid HTML: $(head -3 "$work/tidy")"
    fi
    # Nothing is asked for: no address in any attribute but names inside the page, and a policy that says so.
    asked=$(grep -oE "(src|href|action|data|poster|srcset)=[\"'][^\"']*" "$1" | grep -vE "^href=[\"']#")
    [ -z "$asked" ] || fail "$1 asks for something: $asked"
    grep -qE '@import|url\(http' "$1" && fail "$1 imports something"
    grep -qF "Content-Security-Policy\" content=\"default-src 'none';" "$1" || fail "$1 has no policy"
}
text_of() { # what stands in the element with this id, tags away
    sed -n "/id=\"$1\"/,/<\/\(section\|table\|ul\)>/p" "$page" | sed 's/<[^>]*>/ /g; s/&#39;/'"'"'/g; s/&amp;/\&/g'
}

# ---- of a scenario with measurements: what was predicted of them
"$FAASCAST" report scenarios/feng/structures-b.json -o "$page" 2>"$work/err" || fail "report with a table: $(cat "$work/err")"
valid "$page"
"$FAASCAST" score scenarios/feng/structures-b.json --hold-out leave-one-out --format csv >"$work/rows.csv"
[ "$(grep -c '<tr>' "$page")" -gt 6 ] && grep -q 'id="figure-validation"' "$page" || fail "no validation in the report"
tail -n +2 "$work/rows.csv" | while IFS=, read -r label rest; do
    grep -qF "<td>$label</td>" "$page" || echo "$label"
done >"$work/missing"
[ -s "$work/missing" ] && fail "rows are missing in the validation: $(cat "$work/missing")"
grep -q 'id="facts"' "$page" || fail "no facts in the report"

# ---- from a scenario
sed 's/"constraints": {[^}]*}/"constraints": {}/' $one >"$work/free.json"
expect 4 "no configuration is within 2 h 00 min and for at most 5.000 USD: the page shows what misses that least" report $one -o "$page"
valid "$page"
"$FAASCAST" predict $one --format json >"$work/rows.json"
"$FAASCAST" predict $one --format csv >"$work/rows.csv"
# Nothing meets the scenario's limits of 2 h and 5 USD: what misses them by the least factor, as plan has it.
best=$(awk -F'[,:] *' '/"workers"/ { w = $2 } /"time_s"/ { t = $2 / 7200 } /"cost_usd"/ { c = $2 / 5; m = t > c ? t : c
    if (!n++ || m < least) { least = m; best = w } } END { print best }' "$work/rows.json")
text_of recommended >"$work/answer"
grep -q "$best workers of 10240 MiB" "$work/answer" || fail "recommended is not $best workers: $(cat "$work/answer")"
grep -qF "No configuration is within 2 h 00 min and for at most 5.000 USD. This one misses that by least." "$work/answer" || fail "unmet limits are not told"
grep -q "95 % interval of the mean" "$work/answer" || fail "the recommended configuration has no interval"
[ "$(text_of configurations | grep -c 'MiB')" -eq 5 ] || fail "the table has not 5 configurations"
# The bill adds up to the last digit.
sed -n '/id="ledger"/,/<\/table>/p' "$page" | grep -E '^<tr>|<tfoot>' | sed 's/.*<td class="n"[^>]*>\([0-9.]*\)<\/td>.*/\1/' >"$work/bill"
awk '{ split($1, p, "."); n[NR] = p[1] * 1000000; f[NR] = substr(p[2] "000000000000000", 1, 15) }
    END { for (i = 1; i < NR; i++) { a += substr(f[i], 1, 8); b += substr(f[i], 9); w += n[i] / 1000000 }
        a += int(b / 10000000); b %= 10000000; w += int(a / 100000000); a %= 100000000
        got = sprintf("%d.%08d%07d", w, a, b); want = sprintf("%d.%s", n[NR] / 1000000, f[NR])
        if (NR < 4 || got != want) { print "FAIL: the bill adds up to " got ", told is " want; exit 1 } }' "$work/bill" || bad=1
# Every input of the scenario with its status; the assumed ones counted.
text_of assumptions >"$work/inputs"
grep -q '/workload/backbone *conv4-32 *assumed' "$work/inputs" || fail "an assumed input is not marked"
grep -q '/store/connection_bytes_per_s *65000000 *paper *MetaFaaS, Table 2' "$work/inputs" || fail "a sourced input lacks its source"
grep -q '/platform/workers *varied in the sweep *varied' "$work/inputs" || fail "a varied input is not told"
expect 4 "" report $one --set /platform/memory_mib=8192 --closed-form -o "$work/set.html"
sed 's/<[^>]*>/ /g' "$work/set.html" | grep -q '/platform/memory_mib *8192 *as given' ||
    fail "a number of the scenario's own got the catalogue's source"
assumed=$(grep -c '<tr class="status-assumed">' "$page")
text_of validity | grep -q "$assumed of [0-9]* inputs are assumed" || fail "the $assumed assumed inputs are not counted"
text_of provenance | grep -q "faascast 0" || fail "no version"
text_of provenance | grep -q "command *.*report $one" || fail "no command line"
text_of provenance | grep -qE "scenario .*FNV-1a [0-9a-f]{16}" || fail "no hash of the scenario"
for kind in speedup time cost pareto breakdown; do
    grep -q "<figure id=\"figure-$kind\"" "$page" || fail "no picture $kind"
done
[ "$(grep -oE ' id=.[A-Za-z0-9_-]+' "$page" | sed "s/.* id=.//" | sort | uniq -d | wc -l)" -eq 0 ] || fail "an identifier comes twice"
# The one script that may run is the one in the page.
if command -v openssl >/dev/null; then
    hash=$(sed -n 's/.*<script>\(.*\)<\/script>.*/\1/p' "$page" | tr -d '\n' | openssl dgst -sha256 -binary | openssl base64)
    grep -qF "script-src 'sha256-$hash'" "$page" || fail "script_hash in cli/report_page.c should be sha256-$hash"
fi
for name in a.html a.html.2; do
    (SOURCE_DATE_EPOCH=1700000000 && export SOURCE_DATE_EPOCH && exec "$FAASCAST" report "$work/free.json" -o "$work/$name") || fail "report without limits"
done
sed 's/a\.html\.2/a.html/' "$work/a.html.2" | cmp -s - "$work/a.html" || fail "the same report differs"

# ---- the same choice as plan's, whatever limits there are
cells="--set /plan={\"grid\":{\"/platform/workers\":[1,2,4,8,16],\"/platform/memory_mib\":[10240]}}"
for limits in "" "--deadline 8h" "--budget 13" "--deadline 11h --budget 13" "--deadline 3h"; do
    # shellcheck disable=SC2086 # the options are words
    "$FAASCAST" plan "$work/free.json" $cells $limits --closed-form >"$work/plan" 2>"$work/err"
    code=$?
    # shellcheck disable=SC2086
    expect $code "" report "$work/rows.csv" $limits -o "$page"
    grep -q '^Recommended' "$work/plan" && want=0 || want=4
    [ $code -eq $want ] || fail "plan $limits exits with $code"
    planned=$(sed -n 's/^\(Recommended\|Nearest\): \([0-9]*\) worker.*/\2/p' "$work/plan")
    reported=$(text_of recommended | sed -n 's/^ *\([0-9]*\) workers\{0,1\} of 10240 MiB.*/\1/p')
    [ -n "$planned" ] && [ "$planned" = "$reported" ] || fail "with '$limits' plan has '$planned' workers, report '$reported'"
done

# ---- a store knows the limits and the intervals of its sweep; both engines speak of one configuration
"$FAASCAST" sweep $one --set /constraints/deadline_s=28800 --engine both -o "$work/both.db" -q || fail "sweep"
expect 4 "no configuration is within 8 h 00 min" report "$work/both.db" -o "$page"
valid "$page"
text_of recommended >"$work/answer"
grep -q "5 configurations are compared" "$page" || fail "the store's configurations are miscounted"
grep -q "Limits: within 8 h 00 min and for at most 5.000 USD" "$page" || fail "the store's limits are not told"
grep -q "MiB, simulated" "$work/answer" || fail "the simulated row is not the recommended one"
grep -q "95 % interval of the mean" "$work/answer" || fail "the store's interval is not told"
grep -q "runs that meet the deadline" "$work/answer" || fail "the share of runs in time is missing"
"$FAASCAST" report "$work/both.db" --deadline 9h --budget '50 USD' -o "$page" || fail "report of a store with limits"
text_of recommended >"$work/answer"
grep -q "cheapest configuration within 9 h 00 min and for at most 50.00 USD" "$work/answer" || fail "the limits asked for do not hold"
grep -q "runs that meet" "$work/answer" && fail "shares of runs for limits they were not simulated with"
"$FAASCAST" report $one --deadline 8h --budget '50 USD' -o "$page" || fail "report with limits"
text_of recommended | tr '\n' ' ' | grep -q "runs that meet the deadline *100 %" || fail "runs are not simulated with the limits asked for"

# ---- from results, with limits, without a scenario
"$FAASCAST" report "$work/rows.csv" --deadline 10h --budget '100 USD' -o "$page" || fail "report of results"
valid "$page"
best=$(awk -F'[,:] *' '/"workers"/ { w = $2 } /"time_s"/ { t = $2 } /"cost_usd"/ { if (t <= 36000 && $2 <= 100 && (!n++ || $2 < least)) { least = $2; best = w } }
    END { print best }' "$work/rows.json")
text_of recommended >"$work/answer"
grep -q "$best workers of 10240 MiB" "$work/answer" || fail "within limits not $best workers: $(cat "$work/answer")"
grep -qF "The cheapest configuration within 10 h 00 min and for at most 100.00 USD." "$work/answer" || fail "why it is recommended is not told"
grep -q "There is no interval: these rows are of the closed form" "$page" || fail "an interval out of nothing"
expect 4 "" report "$work/rows.csv" --scenario $one --closed-form -o "$page"
valid "$page"
text_of ledger | grep -q "PUT, s3-standard-2022" || fail "the scenario's bill is missing"
expect 3 "another one than in the results" report "$work/rows.csv" --scenario scenarios/naik/workers.json -o "$work/x.html"
head -1 "$work/rows.csv" >"$work/header.csv"
expect 3 "no row to report" report "$work/header.csv" -o "$work/x.html"
expect 2 "is not a duration" report "$work/rows.csv" --deadline soon -o "$work/x.html"
[ ! -e "$work/x.html" ] || fail "a refused report was written"
sed '2,$s/,ok,[^,]*,[^,]*,/,infeasible: memory,,,/' "$work/rows.csv" >"$work/infeasible.csv"
expect 4 "no configuration is feasible: infeasible: memory" report "$work/infeasible.csv" -o "$page"
grep -q "report.html is written all the same" "$work/err" || fail "it is not told that the page is there"
expect 4 "no configuration is feasible: memory: a worker needs" report $one --set /platform/memory_mib=128 -o "$page"
valid "$page"
text_of recommended | grep -q "No configuration is feasible" || fail "infeasible results are not told"
# gnuplot missing: the page without pictures, exit 1.
mkdir "$work/none"
(PATH=$work/none "$FAASCAST" report $one -o "$page" 2>"$work/err")
[ $? -eq 1 ] || fail "without gnuplot report does not exit with 1"
grep -q "gnuplot" "$work/err" || fail "without gnuplot nothing is said"
grep -q "pictures are missing: cannot start gnuplot" "$page" || fail "the page does not say why pictures are missing"
valid "$page"

# ---- names stay text
awk 'BEGIN { FS = OFS = "," } NR > 1 { gsub(/"[^"]*"/, "\"<img src=x onerror=document.title=1>\""); $3 = "\"\"\"><script>document.title=1</script>\"" } { print }' "$work/rows.csv" >"$work/evil.csv"
"$FAASCAST" report "$work/evil.csv" -o "$work/evil.html" || fail "report of strange names"
valid "$work/evil.html"
[ "$(grep -o '<script' "$work/evil.html" | wc -l)" -eq 1 ] || fail "a script came in by a name"
grep -q '<img' "$work/evil.html" && fail "an element came in by a name"

# ---- in a browser
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ]; then
    echo "no chromium here: the page was not opened in a browser"
    exit $bad
fi
browse() { # options and file: the page after its scripts
    "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/browser" "$@" 2>"$work/browser.err"
}
"$FAASCAST" report "$work/free.json" -o "$work/report.html" || fail "report for the browser"
cat >"$work/harness.html" <<'H'
<!DOCTYPE html><title>harness</title>
<style>iframe { border: 0 }</style>
<iframe id="on" src="report.html" width="800" height="900"></iframe>
<iframe id="off" src="report.html" sandbox="allow-same-origin" width="390" height="900"></iframe>
<iframe id="evil" src="evil.html" width="900" height="900"></iframe>
<pre id="told"></pre>
<script>
onload = () => {
  const page = id => document.getElementById(id).contentDocument, told = [];
  const say = (name, value) => told.push(name + '=' + value);
  const on = page('on'), off = page('off'), table = on.getElementById('configurations');
  const times = () => [...table.tBodies[0].rows].map(r => +r.cells[1].dataset.v);
  const sorted = (v, up) => v.every((x, i) => !i || (up ? v[i - 1] <= x : v[i - 1] >= x));
  say('rows', table.tBodies[0].rows.length);
  table.querySelectorAll('thead th button')[1].click();
  say('up', sorted(times(), true) && table.querySelectorAll('th')[1].getAttribute('aria-sort'));
  table.querySelectorAll('thead th button')[1].click();
  say('down', sorted(times(), false) && table.querySelectorAll('th')[1].getAttribute('aria-sort'));
  say('chosen', table.querySelector('tr.chosen').cells[7].textContent.includes('recommended'));
  say('pictures', on.querySelectorAll('figure svg').length);
  say('drawn', [...on.querySelectorAll('figure svg')].every(s => s.getBoundingClientRect().height > 200));
  say('buttons-off', off.querySelectorAll('button').length);
  say('pictures-off', [...off.querySelectorAll('figure svg')].filter(s => s.getBoundingClientRect().height > 200).length);
  say('rows-off', [...off.querySelectorAll('#configurations tbody tr')].filter(r => r.getBoundingClientRect().height > 5).length);
  // On a phone nothing is wider than the screen; what slides is the table of configurations alone. A picture
  // grows when it is touched. At 800 pixels all of every table is seen.
  const cut = d => [...d.querySelectorAll('figure svg, .wide, table:not(#configurations), caption, figcaption')]
    .filter(e => e.getBoundingClientRect().right > d.documentElement.clientWidth);
  const slides = d => [...d.querySelectorAll('.wide, figure')].filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => (e.firstElementChild.id || e.id)).join();
  say('phone', off.documentElement.clientWidth == 390 && off.documentElement.scrollWidth <= 390);
  say('cut', cut(off).length + cut(on).length);
  say('slides', slides(off));
  say('slides-800', slides(on));
  off.getElementById('figure-speedup').focus();
  say('enlarged', off.querySelector('#figure-speedup svg').getBoundingClientRect().width >= 760 &&
    off.documentElement.scrollWidth <= 390);
  say('evil', page('evil').title);
  say('requests', [on, off].map(d => d.defaultView.performance.getEntriesByType('resource').length).join('+'));
  document.getElementById('told').textContent = told.join(';');
};
</script>
H
browse --allow-file-access-from-files --virtual-time-budget=10000 --dump-dom "file://$work/harness.html" >"$work/dom"
sed -n 's/.*<pre id="told">\([^<]*\)<.*/\1/p' "$work/dom" | tr ';' '\n' >"$work/told"
for words in rows=5 up=ascending down=descending chosen=true pictures=5 drawn=true buttons-off=0 pictures-off=5 \
    rows-off=5 phone=true cut=0 slides=configurations slides-800= enlarged=true requests=0+0; do
    grep -qxF -- "$words" "$work/told" || fail "in the browser: $words expected; $(tr '\n' ' ' <"$work/told")"
done
grep -q '^evil=' "$work/told" && ! grep -qx 'evil=1' "$work/told" || fail "a name ran in the page"
browse --window-size=800,3000 --screenshot="$work/page.png" "file://$work/report.html" >/dev/null
[ "$(dd if="$work/page.png" bs=1 skip=1 count=3 2>/dev/null)" = PNG ] || fail "no screenshot"
size=$(od -An -t u1 -j 16 -N 8 "$work/page.png" | tr -s ' ')
[ "$size" = " 0 0 3 32 0 0 11 184" ] || fail "the screenshot is not 800 by 3000: $size"
[ "$(wc -c <"$work/page.png")" -gt 60000 ] || fail "the screenshot is nearly empty"
exit $bad
