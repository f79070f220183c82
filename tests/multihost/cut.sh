#!/usr/bin/env bash
# A host whose cable is pulled: within their deadlines the ranks of every host name what they
# miss and end, whatever mpirun does; the run goes on on the other hosts to the same weights.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 4 && hosts_rate 1gbit || { fail "no hosts"; finish; }
run=('stages=[{steps: 60}]' run.watchdog_s=3 run.checkpoint_steps=5)
ranks 3 whole "${run[@]}" || { cat whole.log; fail "the undisturbed run"; finish; }

here() { hosts_switch pgrep "$@" >/dev/null; }
gone() { # SECONDS pgrep's arguments...
    local i most=$1
    shift
    for i in $(seq $((most * 10))); do here "$@" || return 0; sleep 0.1; done
    fail "after $most s there are still: $(hosts_switch pgrep -a "$@" | cut -c1-200)"
}

# pull NAME HOST: pulls the cable after the first checkpoint; once the ranks have ended, ends
# mpirun, as a person has to. Its daemons end when the cable is back.
pull() {
    local name=$1 start i
    (across h0,h1,h2,h3 4 "$name" "${run[@]}"; echo $? >"$name.code") &
    for i in $(seq 300); do [ -e "$name/checkpoints/step-000000000005/manifest.json" ] && break; sleep 0.1; done
    hosts_cut "$2"
    gone 24 -f "^$PTRAIN train .*run.dir=$work/$name "
    hosts_switch pkill -TERM mpirun
    wait $!
    hosts_mend "$2"
    gone 10 'mpirun|orted'
    [ "$(cat "$name.code")" != 0 ] || fail "$name: the exit code is 0"
    [ "$(grep -ac 'rank .* error:' "$name.log")" = 1 ] || { fail "$name: not one line"; cat "$name.log"; }
}
says() { # NAME RANK PATTERN
    local said=$work/$1.out/1/rank.$2/stderr
    [ "$(grep -vc "warn: oversubscribed: " "$said")" = 1 ] && grep -qE "error: .*($3)" "$said" ||
        { fail "$1: rank $2 does not say '$3'"; cat "$said"; }
}

# Without signs of life mpirun's daemon on the lost host does not end its ranks: they do.
alive=("${hosts_mpi[@]}") hosts_mpi=(--output-filename "$work/worker.out")
pull worker h2
says worker 0 'host h0, step [0-9]+, waiting for .*: rank 2 \(host h2\) .* for 3 s'
# it misses whichever rank it was waiting for: the server, or a worker's batch-norm sums
says worker 2 'host h2, step [0-9]+, waiting for .*: (rank 0 \(host h0|rank 1 \(host h1|rank 3 \(host h3)\) .* for 1[34] s'
hosts_mpi=("${alive[@]}")
across h0,h1,h3 3 worker "${run[@]}" || { fail "worker: did not go on"; cat worker.log; }
grep -q '^resuming after step' worker.log || fail "worker: began again"
[ "$(hash_of worker)" = "$(hash_of whole)" ] || fail "worker: other weights"
finish
