#!/usr/bin/env bash
# A .h5 file on which libhdf5 crashes, runs for ever or wants all memory is refused with one
# line, by every command that reads such files and by no rank's death.
. "$(dirname "$0")/../e2e/lib.sh"
PT_HDF5_SHIM=${PT_HDF5_SHIM:?the shim}
make_data
fixtures=$PT_SOURCE/tests/data/weights
picture=$PT_SOURCE/tests/data/jpeg/plain.jpg

refused() { # what pattern command...: exit code 1, one error line
    local what=$1 pattern=$2 code
    shift 2
    timeout -k 5 60 "$@" >out.log 2>&1
    code=$?
    [ $code = 1 ] || fail "$what: exit code $code, not 1"
    [ "$(grep -c error: out.log)" = 1 ] && grep -qE "error: .*($pattern)" out.log ||
        { fail "$what: not one line '$pattern'"; cat out.log; }
}
raising() { # signal command...
    local signal=$1
    shift
    env LD_PRELOAD="$PT_HDF5_SHIM" PT_SHIM_SIGNAL="$signal" "$@"
}
train() { # set...
    mpirun -q --oversubscribe --bind-to none -n 3 "$PTRAIN" train run.yaml --overwrite "$@"
}
export ASAN_OPTIONS=handle_segv=0
export -f raising train
export PTRAIN PT_HDF5_SHIM
predict=("$PTRAIN" predict "$picture" --weights)

# The library as it may behave, in whatever process reads.
crashed="libhdf5 crashed reading it .signal 11, Segmentation fault"
endless="libhdf5 does not finish"
refused "predict" "model.h5: $crashed" bash -c 'raising 11 "$@"' - "${predict[@]}" "$fixtures/model.h5"
refused "predict, Keras" "keras_fixed.h5: $crashed" \
    bash -c 'raising 11 "$@"' - "${predict[@]}" "$fixtures/keras_fixed.h5" --network squeezenet1_1
refused "inspect" "data.h5: $crashed" bash -c 'raising 11 "$@"' - "$PTRAIN" inspect data.h5
refused "bench input" "data.h5: $crashed" bash -c 'raising 11 "$@"' - "$PTRAIN" bench input data.h5
refused "inspect, computing" "data.h5: $endless" bash -c 'raising 24 "$@"' - "$PTRAIN" inspect data.h5
refused "inspect, waiting" "data.h5: $endless" bash -c 'raising 14 "$@"' - "$PTRAIN" inspect data.h5
refused "train, data" "data.h5: $crashed" \
    bash -c 'raising 11 bash -c train'

# Other signals say nothing about the file.
refused "inspect, killed" "data.h5: .*was killed: this host is out of memory" \
    bash -c 'raising 9 "$@"' - "$PTRAIN" inspect data.h5
refused "inspect, ended" "data.h5: .*ended by signal 3 .Quit.; this says nothing about the file" \
    bash -c 'raising 3 "$@"' - "$PTRAIN" inspect data.h5

# A stop while a file is tried, sent as mpirun and srun send it, to the rank's whole group:
# the trial is not disturbed and the run stops.
left() { # PATTERN: its processes, zombies aside
    local p
    for p in $(pgrep -f "$1"); do
        [ "$(awk '/^State/ {print $2}' "/proc/$p/status" 2>/dev/null)" = Z ] || echo "$p"
    done
}
wait_for() { local i; for i in $(seq 200); do "$@" && return; sleep 0.05; done; fail "waited 10 s: $*"; }
env LD_PRELOAD="$PT_HDF5_SHIM" PT_SHIM_WAIT="$work/gate" timeout -k 5 60 mpirun -q --oversubscribe \
    --bind-to none -n 2 "$PTRAIN" train run.yaml --set "run.dir=$work/group" >group.log 2>&1 &
job=$!
wait_for [ -e gate ]
for p in $(pgrep -f "^$PTRAIN train .*run.dir=$work/group"); do
    kill -USR1 -- "-$(awk '{print $5}' "/proc/$p/stat")"
done
while kill -0 $job 2>/dev/null; do rm -f gate; sleep 0.05; done
wait $job
code=$?
[ $code = 75 ] && grep -q '^stopped after step 1 ' group.log && ! grep -q error: group.log ||
    { fail "a stop while a file is tried: exit code $code"; cat group.log; }

# The child does not outlive its parent.
env LD_PRELOAD="$PT_HDF5_SHIM" PT_SHIM_WAIT="$work/gate" "$PTRAIN" inspect data.h5 2>/dev/null &
wait_for [ -e gate ]
[ "$(left "^ptrain --probe-h5 dataset data.h5" | wc -l)" = 1 ] || fail "no child tries data.h5"
kill -KILL $!
wait $! 2>/dev/null
gone() { [ -z "$(left "^ptrain --probe-h5 dataset data.h5")" ]; }
wait_for gone
rm -f gate

# Files of the fuzzer, one byte changed. What libhdf5 makes of them depends on its version
# (1.10.8: dies of SIGSEGV; takes 20 GB and 47 s); that there is one line and that the memory
# stays small does not.
damaged() { # copy fixture byte=value
    cp "$PT_SOURCE/tests/data/$2" "$1"
    printf "\\x${3#*=}" | dd of="$1" bs=1 seek="${3%=*}" conv=notrunc status=none
}
damaged segv.h5 h5file/foreign.h5 2102=06
damaged hog.h5 weights/model.h5 10431=fe
refused "segv.h5" "segv.h5: " "${predict[@]}" segv.h5 --network squeezenet1_1
refused "train, weights" "segv.h5: " \
    bash -c 'train --set network.weights=segv.h5'
[ ! -e run ] || fail "a refused run left its directory"
if [ -z "${PT_SANITIZE:-}" ]; then # a sanitizer's shadow forbids the limit
    refused "hog.h5" "hog.h5: " "${predict[@]}" hog.h5
    python3 - "${predict[@]}" hog.h5 <<'P' || fail "hog.h5: more than 2 GB of memory"
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
sys.exit(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 2e6)
P
fi
finish
