#!/usr/bin/env bash
# Small numbers end in the bits of one worker or in one clear line: fewer images than
# workers, a last batch of one, classes that nobody has pictures of.
. "$(dirname "$0")/lib.sh"
make_data

# A list of one training and one test image of each of 9 classes; class I has number I.
mkdir list
classes=($(ls images/target/train))
for i in "${!classes[@]}"; do
    for split in train test; do
        file=$(ls images/target/$split/"${classes[i]}"/* | head -1)
        cp "$file" "list/$split$i.jpg"
        echo "$split$i.jpg $i" >>list/$split.all
    done
done
printf '%s\n' "${classes[@]}" >list/classes.txt

# pack NAME TRAIN TEST: the classes whose images are in each list
pack() {
    grep -E " ($2)\$" list/train.all >list/train.txt
    grep -E " ($3)\$" list/test.all >list/test.txt
    "$PTRAIN" pack --layout list list "$1.h5" >pack.log 2>&1 || { fail "pack $1"; cat pack.log; }
}

# same NAME sets...: 1, 3 and 8 workers
same() {
    local name=$1 n
    shift
    for n in 1 3 8; do
        ranks $((n + 1)) "$name-$n" data.path="$name.h5" "$@" ||
            { fail "$name, $n workers"; cat "$name-$n.log"; return; }
        [ "$(hash_of "$name-$n")" = "$(hash_of "$name-1")" ] || fail "$name, $n workers: other weights"
        [ "$(value "$name-$n" predictions_hash)" = "$(value "$name-1" predictions_hash)" ] ||
            fail "$name, $n workers: other predictions"
    done
}
null() { # NAME numbers...: these classes, and no others, have no accuracy
    local name=$1 i want=
    shift
    for i in "$@"; do want+="${classes[i]} "; done
    [ "$(sed -n 's/^ *"\(.*\)": null,\{0,1\}$/\1/p' "$name-1/result.json" | tr '\n' ' ')" = "$want" ] ||
        fail "$name: the classes without an accuracy are not: $want"
}

pack all '[0-8]' '[0-8]'
same all data.batch=4 evaluation.train_split=true # 4, 4 and 1
null all
pack few '[0-2]' '[0-1]' # 3 images and 2 for 8 workers
same few
null few 2 3 4 5 6 7 8
pack gaps '[0-4678]' '[0-35-8]' # class 5 only in test, 4 only in training
same gaps
null gaps 4
pack one 0 1
same one evaluation.train_split=true
grep -q '"per_class": {' one-1/result.json || fail "one: no accuracy of classes"

# no image at all: one line, when it is packed or, without that list, when it is trained on
: >list/test.txt
"$PTRAIN" pack --layout list list none.h5 >pack.log 2>&1
[ $? = 1 ] && [ "$(grep -c error: pack.log)" = 1 ] && grep -q 'list/test.txt: lists no image' pack.log ||
    { fail "an empty list"; cat pack.log; }
rm list/test.txt
"$PTRAIN" pack --layout list list none.h5 >pack.log 2>&1
grep -q "warn: .*no list for split 'test'" pack.log || { fail "no list: no warning"; cat pack.log; }
ranks 3 none data.path=none.h5 data.test_split=exam
[ $? = 1 ] && [ "$(grep -c error: none.log)" = 1 ] &&
    grep -q "error: none.h5: has no split 'exam'; it has: train (data.test_split names" none.log ||
    { fail "no such test split"; cat none.log; }

# validation images and no test images: those are tested, and the configuration says so
cp -r images/target folders && mv folders/test folders/validation
"$PTRAIN" pack folders valid.h5 >pack.log 2>&1 || { fail "pack valid"; cat pack.log; }
ranks 3 valid data.path=valid.h5 'stages=[{epochs: 1}]' || { fail "no test, but val"; cat valid.log; }
grep -q 'and 27 test images (those of split val)' valid.log && grep -q 'test_split: val' valid/config.yaml ||
    { fail "val is tested"; cat valid.log; }
finish
