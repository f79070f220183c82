#!/usr/bin/env bash
# `ptrain attention`: the same file from any number of ranks and threads, numbers that
# `ptrain predict` gives too when h5py takes the filter out of the model, and a run with it.
. "$(dirname "$0")/lib.sh"
make_data
mkdir -p four/train four/test # `predict` tells the probabilities of five classes
for class in $(ls images/target/train | head -4); do
    for split in train test; do cp -r images/target/$split/"$class" four/$split; done
done
"$PTRAIN" pack --layout folders --overwrite four data.h5 >/dev/null || exit 1
ranks 2 head data.flip=false optimizer.head_lr=0.5 'stages=[{epochs: 20, frozen: [trunk]}]' ||
    { fail "a head"; cat head.log; }
layers=(--node layer2.0.conv2 --node layer1.0.conv1)

# attention N NAME option... : NAME.h5 and NAME.log from N ranks
attention() {
    local n=$1 name=$2
    shift 2
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n "$n" "$PTRAIN" attention \
        "$@" "$name.h5" >"$name.log" 2>&1
}
# refused CODE PATTERN NAME: the run before ended so, with one line, and wrote nothing
refused() {
    [ "$code" = "$1" ] && [ "$(grep -c 'error:' "$3.log")" = 1 ] && grep -q -- "$2" "$3.log" ||
        { fail "$3: code $code, expected $1 and '$2'"; cat "$3.log"; }
    [ ! -e "$3.h5" ] || fail "$3.h5 was written"
}

for n in 1 2 5; do
    attention $n by$n head/model.h5 data.h5 "${layers[@]}" ||
        { fail "$n ranks"; cat "by$n.log"; }
done
attention 2 threads head/model.h5 data.h5 "${layers[@]}" --threads 3 || cat threads.log
cmp by1.h5 by2.h5 && cmp by1.h5 by5.h5 && cmp by1.h5 threads.h5 || fail "ranks change bytes"
"$PTRAIN" attention --ranks 2 "${layers[@]}" head data.h5 alone.h5 >alone.log 2>&1 &&
    cmp by1.h5 alone.h5 || { fail "without mpirun"; cat alone.log; }

cat >without.py <<'Y'
import glob, hashlib, math, shutil, subprocess, sys
import h5py

with open(sys.argv[2]) as f:  # the order of the hash that guards a model file
    tensors = sorted((line.split()[0] for line in f), key=lambda t: ".running_" in t)
program, images = sys.argv[1], sorted(glob.glob("four/train/*/*.jpg"))
classes = sorted({i.split("/")[2] for i in images})


def loss(model):
    out = subprocess.run([program, "predict", "--tsv", "--weights", model, *images],
                         check=True, capture_output=True, text=True).stdout
    total = 0
    for line in out.splitlines():
        words = line.split("\t")
        p = dict(zip(map(int, words[1::2]), map(float, words[2::2])))
        total -= math.log(p[classes.index(words[0].split("/")[2])])
    return total / len(images)


with h5py.File("by1.h5") as f:
    assert f.attrs["images"] == len(images), f.attrs["images"]
    assert abs(f.attrs["loss"] - loss("head/model.h5")) < 1e-5
    for node in ("layer1.0.conv1", "layer2.0.conv2"):
        size = abs(f["increase"][node][:])
        assert size.max() > 1e-3, (node, size)
        for c in 0, int(size.argmax()), len(size) - 1:
            shutil.copy("head/model.h5", "cut.h5")
            with h5py.File("cut.h5", "r+") as m:
                group = m["weights"]
                w = group[node + ".weight"]
                assert w.shape[0] == f["increase"][node].shape[0] and w.ndim == 4
                w[c] = 0
                digest = hashlib.sha256()
                for t in tensors:
                    digest.update(group[t][:].astype("<f4").tobytes())
                m.attrs["weight_hash"] = digest.hexdigest()
            ours, theirs = f["increase"][node][c], loss("cut.h5") - f.attrs["loss"]
            assert abs(ours - theirs) < 1e-5, (node, c, ours, theirs)
            print("%s %d: %.6f" % (node, c, ours))
Y
/usr/bin/python3 without.py "$PTRAIN" "$PT_SOURCE/tests/data/graph/resnet_small.txt" || fail "not the loss without the filter"

on='regularizers.delta={weight: 0.1, nodes: [layer1.0.conv1, layer2.0.conv2]'
ranks 3 held "$on, attention: by1.h5}" 'stages=[{steps: 3}]' || { fail "DELTA"; cat held.log; }
ranks 2 same "$on, attention: alone.h5}" 'stages=[{steps: 3}]' || cat same.log
ranks 3 flat "$on}" 'stages=[{steps: 3}]' || cat flat.log
[ "$(hash_of held)" = "$(hash_of same)" ] || fail "2 and 3 ranks differ"
[ "$(hash_of held)" != "$(hash_of flat)" ] || fail "the attention changes nothing"
attention 1 few head/model.h5 data.h5 "${layers[@]}" --images 6 || cat few.log
timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n 2 "$PTRAIN" train run.yaml \
    --set run.dir=held --set "$on, attention: few.h5}" --set 'stages=[{steps: 3}]' \
    >other.log 2>&1
code=$?
[ $code = 2 ] && grep -q 'attention_checksum was' other.log ||
    { fail "another attention went on, code $code"; cat other.log; }

attention 2 by1 head/model.h5 data.h5 "${layers[@]}"; code=$?
[ $code = 2 ] && grep -q 'already exists; --overwrite' by1.log || fail "replaced by1.h5"
attention 2 nonode head/model.h5 data.h5; code=$?
refused 2 '--node is not given: name the layers of resnet_small' nonode
attention 2 badnode head/model.h5 data.h5 --node layer1.conv2; code=$?
refused 2 "has no layer 'layer1.conv2' below the representation; did you mean 'layer1.0.conv2'?" badnode
attention 2 gone missing.h5 data.h5 "${layers[@]}"; code=$?
refused 1 'missing.h5' gone
"$PTRAIN" pack --layout folders images/source source.h5 >/dev/null
attention 2 classes head/model.h5 source.h5 "${layers[@]}"; code=$?
refused 2 'has 4 classes, source.h5 has' classes
ranks 2 unmeasured "${on%]*}, layer2.0.relu2], attention: by1.h5}"; code=$?
[ $code = 1 ] && grep -q 'by1.h5: was not measured at layer2.0.relu2' unmeasured.log ||
    { fail "unmeasured: code $code"; cat unmeasured.log; }
ranks 2 nofile "$on, attention: data.h5}"; code=$?
[ $code = 1 ] && grep -q 'data.h5: not a file written by .ptrain attention' nofile.log ||
    { fail "nofile: code $code"; cat nofile.log; }
# A damaged image in the middle: one line, from the lowest rank.
cp data.h5 bad.h5
offset=$(LC_ALL=C grep -obUaP '\xff\xd9' bad.h5 | sed -n 3p | cut -d: -f1)
printf '\x00\x00' | dd of=bad.h5 bs=1 seek="$offset" conv=notrunc status=none
attention 3 spoilt head/model.h5 bad.h5 "${layers[@]}"; code=$?
refused 1 "rank 0: error: bad.h5: image [0-9]* (.*\.jpg) is damaged: " spoilt
"$PTRAIN" attention data.h5 2>usage.log; [ $? = 2 ] && grep -q 'DATA.h5 is missing' usage.log || fail "usage"
finish
