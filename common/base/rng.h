/* Random numbers as a pure function: Philox4x32-10 (Salmon et al., SC 2011). There is no
 * state to advance: a number is determined by its stream and its position in it, so any
 * rank or thread can draw it at any time.
 *
 * Local; no allocation; cannot fail. */
#ifndef PT_COMMON_BASE_RNG_H
#define PT_COMMON_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Every use of randomness has a purpose of its own. Numbers are never reused: they are
 * part of what a run means. The comment gives the meaning of the coordinates a, b. */
typedef enum {
    PT_RNG_ORDER = 1,   /* a = epoch,        b = 0: order of the samples; 1: of source */
    PT_RNG_AUGMENT = 2, /* a = epoch,        b = sample: crop, area, aspect, flip    */
    PT_RNG_DROPOUT = 3, /* a = step,         b = node << 32 | position in the batch  */
    PT_RNG_TARGET = 4,  /* a = step,         b = position in the batch               */
    PT_RNG_INIT = 5,    /* a = hash of a tensor's name, b = piece: see pt_graph_init */
    PT_RNG_DEMO = 6,    /* a = image,        b = purpose inside the generator        */
    PT_RNG_TEST = 7,
    PT_RNG_BENCH = 8, /* a = position in the batch, b = 0: pixels, 1: label          */
    PT_RNG_SHARE = 9, /* a = step, b = 0: of mixed images, 1: place, 2: turn         */
    PT_RNG_CLASS_TARGET = 10, /* a = step,      b = position in the batch */
    PT_RNG_SPLIT = 11,    /* a = class,     b = 0: order of its images (ptrain pack)  */
    PT_RNG_MOVING = 12,   /* a = step,    b = node; element: channel              */
    PT_RNG_PAIR = 13,     /* a = epoch,   b = place of the target image           */
    PT_RNG_HELD_OUT = 14, /* a = class,   b = 0: order of its images             */

    /* of training images; a = epoch, b = sample */
    PT_RNG_JITTER = 15,       /* colours, and their order */
    PT_RNG_RAND_AUGMENT = 16, /* operations, and their signs */
    PT_RNG_ERASE = 17,        /* the erased rectangle */
    PT_RNG_NOISE = 18         /* what it is filled with */
} pt_rng_purpose;

/* A stream: seed, purpose and two coordinates; element i of it is i-th from the start.
 * The mapping, which tests/oracle/philox.py repeats:
 *
 *     key     = words 0, 1 of Philox(counter {seed low, seed high, purpose, a high},
 *                                    key {0x70747261, 0x696e2e31})
 *     word i  = word i % 4 of Philox(counter {i / 4, a low, b low, b high}, key)
 *
 * where low and high are the halves of 64 bits. Within one key all (a low, b, i / 4) have
 * counters of their own. Two (seed, purpose, a high) share a key only if 64 bits of a
 * 128-bit permutation agree. */
typedef struct {
    uint32_t key[2];
    uint64_t a, b;
} pt_rng;

/* seed, a and b may be any 64-bit numbers; the uses above need a < 2^40. */
pt_rng pt_rng_stream(uint64_t seed, pt_rng_purpose purpose, uint64_t a, uint64_t b);

/* The i-th 32-bit word of the stream. A stream has 2^34 words, then it repeats. */
uint32_t pt_rng_u32(const pt_rng *r, uint64_t i);

/* Words first..first+n-1 into out [n]; four times cheaper per word than one by one. */
void pt_rng_fill_u32(const pt_rng *r, uint64_t first, uint32_t *out, size_t n);

/* Uniform in [0, 1): the upper 24 bits of word i times 2^-24; the upper 53 bits of
 * (word 2i << 32 | word 2i+1) times 2^-53. */
float pt_rng_uniform_f32(const pt_rng *r, uint64_t i);
double pt_rng_uniform_f64(const pt_rng *r, uint64_t i);

/* out [n]: elements 0..n-1 of the stream as U[0,1), the same as pt_rng_uniform_f32, or as
 * N(0,1): Box-Muller in double with our own log, sine and cosine, rounded to float last.
 * With the doubles u = element 2j and v = element 2j+1 (words 4j..4j+3),
 *     out[2j]   = sqrt(-2 log(1 - u)) cos(2 pi v)
 *     out[2j+1] = sqrt(-2 log(1 - u)) sin(2 pi v)
 * A prefix of a longer fill is the shorter fill. */
void pt_rng_fill_uniform(const pt_rng *r, float *out, size_t n);
void pt_rng_fill_normal(const pt_rng *r, float *out, size_t n);

/* Uniform in 0..n-1 from element i of the stream, with negligible bias:
 * floor((word 2i << 32 | word 2i+1) * n / 2^64). n >= 1. */
uint64_t pt_rng_below(const pt_rng *r, uint64_t i, uint64_t n);

/* out [n]: a permutation of 0..n-1, n <= 2^32 (Fisher-Yates: from the identity, for i
 * from n-1 down to 1, out[i] and out[pt_rng_below(r, i, i + 1)] change places). */
void pt_rng_permutation(const pt_rng *r, uint32_t *out, size_t n);

/* The bare generator, for known-answer tests. */
void pt_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
