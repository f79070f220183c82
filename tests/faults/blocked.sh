#!/usr/bin/env bash
# Calls to the file system that never return, as those to a dead server: a save that hangs
# is said each time that one is due, and training continues; where nothing can be written
# any more the job ends with one line that names the call and the file, in its deadline.
. "$(dirname "$0")/lib.sh"
PT_FILE_SHIM=${PT_FILE_SHIM:?the shim}
make_data
short=('stages=[{steps: 30}]' run.watchdog_s=2)

stuck() { # NAME CALL FILE set...: blocks that call on that file; its time in $ms
    local name=$1 start
    before=(env LD_PRELOAD="$PT_FILE_SHIM" PT_FILE_CALL="$2" PT_FILE_NAME="$3" PT_FILE_DO=block)
    shift 3
    start=$(date +%s%N)
    ranks 3 "$name" "$@" "run.dir=$work/$name"
    echo $? >"$name.code"
    ms=$((($(date +%s%N) - start) / 1000000))
    before=()
}
code() { # NAME CODE
    [ "$(cat "$1.code")" = "$2" ] || { fail "$1: exit code $(cat "$1.code"), not $2"; cat "$1.log"; }
    nobody "$1"
}
ranks 3 undisturbed "${short[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }

# the writer hangs: the run ends as if nothing had been, but for its checkpoints
stuck saving fsync part-0 "${short[@]}" run.checkpoint_steps=5
code saving 0
grep -qE 'warn: .*fsync of .*/part-0.h5 has not returned for [0-9]+ s' saving.log || fail "saving: no warning"
grep -qE '^checkpoints: 0 written, [0-9]+ due but not written$' saving.log || fail "saving: counts"
! grep -q error: saving.log || fail "saving: an error"
[ "$(hash_of saving)" = "$(hash_of undisturbed)" ] || fail "saving: other weights"

# each save that is due is said
stuck due fsync part-0 'stages=[{steps: 100000}]' run.watchdog_s=3 run.checkpoint_s=1 &
job=$!
began due
for i in $(seq 200); do [ "$(grep -c 'warn: no checkpoint after' due.log)" -ge 2 ] && break; sleep 0.1; done
[ $i -lt 200 ] || { fail "due: not said twice"; cat due.log; }
kill -USR1 "$(rank_pid due 0)" # and a stop is an error, in the deadline
start=$(date +%s%N)
wait $job
ms=$((($(date +%s%N) - start) / 1000000))
[ $ms -lt 9000 ] || fail "due: stopped after $ms ms"
code due 1
one_line due 'stopped after step [0-9]+, and no checkpoint was written: fsync of .*/part-0.h5 has not returned for [0-9]+ s'

# a writer that hangs inside the HDF5 library, which then nobody can use; what the MPI
# thread writes itself (the watchdog)
for what in "write part-0.h5" "fsync model.h5"; do
    set -- $what
    stuck end "$1" "$2" "${short[@]}" run.checkpoint_steps=10
    code end 1
    one_line end "host .*, step 30, serving: .*(open|$1) of .*/$2 has not returned for [0-9]+ s"
    [ $ms -lt 15000 ] || fail "$what: ended after $ms ms"
done
finish
