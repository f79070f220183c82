/* The tensors that a PyTorch object names, and their storages, whichever container of
 * PyTorch's holds them. Internal to torch and torch_zip.
 *
 * The object is a dictionary of tensors, or one that holds such a dictionary under
 * "state_dict", "model_state_dict", "model" or "net", or under any other name if there is
 * one only; other values in it are ignored, whatever they are, and nothing runs. What
 * wrappers put before names is dropped (prefix.h). Storages of float, half, bfloat16 and
 * double can be read. */
#ifndef PT_COMMON_WEIGHTS_TORCH_TENSORS_H
#define PT_COMMON_WEIGHTS_TORCH_TENSORS_H

#include <stdbool.h>

#include "common/weights/pickle.h"
#include "common/weights/table.h"

typedef struct pt_torch pt_torch;

typedef struct {
    const char *key; /* n_key bytes, in the pickle */
    size_t n_key;
    int type; /* of storage: index of pt_torch_globals, from that of float */
    uint64_t count;
    bool placed;    /* it is in the file */
    uint64_t place; /* the container's: an offset, the number of an entry */
} pt_torch_storage;

/* What a container has in common with the others; it begins its own struct with this. */
struct pt_torch {
    /* Bytes [at, at + n) of a storage that is placed. */
    pt_status (*read)(const pt_torch *f, const pt_torch_storage *s, uint64_t at, void *to,
                      size_t n);
    uint8_t *bytes;             /* the pickles; owned, until pt_torch_forget_pickles */
    pt_pickle *object;          /* owned, until then */
    pt_torch_storage *storages; /* sorted by key */
    size_t n_storages;
    struct pt_torch_view *views; /* by pt_table_entry.where */
    size_t n_views, views_capacity;
};

extern const pt_pickle_global pt_torch_globals[];

/* Bytes of a value of the storage. */
size_t pt_torch_value_bytes(const pt_torch_storage *s);

/* One storage for each key that f->object names; path: for messages. */
PT_MUST_USE pt_status pt_torch_collect(pt_torch *f, const char *path);

/* NULL: no tensor is in it. */
pt_torch_storage *pt_torch_find(const pt_torch *f, const char *key, size_t n_key);

/* Adds the tensors to t and finishes it. All storages that are in the file are placed. */
PT_MUST_USE pt_status pt_torch_add_tensors(pt_torch *f, pt_table *t);

/* Storages keep keys only for finding them: once the tensors are added, the pickles are
 * not needed. */
void pt_torch_forget_pickles(pt_torch *f);

/* pt_table_ops.read_part of a table whose source begins with a pt_torch. */
PT_MUST_USE pt_status pt_torch_read_part(const pt_table *t, const pt_table_entry *e,
                                         size_t first, size_t n, float *values);

void pt_torch_fini(pt_torch *f);

#endif
