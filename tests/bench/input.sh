#!/usr/bin/env bash
# usage: input.sh PTRAIN PICTURES [rounds]
#
# The input path beside torchvision's PIL transforms, one core each, alternating: packs up
# to 128 JPEG files of PICTURES (a folder; at least 500 x 375 pixels each) cut to 500 x 375,
# quality 90, 4:2:0, and prints the medians and their ratio.
set -eu
ptrain=$(realpath "$1") pictures=$(realpath "$2") rounds=${3:-5}
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

# The first core of this process's, for both.
core=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
for _ in $(seq "$rounds"); do
    taskset -c "$core" "$ptrain" bench input "$work/data.h5" --json >>"$work/ours"
    taskset -c "$core" "$python" "$here/input_torch.py" "$work/data.h5" 2>/dev/null >>"$work/theirs"
done
"$python" - "$work/ours" "$work/theirs" <<'END'
import json, statistics, sys
rate = [statistics.median(json.loads(l)["images_per_s"] for l in open(f)) for f in sys.argv[1:]]
print(f"input, 500x375 to 224, one core: ptrain {rate[0]:.0f}, torchvision {rate[1]:.0f} images/s, "
      f"ratio {rate[0] / rate[1]:.2f}")
END
