#include "common/weights/numbers.h"

#include <string.h>

#include "common/weights/half.h"

static void widen_float(const uint8_t *bytes, size_t n, float *out)
{
    memcpy(out, bytes, n * sizeof *out);
}

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

static const struct {
    size_t bytes;
    void (*convert)(const uint8_t *bytes, size_t n, float *out);
} numbers[] = {[PT_NUMBER_F32] = {4, widen_float},
               [PT_NUMBER_F16] = {2, pt_half_widen},
               [PT_NUMBER_BF16] = {2, widen_bfloat16},
               [PT_NUMBER_F64] = {8, narrow_double}};

size_t pt_number_bytes(pt_number type)
{
    return numbers[type].bytes;
}

void pt_number_convert(pt_number type, const uint8_t *bytes, size_t n, float *out)
{
    numbers[type].convert(bytes, n, out);
}
