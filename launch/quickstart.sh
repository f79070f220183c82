#!/usr/bin/env bash
# The demonstration, from a fresh clone to the table in one command, in a few minutes on
# two cores: installs what is missing (Debian, as root), builds, makes pictures, pretrains
# a small network, fine-tunes it plain and with PtR, compares. Asks nothing; replaces
# what an earlier call left in quickstart-run/.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. launch/packages.sh

out=quickstart-run
seeds='1 2 3'
ptrain=build/ptrain

# Ranks share this machine's cores; Open MPI refuses root without being told twice.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

fail() {
    echo "error: $*" >&2
    exit 1
}

say() {
    printf '\n[%3d s] %s\n' "$SECONDS" "$*"
}

build() {
    local tests=ON
    echo "$pt_test_packages" | grep cmocka | pt_missing | grep -q . && tests=OFF
    mkdir -p build
    cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=$tests >build/quickstart.log 2>&1 &&
        cmake --build build --target ptrain -j"$(nproc)" >>build/quickstart.log 2>&1 && return
    tail -30 build/quickstart.log >&2
    fail "the build failed (build/quickstart.log)"
}

# An empty directory; what is in the way must be an earlier quickstart's.
clear_out() {
    if [ -e $out ]; then
        [ -e $out/.quickstart ] || fail "$out is there, but not from this script: move it away"
        rm -rf $out
    fi
    if ! mkdir $out || ! touch $out/.quickstart; then fail "$out cannot be made"; fi
}

# train NAME CONFIGURATION [KEY=VALUE]...: one server and two workers, into $out/NAME.
# Shows the lines of steps, tests and the gate; $out/NAME.log has all.
train() {
    local name=$1 file=$2 sets=() set
    shift 2
    for set in run.dir=$out/"$name" "$@"; do sets+=(--set "$set"); done
    mpirun -q --oversubscribe --bind-to none -n 3 $ptrain train "$file" "${sets[@]}" |
        tee "$out/$name.log" |
        sed -unE "s/^(step .*|(test|train) after .*)$/  $name: \1/p" ||
        { # the run has said why
            echo "$name did not finish ($out/$name.log)" >&2
            exit 1
        }
}

# The number of KEY in a run's result, not of one inside an object of it.
result() { # NAME KEY
    sed -nE "s/^  \"$2\": ([-+.0-9e]+),?$/\1/p" "$out/$1/result.json"
}

# A run with PtR in which PtR took no part would only look like a comparison.
check_gate() { # NAME
    local at
    at=$(result "$1" gate_opened_at)
    if [ "${at:--1}" -lt 0 ]; then
        fail "$1: the gate stayed shut, this was plain fine-tuning (see $out/$1.log)"
    fi
    printf '  %s: gate opened at step %d of %d; mean w %.3g\n' "$1" $((at + 1)) \
        "$(result "$1" steps)" "$(result "$1" mean_w)"
}

say "packages"
pt_need "$pt_build_packages" || exit 1

say "build into build/"
build

say "pictures into $out/"
clear_out
$ptrain demo-data $out/images --seed 1 || exit 1
for task in source target; do
    $ptrain pack --layout folders $out/images/$task $out/$task.h5 || exit 1
done

say "pretrain resnet_small on the source task: 1 server, 2 workers"
train pretrain configs/quickstart/pretrain.yaml

runs=()
for seed in $seeds; do
    for loss in none sml1 l2; do
        name=$loss-$seed
        [ $loss = none ] && name=plain-$seed
        say "fine-tune on the target task: $name"
        train "$name" configs/quickstart/finetune.yaml seed="$seed" pseudo_task.loss=$loss
        [ $loss = none ] || check_gate "$name"
        runs+=("$out/$name")
    done
done

say "plain fine-tuning and PtR compared"
$ptrain report "${runs[@]}" || exit 1

say "done: everything is in $(pwd)/$out"
cat <<END
  images/                   made pictures: source task, target task
  source.h5 target.h5       the same, packed
  pretrain/                 the pretrained network (model.h5)
  plain-1/ sml1-1/ l2-1/ .. a run each: model.h5, result.json, metrics.jsonl, config.yaml

Try next, in $(pwd):
  $ptrain report --markdown $out/{plain,sml1,l2}-?
  $ptrain train configs/quickstart/finetune.yaml --set run.dir=runs/r5 \\
      --set pseudo_task.ratio=5      (more PtR; starts mpirun itself)
  $ptrain train configs/quickstart/finetune.yaml --set run.dir=runs/again \\
      --workers 1                    (the weight hash of $out/sml1-1, whatever the workers)
  $ptrain pack MY_PICTURES my.h5     (folders train/CLASS/*.jpg and test/CLASS/*.jpg)
  $ptrain config schema              (every key of a configuration)
END
