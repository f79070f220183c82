#!/usr/bin/env bash
# What a run leaves, and that an existing directory is not touched.
. "$(dirname "$0")/lib.sh"
make_data

ranks 3 run || { cat run.log; fail "the run"; finish; }
for f in identity.json config.yaml environment.json metrics.jsonl model.h5 predictions.h5 result.json; do
    [ -s "run/$f" ] || fail "run/$f is missing"
done
[ "$(grep -c '"ce":' run/metrics.jsonl)" -ge 6 ] || fail "metrics.jsonl has too few steps"
for key in g_ce g_ptr w gate ratio_p10 ratio_p50 ratio_p90 cosine rep_norm lr head_lr; do
    head -1 run/metrics.jsonl | grep -q "\"$key\":" || fail "metrics.jsonl lacks $key"
done

# What a person reads at the end, and a program.
grep -qE '^communication [0-9.e-]+ s/step, exposed [0-9.e-]+; bound for 2 workers, 1 server on one host \(no network\)' run.log &&
    grep -qE '^goodput [0-9.]+ %: of [0-9.]+ s, [0-9.]+ s became steps that were kept' run.log ||
    { fail "the lines about communication and goodput"; cat run.log; }
for key in communication ranks goodput bound_s exposed_s waited_for_s; do
    grep -q "\"$key\":" run/result.json || fail "result.json lacks $key"
done

# The resolved configuration is the run.
"$PTRAIN" config check run/config.yaml || fail "config.yaml does not read back"
timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n 2 \
    "$PTRAIN" train run/config.yaml --set run.dir=again >again.log 2>&1 || fail "run from config.yaml"
[ "$(hash_of again)" = "$(hash_of run)" ] || fail "config.yaml gives other weights"

# A finished run is finished: nothing is done, nothing touched, also by other workers and
# with keys that cannot change the weights.
untouched=$(ls -l --time-style=full-iso run | sha256sum)
once() { # code pattern ranks set...: a run in run/
    local code=$1 pattern=$2 n=$3 sets=() got
    shift 3
    for s in "$@"; do sets+=(--set "$s"); done
    timeout -k 5 60 mpirun -q --oversubscribe -n "$n" "$PTRAIN" train run.yaml --set run.dir=run \
        "${sets[@]}" >once.log 2>&1
    got=$?
    [ $got = "$code" ] && grep -qE "$pattern" once.log ||
        { fail "run/ once more, $*: exit code $got, no '$pattern'"; cat once.log; }
    [ "$(grep -c error: once.log)" -le 1 ] || fail "run/ once more, $*: more than one error line"
    [ "$untouched" = "$(ls -l --time-style=full-iso run | sha256sum)" ] || fail "run/ was touched"
}
once 0 "this run is finished: test accuracy .*$(hash_of run)" 4
once 0 "this run is finished" 3 engine.threads=2 run.log_every=1 data.path="$PWD/data.h5"

# Also where nothing can be written: read-only, or (without the right to mount) another user's.
if mount --bind run run 2>/dev/null; then
    mount -o remount,ro,bind run && once 0 "this run is finished" 3
    umount run
else
    chmod a-w run run/.lock
    once 0 "this run is finished" 3
    chmod u+w run run/.lock
fi

# Another run, or resume: never, is refused with exit code 2 and what differs.
once 2 "error: run: belongs to another run \(optimizer.lr was 0.05, is 0.06\)" 3 optimizer.lr=0.06
once 2 "seed was 3, is 4; stages.0.epochs was 2, is 3" 3 seed=4 'stages=[{epochs: 3}]'
once 2 "error: run directory run exists and run.resume is never" 3 run.resume=never
cp data.h5 kept.h5
"$PTRAIN" pack --overwrite --layout folders images/source data.h5 >/dev/null || fail "other data"
once 2 "data_checksum was [0-9a-f]+, is" 3
mv kept.h5 data.h5

export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 # of sanitized programs behind the shim

# Nor does it go on where libjpeg has other pixels, and no job begins with one such rank.
LD_PRELOAD=${PT_DECODER_SHIM:?the shim} once 2 "picture_decoders was [0-9a-f]{8}, is [0-9a-f]{8}" 3
timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" train run.yaml --set run.dir=mixed : \
    -n 1 env LD_PRELOAD="$PT_DECODER_SHIM" "$PTRAIN" train run.yaml --set run.dir=mixed >mixed.log 2>&1
[ $? = 2 ] && [ "$(grep -c error: mixed.log)" = 1 ] &&
    grep -qE 'error: ranks 0 and 2 do not have the same decoders of pictures \(libjpeg, libwebp\): rank 0' mixed.log ||
    { fail "ranks with two libjpegs"; cat mixed.log; }

# The same command with other start weights in the file is another run.
cp run/model.h5 start.h5
ranks 3 started network.weights=start.h5 || { fail "from a model file"; cat started.log; }
ranks 2 elsewhere seed=4 'stages=[{steps: 1}]' && cp elsewhere/model.h5 start.h5
timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" train run.yaml --set run.dir=started \
    --set network.weights=start.h5 >restarted.log 2>&1
[ $? = 2 ] && grep -qE 'start_weights_hash was [0-9a-f]+, is' restarted.log ||
    { fail "other start weights"; cat restarted.log; }

# --overwrite replaces a run, but nothing else.
mkdir other && echo precious >other/file
mpirun -q --oversubscribe -n 3 "$PTRAIN" train run.yaml --overwrite --set run.dir=other >o.log 2>&1
[ $? = 2 ] || fail "--overwrite of a directory that is not a run's: exit code is not 2"
[ "$(cat other/file)" = precious ] || fail "--overwrite removed somebody's file"

# The same hash in ten lines of h5py.
if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    hash=$(/usr/bin/python3 - <<'P'
import h5py, hashlib
h = hashlib.sha256()
with h5py.File("run/model.h5") as f:
    for name in f["tensors"]:
        h.update(f["weights"][name.decode()][()].astype("<f4").tobytes())
print(h.hexdigest())
P
    )
    [ "$hash" = "$(hash_of run)" ] || fail "h5py computes another hash: $hash"
else
    echo "skip: python3-h5py is not here, the hash was not recomputed"
fi

# The model predicts.
image=$(find images/target/test -name '*.jpg' | sort | head -1)
"$PTRAIN" predict --weights run/model.h5 "$image" >p.log || fail "predict with the model"
[ "$(grep -c 'class' p.log)" -ge 4 ] || fail "predict printed $(cat p.log)"

# Without mpirun ptrain starts the job itself.
timeout -k 5 60 "$PTRAIN" train run.yaml --workers 3 --set run.dir=alone >alone.log 2>&1 ||
    fail "ptrain train without mpirun"
[ "$(hash_of alone)" = "$(hash_of run)" ] || fail "without mpirun: other weights"

# What is not UTF-8 (a file's name, a class of an old packed file) is kept as bytes in JSON.
odd=$(printf 'b\xe4r')
cp run.yaml "$odd.yaml" && cp "$PT_SOURCE/tests/data/dataset/tiny.h5" odd.h5
at=$(LC_ALL=C grep -obUaP 'g\xc3\xa4nse' odd.h5 | head -1 | cut -d: -f1)
printf '\xe4' | dd of=odd.h5 bs=1 seek=$((at + 1)) conv=notrunc 2>/dev/null
timeout -k 5 60 "$PTRAIN" train "$odd.yaml" --workers 1 --set run.dir=odd --set data.path=odd.h5 \
    --set data.batch=2 --set data.resize_mode=square --set 'stages=[{steps: 1}]' >odd.log 2>&1 ||
    { fail "names that are not UTF-8"; cat odd.log; }
grep -qF '"b\\xe4r.yaml"' odd/environment.json || fail "environment.json lacks a part of the command"
grep -qF '"g\\xe4\\xa4nse' odd/result.json || fail "result.json lacks a class"

# --dry-run trains nothing and leaves nothing.
timeout -k 5 60 "$PTRAIN" train run.yaml --workers 3 --dry-run --set run.dir=dry >dry.log 2>&1 ||
    fail "--dry-run"
grep -q traffic dry.log && grep -q memory dry.log && grep -q steps dry.log || fail "--dry-run says too little"
[ ! -e dry ] || fail "--dry-run left a directory"
finish
