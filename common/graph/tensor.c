/* What lies in the flat array: layouts, seeded values, hash, groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/base/rng.h"
#include "common/graph/graph.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the hash reads floats as they lie in memory: little-endian");

/* Every kind is one transposition: file [rows][c][hw], memory [hw][c][rows]. */
typedef struct {
    size_t rows, c, hw;
} order;

static order order_of(const pt_tensor *t)
{
    size_t rows = (size_t)t->dims[0];

    switch (t->kind) {
    case PT_TENSOR_CONV:
    case PT_TENSOR_DEPTHWISE:
        return (order){rows, (size_t)t->dims[1], (size_t)t->dims[2] * (size_t)t->dims[3]};
    case PT_TENSOR_LINEAR:
        return (order){rows, (size_t)t->flat_c, (size_t)t->flat_h * (size_t)t->flat_w};
    case PT_TENSOR_VECTOR:
        break;
    }
    return (order){rows, 1, 1};
}

enum { ROWS = 16 }; /* rows moved together: one cache line of memory layout */

void pt_tensor_rows_to_memory(const pt_tensor *t, const float *file, size_t first,
                              size_t n_rows, float *memory)
{
    order d = order_of(t);
    size_t row = d.c * d.hw;

    for (size_t r0 = first; r0 < first + n_rows; r0 += ROWS) {
        size_t n = first + n_rows - r0 < ROWS ? first + n_rows - r0 : ROWS;

        for (size_t c = 0; c < d.c; c++)
            for (size_t p = 0; p < d.hw; p++)
                for (size_t r = 0; r < n; r++)
                    memory[(p * d.c + c) * d.rows + r0 + r] =
                        file[(r0 - first + r) * row + c * d.hw + p];
    }
}

void pt_tensor_to_memory(const pt_tensor *t, const float *file, float *memory)
{
    pt_tensor_rows_to_memory(t, file, 0, (size_t)t->dims[0], memory);
}

/* Rows r0..r0+n-1 of the file layout, from the whole tensor in memory layout. */
static void rows_to_file(order d, const float *memory, size_t r0, size_t n, float *file)
{
    size_t row = d.c * d.hw;

    for (size_t c = 0; c < d.c; c++)
        for (size_t p = 0; p < d.hw; p++)
            for (size_t r = 0; r < n; r++)
                file[r * row + c * d.hw + p] = memory[(p * d.c + c) * d.rows + r0 + r];
}

void pt_tensor_to_file(const pt_tensor *t, const float *memory, float *file)
{
    order d = order_of(t);

    for (size_t r0 = 0; r0 < d.rows; r0 += ROWS)
        rows_to_file(d, memory, r0, d.rows - r0 < ROWS ? d.rows - r0 : ROWS,
                     file + r0 * d.c * d.hw);
}

static size_t row_floats_max(const pt_graph *g)
{
    size_t max = 1;

    for (int i = 0; i < g->n_tensors; i++) {
        order d = order_of(&g->tensors[i]);

        if (d.c * d.hw > max) max = d.c * d.hw;
    }
    return max;
}

pt_status pt_graph_hash(const pt_graph *g, const float *flat, char hex[65])
{
    float *rows = pt_calloc(row_floats_max(g), ROWS * sizeof *rows);
    pt_digest *digest = NULL;
    pt_status s;

    if (!rows) return pt_fail(PT_ERR_NOMEM, "%s: no memory to hash weights", g->network);
    s = pt_digest_create(&digest);
    if (s != PT_OK) goto done;
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        order d = order_of(t);

        for (size_t r0 = 0; r0 < d.rows; r0 += ROWS) {
            size_t n = d.rows - r0 < ROWS ? d.rows - r0 : ROWS;

            rows_to_file(d, flat + t->offset, r0, n, rows);
            pt_digest_add(digest, rows, n * d.c * d.hw * sizeof *rows);
        }
    }
    pt_digest_finish(&digest, hex);
done:
    pt_digest_destroy(&digest);
    free(rows);
    return s;
}

/* FNV-1a of 64 bits, folded to the 40 that a stream's coordinate has. */
static uint64_t name_key(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return (h >> 40) ^ (h & 0xffffffffffu);
}

enum { BLOCK = 4096 };

/* Fills with N(0, std^2): values [k * BLOCK ..) of the file layout come from the stream
 * (tensor's name, k), so no more than one block is ever held. */
static void fill_normal(const pt_tensor *t, uint64_t seed, double std, float *memory)
{
    order d = order_of(t);
    size_t row = d.c * d.hw;
    uint64_t key = name_key(t->name);
    float block[BLOCK];

    for (size_t first = 0; first < t->count; first += BLOCK) {
        size_t n = t->count - first < BLOCK ? t->count - first : BLOCK;
        pt_rng r = pt_rng_stream(seed, PT_RNG_INIT, key, first / BLOCK);

        pt_rng_fill_normal(&r, block, n);
        for (size_t i = 0; i < n; i++) {
            size_t at = (first + i) % row;

            memory[(at % d.hw * d.c + at / d.hw) * d.rows + (first + i) / row] =
                (float)(block[i] * std);
        }
    }
}

static void fill(float *v, size_t n, float value)
{
    for (size_t i = 0; i < n; i++) v[i] = value;
}

/* He et al., ICCV 2015, with the fan out: outputs that one input reaches. */
static double he_deviation(const pt_tensor *t)
{
    int outputs = t->kind == PT_TENSOR_DEPTHWISE ? 1 : t->dims[0];

    return sqrt(2.0 / ((double)outputs * t->dims[2] * t->dims[3]));
}

static void init_tensor(const pt_graph *g, int index, uint64_t seed, float head_std,
                        float *memory)
{
    const pt_tensor *t = &g->tensors[index];
    const pt_node *n = &g->nodes[t->node];

    if (t->kind == PT_TENSOR_VECTOR) {
        bool one = n->op == PT_OP_BATCH_NORM && (index == n->weight || index == n->var);

        fill(memory, t->count, one ? 1.0f : 0.0f);
    } else if (t->head) {
        fill_normal(t, seed, head_std, memory);
    } else if (t->kind == PT_TENSOR_LINEAR) {
        fill_normal(t, seed, 0.01, memory);
    } else {
        fill_normal(t, seed, he_deviation(t), memory);
    }
}

void pt_graph_init(const pt_graph *g, uint64_t seed, float head_std, bool head_only,
                   float *flat)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].head || !head_only)
            init_tensor(g, i, seed, head_std, flat + g->tensors[i].offset);
}

bool pt_tensor_is_source(const pt_tensor *t)
{
    return strncmp(t->name, "source_head.", strlen("source_head.")) == 0;
}

bool pt_tensor_frozen(const pt_tensor *t, char *const *frozen, size_t n_frozen)
{
    if (t->fixed) return true;
    for (size_t i = 0; i < n_frozen; i++) {
        if (strcmp(frozen[i], t->head ? "head" : "trunk") == 0) return true;
        if (strncmp(t->name, frozen[i], strlen(frozen[i])) == 0) return true;
    }
    return false;
}
