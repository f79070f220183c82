#!/usr/bin/env bash
# usage: input.sh PTRAIN PICTURES [rounds [ROW...]]
#
# The input path beside torchvision's PIL transforms, one core each, alternating, in processor
# time: packs up to 128 JPEG files of PICTURES (a folder; at least 500 x 375 pixels each) cut to
# 500 x 375, quality 90, 4:2:0, and prints medians and those of the ratios within a round, plain
# and with each augmentation, or for the rows that are named.
set -eu
ptrain=$(realpath "$1") pictures=$(realpath "$2") rounds=${3:-5}
rows=(plain color_jitter rand_augment random_erasing random_erasing_noise)
[ $# -le 3 ] || rows=("${@:4}")
here=$(cd "$(dirname "$0")" && pwd)
python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" - "$pictures" "$work" <<'END'
import pathlib, sys
from PIL import Image
done = 0
(pathlib.Path(sys.argv[2]) / "pictures/all").mkdir(parents=True)
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.jp*g")):
    try:
        im = Image.open(path).convert("RGB")
    except Exception:
        continue
    if im.width < 500 or im.height < 375:
        continue
    s = min(im.width / 500, im.height / 375)
    im = im.resize((500, 375), Image.BICUBIC, box=(0, 0, 500 * s, 375 * s))
    im.save(f"{sys.argv[2]}/pictures/all/{done:03}.jpg", quality=90, subsampling=2)
    done += 1
    if done == 128:
        break
if done == 0:
    sys.exit("no JPEG files of 500 x 375 pixels or more in " + sys.argv[1])
END
"$ptrain" pack --layout folders "$work/pictures" "$work/data.h5" >/dev/null

# What changes the images beside resize, crop and flip, on both sides.
echo "data: {flip: true}" >"$work/plain.yaml"
cat >"$work/color_jitter.yaml" <<'END'
data: {color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}}
END
cat >"$work/rand_augment.yaml" <<'END'
data: {rand_augment: {num_ops: 2, magnitude: 9}}
END
cat >"$work/random_erasing.yaml" <<'END'
data: {random_erasing: {probability: 0.5}}
END
cat >"$work/random_erasing_noise.yaml" <<'END'
data: {random_erasing: {probability: 0.5, with: noise}}
END

# The first core of this process's, for both.
core=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
for _ in $(seq "$rounds"); do
    for row in "${rows[@]}"; do
        taskset -c "$core" "$ptrain" bench input "$work/data.h5" --config "$work/$row.yaml" \
            --images 64 --rounds 2 --json >>"$work/$row.ours"
        taskset -c "$core" "$python" "$here/input_torch.py" "$work/data.h5" "$row" 64 2 \
            2>/dev/null >>"$work/$row.theirs"
    done
done
"$python" - "$work" "${rows[@]}" <<'END'
import json, statistics, sys
work, *rows = sys.argv[1:]

def ms(row, side):  # an image, of every round
    return [1e3 / json.loads(l)["images_per_s"] for l in open(f"{work}/{row}.{side}")]

def middle(of, a, b):  # of neighbouring measurements
    return statistics.median(of(x, y) for x, y in zip(a, b))

print("input, 500x375 to 224: ms of processor time an image, medians")
for row in rows:
    ours, theirs = ms(row, "ours"), ms(row, "theirs")
    more = middle(lambda x, y: x - y, ours, ms(rows[0], "ours"))
    print(f"{row:22} ptrain {statistics.median(ours):.2f}, torchvision {statistics.median(theirs):.2f}, "
          f"ratio {middle(lambda x, y: x / y, theirs, ours):.2f}; {more:+.2f} than {rows[0]}")
END
