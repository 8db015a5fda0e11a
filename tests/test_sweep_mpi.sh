#!/bin/bash
# A sweep under MPI gives the rows of one process, on 1, 2 and 4 ranks, killed or not.
set -u
command -v mpirun >/dev/null || { echo "mpirun is missing: scripts/setup tests"; exit 1; }
scenario=$PWD/tests/data/sweep.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
# What Open MPI keeps until the end is its own.
export ASAN_OPTIONS=detect_leaks=0
bad=0
fail() {
    echo "FAIL $*"
    bad=1
}
"$FAASCAST" sweep "$scenario" -q -o one.csv >/dev/null || fail "one process"
for n in 1 2 4; do
    mpirun -n $n "$FAASCAST" sweep --mpi "$scenario" -q -o ranks$n.csv >/dev/null 2>err ||
        fail "$n ranks: $(cat err)"
    cmp -s one.csv ranks$n.csv || fail "$n ranks: other rows than one process"
done
few="--set /sweep/grid/~1platform~1memory_mib=[2048] --set /sweep/grid/~1platform~1workers=[2,5]"
# shellcheck disable=SC2086
"$FAASCAST" sweep "$scenario" $few --engine both -q -o both.csv >/dev/null
# shellcheck disable=SC2086
mpirun -n 2 "$FAASCAST" sweep --mpi "$scenario" $few --engine both -q -o both2.csv >/dev/null ||
    fail "both engines"
cmp -s both.csv both2.csv || fail "both engines: other rows on 2 ranks"
# Killed with all its ranks, it goes on in one process.
mpirun -n 2 "$FAASCAST" sweep --mpi "$scenario" -q -o killed.db >/dev/null 2>&1 &
pid=$!
sleep 0.4
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
"$FAASCAST" sweep "$scenario" -q -o killed.db >/dev/null || fail "going on after a kill"
"$FAASCAST" results killed.db --run 1 --format csv >killed.csv
cmp -s one.csv killed.csv || fail "after a kill: other rows"
# Trouble is told once, and all ranks end.
timeout 60 mpirun -n 3 "$FAASCAST" sweep --mpi nosuch.json >out 2>err
[ "$(grep -c 'cannot open nosuch.json' err)" -eq 1 ] || fail "a missing file: $(cat err)"
exit $bad
