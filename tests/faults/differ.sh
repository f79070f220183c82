#!/usr/bin/env bash
# Ranks that were started with different things are refused at the start, with a digest of
# each rank, in one line.
. "$(dirname "$0")/lib.sh"
make_data
mkdir other && cp run.yaml other/
(cd other && "$PTRAIN" pack --layout folders ../images/source data.h5 >/dev/null) || fail "other data"
cp "$PTRAIN" ptrain2 && printf x >>ptrain2

refused() { # NAME what: exit code 2, one line, every rank's digest
    [ "$(cat "$1.code")" = 2 ] || fail "$1: exit code $(cat "$1.code"), not 2"
    one_line "$1" "ranks 0 and [12] do not have the same $2: rank 0 \\([^)]+\\) [0-9a-f]+, rank 1 \\([^)]+\\) [0-9a-f]+, rank 2"
    [ ! -e "$1/metrics.jsonl" ] || fail "$1: it began"
    nobody "$1"
}
job() { # NAME, then what follows mpirun
    local name=$1
    shift
    timeout -k 5 60 mpirun -q --oversubscribe "$@" >"$name.log" 2>&1
    echo $? >"$name.code"
}
t=(train run.yaml --set)
job configuration -n 2 "$PTRAIN" "${t[@]}" run.dir=configuration : \
    -n 1 "$PTRAIN" "${t[@]}" run.dir=configuration --set seed=4
refused configuration "command line"
job binary -n 1 "$PTRAIN" "${t[@]}" run.dir=binary : -n 1 ./ptrain2 "${t[@]}" run.dir=binary : \
    -n 1 "$PTRAIN" "${t[@]}" run.dir=binary
refused binary program
job data -n 2 "$PTRAIN" "${t[@]}" run.dir=data : -n 1 --wdir "$PWD/other" "$PTRAIN" "${t[@]}" run.dir=data
refused data "data set"
job same -n 3 "$PTRAIN" "${t[@]}" run.dir=same
[ "$(cat same.code)" = 0 ] || fail "equal ranks were refused"
finish
