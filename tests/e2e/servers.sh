#!/usr/bin/env bash
# Any number of servers, wherever they are: the same bits in every file, the same numbers of
# every step.
. "$(dirname "$0")/lib.sh"
make_data
all=(run.keep_best=true evaluation.every_epochs=1 data.validation_share=0.2 run.gradient_ratio_every=2
    'average={kind: ema, decay: 0.5}' 'regularizers={l2_sp: {alpha: 0.1, beta: 0.01}, bss: {weight: 0.001, k: 2}}')

files_of() { # the hashes of the weights in its three models
    /usr/bin/python3 - "$1" <<'P'
import sys, h5py
for name in "model", "best", "ema":
    with h5py.File(f"{sys.argv[1]}/{name}.h5") as f: print(name, f.attrs["weight_hash"])
P
}
numbers_of() { # of every step and test, without times
    sed -E 's/,"(seconds|[a-z]+_s)":[^,}]*//g' "$1/metrics.jsonl"
}

ranks 2 first "${all[@]}" || { cat first.log; fail "the first run"; finish; }
files_of first >first.files && [ "$(wc -l <first.files)" = 3 ] || fail "no three models"
numbers_of first >first.numbers
for layout in "2 1" "3 2" "4 3" "2 5" "4 8"; do
    set -- $layout
    ranks $(($1 + $2)) other "${all[@]}" "server.ranks=$1" || { cat other.log; fail "$layout"; }
    [ "$(hash_of other)" = "$(hash_of first)" ] || fail "$1 servers, $2 workers: other weights"
    [ "$(value other predictions_hash)" = "$(value first predictions_hash)" ] || fail "$layout: other predictions"
    files_of other | diff - first.files || fail "$1 servers, $2 workers: other files"
    numbers_of other | diff - first.numbers || fail "$1 servers, $2 workers: other numbers"
done
grep -qE '^layout    4 servers \+ 8 workers;' other.log || fail "the layout is not printed"
grep -qE '^servers   4 on 1 host, 0.05 to 0.15 MB of parameters each; the largest has 1.891 times the mean$' \
    other.log || { grep ^servers other.log; fail "the balance is not printed"; }

# one line each
expect() { # code pattern ranks set...
    local code=$1 pattern=$2 n=$3
    shift 3
    rm -rf faulty
    ranks "$n" faulty "$@"
    [ $? = "$code" ] || { fail "$*: the exit code"; cat faulty.log; }
    [ "$(grep -c error: faulty.log)" = 1 ] && grep -qE "error: .*($pattern)" faulty.log ||
        { fail "$*: not one line '$pattern'"; cat faulty.log; }
}
expect 2 'too few ranks: 3; a run needs 3 servers and at least 1 worker .mpirun -n 4 ptrain' 3 server.ranks=3
expect 2 '30 servers for a network whose parameters are 29 keys: use at most 29 servers .server.ranks.' 31 server.ranks=30
expect 2 'server.ranks must be in .1, 1024. or auto, not 0' 3 server.ranks=0
expect 2 "server.ranks: 'all' is not an unsigned integer" 3 server.ranks=all

# On hosts that are pretended: an mpirun daemon each, under a name of its own.
hosts() { # LIST N NAME set...: `ranks` on them; mapped by $by
    local list=$1 n=$2 name=$3 sets=() s
    shift 3
    for s in "$@"; do sets+=(--set "$s"); done
    timeout -k 5 "$limit" mpirun -q --oversubscribe --bind-to none --map-by "$by" -host "$list" -n "$n" \
        --mca plm_rsh_agent "$PT_SOURCE/tests/e2e/pretend.sh" --mca btl_tcp_if_include lo \
        --mca oob_tcp_if_include lo "$PTRAIN" train run.yaml --overwrite --set "run.dir=$name" \
        "${sets[@]}" >"$name.log" 2>&1
}
placed() { # ROLES: who is where, by rank
    [ "$(sed -nE 's/^ *"(.): (.)[a-z]*, .*/\1\2/p' other/environment.json | tr -d '\n')" = "$1" ] ||
        { fail "not placed as $1"; cat other/environment.json; }
    [ "$(hash_of other)" = "$(hash_of plain)" ] || fail "placed as $1: other weights"
}
ranks 2 plain || fail "the run without methods"
if unshare -u true 2>/dev/null; then
    by=slot
    hosts a:2,b:2,c:2 6 other || { cat other.log; fail "a server on each host"; }
    placed asbscsawbwcw
    grep -qE '^servers   3 on 3 hosts' other.log || fail "the hosts are not counted"
    hosts a:2,b:1 3 other || { cat other.log; fail "a host with one rank"; }
    placed asawbw
    by=node
    hosts a:2,b:2 4 other server.ranks=2 server.placement=first || { cat other.log; fail "first"; }
    placed asasbwbw
    hosts a:3,b:3 6 other server.ranks=3 || { cat other.log; fail "spread, which goes round"; }
    placed asbsasawbwbw
    by=slot
    hosts a:4,b:1 5 other server.ranks=4
    [ $? = 2 ] && [ "$(grep -c error: other.log)" = 1 ] && grep -q 'server.placement: spread puts 2 of 4 servers on host b, which has 1 rank: ' \
        other.log || { cat other.log; fail "a placement that a host cannot have"; }
else
    echo "without hosts: unshare is not allowed here"
fi

# by our launcher, which counts the servers
timeout -k 5 "$limit" "$PTRAIN" train run.yaml --workers 2 --set server.ranks=2 --set run.dir=alone >alone.log 2>&1 ||
    { cat alone.log; fail "ptrain train without mpirun"; }
grep -q '^layout    2 servers + 2 workers;' alone.log || fail "our launcher does not count the servers"
finish
