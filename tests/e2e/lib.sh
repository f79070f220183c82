# Sourced by the end-to-end tests: a scratch directory, a small data set, runs under mpirun.
# Environment, from ctest: PTRAIN the program, PT_SOURCE the checkout.
set -u
PTRAIN=${PTRAIN:?the program} PT_SOURCE=${PT_SOURCE:?the checkout}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# What Open MPI picks here by itself, after two libraries of networks that this machine does
# not have (psm, psm2) have measured its clock, for 0.1 s each.
export OMPI_MCA_pml=${OMPI_MCA_pml-ob1}
# mpirun sleeps twice so long once a rank has ended with an error, even if all have.
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout-0}
work=$(mktemp -d "${TMPDIR:-/tmp}/ptrain-e2e.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
finish() { [ $failures = 0 ] && echo "all held" || { echo "$failures failed"; exit 1; }; }

# 40 training and 24 test images of 4 classes, 48x48, and the configuration of a run that
# uses everything that could disturb the bits.
make_data() {
    "$PTRAIN" demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 \
        --target-per-class 4 --target-test-per-class 3 >/dev/null &&
        "$PTRAIN" pack --layout folders images/target data.h5 >/dev/null || exit 1
    cat >run.yaml <<'Y'
seed: 3
shards: 8
data: {path: data.h5, batch: 17, resize_mode: no_resize, crop: 32, train_crop: random}
network: {name: resnet_small, dropout: 0.3, batch_norm: sync}
pseudo_task: {loss: l2, ratio: 4, gate: epoch, gate_epoch: 0.5}
optimizer: {lr: 0.05, head_lr: 0.1, momentum: 0.9, weight_decay: 1.0e-3}
schedule: {kind: step, at: [0.5], factor: 0.1}
stages: [{epochs: 2}]
engine: {threads: 1}
run: {dir: run}
Y
}

# ranks N NAME set... : a run of 1 server and N - 1 workers, its log in NAME.log. Callers
# may set `before`, a command that runs the program, and `limit`, seconds.
before=() limit=120
ranks() {
    local n=$1 name=$2
    shift 2
    local sets=()
    for s in "$@"; do sets+=(--set "$s"); done
    timeout -k 5 "$limit" mpirun -q --oversubscribe --bind-to none -n "$n" \
        "${before[@]}" "$PTRAIN" train run.yaml --overwrite --set "run.dir=$name" "${sets[@]}" \
        >"$name.log" 2>&1
}

# value NAME KEY: a string or number of NAME/result.json, the first of this name
value() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1/result.json" | head -1; }
hash_of() { value "$1" weight_hash; }
