#!/usr/bin/env bash
# Exported models in the programs that they are for: onnx.checker and onnxruntime-node give
# the run's own logits on its whole test set (1e-4), PyTorch loads the state dict strictly
# into torchvision's network. Long: brings in 300 MB from npm, where there is a network.
. "$(dirname "$0")/lib.sh"
command -v npm >/dev/null || { echo "skip: no npm"; exit 77; }
/usr/bin/python3 -c 'import torch, torchvision, onnx, h5py, PIL' 2>/dev/null ||
    { echo "skip: no torchvision, onnx, h5py and Pillow for Python"; exit 77; }
# Its install script only wants what graphics cards need.
timeout 300 npm install --ignore-scripts --silent onnxruntime-node >/dev/null 2>&1 ||
    { echo "skip: npm cannot bring onnxruntime-node"; exit 77; }
make_data

cat >infer.js <<'J'
const ort = require("onnxruntime-node"), fs = require("fs");
(async () => {
  const [model, input, dims, output] = process.argv.slice(2);
  const bytes = fs.readFileSync(input);
  const x = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const session = await ort.InferenceSession.create(model);
  const r = await session.run({ input: new ort.Tensor("float32", x, dims.split(",").map(Number)) });
  fs.writeFileSync(output, Buffer.from(r.logits.data.buffer));
})();
J
cat >compare.py <<'P'
"""usage: compare.py RUN NETWORK SIDE: logits of RUN.onnx, by onnxruntime, against
those in RUN/predictions.h5; the state dict into torchvision's network, where it has it."""
import glob, json, os, subprocess, sys
import h5py, numpy as np, onnx, torch, torchvision
from PIL import Image

run, network, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
onnx.checker.check_model(f"{run}.onnx", full_check=True)
meta = {p.key: p.value for p in onnx.load(f"{run}.onnx").metadata_props}
mean, std = (np.array(json.loads(meta[f"preprocess_{k}"]), np.float32) for k in ("mean", "std"))
with h5py.File(f"{run}/predictions.h5") as f:
    names, want = [n.decode() for n in f["name"]], f["logits"][:]
    classes = [c.decode() for c in f["classes"]]
assert json.loads(meta["classes"]) == classes
files = {p.split("images/target/")[1]: p for p in glob.glob("images/target/**/*.jpg", recursive=True)}


def pixels(name):
    path = next(p for k, p in files.items() if k.endswith(name))
    im = Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)
    x = (np.asarray(im, np.float32) * float(meta["preprocess_scale"]) - mean) / std
    return x.transpose(2, 0, 1)[::-1] if meta["preprocess_order"] == "bgr" else x.transpose(2, 0, 1)


x = np.stack([pixels(n) for n in names]).astype("<f4")
x.tofile("input.bin")
subprocess.run(["node", "infer.js", f"{run}.onnx", "input.bin",
                ",".join(map(str, x.shape)), "logits.bin"], check=True)
got = np.fromfile("logits.bin", "<f4").reshape(want.shape)
most = np.abs(got - want).max()
print(f"{network}: {len(names)} images, logits up to {np.abs(want).max():.3g}, "
      f"{most:.1e} apart at most")
assert most <= 1e-4 * max(1, np.abs(want).max()) and (got.argmax(1) == want.argmax(1)).all()
if hasattr(torchvision.models, network) and network != "squeezenet1_1":
    model = getattr(torchvision.models, network)(num_classes=len(classes))
    model.load_state_dict(torch.load(f"{run}.pth"), strict=True)
    y = model.eval()(torch.from_numpy(x)).detach().numpy()
    print(f"{network}: PyTorch {np.abs(y - want).max():.1e} apart")
    assert np.abs(y - want).max() <= 1e-4 * max(1, np.abs(want).max())
P

check() { # network side
    ranks 2 "$1" network.name="$1" network.dropout=0 data.resize_mode=square data.resize="$2" \
        data.crop="$2" data.train_crop=center stages.0.epochs=1 optimizer.lr=0.01 ||
        { fail "the run of $1"; tail -3 "$1.log"; return; }
    for format in onnx pth; do
        "$PTRAIN" export "$1" --to $format >/dev/null 2>&1 || fail "export of $1 to $format"
    done
    /usr/bin/python3 compare.py "$1" "$1" "$2" || fail "$1"
}
check resnet_small 32
check cifar_resnet20 32
check squeezenet1_1 96
check mobilenet_v1 64
check resnet50 64
finish
