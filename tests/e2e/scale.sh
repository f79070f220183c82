#!/usr/bin/env bash
# Scaling series: one hash with any number of workers, extended and resumed, weak, for Slurm, on
# small copies of the layouts of Caltech-256 and WebFace.
. "$(dirname "$0")/lib.sh"
make_data
scale() { timeout -k 5 200 "$PTRAIN" scale "$@"; }

scale run.yaml --workers 1,2 --dir s >first.log 2>&1 || fail "1, 2: $(cat first.log)"
grep -q '^the same weights from all 2 jobs: ' first.log || fail "no hash: $(cat first.log)"
[ "$(hash_of s/strong/w1/run)" = "$(hash_of s/strong/w2/run)" ] || fail "hashes differ"
[ "$(grep -cE '^ +[12] +1 +17 ' first.log)" = 2 ] || fail "not two rows: $(cat first.log)"

/usr/bin/python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' s/strong.svg || fail "the picture is not XML"
[ "$(grep -c '<circle' s/strong.svg)" = 2 ] || fail "the picture has not two marks"

# A third job is all that is left to do.
scale run.yaml --workers 1,2,3 --dir s >more.log 2>&1 || fail "1, 2, 3: $(cat more.log)"
grep -q '^2 of 3 runs are done already' more.log && [ "$(grep -c '^\[' more.log)" = 1 ] ||
    fail "done jobs ran again: $(cat more.log)"
grep -q '^the same weights from all 3 jobs: ' more.log || fail "three: $(cat more.log)"

# Other weights than the first job's are an error.
sed -i 's/"weight_hash": "..../"weight_hash": "0123/' s/strong/w3/run/result.json
scale run.yaml --workers 1,2,3 --dir s --table >other.log 2>&1
[ $? = 1 ] && grep -q '^error: the weights of 3 workers (0123' other.log || fail "other weights: $(cat other.log)"

scale run.yaml --workers 1,2 --dir s --weak >weak.log 2>&1 || fail "weak: $(cat weak.log)"
grep -qE '^ +2 +1 +34 ' weak.log || fail "weak: no batch of 34: $(cat weak.log)"

# Faults, before anything starts.
refused() {
    local want=$1
    shift
    scale run.yaml --dir r "$@" >bad.log 2>&1
    [ $? = 2 ] && grep -q "^error: .*$want" bad.log || fail "$*: $(cat bad.log)"
}
refused 'they must rise' --workers 2,1
refused '9 workers for 8 virtual shards: use at most 8 workers, or set shards: 16 ' --workers 1,9
refused 'the series sets it' --workers 1,2 --set engine.workers=2
[ ! -e r/strong ] || fail "refused, but something ran"

scale run.yaml --workers 1,4 --dir q --slurm --per-node 2 >slurm.log 2>&1 || fail "slurm: $(cat slurm.log)"
[ "$(grep -c '^sbatch q/strong-w[14].sbatch$' slurm.log)" = 2 ] || fail "slurm: $(cat slurm.log)"
grep -q '^#SBATCH --ntasks=6$' q/strong-w4.sbatch && grep -q '^#SBATCH --nodes=2$' q/strong-w4.sbatch ||
    fail "script: $(cat q/strong-w4.sbatch)"
grep -q '^  ranks: 2' q/strong/w4/run.yaml || fail "a server on each node: $(cat q/strong/w4/run.yaml)"

# The configurations of configs/scaling, with a network that is small enough.
small=(--set network.name=resnet_small --set network.weights=null --set data.crop=32
    --set data.resize=40 --set data.batch=32 --workers 1,3)
of=$(find images/target/train -name '*.jpg' | head -1)
for i in $(seq 257); do
    d=$(printf 'caltech/256_ObjectCategories/%03d.class-%d' "$i" "$i")
    mkdir -p "$d"
    for k in 1 2; do cp "$of" "$d/$(printf '%03d_%04d.jpg' "$i" $k)"; done
done
for i in $(seq 500); do
    d=$(printf 'webface/%07d' "$i")
    mkdir -p "$d"
    for k in 001 002; do cp "$of" "$d/$k.jpg"; done
done
for set in caltech256 webface500; do
    from=caltech/256_ObjectCategories
    [ $set = webface500 ] && from=webface
    "$PTRAIN" pack --layout $set --train-per-class 1 --test-per-class 1 $from $set.h5 >pack.log 2>&1 ||
        fail "pack $set: $(cat pack.log)"
    scale "$PT_SOURCE/configs/scaling/$set.yaml" "${small[@]}" --set data.path=$set.h5 \
        --set data.train_split=train --dir $set >$set.log 2>&1 || fail "$set: $(cat $set.log)"
    grep -q '^the same weights from all 2 jobs: ' $set.log || fail "$set: $(cat $set.log)"
done
finish
