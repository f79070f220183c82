/* The machine that runs the opcodes of a pickle: what it reads from, its stack of values
 * and of marks, its memo. Internal to pickle. */
#ifndef PT_COMMON_WEIGHTS_PICKLE_MACHINE_H
#define PT_COMMON_WEIGHTS_PICKLE_MACHINE_H

#include "common/weights/pickle_store.h"

typedef struct {
    const char *what;
    const uint8_t *bytes;
    size_t n, at, op_at; /* op_at: of the opcode that runs */
    const pt_pickle_global *allowed;
    pt_pickle *p;
    pt_pickle_value **stack, **memo;
    size_t depth, stack_capacity, n_memo, memo_capacity;
    size_t *marks; /* depths */
    size_t n_marks, marks_capacity;
} pt_pickle_machine;

#define PT_PICKLE_REFUSE(m, fmt, ...)                                                    \
    pt_fail(PT_ERR_DATA, "%s: pickle at byte %zu: " fmt, (m)->what, (m)->op_at,          \
            __VA_ARGS__)

pt_status pt_pickle_no_memory(const pt_pickle_machine *m);

/* The next n bytes of the pickle; the next number, little-endian. */
pt_status pt_pickle_take(pt_pickle_machine *m, size_t n, const uint8_t **bytes);
pt_status pt_pickle_take_number(pt_pickle_machine *m, size_t n_bytes, uint64_t *value);

pt_status pt_pickle_push(pt_pickle_machine *m, pt_pickle_value *v);

/* Takes the value on top; none is taken from below the last mark. */
pt_status pt_pickle_pop(pt_pickle_machine *m, pt_pickle_value **v);

/* The value on top, which must be of this kind. */
pt_status pt_pickle_top(pt_pickle_machine *m, pt_pickle_kind kind, pt_pickle_value **v);

/* Is the value on top something that keeps nothing? */
bool pt_pickle_tops_stranger(const pt_pickle_machine *m);

/* Values above the last mark; without one, all. */
size_t pt_pickle_above_mark(const pt_pickle_machine *m);

/* Takes away the last mark: items[0..n) above it stay valid until the next push; NULL
 * where n is 0. */
pt_status pt_pickle_pop_mark(pt_pickle_machine *m, pt_pickle_value ***items, size_t *n);

pt_status pt_pickle_make_value(pt_pickle_machine *m, pt_pickle_kind kind,
                               pt_pickle_value **v);
pt_status pt_pickle_make_push(pt_pickle_machine *m, pt_pickle_kind kind,
                              pt_pickle_value **v);

/* Ordinary items cost a byte of the pickle each; only a dictionary made from a list that
 * is named again and again can reach the maximum. */
pt_status pt_pickle_add_items(pt_pickle_machine *m, pt_pickle_value *to,
                              pt_pickle_value **items, size_t n);

#endif
