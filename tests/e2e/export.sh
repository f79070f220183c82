#!/usr/bin/env bash
# `ptrain export` of a finished run: three files with the run's weights, and one line for
# each mistake.
. "$(dirname "$0")/lib.sh"
make_data
ranks 2 run stages.0.epochs=1 || fail "the run"

refused() { # words arguments...
    local words=$1
    shift
    timeout 60 "$PTRAIN" export "$@" >out 2>&1
    [ $? = 2 ] && [ "$(wc -l <out)" = 1 ] && grep -q "$words" out || { fail "$*"; cat out; }
}

for format in onnx safetensors pth; do
    "$PTRAIN" export run --to $format >$format.log 2>&1 || fail "export to $format"
    grep -q "^run.$format: resnet_small, [0-9]* classes, input 32 x 32" $format.log ||
        fail "the line of $format"
    "$PTRAIN" predict --weights run.$format --network resnet_small --tsv \
        images/target/*/*/*.jpg >predictions 2>&1
    [ "$(cut -f 2-11 predictions | tr '\t' '\n' | grep -c .)" -ge 10 ] ||
        { fail "predictions from $format"; cat predictions; }
done
# An ONNX file says which pixels it wants, and its classes: the run's own predictions.
"$PTRAIN" eval run.onnx data.h5 >eval.log 2>&1 &&
    grep -q "sha256 $(value run predictions_hash)" eval.log || { fail "eval of run.onnx"; cat eval.log; }
for model in run.onnx run/model.h5; do
    "$PTRAIN" predict --weights $model images/target/test | sed 1d >"$(basename $model).txt" || fail "predict by $model"
done
cmp run.onnx.txt model.h5.txt || fail "run.onnx: other classes"
# So does one of safetensors; one of PyTorch cannot, and what is assumed is said.
"$PTRAIN" eval run.safetensors data.h5 --network resnet_small >eval.log 2>&1 && ! grep -q warn: eval.log &&
    grep -q "sha256 $(value run predictions_hash)" eval.log || { fail "eval of run.safetensors"; cat eval.log; }
"$PTRAIN" predict --weights run.safetensors -n resnet_small images/target/test | sed 1d | cmp - model.h5.txt ||
    fail "run.safetensors: other classes"
"$PTRAIN" eval run.pth data.h5 --network resnet_small >eval.log 2>&1 &&
    [ "$(grep -c 'warn: run.pth: does not say how its pictures are prepared: .* are assumed' eval.log)" = 1 ] ||
    { fail "eval of run.pth"; cat eval.log; }
ls ./*.tmp.* 2>/dev/null && fail "temporary files stay"
refused "exists" run --to onnx
refused "must be onnx, safetensors or pth" run --to keras
refused "is the model itself" run/model.h5 --to onnx --output run/model.h5 --overwrite
"$PTRAIN" export run --to onnx --overwrite >/dev/null 2>&1 || fail "--overwrite"
mkdir begun && echo '{}' >begun/identity.json
for command in 'export begun --to onnx' 'eval begun data.h5'; do
    "$PTRAIN" $command >out 2>&1
    [ $? = 1 ] && [ "$(cat out)" = "error: begun: this run has not finished: it has no model.h5 yet" ] ||
        { fail "$command of a run that has not finished"; cat out; }
done
"$PTRAIN" export nowhere --to onnx >out 2>&1
[ $? = 1 ] && [ "$(wc -l <out)" = 1 ] || { fail "a model that is not there"; cat out; }

# By someone else's eyes: the header and the bytes of safetensors against h5py's model.
/usr/bin/python3 - <<'P' || fail "safetensors against h5py"
import h5py, json, numpy as np, struct
raw = open("run.safetensors", "rb").read()
n, = struct.unpack("<Q", raw[:8])
header, data = json.loads(raw[8:8 + n]), raw[8 + n:]
meta = header.pop("__metadata__")
with h5py.File("run/model.h5") as f:
    names = [s.decode() for s in f["tensors"]]
    assert list(header) == names, (list(header), names)
    for name, v in header.items():
        b, e = v["data_offsets"]
        got = np.frombuffer(data[b:e], "<f4").reshape(v["shape"])
        assert v["dtype"] == "F32" and np.array_equal(got, f["weights"][name]), name
    assert meta["weight_hash"] == f.attrs["weight_hash"], meta
    assert json.loads(meta["classes"]) == [s.decode() for s in f["classes"]], meta
P
finish
