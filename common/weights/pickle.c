#include "common/weights/pickle_store.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 80 }; /* bytes of a global's name that a message shows */

typedef struct {
    const char *what;
    const uint8_t *bytes;
    size_t n, at, op_at; /* op_at: of the opcode that runs */
    const pt_pickle_global *allowed;
    pt_pickle *p;
    pt_pickle_value **stack, **memo;
    size_t depth, stack_capacity, memo_capacity;
    size_t *marks; /* depths */
    size_t n_marks, marks_capacity;
} machine;

#define REFUSE(m, fmt, ...)                                                              \
    pt_fail(PT_ERR_DATA, "%s: pickle at byte %zu: " fmt, (m)->what, (m)->op_at,          \
            __VA_ARGS__)

static pt_status no_memory(const machine *m)
{
    return pt_fail(PT_ERR_NOMEM, "%s: no memory for its pickle", m->what);
}

/* ---- operands and the stack ------------------------------------------------------- */

static pt_status take(machine *m, size_t n, const uint8_t **bytes)
{
    if (n > m->n - m->at)
        return REFUSE(m, "ends after %zu bytes, %zu more are needed", m->n - m->at, n);
    *bytes = m->bytes + m->at;
    m->at += n;
    return PT_OK;
}

static pt_status take_number(machine *m, size_t n_bytes, uint64_t *value)
{
    const uint8_t *b = NULL;
    pt_status s = take(m, n_bytes, &b);

    if (s != PT_OK) return s;
    *value = 0;
    for (size_t i = 0; i < n_bytes; i++) *value |= (uint64_t)b[i] << 8 * i;
    return PT_OK;
}

static pt_status push(machine *m, pt_pickle_value *v)
{
    pt_pickle_value **stack;

    if (m->depth == PT_PICKLE_STACK_MAX)
        return REFUSE(m, "the stack is deeper than %d values", PT_PICKLE_STACK_MAX);
    stack = pt_pickle_grow(m->stack, m->depth, &m->stack_capacity, sizeof *stack);
    if (!stack) return no_memory(m);
    m->stack = stack;
    m->stack[m->depth++] = v;
    return PT_OK;
}

/* Values above the last mark; without one, all. */
static size_t above_mark(const machine *m)
{
    return m->depth - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

static pt_status pop(machine *m, pt_pickle_value **v)
{
    if (above_mark(m) == 0) return REFUSE(m, "the stack is %s", "empty");
    *v = m->stack[--m->depth];
    return PT_OK;
}

static pt_status top(machine *m, pt_pickle_kind kind, pt_pickle_value **v)
{
    if (above_mark(m) == 0) return REFUSE(m, "the stack is %s", "empty");
    *v = m->stack[m->depth - 1];
    if ((*v)->kind != kind)
        return REFUSE(m, "expected %s, found %s", pt_pickle_kind_text(kind),
                      pt_pickle_kind_text((*v)->kind));
    return PT_OK;
}

/* Takes away the last mark: items[0..n) above it stay valid until the next push; NULL
 * where n is 0. */
static pt_status pop_mark(machine *m, pt_pickle_value ***items, size_t *n)
{
    if (m->n_marks == 0) return REFUSE(m, "there is no %s", "mark");
    *n = above_mark(m);
    m->depth = m->marks[--m->n_marks];
    *items = *n > 0 ? m->stack + m->depth : NULL;
    return PT_OK;
}

static pt_status make(machine *m, pt_pickle_kind kind, pt_pickle_value **v)
{
    if (m->p->n_values == PT_PICKLE_VALUES_MAX)
        return REFUSE(m, "holds more than %d values", PT_PICKLE_VALUES_MAX);
    *v = pt_pickle_make(m->p, kind);
    return *v ? PT_OK : no_memory(m);
}

static pt_status make_and_push(machine *m, pt_pickle_kind kind, pt_pickle_value **v)
{
    pt_status s = make(m, kind, v);

    return s != PT_OK ? s : push(m, *v);
}

/* Ordinary items cost a byte of the pickle each; only a dictionary made from a list that
 * is named again and again can reach the maximum. */
static pt_status add_items(machine *m, pt_pickle_value *to, pt_pickle_value **items,
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (m->p->n_items == m->p->items_max)
            return REFUSE(m, "holds more than %zu references", m->p->items_max);
        if (!pt_pickle_append(m->p, to, items[i])) return no_memory(m);
    }
    return PT_OK;
}

/* ---- opcodes: each takes the argument of its line in the table below --------------- */

static pt_status run_fixed(machine *m, int which)
{
    pt_pickle_value *const fixed[] = {&m->p->none, &m->p->no, &m->p->yes, &m->p->empty};

    return push(m, fixed[which]);
}

static pt_status run_int(machine *m, int n_bytes)
{
    pt_pickle_value *v;
    uint64_t bits;
    pt_status s = take_number(m, (size_t)n_bytes, &bits);

    if (s == PT_OK) s = make_and_push(m, PT_PICKLE_INT, &v);
    if (s != PT_OK) return s;
    v->integer = n_bytes == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
    return PT_OK;
}

static pt_status run_long(machine *m, int length_bytes)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t n, bits = 0;
    pt_status s = take_number(m, (size_t)length_bytes, &n);

    if (s == PT_OK) s = take(m, (size_t)n, &b);
    if (s == PT_OK) s = make_and_push(m, n > 8 ? PT_PICKLE_LONG : PT_PICKLE_INT, &v);
    if (s != PT_OK) return s;
    v->text = (const char *)b;
    v->n = (size_t)n;
    if (n > 8) return PT_OK;
    for (size_t i = 0; i < 8; i++) /* two's complement, sign extended */
        bits |= (uint64_t)(i < n ? b[i] : n && b[n - 1] & 0x80 ? 0xff : 0) << 8 * i;
    v->integer = (int64_t)bits;
    v->n = 0;
    return PT_OK;
}

static pt_status run_float(machine *m, int unused)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t bits = 0;
    pt_status s = take(m, 8, &b);

    if (s == PT_OK) s = make_and_push(m, PT_PICKLE_FLOAT, &v);
    if (s != PT_OK) return s;
    for (int i = 0; i < 8; i++) bits = bits << 8 | b[i]; /* big-endian */
    memcpy(&v->number, &bits, sizeof bits);
    return PT_OK;
}

static pt_status run_text(machine *m, int length_bytes)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t n;
    pt_status s = take_number(m, (size_t)length_bytes, &n);

    if (s == PT_OK) s = take(m, (size_t)n, &b);
    if (s == PT_OK) s = make_and_push(m, PT_PICKLE_TEXT, &v);
    if (s != PT_OK) return s;
    v->text = (const char *)b;
    v->n = (size_t)n;
    return PT_OK;
}

static pt_status run_empty(machine *m, int kind)
{
    pt_pickle_value *v;

    return make_and_push(m, (pt_pickle_kind)kind, &v);
}

static pt_status run_mark(machine *m, int unused)
{
    size_t *marks;

    if (m->n_marks == PT_PICKLE_STACK_MAX)
        return REFUSE(m, "holds more than %d marks", PT_PICKLE_STACK_MAX);
    marks = pt_pickle_grow(m->marks, m->n_marks, &m->marks_capacity, sizeof *marks);
    if (!marks) return no_memory(m);
    m->marks = marks;
    m->marks[m->n_marks++] = m->depth;
    return PT_OK;
}

static pt_status run_tuple(machine *m, int n_items)
{
    pt_pickle_value *v, **items;
    size_t n = (size_t)n_items;
    pt_status s = PT_OK;

    if (n_items == 0) { /* up to the mark */
        s = pop_mark(m, &items, &n);
        if (s != PT_OK) return s;
    } else {
        if (above_mark(m) < n) return REFUSE(m, "a tuple needs %zu values", n);
        m->depth -= n;
        items = m->stack + m->depth;
    }
    s = make(m, PT_PICKLE_TUPLE, &v);
    if (s == PT_OK) s = add_items(m, v, items, n);
    return s == PT_OK ? push(m, v) : s;
}

static pt_status run_append(machine *m, int one)
{
    pt_pickle_value *list, *item, **items = &item;
    size_t n = 1;
    pt_status s = one ? pop(m, &item) : pop_mark(m, &items, &n);

    if (s == PT_OK) s = top(m, PT_PICKLE_LIST, &list);
    return s == PT_OK ? add_items(m, list, items, n) : s;
}

static pt_status run_set(machine *m, int one)
{
    pt_pickle_value *dict, *pair[2], **items = pair;
    size_t n = 2;
    pt_status s;

    if (one) {
        s = pop(m, &pair[1]);
        if (s == PT_OK) s = pop(m, &pair[0]);
    } else {
        s = pop_mark(m, &items, &n);
    }
    if (s != PT_OK) return s;
    if (n % 2) return REFUSE(m, "%zu keys and values do not pair", n);
    s = top(m, PT_PICKLE_DICT, &dict);
    return s == PT_OK ? add_items(m, dict, items, n) : s;
}

static pt_status run_pop(machine *m, int up_to_mark)
{
    pt_pickle_value *v, **items;
    size_t n;

    if (up_to_mark || (m->n_marks && above_mark(m) == 0)) return pop_mark(m, &items, &n);
    return pop(m, &v);
}

static pt_status run_put(machine *m, int n_bytes)
{
    uint64_t i;
    pt_status s = take_number(m, (size_t)n_bytes, &i);

    if (s != PT_OK) return s;
    if (above_mark(m) == 0) return REFUSE(m, "the stack is %s", "empty");
    if (i >= m->n)
        return REFUSE(m, "memo index %llu is beyond the %zu bytes of the file",
                      (unsigned long long)i, m->n);
    if (i >= m->memo_capacity) {
        size_t capacity =
            (size_t)i + 1 > 2 * m->memo_capacity ? (size_t)i + 1 : 2 * m->memo_capacity;
        pt_pickle_value **memo = realloc(m->memo, pt_mul(capacity, sizeof *memo));

        if (!memo) return no_memory(m);
        memset(memo + m->memo_capacity, 0, (capacity - m->memo_capacity) * sizeof *memo);
        m->memo = memo;
        m->memo_capacity = capacity;
    }
    m->memo[i] = m->stack[m->depth - 1];
    return PT_OK;
}

static pt_status run_get(machine *m, int n_bytes)
{
    uint64_t i;
    pt_status s = take_number(m, (size_t)n_bytes, &i);

    if (s != PT_OK) return s;
    if (i >= m->memo_capacity || !m->memo[i])
        return REFUSE(m, "memo %llu was never set", (unsigned long long)i);
    return push(m, m->memo[i]);
}

/* One line of an operand: without the newline, not terminated. */
static pt_status take_line(machine *m, const char **text, size_t *n)
{
    const uint8_t *end = memchr(m->bytes + m->at, '\n', m->n - m->at);

    if (!end) return REFUSE(m, "%s", "an unterminated name");
    *text = (const char *)m->bytes + m->at;
    *n = (size_t)(end - m->bytes) - m->at;
    m->at += *n + 1;
    return PT_OK;
}

/* Adds a name from the file to a message, its odd bytes as '?'. */
static void show(char *to, const char *text, size_t n)
{
    size_t at = strlen(to);

    for (size_t i = 0; i < n && i < SHOWN; i++)
        to[at++] = text[i] > 32 && text[i] < 127 ? text[i] : '?';
    to[at] = '\0';
}

static pt_status run_global(machine *m, int unused)
{
    const char *module = NULL, *name = NULL;
    char shown[2 * SHOWN + 2] = "";
    size_t n_module = 0, n_name = 0;
    pt_pickle_value *v;
    pt_status s = take_line(m, &module, &n_module);

    if (s == PT_OK) s = take_line(m, &name, &n_name);
    if (s != PT_OK) return s;
    for (int i = 0; m->allowed[i].module; i++) {
        if (!pt_pickle_is(m->allowed[i].module, module, n_module)) continue;
        if (!pt_pickle_is(m->allowed[i].name, name, n_name)) continue;
        s = make_and_push(m, PT_PICKLE_GLOBAL, &v);
        if (s == PT_OK) v->global = i;
        return s;
    }
    show(shown, module, n_module);
    show(shown, ".", 1);
    show(shown, name, n_name);
    return REFUSE(m, "the global %s is refused: it does not belong in a weights file",
                  shown);
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it. */
static pt_status fill_dict(machine *m, pt_pickle_value *dict, const pt_pickle_value *args)
{
    const pt_pickle_value *list = args->n == 1 ? args->items[0] : NULL;
    pt_status s = PT_OK;

    if (args->n == 0) return PT_OK;
    if (!list || list->kind != PT_PICKLE_LIST)
        return REFUSE(m, "a dictionary made from %zu arguments", args->n);
    for (size_t i = 0; i < list->n && s == PT_OK; i++) {
        const pt_pickle_value *pair = list->items[i];

        if ((pair->kind != PT_PICKLE_LIST && pair->kind != PT_PICKLE_TUPLE) ||
            pair->n != 2)
            return REFUSE(m, "item %zu of a dictionary is not a pair", i);
        s = add_items(m, dict, pair->items, 2);
    }
    return s;
}

static pt_status run_reduce(machine *m, int unused)
{
    pt_pickle_value *call = NULL, *args = NULL, *v = NULL;
    const pt_pickle_global *g;
    pt_status s = pop(m, &args);

    if (s == PT_OK) s = pop(m, &call);
    if (s != PT_OK) return s;
    if (call->kind != PT_PICKLE_GLOBAL || args->kind != PT_PICKLE_TUPLE)
        return REFUSE(m, "a call of %s with %s is refused",
                      pt_pickle_kind_text(call->kind), pt_pickle_kind_text(args->kind));
    g = &m->allowed[call->global];
    if (g->use == PT_PICKLE_NAME)
        return REFUSE(m, "a call of %s.%s is refused", g->module, g->name);
    if (g->use == PT_PICKLE_MAKES_DICT) {
        s = make_and_push(m, PT_PICKLE_DICT, &v);
        return s == PT_OK ? fill_dict(m, v, args) : s;
    }
    s = make_and_push(m, PT_PICKLE_OBJECT, &v);
    if (s != PT_OK) return s;
    v->global = call->global;
    v->of = args;
    return PT_OK;
}

/* Only dictionaries may get attributes (a state_dict has _metadata); they are dropped. */
static pt_status run_build(machine *m, int unused)
{
    pt_pickle_value *state, *target;
    pt_status s = pop(m, &state);

    return s == PT_OK ? top(m, PT_PICKLE_DICT, &target) : s;
}

static pt_status run_persistent(machine *m, int unused)
{
    pt_pickle_value *id = NULL, *v = NULL;
    pt_status s = pop(m, &id);

    if (s == PT_OK) s = make_and_push(m, PT_PICKLE_PERSISTENT, &v);
    if (s == PT_OK) v->of = id;
    return s;
}

static pt_status run_proto(machine *m, int unused)
{
    uint64_t version;
    pt_status s = take_number(m, 1, &version);

    if (s == PT_OK && version != 2 && version != 3)
        return REFUSE(m, "protocol %d is not supported, only 2 and 3", (int)version);
    return s;
}

typedef struct {
    pt_status (*run)(machine *m, int argument);
    int argument;
} opcode;

static const opcode opcodes[256] = {
    ['N'] = {run_fixed, 0},      [0x89] = {run_fixed, 1},
    [0x88] = {run_fixed, 2},     [')'] = {run_fixed, 3},
    [0x80] = {run_proto, 0},     ['G'] = {run_float, 0},
    ['K'] = {run_int, 1},        ['M'] = {run_int, 2},
    ['J'] = {run_int, 4},        [0x8a] = {run_long, 1},
    [0x8b] = {run_long, 4},      ['U'] = {run_text, 1},
    ['T'] = {run_text, 4},       ['X'] = {run_text, 4},
    ['C'] = {run_text, 1},       ['B'] = {run_text, 4},
    [0x85] = {run_tuple, 1},     [0x86] = {run_tuple, 2},
    [0x87] = {run_tuple, 3},     ['('] = {run_mark, 0},
    ['t'] = {run_tuple, 0},      [']'] = {run_empty, PT_PICKLE_LIST},
    ['a'] = {run_append, 1},     ['}'] = {run_empty, PT_PICKLE_DICT},
    ['e'] = {run_append, 0},     ['s'] = {run_set, 1},
    ['u'] = {run_set, 0},        ['0'] = {run_pop, 0},
    ['1'] = {run_pop, 1},        ['q'] = {run_put, 1},
    ['r'] = {run_put, 4},        ['h'] = {run_get, 1},
    ['j'] = {run_get, 4},        ['c'] = {run_global, 0},
    ['R'] = {run_reduce, 0},     ['b'] = {run_build, 0},
    ['Q'] = {run_persistent, 0},
};

static pt_status run(machine *m)
{
    for (;;) {
        const uint8_t *op = NULL;
        pt_status s;

        m->op_at = m->at;
        s = take(m, 1, &op);
        if (s != PT_OK) return s;
        if (*op == '.') break;
        if (!opcodes[*op].run)
            return REFUSE(m, "opcode 0x%02x is refused: weights files do not use it",
                          *op);
        s = opcodes[*op].run(m, opcodes[*op].argument);
        if (s != PT_OK) return s;
    }
    if (m->depth != 1 || m->n_marks)
        return REFUSE(m, "ends with %zu values on the stack, expected 1", m->depth);
    m->p->root = m->stack[0];
    return PT_OK;
}

pt_status pt_pickle_read(const char *what, const uint8_t *bytes, size_t n, size_t *at,
                         const pt_pickle_global *allowed, pt_pickle **out)
{
    machine m = {.what = what, .bytes = bytes, .n = n, .at = *at, .allowed = allowed};
    pt_status s;

    *out = NULL;
    m.p = pt_pickle_create(pt_mul(4, n));
    if (!m.p) return no_memory(&m);
    s = run(&m);
    free(m.stack);
    free(m.memo);
    free(m.marks);
    if (s != PT_OK) {
        pt_pickle_destroy(&m.p);
        return s;
    }
    *at = m.at;
    *out = m.p;
    return PT_OK;
}
