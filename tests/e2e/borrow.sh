#!/usr/bin/env bash
# `ptrain borrow`: the same file from any number of ranks, of a set from itself every image
# by its own, more for the hard, and what is written trains jointly. Its failures are lines.
. "$(dirname "$0")/lib.sh"
make_data
"$PTRAIN" demo-data other --seed 2 --source-per-class 3 --source-test-per-class 1 \
    --target-per-class 1 --target-test-per-class 1 >/dev/null &&
    "$PTRAIN" pack --layout folders other/source source.h5 >/dev/null || exit 1

# borrow N NAME option... : NAME.h5, NAME.tsv and NAME.log from N ranks
borrow() {
    local n=$1 name=$2
    shift 2
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n "$n" "$PTRAIN" borrow \
        --list "$name.tsv" "$@" "$name.h5" >"$name.log" 2>&1
}
# refused CODE PATTERN NAME: the run before ended so, with one line, and wrote nothing
refused() {
    [ "$code" = "$1" ] && [ "$(grep -c 'error:' "$3.log")" = 1 ] && grep -q "$2" "$3.log" ||
        { fail "$3: code $code, expected $1 and '$2'"; cat "$3.log"; }
    [ ! -e "$3.h5" ] || fail "$3.h5 was written"
}

for n in 1 2 3; do
    borrow $n by$n data.h5 source.h5 --neighbours 2 || { fail "$n ranks"; cat "by$n.log"; }
done
cmp by1.h5 by2.h5 && cmp by1.h5 by3.h5 && cmp by1.tsv by3.tsv || fail "ranks change bytes"
images=$("$PTRAIN" inspect data.h5 | sed -n 's/^split train: \([0-9]*\) .*/\1/p')
[ "$(wc -l <by1.tsv)" = $((2 * images)) ] || fail "not two neighbours of each of $images"
chosen=$(cut -f2 by1.tsv | sort -u)
[ "$("$PTRAIN" inspect by2.h5 --verify | sed -n 's/^split train: \([0-9]*\) .*/\1/p')" = \
    "$(wc -l <<<"$chosen")" ] || fail "the data set is not the union of the lists"

borrow 2 few data.h5 source.h5 --neighbours 2 --per-class 1 || cat few.log
[ "$(wc -l <few.tsv)" = $((2 * $("$PTRAIN" inspect data.h5 | grep -c '^class'))) ] ||
    fail "--per-class 1: $(wc -l <few.tsv) lines"

borrow 2 itself data.h5 data.h5 --neighbours 1 || cat itself.log
awk -F'\t' '$1 != $2 || $3 != 0 { exit 1 }' itself.tsv || fail "not its own nearest"
grep -q 'warn: all source images' itself.log || fail "no warning where all are chosen"

ranks 2 first data.flip=false evaluation.train_split=true 'stages=[{steps: 3}]' ||
    { fail "a run"; cat first.log; }
borrow 3 harder data.h5 source.h5 --neighbours 1 --after first --after first || cat harder.log
read -r wrong unsure easy < <(sed -n \
    's/.*first: \([0-9]*\) target images wrong, \([0-9]*\) unsure, \([0-9]*\) easy/\1 \2 \3/p' \
    harder.log)
[ "$((wrong + unsure + easy))" = "$images" ] || fail "$wrong + $unsure + $easy of $images"
[ "$wrong" -gt 0 ] || fail "three steps and nothing is wrong"
[ "$(wc -l <harder.tsv)" = $((images + 2 * (4 * wrong + 2 * unsure))) ] ||
    fail "not 4 K more of $wrong and 2 K of $unsure: $(wc -l <harder.tsv) lines"
# Layers of a network as filters: a run's own model, or a pretrained file.
for n in 1 3; do
    borrow $n layers$n data.h5 source.h5 --neighbours 2 --filters first/model.h5 ||
        { fail "layers, $n ranks"; cat "layers$n.log"; }
done
cmp layers1.h5 layers3.h5 && cmp layers1.tsv layers3.tsv || fail "ranks change bytes (layers)"
cmp -s layers1.tsv by1.tsv && fail "layers of a network choose as Gabor filters do"
[ "$(grep -c '^filters: [0-9]* maps of 32 x 32 places, .*relu.* of resnet_small' layers3.log)" = 2 ] ||
    { fail "the layers are not told once"; cat layers3.log; }
borrow 2 self data.h5 data.h5 --neighbours 1 --filters first/model.h5 --layer bn1 || cat self.log
awk -F'\t' '$1 != $2 || $3 != 0 { exit 1 }' self.tsv || fail "layers: not its own nearest"
borrow 2 nolayer data.h5 source.h5 --filters first/model.h5 --layer bn11; code=$?
refused 2 "no layer 'bn11'.*did you mean 'bn1'" nolayer
borrow 2 nofilters data.h5 source.h5 --filters missing.pth --network vgg16; code=$?
refused 1 'missing.pth' nofilters
"$PTRAIN" borrow data.h5 source.h5 x.h5 --layer bn1 2>usage.log; [ $? = 2 ] &&
    grep -q -e '--layer need --filters' usage.log || fail "--layer without --filters"
# What goes with each target image in the file are its lines of the list, in their order.
cat >pairs.py <<'Y'
import h5py, sys

with h5py.File(sys.argv[1]) as f, h5py.File("data.h5") as d:
    names, mine = d["images/name"].asstr()[:], f["images/name"].asstr()[:]
    p = f["pairs"]
    assert p.attrs["of"] == d.attrs["checksum"]
    for i, t in enumerate(p["target"][:]):
        for k in p["image"][p["begin"][i]:p["begin"][i + 1]]:
            print(names[t], mine[k], sep="\t")
Y
for name in by2 harder few; do
    /usr/bin/python3 pairs.py $name.h5 | cmp - <(cut -f1,2 $name.tsv) || fail "$name: other pairs"
done
"$PTRAIN" inspect --verify harder.h5 >/dev/null || fail "harder.h5: its checksum"
with=(regularizers.joint.weight=1 source.draw=neighbours)
for n in 2 3; do
    ranks $n "near$n" source.path=by2.h5 "${with[@]}" 'stages=[{steps: 4}]' ||
        { fail "with neighbours"; cat "near$n.log"; }
done
ranks 3 any source.path=by2.h5 "${with[0]}" 'stages=[{steps: 4}]' || cat any.log
[ "$(hash_of near2)" = "$(hash_of near3)" ] || fail "ranks change the pairs"
[ "$(hash_of near2)" != "$(hash_of any)" ] || fail "neighbours change nothing"
ranks 2 nopairs source.path=source.h5 "${with[@]}"; code=$?
refused 1 'source.h5: holds no neighbours of the images of data.h5' nopairs
ranks 2 others source.path=few.h5 "${with[@]}"; code=$?
refused 1 'training image [0-9]* has no neighbours in the source file' others
ranks 2 drawn source.path=by2.h5 "${with[@]}" source.per_class=1; code=$?
[ $code = 2 ] && grep -q 'source.per_class.* cannot be combined with source.draw' drawn.log ||
    { fail "per_class and neighbours: $code"; cat drawn.log; }
ranks 3 joint source.path=by2.h5 regularizers.joint.weight=1 'stages=[{steps: 3}]' ||
    { fail "joint training with it"; cat joint.log; }

borrow 2 by1 data.h5 source.h5; code=$?
[ $code = 2 ] && grep -q 'already exists; --overwrite' by1.log || fail "replaced by1.h5"
borrow 2 gone data.h5 missing.h5; code=$?
refused 1 'missing.h5' gone
borrow 2 nosplit data.h5 source.h5 --source-split valid; code=$?
refused 1 "valid" nosplit
borrow 2 other source.h5 data.h5 --after first; code=$?
refused 2 "first: this run had other data than source.h5 holds" other
borrow 2 norun data.h5 source.h5 --after by1; code=$?
refused 1 'train_predictions.h5' norun
# One image's JPEG data spoilt.
cp source.h5 bad.h5
offset=$(LC_ALL=C grep -obUaP '\xff\xd9' bad.h5 | head -1 | cut -d: -f1)
printf '\x00\x00' | dd of=bad.h5 bs=1 seek="$offset" conv=notrunc status=none
borrow 3 spoilt data.h5 bad.h5; code=$?
refused 1 "bad.h5: image 0 (.*\.jpg) is damaged: " spoilt
"$PTRAIN" borrow data.h5 2>usage.log; [ $? = 2 ] && grep -q 'SOURCE.h5 is missing' usage.log || fail "usage"
"$PTRAIN" borrow --ranks 2 --neighbours 2 data.h5 source.h5 alone.h5 >alone.log 2>&1 &&
    cmp by1.h5 alone.h5 || { fail "without mpirun"; cat alone.log; }
finish
