/* Pillow's gray of a colour and its blend of two values, which several of its operations
 * share. */
#ifndef PT_WORKER_BLEND_H
#define PT_WORKER_BLEND_H

#include <stdint.h>

/* convert("L"): the weights of ITU-R 601-2, in 16 bits of fraction. */
static inline int pt_gray(const uint8_t rgb[3])
{
    return (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
}

/* Image.blend: from + factor * (to - from), cut to 0..255, towards zero. */
static inline uint8_t pt_blend(int from, int to, float factor)
{
    float x = (float)from + factor * (float)(to - from);

    x = x > 0 ? x : 0;
    return (uint8_t)(x < 255 ? x : 255);
}

#endif
