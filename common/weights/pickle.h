/* A reader of Python pickles (protocols 2 to 5) that runs nothing.
 *
 * The machine knows the opcodes that build numbers, strings, tuples, lists, dictionaries
 * and references, and looks every global up in a list of the caller's. A call becomes an
 * OBJECT that holds its arguments; nothing is called. A global that is not in the list is
 * a stranger: it keeps its name, what is made with it is an OBJECT that keeps nothing
 * else, and what is put into that is dropped; so a settings object beside the tensors
 * does no harm and is no use. Everything else is refused with PT_ERR_DATA, naming the
 * opcode and the position in the file.
 *
 * Memory is at most PT_PICKLE_VALUES_MAX values and a few bytes per byte of the pickle:
 * what is named twice is stored once. Values may refer to each other in circles; a
 * caller that walks them must bound its depth. */
#ifndef PT_COMMON_WEIGHTS_PICKLE_H
#define PT_COMMON_WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum {
    PT_PICKLE_VALUES_MAX = 1 << 18,
    PT_PICKLE_STACK_MAX = 1 << 16,
    PT_PICKLE_STRANGER = -1,
    PT_PICKLE_SHOWN = 2 * 80 + 2
};

typedef enum {
    PT_PICKLE_NONE,
    PT_PICKLE_BOOL,
    PT_PICKLE_INT,
    PT_PICKLE_LONG, /* more than 8 bytes: kept as text */
    PT_PICKLE_FLOAT,
    PT_PICKLE_TEXT, /* str or bytes */
    PT_PICKLE_TUPLE,
    PT_PICKLE_LIST,
    PT_PICKLE_DICT,
    PT_PICKLE_GLOBAL,
    PT_PICKLE_OBJECT,    /* the result of a call that was not made */
    PT_PICKLE_PERSISTENT /* what the file stores outside of the pickle */
} pt_pickle_kind;

typedef struct pt_pickle_value pt_pickle_value;

struct pt_pickle_value {
    pt_pickle_kind kind;
    int global; /* GLOBAL, OBJECT: index in the caller's list, or PT_PICKLE_STRANGER */
    int64_t integer;  /* BOOL, INT */
    double number;    /* FLOAT */
    const char *text; /* TEXT, LONG, a stranger's module: n bytes inside the caller's
                         buffer */
    pt_pickle_value **items; /* TUPLE, LIST: n; DICT: n, key and value in turn */
    size_t n, capacity;
    pt_pickle_value *of; /* OBJECT: tuple of arguments; PERSISTENT: the id; a stranger:
                            the TEXT of its name */
};

typedef enum {
    PT_PICKLE_NAME,      /* may be named, not called */
    PT_PICKLE_CALL,      /* calling it gives an OBJECT */
    PT_PICKLE_MAKES_DICT /* calling it gives a DICT: collections.OrderedDict */
} pt_pickle_use;

typedef struct {
    const char *module, *name; /* both NULL: end of the list */
    pt_pickle_use use;
} pt_pickle_global;

typedef struct pt_pickle pt_pickle;

/* Reads the pickle that starts at bytes[*at] and moves *at past it. `what` names the
 * file in messages; positions in messages count from bytes[0]. The values borrow bytes
 * and `allowed`, which must live as long. On failure *out is NULL. */
PT_MUST_USE pt_status pt_pickle_read(const char *what, const uint8_t *bytes, size_t n,
                                     size_t *at, const pt_pickle_global *allowed,
                                     pt_pickle **out);
void pt_pickle_destroy(pt_pickle **p);

/* The object that the pickle describes. */
const pt_pickle_value *pt_pickle_root(const pt_pickle *p);

/* All values that were made, in no useful order; NULL past the end. */
const pt_pickle_value *pt_pickle_value_at(const pt_pickle *p, size_t i);

/* The value of a text key of a DICT (the last one set), or NULL. */
const pt_pickle_value *pt_pickle_lookup(const pt_pickle_value *dict, const char *key);

/* Is it a global that the caller does not know, or an object made with one? */
bool pt_pickle_is_stranger(const pt_pickle_value *v);

/* Its name for messages, module.name, odd bytes as '?'. */
void pt_pickle_stranger_text(const pt_pickle_value *v, char text[PT_PICKLE_SHOWN]);

/* "a dictionary", "a tuple" ... for messages. */
const char *pt_pickle_kind_text(pt_pickle_kind kind);

#endif
