#!/usr/bin/env bash
# `ptrain soup`: means of runs' models, greedy ones, the line from the start, against NumPy.
. "$(dirname "$0")/lib.sh"
make_data
ranks 2 start stages.0.epochs=1 seed=9 || fail "the start"
for seed in 1 2 3; do
    ranks 2 "seed-$seed" stages.0.epochs=1 seed=$seed network.weights=start/model.h5 \
        "optimizer.lr=0.0$seed" || fail "run $seed"
done
"$PTRAIN" soup seed-? --output mean.h5 >mean.log 2>&1 || { fail "the mean"; cat mean.log; }
"$PTRAIN" soup seed-2 --output one.h5 >one.log 2>&1 || fail "a soup of one"
grep -q "$(hash_of seed-2)" one.log || { fail "a soup of one is another model"; cat one.log; }
"$PTRAIN" soup seed-2 --output wise.h5 --wise 0.25 --start start >wise.log 2>&1 || fail "--wise"
"$PTRAIN" soup seed-? --output greedy.h5 --greedy data.h5 --split train >greedy.log 2>&1 ||
    fail "--greedy"
[ "$(grep -cE '^seed-[123]: [0-9.]+ % alone, [0-9.]+ % with those before it: (taken|left out)$' \
    greedy.log)" = 3 ] || { fail "what greedy says"; cat greedy.log; }
awk -F'[:%]' '/alone/ { if (n++ && $2 + 0 > last) bad = 1; last = $2 + 0 } END { exit bad }' greedy.log ||
    { fail "the best is not first"; cat greedy.log; }
/usr/bin/python3 - <<'P' || fail "the means"
import re
import h5py, numpy as np

def read(path):
    with h5py.File(path) as f:
        return {n.decode(): f["weights"][n.decode()][:].astype(np.float64) for n in f["tensors"]}

runs = [read(f"seed-{i}/model.h5") for i in (1, 2, 3)]
mean, wise, start = read("mean.h5"), read("wise.h5"), read("start/model.h5")
greedy = read("greedy.h5")
taken = [int(m) - 1 for m in re.findall(r"seed-(\d): .*: taken", open("greedy.log").read())]
assert taken
for n in mean:
    assert (mean[n] == np.float32(sum(r[n] for r in runs) / 3)).all(), n
    line = runs[1][n] if n.startswith("fc.") else np.float32(0.75 * start[n] + 0.25 * runs[1][n])
    assert (wise[n] == line).all(), n
    assert np.allclose(greedy[n], sum(runs[i][n] for i in taken) / len(taken), rtol=1e-6, atol=1e-7), n
P
"$PTRAIN" eval mean.h5 data.h5 >out 2>&1 && grep -q accuracy out || { fail "eval of a soup"; cat out; }
refused() { # words arguments...
    local words=$1
    shift
    "$PTRAIN" soup "$@" >out 2>&1
    [ $? = 2 ] && [ "$(wc -l <out)" = 1 ] && grep -q "$words" out || { fail "$*"; cat out; }
}
refused "exists" seed-1 --output mean.h5
mv images/target/test images/target/validation # a split that pack calls val
"$PTRAIN" pack images/target val.h5 >/dev/null || fail "pack with validation images"
mv images/target/validation images/target/test
"$PTRAIN" soup seed-1 seed-2 --output val-soup.h5 --greedy val.h5 >out 2>&1 || { fail "--greedy by val"; cat out; }
refused "./seed-1/model.h5 would overwrite its own input" seed-1 --output ./seed-1/model.h5 --overwrite
refused "belong together" seed-1 --output x.h5 --wise 0.5
refused "must be a number from 0 to 1" seed-1 --output x.h5 --wise 2 --start start
# As many classes, but others, or in another order.
mv images/target/train/"$(ls images/target/train | head -1)" images/target/train/zebra
mv images/target/test/"$(ls images/target/test | head -1)" images/target/test/zebra
"$PTRAIN" pack images/target renamed.h5 >/dev/null || fail "pack"
ranks 2 renamed stages.0.epochs=1 data.path=renamed.h5 || fail "other classes"
refused "class 0 is 'eight_coarse' in seed-1/model.h5, and 'eight_dots' in renamed/model.h5" \
    seed-1 renamed --output x.h5
refused "class 0 is .* in renamed.h5" seed-1 --output x.h5 --greedy renamed.h5 --split train
ranks 2 pixels stages.0.epochs=1 data.preprocess.order=bgr || fail "other pixels"
refused "see their pixels differently" seed-1 pixels --output x.h5
ranks 2 other stages.0.epochs=1 network.name=cifar_resnet20 || fail "another network"
refused "no mean of these" seed-1 other --output x.h5
finish
