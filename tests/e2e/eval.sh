#!/usr/bin/env bash
# `ptrain eval`: the accuracy and the hash of predictions that the run itself has; views,
# classes, calibration; one line for each mistake.
. "$(dirname "$0")/lib.sh"
make_data
ranks 3 run optimizer.lr=0.02 || fail "the run"

"$PTRAIN" eval run data.h5 --split train >out 2>&1
grep -q ' images of split train)$' out || { fail "which images"; cat out; }
"$PTRAIN" eval run data.h5 --per-class --confusion >out 2>&1 || { fail "eval"; cat out; }
grep -q "sha256 $(value run predictions_hash)" out || { fail "the run's predictions"; cat out; }
for cores in 0 0,1; do
    taskset -c $cores "$PTRAIN" eval run/model.h5 data.h5 --json >$cores.json 2>&1 ||
        fail "eval on cores $cores"
done
cmp -s 0.json 0,1.json || fail "one core and two differ"
# A run without Winograd is tested without it, from its model file alone too.
ranks 2 direct optimizer.lr=0.02 engine.winograd=false || fail "the run without Winograd"
"$PTRAIN" eval direct/model.h5 data.h5 >out 2>&1 || { fail "eval without Winograd"; cat out; }
grep -q "sha256 $(value direct predictions_hash)" out || fail "its predictions by other convolutions"
for views in flip ten; do
    "$PTRAIN" eval run data.h5 --views $views --json >$views.json 2>&1 || fail "--views $views"
done
# Exported and read again, it is the same model (a square resize has no record in a .pth).
"$PTRAIN" export run --to safetensors >/dev/null 2>&1 || fail "export"
/usr/bin/python3 - <<'P' || fail "the numbers"
import json
import h5py, numpy as np
one, flip, ten = (json.load(open(f)) for f in ("0.json", "flip.json", "ten.json"))
result = json.load(open("run/result.json"))
with h5py.File("run/predictions.h5") as f:
    logits, label = f["logits"][:].astype(np.float64), f["label"][:]
p = np.exp(logits - logits.max(1, keepdims=True))
p /= p.sum(1, keepdims=True)
guess, sure = logits.argmax(1), p.max(1)
assert one["right"] == (guess == label).sum() and one["images"] == len(label)
assert abs(one["ce"] + np.log(p[np.arange(len(label)), label]).mean()) < 1e-9
confusion = np.zeros_like(np.array(one["confusion"]))
np.add.at(confusion, (label, guess), 1)
assert (confusion == one["confusion"]).all()
bins = np.ceil(sure * 15).astype(int).clip(1, 15)
ece = sum((bins == k).mean() * abs((guess == label)[bins == k].mean() - sure[bins == k].mean())
          for k in set(bins))
assert abs(one["calibration"]["error"] - ece) < 1e-9, (one["calibration"]["error"], ece)
assert sum(b["images"] for b in one["calibration"]["bins"]) == len(label)
assert len({v["predictions_hash"] for v in (one, flip, ten)}) == 3
assert flip["ce"] != one["ce"] and ten["images"] == one["images"]
P

# A folder is what pack makes of it: the same images, and nothing stays behind.
mkdir emptiness tmp
TMPDIR=$work/tmp "$PTRAIN" eval run images/target --json >folder.json 2>&1 &&
    cmp -s folder.json 0.json || { fail "a folder"; diff folder.json 0.json; }
[ -z "$(ls tmp)" ] || fail "what stays of a folder: $(ls tmp)"

refused() { # words arguments...
    local words=$1
    shift
    "$PTRAIN" eval "$@" >out 2>&1
    case $? in 1 | 2) ;; *) fail "code of $*" ;; esac
    [ "$(wc -l <out)" = 1 ] && grep -q "$words" out || { fail "$*"; cat out; }
}
refused "must be centre, flip or ten" run data.h5 --views five
refused "emptiness: has no class folders" run emptiness
refused "no split 'night'\|no split night\|has no split" run data.h5 --split night
refused "nowhere" nowhere data.h5

# Where the most likely class is seen: a PNG of each, of the size that the network sees.
"$PTRAIN" predict --weights run images/target/test --heat heat >out 2>&1 || { fail "--heat"; cat out; }
[ "$(ls heat | wc -l)" = "$(find images/target/test -name '*.jpg' | wc -l)" ] && [ -e heat/1-0000.png ] &&
    [ "$(od -An -tx1 -j 16 -N 8 heat/1-0000.png | tr -d ' ')" = 0000002000000020 ] ||
    fail "--heat: $(ls heat | head -3)"
"$PTRAIN" predict --weights run images/target/test --heat heat --flip >out 2>&1
[ $? = 2 ] && grep -q "one view" out || { fail "--heat --flip"; cat out; }

# ---- predict: what people have, in the forms that they want ---------------------------------

predict() { "$PTRAIN" predict --weights run "$@"; }
one=$(find images/target/test -name '*.jpg' | sort | head -1)
predict "$one" --top 2 >out 2>&1 && [ "$(wc -l <out)" = 3 ] && grep -q 'class [0-9]*  [a-z]' out ||
    { fail "one picture"; cat out; }
predict images/target/test --csv >folder.csv 2>&1 || fail "a folder"
printf '%s,anything\n%s\n' "$one" images/target/test >list.txt
predict --list list.txt --json --top 1 >list.json 2>&1 || fail "a list"
predict data.h5 --tsv >packed.tsv 2>&1 || fail "a packed set"
cp "$one" 'with, "comma.jpg' && echo "no picture" >broken.jpg
predict broken.jpg "with, \"comma.jpg" --csv --top 1 >mixed.csv 2>mixed.err
[ $? = 1 ] && [ "$(wc -l <mixed.err)" = 1 ] && grep -q "broken.jpg: " mixed.err ||
    { fail "a broken picture among good ones"; cat mixed.err; }
/usr/bin/python3 - <<'P' || fail "the predictions"
import csv, json
import h5py
folder = list(csv.DictReader(open("folder.csv")))
listed = json.load(open("list.json"))
with h5py.File("run/predictions.h5") as f:
    want = dict(zip((n.decode() for n in f["name"]), f["prediction"][:]))
    classes = [c.decode() for c in f["classes"]]
first = {r["file"]: r for r in folder if r["rank"] == "1"}
assert len(first) == len(want) and len(folder) == 5 * len(want)
for file, r in first.items():
    assert int(r["class"]) == want[file.removeprefix("images/target/")], r
    assert r["name"] == classes[int(r["class"])], r
assert len(listed) == 1 + len(want) and listed[0] in listed[1:]
assert all(o["top"][0]["class"] == int(first[o["file"]]["class"]) for o in listed)
packed = [l.split("\t") for l in open("packed.tsv")]
assert all(len(l) == 11 for l in packed) and len(packed) > len(want)
assert sum(int(l[1]) == want[l[0]] for l in packed if l[0] in want) == len(want)
mixed = list(csv.DictReader(open("mixed.csv")))
assert len(mixed) == 1 and mixed[0]["file"] == 'with, "comma.jpg', mixed
P
"$PTRAIN" predict --weights run >out 2>&1
[ $? = 2 ] && grep -q "no pictures: name some" out || { fail "no pictures"; cat out; }
"$PTRAIN" predict --weights run "$one" --csv --json >out 2>&1
[ $? = 2 ] && grep -q "only one of them" out || { fail "two forms"; cat out; }
finish
