#!/usr/bin/python3
"""Miniatures of data sets as they are handed out, with their oddities, packed by ptrain and
read again by h5py: images, labels, class names and splits are held against a reading of
this script's own, in the way of the literature's loaders. Then faults: each must be told.

usage: data_sets.py PTRAIN TEST_DATA
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

import h5py
import philox

PTRAIN, DATA = sys.argv[1:3]
SPLIT = 11  # the stream of draws (common/base/rng.h)
failures = 0


def fail(*what):
    global failures
    failures += 1
    print("FAILED:", *what)


def jpeg(path, kind="plain"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(os.path.join(DATA, "jpeg", kind + ".jpg"), path)


def text(path, content):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", newline="") as f:
        f.write(content)


def pack(root, *options):
    """The file's content, or None; what was said."""
    out = root + ".h5"
    r = subprocess.run([PTRAIN, "pack", *options, root, out, "--overwrite"], timeout=60,
                       capture_output=True, text=True)
    if r.returncode:
        return None, r.stdout + r.stderr
    with h5py.File(out) as f:
        names = [n.decode() for n in f["images/name"][()]]
        labels = f["images/label"][()].tolist()
        classes = [c.decode() for c in f["classes/name"][()]]
        splits = {k: [(names[i], classes[labels[i]]) for i in v[()]]
                  for k, v in f["split"].items()}
    return {"classes": classes, "splits": splits, "n": len(names)}, r.stdout + r.stderr


def check(what, root, classes, splits, options=(), says=(), n=None):
    got, said = pack(root, *options)
    if got is None:
        return fail(what, "was not packed:", said)
    if got["classes"] != classes:
        fail(what, "classes", got["classes"], "expected", classes)
    if got["splits"] != splits:
        fail(what, "splits", got["splits"], "expected", splits)
    if n is not None and got["n"] != n:
        fail(what, "has", got["n"], "images, expected", n)
    for words in says:
        if words not in said:
            fail(what, "does not say '%s':" % words, said)


def refused(what, root, *says, options=()):
    got, said = pack(root, *options)
    if got is not None:
        return fail(what, "was packed")
    for words in says:
        if words not in said:
            fail(what, "does not say '%s':" % words, said)


# ---- CUB-200-2011: ids in no order, a gray image, CR LF in one list
def cub200():
    root, classes = "cub/CUB_200_2011", ["001.Black_footed_Albatross", "002.Laysan_Albatross"]
    images, labels, split = {}, {}, {}
    for i in range(1, 8):
        c = classes[i % 2]
        images[i] = "%s/%s_%04d_%d.jpg" % (c, c[4:], i, 796100 + i)
        labels[i], split[i] = i % 2 + 1, int(i % 3 == 0)
        jpeg(os.path.join(root, "images", images[i]), "gray" if i == 4 else "plain")
    order = [3, 1, 2, 7, 5, 6, 4]
    text(root + "/images.txt", "".join("%d %s\n" % (i, images[i]) for i in order))
    text(root + "/image_class_labels.txt", "".join("%d %d\r\n" % (i, labels[i]) for i in images))
    text(root + "/train_test_split.txt", "\n".join("%d %d" % (i, split[i]) for i in images))
    text(root + "/classes.txt", "".join("%d %s\n" % (k + 1, c) for k, c in enumerate(classes)))
    expected = {s: [(images[i], classes[labels[i] - 1]) for i in sorted(images)
                    if split[i] == (s == "train")] for s in ("train", "test")}
    for at in ("cub", root):
        check("CUB", at, classes, expected,
              says=("layout cub200", "2 classes, the official set has 200",
                    "2 training images, the official set has 5994"))
    os.remove(os.path.join(root, "images", images[5]))
    text(root + "/image_class_labels.txt", "1 1\n1 2\n2 3\n9 1\n3 1\n4 1\n5 2\n6 1\n")
    text(root + "/train_test_split.txt", "1 2\n" + "".join("%d 1\n" % i for i in range(2, 8)))
    refused("CUB with faults", "cub", "image_class_labels.txt:2: error: image 1 is listed twice",
            "image_class_labels.txt:3: error: image 2 has no class from classes.txt",
            "image_class_labels.txt:4: error: '9' is not an image id of images.txt",
            "train_test_split.txt:1: error: image 1 is neither 0 nor 1",
            "has no line in image_class_labels.txt", images[5] + ": No such file")


# ---- MIT67: blanks in names, no newline at the end, other formats under names of JPEG
def mit67():
    root = "mit"
    train = ["mall/shopping mall.jpg", "airport_inside/a_1.jpg", "mall/b.jpg",
             "laundromat/laundry room.jpg", "gym/Gym1_png.jpg", "gym/g.jpg"]
    test = ["laundromat/c.jpg", "airport_inside/x y  z.jpg", "buffet/Buffet_gif.jpg",
            "gym/bitmap.jpg", "buffet/d.jpg"]
    for name in train + test:
        jpeg(os.path.join(root, "Images", name))
    for name, kind in ((train[4], "rgb.png"), (test[2], "rgb.gif"), (test[3], "rgb.bmp")):
        shutil.copy(os.path.join(DATA, "picture", "pillow_" + kind),
                    os.path.join(root, "Images", name))
    jpeg(root + "/Images/unlisted/u.jpg")
    text(root + "/TrainImages.txt", "\n".join(train))
    text(root + "/TestImages.txt", "\r\n".join(test) + "\r\n")
    classes = sorted({n.split("/")[0] for n in train + test})
    expected = {s: [(n, n.split("/")[0]) for n in names]
                for s, names in (("train", train), ("test", test))}
    check("MIT67", root, classes, expected,
          says=("layout mit67", "6 training images, the official set has 5360"))
    text(root + "/TestImages.txt", "mall/b.jpg\nnothing\nmall/none.jpg\n")
    refused("MIT67 with faults", root, "mall/b.jpg is listed twice",
            "TestImages.txt:2: error: 'nothing' is not `class/file`",
            "TestImages.txt:3: error: mit/Images/mall/none.jpg: No such file")


# ---- Stanford 40: a header, underscores and capitals in names
def stanford40():
    root = "stanford"
    actions = ["watching_TV", "applauding", "waving_hands", "writing_on_a_book"]
    listed = {"train": [], "test": []}
    for k, a in enumerate(actions):
        for i in range(1, 5):
            s = "train" if i % 2 else "test"
            listed[s].append("%s_%03d.jpg" % (a, i))
            jpeg("%s/JPEGImages/%s_%03d.jpg" % (root, a, i))
    random.Random(1).shuffle(listed["train"])
    text(root + "/ImageSplits/actions.txt",
         "action_name\tnumber_of_images\n" + "".join("%s\t\t4\n" % a for a in actions))
    for s, names in listed.items():
        text("%s/ImageSplits/%s.txt" % (root, s), "\r\n".join(names))
        for a in actions[:3]:
            text("%s/ImageSplits/%s_%s.txt" % (root, a, s),
                 "".join(n + "\n" for n in names if n.rsplit("_", 1)[0] == a))
    expected = {s: [(n, n.rsplit("_", 1)[0]) for n in names] for s, names in listed.items()}
    check("Stanford40", root, sorted(actions), expected,
          says=("layout stanford40", "2 of the 8 lists of one action are missing"))
    text(root + "/ImageSplits/applauding_test.txt", "applauding_002.jpg\nwaving_hands_002.jpg\n")
    text(root + "/ImageSplits/test.txt", "\n".join(listed["test"] + ["riding_001.jpg",
                                                                    listed["train"][0]]))
    refused("Stanford40 with faults", root,
            "test.txt:9: error: 'riding_001.jpg' does not begin with an action of actions.txt",
            "applauding_test.txt:2: error: waving_hands_002.jpg is not in test.txt",
            listed["train"][0] + " is in both train.txt and test.txt")


# ---- Caltech-256: other entries, the clutter class, three ways to split
def caltech256():
    root = "caltech"
    folders = ["%03d.%s" % (i, "clutter" if i == 257 else "class-%d" % i)
               for i in range(1, 258)]
    few = 3  # files of the classes beside two large ones would be many: links to one file
    jpeg("one.jpg", "1x1") if os.path.dirname("one.jpg") else shutil.copy(
        os.path.join(DATA, "jpeg", "1x1.jpg"), "one.jpg")
    one = os.path.abspath("one.jpg")
    for n, f in enumerate(folders, 1):
        os.makedirs("%s/256_ObjectCategories/%s" % (root, f))
        for i in range(1, 85 if n < few else 84):
            os.symlink(one, "%s/256_ObjectCategories/%s/%03d_%04d.jpg" % (root, f, n, i))
    at = root + "/256_ObjectCategories/"
    text(at + folders[1] + "/RENAME2", "x")
    os.makedirs(at + folders[5] + "/greg/vision309")
    jpeg(at + folders[2] + "/other.jpg")
    names = [f[4:] for f in folders]

    def images(k, which):
        return [("%s/%03d_%04d.jpg" % (folders[k], k + 1, i), names[k]) for i in which]

    def splits(n, sizes, order=lambda k: list(range(1, 85 if k + 1 < few else 84))):
        return {s: sum((images(k, order(k)[a:b]) for k in range(n)), [])
                for s, (a, b) in sizes.items()}

    fixed = {"train30": (0, 30), "train60": (0, 60), "test": (60, 80)}
    check("Caltech", root, names, splits(257, fixed),
          says=("layout caltech256", "3 entries are not images named NNN_MMMM.jpg"))
    check("Caltech without clutter", at.rstrip("/"), names[:256],
          splits(256, {"train": (0, 25), "test": (25, 75)}),
          options=("--layout", "caltech256", "--no-clutter", "--train-per-class", "25",
                   "--test-per-class", "50"))

    def drawn(k):
        n = 84 if k + 1 < few else 83
        return (philox.permutation(philox.stream(7, SPLIT, k, 0), n) + 1).tolist()

    check("Caltech drawn", root, names, splits(257, fixed, drawn), options=("--draw", "7"))
    refused("Caltech with more than there is", root, "class 001.class-1 has 84 images, "
            "but 80 + 20 are needed", options=("--train-per-class", "80"))
    refused("Caltech with another's option", root, "--identities is for webface500",
            options=("--identities", "3"))


# ---- WebFace500 from a folder of identities
def webface500():
    root, sizes = "faces", {"0000045": 5, "0000099": 9, "0000100": 7, "0000102": 7, "0000107": 7,
                            "0000133": 8}
    for name, n in sizes.items():
        for i in range(n):
            jpeg("%s/%s/%03d.jpg" % (root, name, i + 1))
    chosen = sorted(sorted(sizes, key=lambda k: (-sizes[k], k))[:4])
    options = ("--layout", "webface500", "--identities", "4", "--train-per-class", "4",
               "--test-per-class", "2")
    expected = {s: [("%s/%03d.jpg" % (c, i), c) for c in chosen for i in which]
                for s, which in (("train", (1, 2, 3, 4)), ("test", (5, 6)))}
    check("WebFace", root, chosen, expected, options=options, n=24)
    order = [(philox.permutation(philox.stream(3, SPLIT, k, 0), sizes[c]) + 1).tolist()
             for k, c in enumerate(chosen)]
    drawn = {s: [("%s/%03d.jpg" % (c, i), c) for k, c in enumerate(chosen)
                 for i in order[k][a:b]] for s, (a, b) in (("train", (0, 4)), ("test", (4, 6)))}
    check("WebFace drawn", root, chosen, drawn, options=options + ("--draw", "3"))
    refused("WebFace with too few", root, "5 of 6 identities have the 5 + 2 images needed per "
            "identity; 6 such identities are required", options=("--layout", "webface500", "--identities", "6",
                                           "--train-per-class", "5", "--test-per-class", "2"))


with tempfile.TemporaryDirectory(prefix="ptrain-sets-") as place:
    os.chdir(place)
    for f in (cub200, mit67, stanford40, caltech256, webface500):
        f()
print("all held" if failures == 0 else "%d failed" % failures)
sys.exit(failures > 0)
