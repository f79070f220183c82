#include "launch/train/tfrecord.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"

uint32_t pt_tfrecord_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put(uint8_t *at, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(x >> 8 * i);
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t x = 0;

    for (int i = 0; i < bytes; i++) x |= (uint64_t)at[i] << 8 * i;
    return x;
}

static uint32_t sum_of(const void *bytes, size_t n)
{
    return pt_tfrecord_mask(pt_crc32c(0, bytes, n));
}

void pt_tfrecord_close(uint8_t *record, size_t n)
{
    uint8_t *bytes = record + PT_TFRECORD_HEAD;

    put(record, n, 8);
    put(record + 8, sum_of(record, 8), 4);
    put(bytes + n, sum_of(bytes, n), 4);
}

bool pt_tfrecord_read(FILE *f, uint8_t **bytes, size_t *n)
{
    uint8_t head[PT_TFRECORD_HEAD];
    uint64_t length;

    free(*bytes);
    *bytes = NULL;
    if (fread(head, 1, sizeof head, f) != sizeof head) return false;
    length = get(head, 8);
    if (get(head + 8, 4) != sum_of(head, 8) || length > PT_TFRECORD_MAX) return false;
    *n = (size_t)length;
    *bytes = malloc(*n + PT_TFRECORD_TAIL);
    return *bytes &&
           fread(*bytes, 1, *n + PT_TFRECORD_TAIL, f) == *n + PT_TFRECORD_TAIL &&
           get(*bytes + *n, 4) == sum_of(*bytes, *n);
}
