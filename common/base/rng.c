#include "common/base/rng.h"

#include <math.h> /* sqrt only: IEEE 754 rounds it correctly everywhere */

#include "common/base/pmath.h"

void pt_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];

    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)c0 * 0xD2511F53u;
        uint64_t q = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block(const pt_rng *r, uint64_t n, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)n, (uint32_t)r->a, (uint32_t)r->b,
                                 (uint32_t)(r->b >> 32)};

    pt_philox4x32_10(counter, r->key, out);
}

static float f32_of(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

static uint64_t u64_of(const uint32_t *pair)
{
    return (uint64_t)pair[0] << 32 | pair[1];
}

static double f64_of(const uint32_t *pair)
{
    return (double)(u64_of(pair) >> 11) * 0x1p-53;
}

pt_rng pt_rng_stream(uint64_t seed, pt_rng_purpose purpose, uint64_t a, uint64_t b)
{
    static const uint32_t name[2] = {0x70747261, 0x696e2e31}; /* "ptra" "in.1" */
    const uint32_t counter[4] = {(uint32_t)seed, (uint32_t)(seed >> 32),
                                 (uint32_t)purpose, (uint32_t)(a >> 32)};
    uint32_t out[4];

    pt_philox4x32_10(counter, name, out);
    return (pt_rng){.key = {out[0], out[1]}, .a = a, .b = b};
}

uint32_t pt_rng_u32(const pt_rng *r, uint64_t i)
{
    uint32_t out[4];

    block(r, i / 4, out);
    return out[i % 4];
}

void pt_rng_fill_u32(const pt_rng *r, uint64_t first, uint32_t *out, size_t n)
{
    size_t done = 0;

    while (done < n) {
        uint64_t i = first + done;
        size_t skip = i % 4, m = 4 - skip < n - done ? 4 - skip : n - done;
        uint32_t word[4];

        if (m == 4) {
            block(r, i / 4, out + done);
        } else {
            block(r, i / 4, word);
            for (size_t j = 0; j < m; j++) out[done + j] = word[skip + j];
        }
        done += m;
    }
}

float pt_rng_uniform_f32(const pt_rng *r, uint64_t i)
{
    return f32_of(pt_rng_u32(r, i));
}

static void pair_of(const pt_rng *r, uint64_t i, uint32_t pair[2])
{
    uint32_t out[4];

    block(r, i / 2, out);
    pair[0] = out[2 * (i % 2)];
    pair[1] = out[2 * (i % 2) + 1];
}

double pt_rng_uniform_f64(const pt_rng *r, uint64_t i)
{
    uint32_t pair[2];

    pair_of(r, i, pair);
    return f64_of(pair);
}

void pt_rng_fill_uniform(const pt_rng *r, float *out, size_t n)
{
    for (size_t done = 0; done < n; done += 4) {
        size_t m = n - done < 4 ? n - done : 4;
        uint32_t word[4];

        block(r, done / 4, word);
        for (size_t j = 0; j < m; j++) out[done + j] = f32_of(word[j]);
    }
}

void pt_rng_fill_normal(const pt_rng *r, float *out, size_t n)
{
    for (size_t done = 0; done < n; done += 2) {
        uint32_t word[4];
        double radius, turns;

        block(r, done / 2, word);
        radius = sqrt(-2 * pt_log(1 - f64_of(word)));
        turns = f64_of(word + 2);
        out[done] = (float)(radius * pt_cos_turns(turns));
        if (done + 1 < n) out[done + 1] = (float)(radius * pt_sin_turns(turns));
    }
}

uint64_t pt_rng_below(const pt_rng *r, uint64_t i, uint64_t n)
{
    uint32_t pair[2];

    pair_of(r, i, pair);
    return (uint64_t)((unsigned __int128)u64_of(pair) * n >> 64);
}

void pt_rng_permutation(const pt_rng *r, uint32_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t j = (size_t)pt_rng_below(r, i, i + 1);
        uint32_t t = out[i];

        out[i] = out[j];
        out[j] = t;
    }
}
