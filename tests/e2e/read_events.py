"""Reads a run's event files as TensorBoard would, with nothing but struct, and compares them with
metrics.jsonl: read_events.py RUN FILES. FILES: how many there must be, one for each job."""
import glob
import json
import os
import struct
import sys

POLYNOMIAL = 0x82F63B78  # of CRC32C, reflected
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
    TABLE.append(byte)


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


assert masked_crc(b"123456789") == 0xC78AB0E5


def records(path):
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        (n, crc) = struct.unpack_from("<QI", data, at)
        assert crc == masked_crc(data[at:at + 8]), f"{path}: length at {at}"
        body = data[at + 12:at + 12 + n]
        assert len(body) == n, f"{path}: cut at {at}"
        (crc,) = struct.unpack_from("<I", data, at + 12 + n)
        assert crc == masked_crc(body), f"{path}: record at {at}"
        yield body
        at += 16 + n


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """{number: [values]} of a message; a length-delimited value as bytes."""
    out, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            (value,), at = struct.unpack_from("<d", data, at), at + 8
        elif kind == 5:
            (value,), at = struct.unpack_from("<f", data, at), at + 4
        else:
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        out.setdefault(key >> 3, []).append(value)
    return out


def doubles(packed):
    return struct.unpack(f"<{len(packed) // 8}d", packed)


scalars, histograms, pictures, starts = {}, {}, {}, []


def take_value(step, value):
    tag = value[1][0].decode()
    if 2 in value:
        assert (tag, step) not in scalars, (tag, step)
        scalars[tag, step] = value[2][0]
    elif 5 in value:
        assert (tag, step) not in histograms, (tag, step)
        histograms[tag, step] = fields(value[5][0])
    else:
        pictures[tag] = fields(value[4][0])


def take_file(path):
    for i, record in enumerate(records(path)):
        event = fields(record)
        step = event[2][0]
        assert 1.6e9 < event[1][0] < 1e10, "no date"
        assert (event.get(3) == [b"brain.Event:2"]) == (i == 0), "the version comes first, once"
        if 7 in event:
            assert fields(event[7][0])[1] == [1], "not a start"
            starts.append(step)
        for value in fields(event[5][0]).get(1, []) if 5 in event else []:
            take_value(step, fields(value))


def expected(lines):
    """What metrics.jsonl holds, under TensorBoard's names."""
    for line in lines:
        of = line.get("test_of") or line.get("tested_on")
        where = "/".join(filter(None, [line.get("weights"), of]))
        for key, number in line.items():
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                continue
            if key in ("step", "stage", "images", "epoch", "right", "of"):
                continue
            time = key == "seconds" or key.endswith("_s")
            yield (f"{where or ('time' if time else 'train')}/{key}", line["step"] + 1), number


def main():
    run, files = sys.argv[1], int(sys.argv[2])
    paths = sorted(glob.glob(os.path.join(run, "events.out.tfevents.*")))
    assert len(paths) == files, paths
    for path in paths:
        take_file(path)
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    want = dict(expected(lines))
    assert set(scalars) == set(want), set(scalars) ^ set(want)
    for key, number in want.items():
        assert abs(scalars[key] - number) <= 1e-6 * abs(number), (key, scalars[key], number)
    assert len(starts) == files - 1, starts
    for (tag, step), h in histograms.items():
        assert tag == "train/w of an epoch"
        epoch = [x["epoch"] for x in lines if x["step"] == step - 1 and "epoch" in x][0] // 1
        w = [x["w"] for x in lines if x.get("epoch", -1) // 1 == epoch and x["w"] > 0]
        limits, buckets = doubles(h[6][0]), doubles(h[7][0])
        assert len(limits) == len(buckets) and sum(buckets) == len(w) == h[3][0], (step, w)
        assert abs(h[1][0] - min(w)) < 1e-6 and abs(limits[-1] - max(w)) < 1e-6
    assert all(p[4][0][:2] == b"\xff\xd8" and p[3] == [3] for p in pictures.values())
    print(len(scalars), len(histograms), len(pictures))


main()
