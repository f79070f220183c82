#!/usr/bin/env bash
# fuzz.sh [--seconds N] [--runs N] [--seed S] [TARGET...]: builds the fuzz targets
# (tests/faults/fuzz) with clang into build-fuzz/, runs each for N seconds (3), or until it
# has had N inputs, which are the same ones for the same seed, and prints a line for each.
# Corpora grow in build-fuzz/corpus/TARGET, inputs that were findings stay in
# build-fuzz/findings/TARGET with what was said of them (.log). Exits with 1 if there is
# one in our code, with 77 where clang cannot build for libFuzzer.
#
# The targets that read HDF5 run for their seconds whatever --runs says, and go on after a crash, because libhdf5 itself crashes on damaged
# files: what no code of ours stands directly above is counted apart, under the library's
# functions (build-fuzz/findings/TARGET/libhdf5.txt), and is no failure.
set -u
export ASAN_OPTIONS
cd "$(dirname "$0")/../.." || exit 1
seconds=3 runs=-1 seed=1 wanted=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=$2; shift ;;
    --runs) runs=$2; shift ;;
    --seed) seed=$2; shift ;;
    -*) echo "usage: fuzz.sh [--seconds N] [--runs N] [--seed S] [TARGET...]" >&2; exit 2 ;;
    *) wanted+=("$1") ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || mapfile -t wanted < <(
    sed -n 's/^pt_fuzz_target(\([a-z_]*\).*/\1/p' tests/faults/fuzz/CMakeLists.txt)

source=$PWD shared=${PTRAIN_SHARED:-$PWD/../shared}/data build=$PWD/build-fuzz
programs=$build/tests/faults/fuzz
. launch/packages.sh
pt_present fuzzer clang ||
    { echo "skip: no clang with libFuzzer (Debian: clang, libclang-rt-dev)"; exit 77; }
mkdir -p "$build"
cmake -S . -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 \
    -DPT_TESTS=OFF -DPT_FUZZ=ON -DPT_WERROR=ON -DPT_SANITIZE=address,undefined,fuzzer-no-link \
    >"$build/build.log" 2>&1 &&
    cmake --build "$build" --target fuzz >>"$build/build.log" 2>&1 ||
    { tail -30 "$build/build.log"; echo "error: the build failed"; exit 1; }

# Inputs are files of a directory in memory, where there is one.
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/ptrain-fuzz.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# ---- where each target starts: the tests' own files, and small real ones ---------------

packed() { # MESSAGE < text
    protoc -I "$source/proto" --encode="pt.$1" record.proto config.proto graph.proto
}
record() { # text: as pt_record_pack lays it out, a length and the message
    echo "$1" | packed record.StepRecord >"$scratch/message"
    { printf "\\x$(printf %02x "$(stat -c %s "$scratch/message")")"; cat "$scratch/message"; }
}
seeds() { # TARGET: names of files, or makes them in the current directory
    local data=$source/tests/data
    case $1 in
    config) find "$source/configs" "$data" -name '*.yaml' ;;
    set)
        printf 'optimizer.lr=0.01\nstages.0.epochs=3\ndata.preprocess.mean=[1, 2.5, 3]\n' >1
        printf 'run.dir=out\nstages=[{epochs: 1}, {epochs: 2}]\nnetwork={name: vgg16}\n' >2
        ;;
    packed)
        echo 'seed: 3 run {dir: "r" watchdog_s: 9} data {path: "d" batch: 16} stages {epochs: 2}
            optimizer {lr: 0.1} network {name: "vgg16" dropout: 0.5} format_version: 1' |
            packed config.Config >1
        ;;
    graph)
        echo 'network: "net" rep: 3 head: 4 layers {name: "x" op: INPUT side: 8}
            layers {name: "a" op: CONV in: 0 c: 4 kh: 3 kw: 3 stride: 2 top: 1 left: 1 bottom: 1 right: 1}
            layers {name: "b" op: BATCH_NORM in: 1 eps: 1e-5} layers {name: "c" op: GLOBAL_AVG_POOL in: 2}
            layers {name: "d" op: LINEAR in: 3 c: 5}' | packed graph.Graph >1
        ;;
    record)
        record 'step: 7 verdict: APPLY w: 0.5 gate: true lr: 0.1 head_lr: 1' >1
        record 'step: 9 verdict: STOP w: 0 gate: false lr: 0 head_lr: 0 last: true probe: true' >2
        ;;
    dataset) echo "$data/dataset/tiny.h5" ;;
    attention) echo "$data/methods/delta_attention.h5" ;;
    model) echo "$data/weights/model.h5" ;;
    keras) ls "$data"/weights/keras_*.h5 "$data/h5file/foreign.h5" ;;
    onnx | onnx_graph) ls "$data"/weights/*.onnx ;;
    caffe) ls "$data"/weights/*.caffemodel ;;
    torch_zip) ls "$data"/weights/*.pt* ;;
    safetensors) ls "$data"/weights/*.safetensors ;;
    torch | pickle) ls "$data"/weights/*.th ;;
    tfjs) find "$data" "$shared" -name model.json ;;
    matlab) ls "$data"/matlab/*.mat ;;
    jpeg) find "$data/jpeg" "$shared/jpeg_zoo" "$shared/cifar10_sample" -name '*.jp*g' ;;
    picture) find "$data/picture" -type f -not -name '*.tsv' ;;
    result)
        echo '{"test_accuracy": 93.5, "train_accuracy": null, "images_per_s": 70.1, "seconds": 80,
            "mean_w": 0.2, "gate_opened_at": -1, "steps_with_w": 12, "weight_hash": "ab"}' >1
        ;;
    esac 2>/dev/null
}
plant() { # TARGET CORPUS: seeds of at most 64 kB under the names of their contents
    local files sum file
    mkdir -p "$scratch/seeds" && cd "$scratch/seeds" || exit 1
    mapfile -t files < <(seeds "$1"; find "$PWD" -type f)
    file=$(find "$PWD" -type f -empty)
    [ -z "$file" ] || { echo "error: $1: seed ${file##*/} was not made" >&2; exit 1; }
    [ ${#files[@]} = 0 ] ||
        find -L "${files[@]}" -maxdepth 0 -type f -size -65537c -exec md5sum {} + |
        while read -r sum file; do cp -L "$file" "$2/seed-${sum:0:12}"; done
    chmod -R u+w "$2"
    rm -rf "$scratch/seeds"
}

# ---- what was found ---------------------------------------------------------------------

# A report on stdin: "ours", or "libhdf5 FUNCTION" if every stack (of a leak; the first one
# of all else) has no frame of ours before one of the library.
blame() {
    awk '
        /LeakSanitizer/ { leak = 1 }
        $1 == "#0" { stacks++; decided = 0 }
        $1 !~ /^#[0-9]+$/ || (stacks > 1 && !leak) { next }
        /libhdf5/ {
            if (!decided) decided = 1
            if (!library++ && match($0, /\+0x[0-9a-f]+/)) place = substr($0, RSTART, RLENGTH)
            if (!name && $4 ~ /^H5/) name = $4
        }
        !decided && /\/(common|launch|worker|tests)\/[a-z0-9_\/]*\.c:/ { decided = 2; ours = 1 }
        END { print ours || !library ? "ours" : "libhdf5 " (name ? name : place) }'
}
# judge TARGET DIRECTORY: looks at its inputs again; prints the counts of what is ours, of
# what is the library's, and of what does not happen again (fixed, or a slow moment).
judge() {
    local file verdict ours=0 theirs=0 gone=0
    mkdir -p "$2/libhdf5" "$2/gone"
    for file in "$2"/{crash,leak,timeout,oom}-*; do
        case $file in *.log) continue ;; esac
        [ -f "$file" ] || continue
        if timeout -k 5 60 "$programs/fuzz.$1" "${limits[@]}" "$file" >"$file.log" 2>&1; then
            gone=$((gone + 1))
            mv "$file" "$file.log" "$2/gone/"
            continue
        fi
        verdict=$(blame <"$file.log")
        if [ "$verdict" = ours ]; then
            ours=$((ours + 1))
        else
            theirs=$((theirs + 1))
            echo "${verdict#* } $(basename "$file")" >>"$2/libhdf5.txt"
            mv "$file" "$file.log" "$2/libhdf5/"
        fi
    done
    echo "$ours $theirs $gone"
}

# ---- one target -------------------------------------------------------------------------

run() { # TARGET
    local corpus=$build/corpus/$1 found=$build/findings/$1 mode=(-runs="$runs") ours theirs gone done cover
    limits=(-timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256)
    ASAN_OPTIONS=
    mkdir -p "$corpus" "$found" "$scratch/$1"
    (plant "$1" "$corpus") || return 1
    case $1 in
    dataset | attention | model | keras) # the library asks for what the file says: it gets no memory
        limits=(-timeout=3 -rss_limit_mb=2048)
        mode=(-fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1)
        ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=256
        ;;
    tfjs) cp "$source"/tests/data/weights/tfjs/group* "$scratch/$1" ;;
    esac
    cd "$scratch/$1" || exit 1
    timeout -k 5 $((seconds + 300)) "$programs/fuzz.$1" "${limits[@]}" "${mode[@]}" \
        -seed="$seed" -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="$found/" "$corpus" >"$scratch/log" 2>&1
    local code=$?
    done=$(sed -n 's/^stat::number_of_executed_units: *//p; s/^#\([0-9]*\).*/\1/p' "$scratch/log" |
        tail -1)
    cover=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$scratch/log" | tail -1)
    read -r ours theirs gone < <(judge "$1" "$found")
    cd "$source" || exit 1
    printf '%-8s %9s executions, %5s edges, %s findings%s%s\n' "$1" "${done:-0}" "${cover:-0}" \
        "$ours" "$([ "$theirs" = 0 ] || echo ", $theirs in libhdf5")" \
        "$([ "$gone" = 0 ] || echo ", $gone not again")"
    [ "$ours" = 0 ] || return 1
    [ "$code" = 0 ] || [[ ${mode[*]} == -fork* ]] || { tail -30 "$scratch/log"; return 1; }
}

failures=0
for target in "${wanted[@]}"; do
    run "$target" || { echo "FAILED: $target: see $build/findings/$target"; failures=1; }
done
exit $failures
