#include "common/weights/pickle_machine.h"

pt_status pt_pickle_no_memory(const pt_pickle_machine *m)
{
    return pt_fail(PT_ERR_NOMEM, "%s: no memory for its pickle", m->what);
}

/* ---- operands and the stack ------------------------------------------------------- */

pt_status pt_pickle_take(pt_pickle_machine *m, size_t n, const uint8_t **bytes)
{
    if (n > m->n - m->at)
        return PT_PICKLE_REFUSE(m, "ends after %zu bytes, %zu more are needed",
                                m->n - m->at, n);
    *bytes = m->bytes + m->at;
    m->at += n;
    return PT_OK;
}

pt_status pt_pickle_take_number(pt_pickle_machine *m, size_t n_bytes, uint64_t *value)
{
    const uint8_t *b = NULL;
    pt_status s = pt_pickle_take(m, n_bytes, &b);

    if (s != PT_OK) return s;
    *value = 0;
    for (size_t i = 0; i < n_bytes; i++) *value |= (uint64_t)b[i] << 8 * i;
    return PT_OK;
}

pt_status pt_pickle_push(pt_pickle_machine *m, pt_pickle_value *v)
{
    pt_pickle_value **stack;

    if (m->depth == PT_PICKLE_STACK_MAX)
        return PT_PICKLE_REFUSE(m, "the stack is deeper than %d values",
                                PT_PICKLE_STACK_MAX);
    stack = pt_grow(m->stack, m->depth, &m->stack_capacity, sizeof *stack);
    if (!stack) return pt_pickle_no_memory(m);
    m->stack = stack;
    m->stack[m->depth++] = v;
    return PT_OK;
}

size_t pt_pickle_above_mark(const pt_pickle_machine *m)
{
    return m->depth - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

pt_status pt_pickle_pop(pt_pickle_machine *m, pt_pickle_value **v)
{
    if (pt_pickle_above_mark(m) == 0)
        return PT_PICKLE_REFUSE(m, "the stack is %s", "empty");
    *v = m->stack[--m->depth];
    return PT_OK;
}

pt_status pt_pickle_top(pt_pickle_machine *m, pt_pickle_kind kind, pt_pickle_value **v)
{
    if (pt_pickle_above_mark(m) == 0)
        return PT_PICKLE_REFUSE(m, "the stack is %s", "empty");
    *v = m->stack[m->depth - 1];
    if ((*v)->kind != kind)
        return PT_PICKLE_REFUSE(m, "expected %s, found %s", pt_pickle_kind_text(kind),
                                pt_pickle_kind_text((*v)->kind));
    return PT_OK;
}

bool pt_pickle_tops_stranger(const pt_pickle_machine *m)
{
    return pt_pickle_above_mark(m) > 0 && pt_pickle_is_stranger(m->stack[m->depth - 1]);
}

pt_status pt_pickle_pop_mark(pt_pickle_machine *m, pt_pickle_value ***items, size_t *n)
{
    if (m->n_marks == 0) return PT_PICKLE_REFUSE(m, "there is no %s", "mark");
    *n = pt_pickle_above_mark(m);
    m->depth = m->marks[--m->n_marks];
    *items = *n > 0 ? m->stack + m->depth : NULL;
    return PT_OK;
}

pt_status pt_pickle_make_value(pt_pickle_machine *m, pt_pickle_kind kind,
                               pt_pickle_value **v)
{
    if (m->p->n_values == PT_PICKLE_VALUES_MAX)
        return PT_PICKLE_REFUSE(m, "holds more than %d values", PT_PICKLE_VALUES_MAX);
    *v = pt_pickle_make(m->p, kind);
    return *v ? PT_OK : pt_pickle_no_memory(m);
}

pt_status pt_pickle_make_push(pt_pickle_machine *m, pt_pickle_kind kind,
                              pt_pickle_value **v)
{
    pt_status s = pt_pickle_make_value(m, kind, v);

    return s != PT_OK ? s : pt_pickle_push(m, *v);
}

pt_status pt_pickle_add_items(pt_pickle_machine *m, pt_pickle_value *to,
                              pt_pickle_value **items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (m->p->n_items == m->p->items_max)
            return PT_PICKLE_REFUSE(m, "holds more than %zu references", m->p->items_max);
        if (!pt_pickle_append(m->p, to, items[i])) return pt_pickle_no_memory(m);
    }
    return PT_OK;
}
