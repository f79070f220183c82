#!/usr/bin/env bash
# Runs every command of launch/docs, the README, configs' READMEs and of the comments in
# configs, in their order, in a directory that looks like a clone after the quickstart. What a
# clone does not have (downloads) is there in miniature under its name; what takes long is cut short by
# `shorter`; what cannot run is listed in `not_run` with the reason. Every other block is run,
# so a new one that cannot run fails here.
. "$(dirname "$0")/../e2e/lib.sh"
docs=$PT_SOURCE/tests/docs
export OMPI_MCA_rmaps_base_oversubscribe=0 OMPI_MCA_hwloc_base_binding_policy=none
export PATH=$work/build:$PATH PTRAIN_CONFIGS=$work/configs

# ---- what is not run ----------------------------------------------------------------------

not_run() { # command: its reason on stdout, or 1
    case $1 in
        ./launch/quickstart.sh*) echo "makes everything anew, in minutes" ;;
        ./tests/run.sh*) echo "would run this test" ;;
        "(cd build && cpack)"* | "cmake --install"*) echo "e2e.install and e2e.deb do so" ;;
        "cmake -S"* | "cmake --preset"*) echo "is how this test was built" ;;
        "ptrain pack --layout webface500"*)
            echo "wants 500 identities of 100 pictures; launch.data_sets packs four" ;;
        "ptrain plan"*) echo "takes minutes, and SimGrid; e2e.plan runs small ones" ;;
        "python3 -c \"import torch"*) echo "wants PyTorch, without which the core tests do" ;;
        *) return 1 ;;
    esac
}

# ---- what is run with less to do ----------------------------------------------------------

# One epoch, one seed, few neighbours; sweeps of configs/ are checked run by run, not run.
shorter() {
    sed -E 's/epochs: [0-9]+/epochs: 1/g; s/^seeds: .*/seeds: [1]/; s/--neighbours (300|5)/--neighbours 1/
        s/^(ptrain sweep configs.*)/\1 --dry-run/; s/^(ptrain scale configs.*)/\1 --table/; s/^ptrain submit [^#]*/& --print /
        s/--network resnet50 --batch 16(.*)/--network squeezenet1_1 --batch 8 \1 --steps 1 --warmup 0/'
}

# Other files and layers for the same command.
instead() { # file; the command on stdin
    local folder=FOLDER again=
    case $1 in
        */flower102.yaml:*) folder=FLOWER102 ;;
        */mit67.yaml:*) folder=MIT67 ;;
        */stanford40.yaml:*) folder=STANFORD40 ;;
    esac
    # What several files of configs/ make is made anew by each.
    case $1 in configs/* | README.md:*) again="--overwrite " ;; esac
    # VGG-16 has half a gigabyte; DELTA's layers are ResNet-50's where none are named; a
    # layer near the top has fewer layers to compute again.
    sed -E "s/pack FOLDER/pack $folder/
        s/vgg16-397923af.pth --network vgg16/SqueezeNet_fp16.onnx --network squeezenet1_1 --neighbours 1/
        s/^(ptrain attention .* attention.h5)\$/\1 --node layer1.0.conv1/; s/--node features.4 --node features.7 //
        s/^ptrain (pack|borrow|attention|train) /&$again/
        s/^export FLOWERS17=.*/export FLOWERS17=FLOWERS17 SCENES15=SCENES15/
        s/photos.resnet50 (.*)resnet50-0676ba61.pth/photos\/squeezenet1_1 \1SqueezeNet_fp16.onnx/
        s/^srun --mpi=pmix( -n [58])?/mpirun -q --oversubscribe -n 3/
        s/^mpirun (--hostfile hosts )?-n [58]/mpirun -q --oversubscribe -n 3/"
}

# ---- the clone ----------------------------------------------------------------------------

mkdir build && ln -s "$PTRAIN" build/ptrain && ln -s "$PT_SOURCE"/{launch,tests} . &&
    cp -r "$PT_SOURCE"/{README.md,configs,launch/docs} . && chmod -R u+w configs || exit 1
find configs -name '*.yaml' | while read -r f; do
    shorter <"$f" >f.new && mv f.new "$f"
done
"$PTRAIN" demo-data quickstart-run/images --source-per-class 4 --source-test-per-class 1 \
    --target-per-class 4 --target-test-per-class 2 >/dev/null || exit 1
/usr/bin/python3 "$docs/miniatures.py" quickstart-run/images/target "$PT_SOURCE/tests/data" || exit 1
(cd quickstart-run/images/target/train && ls | tail -n +4) | while read -r class; do
    rm -r quickstart-run/images/target/{train,test}/"$class"
done
for task in source target; do
    "$PTRAIN" pack quickstart-run/images/$task quickstart-run/$task.h5 >/dev/null || exit 1
done
"$PTRAIN" train configs/quickstart/pretrain.yaml --workers 2 >/dev/null || fail "the quickstart's first step"
cp -r quickstart-run/images/target pictures
cp "$(find pictures -name '*.jpg' | head -1)" some.jpg
ln -s quickstart-run/target.h5 cub.h5 && ln -s cub.h5 flowers.h5 && ln -s quickstart-run/source.h5 imagenet.h5
for name in cub flowers; do
    cat >$name.yaml <<Y
base: configs/quickstart/base.yaml
data: {path: $name.h5, batch: 12}
regularizers: {delta: {nodes: [layer1.0.conv1]}}
stages: [{epochs: 1}]
run: {dir: runs/$name}
Y
done
export MOBILENET=SqueezeNet_fp16.onnx # a name of a file: the sweeps are not run

# ---- the blocks ---------------------------------------------------------------------------

# Getting started makes the runs that the other pages speak of.
pages() {
    local first=(getting-started data weights methods runs determinism performance) page
    printf 'docs/%s.md\n' "${first[@]}"
    for page in docs/*.md; do
        page=$(basename "$page" .md)
        [[ " ${first[*]} " == *" $page "* ]] || echo "docs/$page.md"
    done
}
mapfile -t pages < <(pages)
awk -f "$docs/blocks.awk" "${pages[@]}" README.md configs/README.md configs/results/README.md \
    configs/*/*.yaml >blocks.txt
[ "$(grep -c '^@ ' blocks.txt)" -gt 50 ] || fail "few blocks were found: $(grep -c '^@ ' blocks.txt)"

# Named YAML first: it stands below the commands that use it.
awk '/^@ /{out = $3; next} out {print > out}' blocks.txt
for f in my photos my_table; do
    [ -s $f.yaml ] || fail "the documentation has no $f.yaml"
    shorter <$f.yaml >f.new && mv f.new $f.yaml
done

# For the time of a command, finished runs of sweeps that were only checked. The command
# names their directory.
with_runs() { # command
    local row of=runs/table/plain/seed-1
    case $1 in
        *runs/f10/* | *runs/paper/*) ;;
        *runs/joint/*) of=runs/head ;;
        *) eval "$1" && return || return ;;
    esac
    for row in f10/plain ablation/plain joint/btfw_neighbours paper/vgg16/cub200/plain; do
        mkdir -p made/runs/$row && cp -r $of made/runs/$row/seed-1
    done
    mv runs kept && mv made/runs runs
    eval "$1"
    local status=$?
    rm -r runs && mv kept runs
    return $status
}

declare -A jobs
one() { # where, command
    local reason command start=$SECONDS
    if reason=$(not_run "$2"); then
        echo "not run: $1: $reason"
        return
    fi
    command=$(instead "$1" <<<"$2" | shorter)
    case $command in # by mpirun or srun, on few ranks or many: one command here
        "mpirun "*)
            [ -z "${jobs[$command]:-}" ] || return
            jobs[$command]=1 ;;
    esac
    if ! with_runs "$command" >one.log 2>&1 </dev/null; then
        fail "$1: $command"
        tail -5 one.log
    elif grep 'warn: ' one.log | grep -qvE "$small"; then
        fail "$1: $command: warns"
        grep 'warn: ' one.log
    fi
    ran=$((ran + 1))
    [ $((SECONDS - start)) -lt 3 ] || echo "$((SECONDS - start)) s: $command"
}

# A command a line, continued lines joined.
block() { # where, text
    local line whole=""
    case $2 in
        "import h5py"*)
            (cd runs/mine && [ "$(/usr/bin/python3 -c "$2")" = "$(hash_of .)" ]) ||
                fail "$1: is not the weight hash of result.json"
            return ;;
    esac
    while IFS= read -r line; do
        whole+=$line
        case $line in
            *\\) whole=${whole%\\} && continue ;;
            \#* | "") ;;
            *) one "$1" "$(sed -E 's/ +# .*//' <<<"$whole")" ;;
        esac
        whole=""
    done <<<"$2"
}

# What is said of miniatures, and of nothing else.
small='the official set has|all source images are selected'
ran=0 where="" text="" named=""
while IFS= read -r line; do
    case $line in
        "@ "*)
            [ -z "$where" ] || [ -n "$named" ] || block "$where" "$text"
            read -r _ where named <<<"$line"
            text="" ;;
        *) text+=${text:+$'\n'}$line ;;
    esac
done <blocks.txt 3<&-
[ -n "$named" ] || block "$where" "$text"
echo "$ran commands were run"
finish
