/* The parameters of a network, cut into keys and given to the servers: the unit of push,
 * pull and update. Pure: every rank computes the same value from the graph. */
#ifndef PT_COMMON_RUN_KEYS_H
#define PT_COMMON_RUN_KEYS_H

#include <stddef.h>

#include "common/base/status.h"
#include "common/graph/graph.h"

/* Tensors with more floats (1 MiB) are cut; all pieces but the last are multiples of
 * PT_KEY_ALIGN. A key's new weights leave when all of its gradient is there: the larger
 * keys are, the longer a link idles before the first and after the last. */
enum { PT_KEY_MAX_FLOATS = 1 << 18, PT_KEY_ALIGN = 16 };

/* A run of floats inside one parameter tensor. */
typedef struct {
    int tensor;    /* of the graph, < n_params */
    size_t offset; /* floats from the start of the flat array, memory layout */
    size_t count;  /* floats, 1 to PT_KEY_MAX_FLOATS */
    int server;    /* 0..n_servers-1 */
} pt_key;

typedef struct {
    pt_key *keys; /* [n]: in graph order, by offset inside a tensor */
    int n;
    int n_servers;
    int n_params; /* parameter tensors */
    int *
        first_of_tensor; /* [n_params + 1]: keys of tensor t are first[t]..first[t+1]-1 */
} pt_keys;

/* Cuts the parameters (not the running statistics) of g. A tensor above PT_KEY_MAX_FLOATS
 * is cut into the smallest number of equal pieces, each rounded up to PT_KEY_ALIGN
 * floats, the last one taking the rest; the cut does not depend on n_servers. Then keys
 * go, largest first (the lower index first among equals), to the server with the fewest
 * bytes so far (the lower index among equals): loads differ by at most the largest key. A
 * server may get none if there are fewer keys than servers.
 *
 * PT_ERR_CONFIG if n_servers < 1, PT_ERR_SHAPE if a parameter is empty or the keys are
 * more than an int counts, PT_ERR_NOMEM; *out is then NULL. Local. */
PT_MUST_USE pt_status pt_keys_create(const pt_graph *g, int n_servers, pt_keys **out);

/* Frees *k and sets it to NULL. NULL and &NULL are allowed. */
void pt_keys_destroy(pt_keys **k);

/* Bytes of the parameters that `server` owns. */
size_t pt_keys_bytes(const pt_keys *k, int server);

#endif
