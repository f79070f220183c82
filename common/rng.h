/* Random numbers as a pure function: Philox4x32-10 (Salmon et al., SC 2011). There is no
 * state to advance: a number is found by the stream that it belongs to and its place in
 * it, so any rank or thread can draw it at any time.
 *
 * Local; no allocation; cannot fail. */
#ifndef PT_COMMON_RNG_H
#define PT_COMMON_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Every use of randomness has a purpose of its own. Numbers are never reused: they are
 * part of what a run means. The comment gives the meaning of the coordinates a, b. */
typedef enum {
    PT_RNG_ORDER = 1,   /* a = epoch,        b = 0: order of the samples            */
    PT_RNG_AUGMENT = 2, /* a = epoch,        b = sample: crop, area, aspect, flip    */
    PT_RNG_DROPOUT = 3, /* a = step,         b = node << 32 | position in the batch  */
    PT_RNG_TARGET = 4,  /* a = step,         b = position in the batch               */
    PT_RNG_INIT = 5,    /* a = tensor index, b = 0: initial weights                  */
    PT_RNG_DEMO = 6,    /* a = image,        b = purpose inside the generator        */
    PT_RNG_TEST = 7
} pt_rng_purpose;

/* A stream: seed, purpose and two coordinates; element i of it is i-th from the start. */
typedef struct {
    uint32_t key[2];
    uint64_t a, b;
} pt_rng;

/* seed may be any 64-bit number; a < 2^40 and b < 2^64 for every use above. */
pt_rng pt_rng_stream(uint64_t seed, pt_rng_purpose purpose, uint64_t a, uint64_t b);

/* The i-th 32-bit word of the stream. */
uint32_t pt_rng_u32(const pt_rng *r, uint64_t i);

/* Words first..first+n-1 into out [n]; four times cheaper per word than one by one. */
void pt_rng_fill_u32(const pt_rng *r, uint64_t first, uint32_t *out, size_t n);

/* Uniform in [0, 1): 24 bits for float, 53 for double (words 2i and 2i+1). */
float pt_rng_uniform_f32(const pt_rng *r, uint64_t i);
double pt_rng_uniform_f64(const pt_rng *r, uint64_t i);

/* out [n]: elements 0..n-1 of the stream as U[0,1) or N(0,1) (Box-Muller on pairs of
 * words, computed in double with our own log, sine and cosine). */
void pt_rng_fill_uniform(const pt_rng *r, float *out, size_t n);
void pt_rng_fill_normal(const pt_rng *r, float *out, size_t n);

/* Uniform in 0..n-1 from element i of the stream, without bias worth naming:
 * floor(u64 * n / 2^64) of words 2i and 2i+1. n >= 1. */
uint64_t pt_rng_below(const pt_rng *r, uint64_t i, uint64_t n);

/* out [n]: a permutation of 0..n-1 (Fisher-Yates over the stream's elements). */
void pt_rng_permutation(const pt_rng *r, uint32_t *out, size_t n);

/* The bare generator, for known-answer tests. */
void pt_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
