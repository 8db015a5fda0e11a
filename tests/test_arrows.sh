#!/bin/sh
# The include arrows between rooms: cli -> {sweep, sim, model, calibration}, sweep -> sim -> model, all -> model/base.
# Each room lists what it may include; anything else is an arrow that should not be.
set -u
cd "$(dirname "$0")/.."
bad=0
room() { # folder, files to leave out (or "-"), allowed includes (extended regex)
    found=$(find "$1" -name '*.[ch]' | grep -v -E "$2" | xargs -r grep -n '#include "' |
        grep -v -E "#include \"($3)\"")
    if [ -n "$found" ]; then
        printf '%s may not include:\n%s\n' "$1" "$found"
        bad=1
    fi
}
room model/base '^-$' 'model/base/[a-z_]+\.h'
room model '^model/base/' 'model/[a-z_/]+\.h'
[ ! -d sim ] || room sim '^-$' 'sim/[a-z_/]+\.h|model/model\.h|model/search\.h|model/program\.h|model/base/base\.h'
[ ! -d sweep ] || room sweep '^-$' 'sweep/[a-z_]+\.h|sim/sim\.h|model/model\.h|model/base/base\.h'
[ ! -d calibration ] || room calibration '^-$' 'calibration/[a-z_/0-9]+\.h|model/base/base\.h'
room cli '^-$' 'cli/[a-z_/]+\.h|model/model\.h|model/search\.h|model/sensitivity\.h|model/break_even\.h|model/bayes_plan\.h|model/program\.h|model/base/base\.h|sim/sim\.h|sweep/sweep\.h|calibration/calibration\.h'
# One reader of cJSON, one place that exits.
others=$(grep -rln 'cJSON\.h' --include='*.[ch]' model sim sweep calibration cli 2>/dev/null | grep -v '^model/base/')
[ -z "$others" ] || { printf 'only model/base reads cJSON:\n%s\n' "$others"; bad=1; }
sql=$(grep -rln 'sqlite3\.h\|mpi\.h' --include='*.[ch]' . 2>/dev/null | grep -v -e '^./build' -e '^./sweep/')
[ -z "$sql" ] || { printf 'only sweep/ knows SQLite and MPI:\n%s\n' "$sql"; bad=1; }
loud=$(grep -rnE '(^|[^a-z_])(exit|abort|printf|puts)[[:space:]]*\(' --include='*.[ch]' model sim sweep calibration 2>/dev/null |
    grep -vE '/\*|^[^:]*:[0-9]+: *\*')
[ -z "$loud" ] || { printf 'below cli/ nothing exits or prints:\n%s\n' "$loud"; bad=1; }
up=$(grep -rn '#include "\.\./' --include='*.[ch]' . 2>/dev/null | grep -v '^./build/')
[ -z "$up" ] || { printf 'includes are written from the root:\n%s\n' "$up"; bad=1; }
exit $bad
