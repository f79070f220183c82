"""usage: input_torch.py DATA.h5 [images [rounds]]

torchvision's PIL transforms on the images of a packed data set, one thread: the other side
of `ptrain bench input`. Prints one line of JSON."""
import io
import json
import statistics
import sys
import time

import h5py
import torch
import torchvision.transforms as T
from PIL import Image


def main():
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    torch.set_num_threads(1)
    with h5py.File(sys.argv[1]) as f:
        data, begin = f["images/bytes"][()].tobytes(), f["images/offset"][()]
    files = [data[begin[i]:begin[i + 1]] for i in range(min(images, len(begin) - 1))]
    view = T.Compose([
        T.Resize(256), T.RandomCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
        T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for file in files:
            view(Image.open(io.BytesIO(file)).convert("RGB"))
        times.append((time.perf_counter() - start) / len(files))
    seconds = statistics.median(times[1:])
    print(json.dumps({"bench": "input", "side": "torchvision", "images": len(files),
                      "seconds": seconds, "images_per_s": 1 / seconds}))


main()
