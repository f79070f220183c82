"""usage: input_torch.py DATA.h5 [ROW [images [rounds]]]

ROW: plain, or the augmentation beside crop and flip (input.sh).

torchvision's PIL transforms on the images of a packed data set, one thread's processor time:
the other side of `ptrain bench input`. Prints one line of JSON."""
import io
import json
import statistics
import sys
import time

import h5py
import torch
import torchvision.transforms as T
from PIL import Image


# on bytes; on the network's input
ROWS = {"plain": ([], []),
        "color_jitter": ([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], []),
        "rand_augment": ([T.RandAugment(2, 9)], []),
        "random_erasing": ([], [T.RandomErasing(0.5)]),
        "random_erasing_noise": ([], [T.RandomErasing(0.5, value="random")])}


def main():
    row = sys.argv[2] if len(sys.argv) > 2 else "plain"
    images = int(sys.argv[3]) if len(sys.argv) > 3 else 256
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    torch.set_num_threads(1)
    with h5py.File(sys.argv[1]) as f:
        data, begin = f["images/bytes"][()].tobytes(), f["images/offset"][()]
    files = [data[begin[i]:begin[i + 1]] for i in range(min(images, len(begin) - 1))]
    view = T.Compose([
        T.Resize(256), T.RandomCrop(224), T.RandomHorizontalFlip(), *ROWS[row][0],
        T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        *ROWS[row][1]])
    times = []
    for _ in range(rounds + 1):
        start = time.thread_time()
        for file in files:
            view(Image.open(io.BytesIO(file)).convert("RGB"))
        times.append((time.thread_time() - start) / len(files))
    seconds = statistics.median(times[1:])
    print(json.dumps({"bench": "input", "side": "torchvision", "images": len(files),
                      "seconds": seconds, "images_per_s": 1 / seconds}))


main()
