# What the tests of pictures share; sourced; scratch files go to $work. shellcheck shell=sh
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

