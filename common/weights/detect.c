#include "common/weights/detect.h"

#include <string.h>

#include "common/base/file.h"
#include "common/weights/caffe.h"
#include "common/weights/model.h"
#include "common/weights/safetensors.h"
#include "common/weights/torch.h"

static bool starts(const uint8_t *bytes, size_t n, const void *with, size_t n_with)
{
    return n >= n_with && memcmp(bytes, with, n_with) == 0;
}

static pt_status which_hdf5(const char *path, pt_format *format)
{
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_open(path, &f);

    if (s == PT_OK) *format = pt_model_is(f) ? PT_FORMAT_MODEL : PT_FORMAT_KERAS;
    pt_h5file_destroy(&f);
    return s;
}

/* Files that people take for weights, and what to do about them. */
static const struct {
    const char *begins;
    size_t n;
    const char *text;
} strangers[] = {
    {"version https://git-lfs", 23,
     "is a Git LFS pointer, not the file itself: git lfs pull brings it"},
    {"<!DOCTYPE", 9, "is a web page, not the file that it offers for download"},
    {"<!doctype", 9, "is a web page, not the file that it offers for download"},
    {"<html", 5, "is a web page, not the file that it offers for download"},
    {"\x1f\x8b", 2, "is compressed with gzip: gunzip it first"},
    {"BZh", 3, "is compressed with bzip2: bunzip2 it first"},
    {"\xfd"
     "7zXZ",
     5, "is compressed with xz: unxz it first"},
    {"\x28\xb5\x2f\xfd", 4, "is compressed with zstd: unzstd it first"},
    {"\x93NUMPY", 6, "is one NumPy array: a network has many"},
    {"7z\xbc\xaf", 4, "is a 7-Zip archive: unpack it first"},
    {"Rar!", 4, "is a RAR archive: unpack it first"},
};

/* A pickle of protocol 2 to 5 that is not PyTorch's. */
static bool is_pickle(const uint8_t *b, size_t n)
{
    return n > 2 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5;
}

static pt_status unknown(const char *path, const uint8_t *b, size_t n)
{
    if (n == 0) return pt_fail(PT_ERR_DATA, "%s: is empty", path);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (starts(b, n, strangers[i].begins, strangers[i].n))
            return pt_fail(PT_ERR_DATA, "%s: %s", path, strangers[i].text);
    if (is_pickle(b, n))
        return pt_fail(PT_ERR_DATA,
                       "%s: is a pickle of some Python program, not of torch.save; in "
                       "Python: torch.save({name: torch.tensor(v) for name, v in "
                       "pickle.load(open(FILE, \"rb\")).items()}, \"weights.pth\")",
                       path);
    return pt_fail(
        PT_ERR_DATA,
        "%s: is not in a known weights format (it starts with %02x %02x %02x %02x)", path,
        b[0], b[1], b[2], b[3]);
}

/* ONNX has no magic: a protobuf message begins with the tag of one of ModelProto's first
 * fields. */
static bool is_onnx(const uint8_t *b, size_t n)
{
    return n > 0 && (b[0] == 0x08 || b[0] == 0x12 || b[0] == 0x3a || b[0] == 0x42);
}

/* Neither has Caffe: its net begins with a name, a layer, or an input. */
static bool may_be_caffe(const uint8_t *b, size_t n)
{
    return n > 0 && (b[0] == 0x0a || b[0] == 0x12 || b[0] == 0x1a || b[0] == 0xa2);
}

/* b [n]: the first bytes of the file. */
static pt_status which(const pt_file *file, const uint8_t *b, size_t n, pt_format *format)
{
    static const uint8_t hdf5[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    size_t at = 0;

    if (starts(b, n, hdf5, sizeof hdf5)) return which_hdf5(file->path, format);
    while (at < n && strchr(" \t\r\n", b[at]) && b[at]) at++;
    if (starts(b, n, pt_torch_magic, PT_TORCH_MAGIC))
        *format = PT_FORMAT_TORCH;
    else if (starts(b, n, "PK\3\4", 4))
        *format = PT_FORMAT_TORCH_ZIP;
    else if (pt_safetensors_is(b, n, file->size))
        *format = PT_FORMAT_SAFETENSORS;
    else if (at < n && b[at] == '{')
        *format = PT_FORMAT_TFJS;
    else if (may_be_caffe(b, n) && pt_caffe_is(file))
        *format = PT_FORMAT_CAFFE;
    else if (is_onnx(b, n))
        *format = PT_FORMAT_ONNX;
    else
        return unknown(file->path, b, n);
    return PT_OK;
}

pt_status pt_weights_detect(const char *path, pt_format *format)
{
    uint8_t b[32] = {0};
    pt_file *file = NULL;
    pt_status s = pt_file_open(path, &file);

    if (s == PT_OK) {
        size_t n = file->size < sizeof b ? (size_t)file->size : sizeof b;

        s = pt_file_read(file, 0, b, n);
        if (s == PT_OK) s = which(file, b, n, format);
    }
    pt_file_destroy(&file);
    return s;
}

const char *pt_format_name(pt_format format)
{
    static const char *const names[] = {[PT_FORMAT_MODEL] = "ptrain model",
                                        [PT_FORMAT_ONNX] = "ONNX",
                                        [PT_FORMAT_KERAS] = "Keras",
                                        [PT_FORMAT_TFJS] = "TensorFlow.js",
                                        [PT_FORMAT_TORCH] = "PyTorch",
                                        [PT_FORMAT_TORCH_ZIP] = "PyTorch",
                                        [PT_FORMAT_SAFETENSORS] = "safetensors",
                                        [PT_FORMAT_CAFFE] = "Caffe"};

    return names[format];
}
