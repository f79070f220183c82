/* Images by a formula: noise() of tests/oracle/resize.py. */
#ifndef PT_TESTS_NOISE_H
#define PT_TESTS_NOISE_H

#include <stdint.h>
#include <stdlib.h>

#include "worker/input/image.h"

static inline pt_image noise_image(uint32_t seed, int height, int width)
{
    pt_image im = {height, width, malloc((size_t)height * (size_t)width * 3)};

    for (uint32_t i = 0; im.pixels && i < (uint32_t)height * (uint32_t)width * 3; i++) {
        uint32_t h = i * 2654435761u + seed;

        h = (h ^ h >> 15) * 2246822519u;
        h = (h ^ h >> 13) * 3266489917u;
        im.pixels[i] = (uint8_t)(h >> 24);
    }
    return im;
}

#endif
