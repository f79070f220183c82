#!/usr/bin/env bash
# A run on four hosts that USR1 stops writes a checkpoint and ends with 75; it goes on on one
# host to the same weights.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 4 && hosts_rate 1gbit || { fail "no hosts"; finish; }
run=('stages=[{steps: 45}]')
ranks 3 whole "${run[@]}" || { cat whole.log; fail "the undisturbed run"; finish; }

for who in mpirun rank; do # mpirun passes it on to all ranks; or one rank gets it, on h3
    (across h0,h1,h2,h3 4 $who "${run[@]}"; echo $? >$who.code) &
    for i in $(seq 100); do [ -s $who/metrics.jsonl ] && break; sleep 0.1; done
    case $who in
    mpirun) pid=$(hosts_switch pgrep -f "^mpirun .*run.dir=$work/$who ") ;;
    rank) pid=$(rank_on h3 $who) ;;
    esac
    hosts_switch kill -USR1 "$pid" || fail "$who: nobody to signal"
    wait $!
    [ "$(cat $who.code)" = 75 ] || { fail "$who: exit code $(cat $who.code), not 75"; cat $who.log; }
    grep -qE '^stopped after step [0-9]+ of 45, checkpoint written' $who.log || fail "$who: does not say so"
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n 2 "$PTRAIN" train run.yaml \
        --set "run.dir=$work/$who" --set "${run[0]}" >$who.again 2>&1 ||
        { fail "$who: did not go on"; cat $who.again; }
    grep -q '^resuming after step' $who.again || fail "$who: began again"
    [ "$(hash_of $who)" = "$(hash_of whole)" ] || fail "$who: other weights"
done
finish
