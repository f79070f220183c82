/* Where the values of a pickle live. Internal to pickle. */
#ifndef PT_COMMON_WEIGHTS_PICKLE_STORE_H
#define PT_COMMON_WEIGHTS_PICKLE_STORE_H

#include <stdbool.h>

#include "common/weights/pickle.h"

enum {
    PT_PICKLE_BLOCK = 256, /* values allocated together */
    PT_PICKLE_BLOCKS = PT_PICKLE_VALUES_MAX / PT_PICKLE_BLOCK
};

struct pt_pickle {
    pt_pickle_value *blocks[PT_PICKLE_BLOCKS];
    size_t n_values;
    size_t n_items, items_max; /* references held by tuples, lists and dictionaries */
    pt_pickle_value none, no, yes, empty; /* made once: their opcodes have one byte */
    const pt_pickle_value *root;
};

/* An empty store; NULL without memory. */
pt_pickle *pt_pickle_create(size_t items_max);

/* A new value; NULL when there is no memory or PT_PICKLE_VALUES_MAX are made (the caller
 * distinguishes them by n_values). */
pt_pickle_value *pt_pickle_make(pt_pickle *p, pt_pickle_kind kind);

/* Appends to a TUPLE, LIST or DICT; false without memory or past items_max. */
bool pt_pickle_append(pt_pickle *p, pt_pickle_value *to, pt_pickle_value *item);

/* Whether a text of n bytes is `word`. */
bool pt_pickle_is(const char *word, const char *text, size_t n);

#endif
