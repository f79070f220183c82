/* How a global batch is cut into virtual shards, shards into workers, and sums over
 * shards into one fixed binary tree. Pure: no MPI, rank and size are arguments.
 *
 * Leaf s of the tree is shard s (0 <= s < V, V a power of two); node (level, index)
 * covers shards [index << level, (index + 1) << level). The sum of a node is left +
 * right; where one child has no images the other passes unchanged (never + 0). */
#ifndef PT_COMMON_RUN_SHARDS_H
#define PT_COMMON_RUN_SHARDS_H

#include <stdbool.h>
#include <stddef.h>

enum { PT_MAX_SHARDS = 1024, PT_MAX_LEVELS = 11 };

/* Evaluation runs in blocks of this many images, whatever the number of workers: outputs,
 * and so the predictions' hash, depend on it. */
enum { PT_EVAL_BLOCK = 32 };

/* Consecutive shards of one batch: [lo, hi) of n_shards, b images in the whole batch. */
typedef struct {
    int n_shards; /* V */
    int lo, hi;
    int b;
    bool bf16; /* every node of the tree of a parameter's gradient, leaf and inner, is
                  rounded to bfloat16 (server.wire) */
} pt_span;

/* First image (position in the global batch) of shard s, s in 0..V: floor(s * b / V). */
int pt_shard_begin(int s, int n_shards, int b);

/* Images of shard s, or of node (level, index). */
int pt_shard_size(const pt_span *p, int s);
int pt_node_size(const pt_span *p, int level, int index);

/* Position in the global batch of the span's first image, and its number of images. */
int pt_span_first(const pt_span *p);
int pt_span_images(const pt_span *p);

/* Images of shard s in a buffer of the span's: [*begin, *end). */
void pt_shard_images(const pt_span *p, int s, size_t *begin, size_t *end);

/* Shards [*lo, *hi) of worker `worker` of n_workers <= V: contiguous, balanced. */
void pt_worker_shards(int worker, int n_workers, int n_shards, int *lo, int *hi);

/* A node of the tree. */
typedef struct {
    int level, index;
} pt_subtree;

/* The maximal aligned sub-trees that cover shards [lo, hi), from left to right, into
 * out [PT_MAX_COVER]; returns how many. Independent of b: sub-trees without images are
 * included; the caller skips those with pt_node_size() == 0. */
enum { PT_MAX_COVER = 2 * PT_MAX_LEVELS };
int pt_tree_cover(int lo, int hi, int n_shards, pt_subtree out[PT_MAX_COVER]);

/* Merges parts, sub-trees that tile shards [lo, hi) from left to right, into the values
 * of the cover of [lo, hi).
 *
 * values    [n_parts] opaque pointers, NULL where the sub-tree has no images
 * add       into += from (element-wise); called in the tree's order, so that the result
 *           does not depend on how the tree was cut
 * out       [PT_MAX_COVER] for each sub-tree of pt_tree_cover(lo, hi) the pointer that
 *           holds its value (one of the values; it and others are overwritten), or NULL
 *           if it has no images
 * returns   how many sub-trees the cover has
 */
typedef void (*pt_tree_add)(void *context, void *into, const void *from);
int pt_tree_merge(int lo, int hi, int n_shards, const pt_subtree *parts,
                  void *const *values, int n_parts, pt_tree_add add, void *context,
                  void *out[PT_MAX_COVER]);

/* The same for parts that tile all V shards: returns the value of the tree's root. */
void *pt_tree_finish(int n_shards, const pt_subtree *parts, void *const *values,
                     int n_parts, pt_tree_add add, void *context);

#endif
