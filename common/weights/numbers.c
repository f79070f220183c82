#include "common/weights/numbers.h"

#include <string.h>

#include "common/weights/half.h"

enum { CHUNK = 1 << 16 /* bytes of numbers wider than a float, read at a time */ };

static void widen_bfloat16(const uint8_t *bytes, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)bytes[2 * i] << 16 | (uint32_t)bytes[2 * i + 1] << 24;

        memcpy(&out[i], &bits, sizeof bits);
    }
}

static void narrow_double(const uint8_t *bytes, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        double d;

        memcpy(&d, bytes + 8 * i, sizeof d);
        out[i] = (float)d;
    }
}

/* n numbers at bytes, any alignment, to out [n]; NULL: they are floats. */
static const struct {
    size_t bytes;
    void (*convert)(const uint8_t *bytes, size_t n, float *out);
} numbers[] = {[PT_NUMBER_F32] = {4, NULL},
               [PT_NUMBER_F16] = {2, pt_half_widen},
               [PT_NUMBER_BF16] = {2, widen_bfloat16},
               [PT_NUMBER_F64] = {8, narrow_double}};

size_t pt_number_bytes(pt_number type)
{
    return numbers[type].bytes;
}

static pt_status read_wide(pt_number type,
                           pt_status (*read)(const void *, uint64_t, void *, size_t),
                           const void *from, uint64_t at, size_t n, float *out)
{
    const size_t size = pt_number_bytes(type);
    uint8_t bytes[CHUNK];

    while (n > 0) {
        size_t some = n < CHUNK / size ? n : CHUNK / size;
        pt_status s = read(from, at, bytes, some * size);

        if (s != PT_OK) return s;
        numbers[type].convert(bytes, some, out);
        at += some * size;
        out += some;
        n -= some;
    }
    return PT_OK;
}

/* Those that fit in place of the floats that they become are read to the end of out and
 * widened from its start. */
pt_status pt_number_read(pt_number type,
                         pt_status (*read)(const void *, uint64_t, void *, size_t),
                         const void *from, uint64_t at, size_t n, float *out)
{
    const size_t size = pt_number_bytes(type);
    uint8_t *bytes;
    pt_status s;

    if (size > sizeof *out) return read_wide(type, read, from, at, n, out);
    bytes = (uint8_t *)out + n * (sizeof *out - size);
    s = read(from, at, bytes, n * size);
    if (s == PT_OK && numbers[type].convert) numbers[type].convert(bytes, n, out);
    return s;
}

static pt_status read_file(const void *from, uint64_t at, void *to, size_t n)
{
    return pt_file_read(from, at, to, n);
}

pt_status pt_number_read_file(pt_number type, const pt_file *file, uint64_t at, size_t n,
                              float *out)
{
    return pt_number_read(type, read_file, file, at, n, out);
}
