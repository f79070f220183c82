#include "common/weights/pickle_machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- opcodes: each takes the argument of its line in the table below --------------- */

static pt_status run_fixed(pt_pickle_machine *m, int which)
{
    pt_pickle_value *const fixed[] = {&m->p->none, &m->p->no, &m->p->yes, &m->p->empty};

    return pt_pickle_push(m, fixed[which]);
}

static pt_status run_int(pt_pickle_machine *m, int n_bytes)
{
    pt_pickle_value *v;
    uint64_t bits;
    pt_status s = pt_pickle_take_number(m, (size_t)n_bytes, &bits);

    if (s == PT_OK) s = pt_pickle_make_push(m, PT_PICKLE_INT, &v);
    if (s != PT_OK) return s;
    v->integer = n_bytes == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
    return PT_OK;
}

static pt_status run_long(pt_pickle_machine *m, int length_bytes)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t n, bits = 0;
    pt_status s = pt_pickle_take_number(m, (size_t)length_bytes, &n);

    if (s == PT_OK) s = pt_pickle_take(m, (size_t)n, &b);
    if (s == PT_OK)
        s = pt_pickle_make_push(m, n > 8 ? PT_PICKLE_LONG : PT_PICKLE_INT, &v);
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

static pt_status run_float(pt_pickle_machine *m, int unused)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t bits = 0;
    pt_status s = pt_pickle_take(m, 8, &b);

    if (s == PT_OK) s = pt_pickle_make_push(m, PT_PICKLE_FLOAT, &v);
    if (s != PT_OK) return s;
    for (int i = 0; i < 8; i++) bits = bits << 8 | b[i]; /* big-endian */
    memcpy(&v->number, &bits, sizeof bits);
    return PT_OK;
}

static pt_status run_text(pt_pickle_machine *m, int length_bytes)
{
    pt_pickle_value *v;
    const uint8_t *b = NULL;
    uint64_t n;
    pt_status s = pt_pickle_take_number(m, (size_t)length_bytes, &n);

    if (s == PT_OK) s = pt_pickle_take(m, (size_t)n, &b);
    if (s == PT_OK) s = pt_pickle_make_push(m, PT_PICKLE_TEXT, &v);
    if (s != PT_OK) return s;
    v->text = (const char *)b;
    v->n = (size_t)n;
    return PT_OK;
}

static pt_status run_empty(pt_pickle_machine *m, int kind)
{
    pt_pickle_value *v;

    return pt_pickle_make_push(m, (pt_pickle_kind)kind, &v);
}

static pt_status run_mark(pt_pickle_machine *m, int unused)
{
    size_t *marks;

    if (m->n_marks == PT_PICKLE_STACK_MAX)
        return PT_PICKLE_REFUSE(m, "holds more than %d marks", PT_PICKLE_STACK_MAX);
    marks = pt_grow(m->marks, m->n_marks, &m->marks_capacity, sizeof *marks);
    if (!marks) return pt_pickle_no_memory(m);
    m->marks = marks;
    m->marks[m->n_marks++] = m->depth;
    return PT_OK;
}

static pt_status run_tuple(pt_pickle_machine *m, int n_items)
{
    pt_pickle_value *v, **items;
    size_t n = (size_t)n_items;
    pt_status s = PT_OK;

    if (n_items == 0) { /* up to the mark */
        s = pt_pickle_pop_mark(m, &items, &n);
        if (s != PT_OK) return s;
    } else {
        if (pt_pickle_above_mark(m) < n)
            return PT_PICKLE_REFUSE(m, "a tuple needs %zu values", n);
        m->depth -= n;
        items = m->stack + m->depth;
    }
    s = pt_pickle_make_value(m, PT_PICKLE_TUPLE, &v);
    if (s == PT_OK) s = pt_pickle_add_items(m, v, items, n);
    return s == PT_OK ? pt_pickle_push(m, v) : s;
}

static pt_status run_append(pt_pickle_machine *m, int one)
{
    pt_pickle_value *list, *item, **items = &item;
    size_t n = 1;
    pt_status s = one ? pt_pickle_pop(m, &item) : pt_pickle_pop_mark(m, &items, &n);

    if (s == PT_OK && pt_pickle_tops_stranger(m)) return PT_OK;
    if (s == PT_OK) s = pt_pickle_top(m, PT_PICKLE_LIST, &list);
    return s == PT_OK ? pt_pickle_add_items(m, list, items, n) : s;
}

static pt_status run_set(pt_pickle_machine *m, int one)
{
    pt_pickle_value *dict, *pair[2], **items = pair;
    size_t n = 2;
    pt_status s;

    if (one) {
        s = pt_pickle_pop(m, &pair[1]);
        if (s == PT_OK) s = pt_pickle_pop(m, &pair[0]);
    } else {
        s = pt_pickle_pop_mark(m, &items, &n);
    }
    if (s != PT_OK) return s;
    if (n % 2) return PT_PICKLE_REFUSE(m, "%zu keys and values do not pair", n);
    if (pt_pickle_tops_stranger(m)) return PT_OK;
    s = pt_pickle_top(m, PT_PICKLE_DICT, &dict);
    return s == PT_OK ? pt_pickle_add_items(m, dict, items, n) : s;
}

static pt_status run_pop(pt_pickle_machine *m, int up_to_mark)
{
    pt_pickle_value *v, **items;
    size_t n;

    if (up_to_mark || (m->n_marks && pt_pickle_above_mark(m) == 0))
        return pt_pickle_pop_mark(m, &items, &n);
    return pt_pickle_pop(m, &v);
}

/* n_bytes: of the index; 0: the next one. */
static pt_status run_put(pt_pickle_machine *m, int n_bytes)
{
    uint64_t i = m->n_memo;
    pt_status s = n_bytes ? pt_pickle_take_number(m, (size_t)n_bytes, &i) : PT_OK;

    if (s != PT_OK) return s;
    if (pt_pickle_above_mark(m) == 0)
        return PT_PICKLE_REFUSE(m, "the stack is %s", "empty");
    if (i >= m->n)
        return PT_PICKLE_REFUSE(m, "memo index %llu is beyond the %zu bytes of the file",
                                (unsigned long long)i, m->n);
    if (i >= m->memo_capacity) {
        size_t capacity =
            (size_t)i + 1 > 2 * m->memo_capacity ? (size_t)i + 1 : 2 * m->memo_capacity;
        pt_pickle_value **memo = realloc(m->memo, pt_mul(capacity, sizeof *memo));

        if (!memo) return pt_pickle_no_memory(m);
        memset(memo + m->memo_capacity, 0, (capacity - m->memo_capacity) * sizeof *memo);
        m->memo = memo;
        m->memo_capacity = capacity;
    }
    m->n_memo += !m->memo[i];
    m->memo[i] = m->stack[m->depth - 1];
    return PT_OK;
}

static pt_status run_get(pt_pickle_machine *m, int n_bytes)
{
    uint64_t i;
    pt_status s = pt_pickle_take_number(m, (size_t)n_bytes, &i);

    if (s != PT_OK) return s;
    if (i >= m->memo_capacity || !m->memo[i])
        return PT_PICKLE_REFUSE(m, "memo %llu was never set", (unsigned long long)i);
    return pt_pickle_push(m, m->memo[i]);
}

/* One line of an operand: without the newline, not terminated. */
static pt_status take_line(pt_pickle_machine *m, const char **text, size_t *n)
{
    const uint8_t *end = memchr(m->bytes + m->at, '\n', m->n - m->at);

    if (!end) return PT_PICKLE_REFUSE(m, "%s", "an unterminated name");
    *text = (const char *)m->bytes + m->at;
    *n = (size_t)(end - m->bytes) - m->at;
    m->at += *n + 1;
    return PT_OK;
}

/* The global of this module and name. */
static pt_status push_global(pt_pickle_machine *m, const char *module, size_t n_module,
                             const char *name, size_t n_name)
{
    pt_pickle_value *v, *of;
    pt_status s = pt_pickle_make_push(m, PT_PICKLE_GLOBAL, &v);

    if (s != PT_OK) return s;
    for (int i = 0; m->allowed[i].module; i++) {
        if (!pt_pickle_is(m->allowed[i].module, module, n_module)) continue;
        if (!pt_pickle_is(m->allowed[i].name, name, n_name)) continue;
        v->global = i;
        return s;
    }
    s = pt_pickle_make_value(m, PT_PICKLE_TEXT, &of);
    if (s != PT_OK) return s;
    of->text = name;
    of->n = n_name;
    v->global = PT_PICKLE_STRANGER;
    v->text = module;
    v->n = n_module;
    v->of = of;
    return PT_OK;
}

static pt_status run_global(pt_pickle_machine *m, int unused)
{
    const char *module = NULL, *name = NULL;
    size_t n_module = 0, n_name = 0;
    pt_status s = take_line(m, &module, &n_module);

    if (s == PT_OK) s = take_line(m, &name, &n_name);
    return s == PT_OK ? push_global(m, module, n_module, name, n_name) : s;
}

static pt_status run_stack_global(pt_pickle_machine *m, int unused)
{
    pt_pickle_value *module, *name;
    pt_status s = pt_pickle_pop(m, &name);

    if (s == PT_OK) s = pt_pickle_pop(m, &module);
    if (s != PT_OK) return s;
    if (module->kind != PT_PICKLE_TEXT || name->kind != PT_PICKLE_TEXT)
        return PT_PICKLE_REFUSE(m, "a global named by %s and %s is refused",
                                pt_pickle_kind_text(module->kind),
                                pt_pickle_kind_text(name->kind));
    return push_global(m, module->text, module->n, name->text, name->n);
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it. */
static pt_status fill_dict(pt_pickle_machine *m, pt_pickle_value *dict,
                           const pt_pickle_value *args)
{
    const pt_pickle_value *list = args->n == 1 ? args->items[0] : NULL;
    pt_status s = PT_OK;

    if (args->n == 0) return PT_OK;
    if (!list || list->kind != PT_PICKLE_LIST)
        return PT_PICKLE_REFUSE(m, "a dictionary made from %zu arguments", args->n);
    for (size_t i = 0; i < list->n && s == PT_OK; i++) {
        const pt_pickle_value *pair = list->items[i];

        if ((pair->kind != PT_PICKLE_LIST && pair->kind != PT_PICKLE_TUPLE) ||
            pair->n != 2)
            return PT_PICKLE_REFUSE(m, "item %zu of a dictionary is not a pair", i);
        s = pt_pickle_add_items(m, dict, pair->items, 2);
    }
    return s;
}

/* What would be made with `call`, if anything were called. */
static pt_status push_call(pt_pickle_machine *m, const pt_pickle_value *call,
                           pt_pickle_value *args)
{
    pt_pickle_value *v = NULL;
    const pt_pickle_global *g;
    pt_status s;

    if (call->kind != PT_PICKLE_GLOBAL || args->kind != PT_PICKLE_TUPLE)
        return PT_PICKLE_REFUSE(m, "a call of %s with %s is refused",
                                pt_pickle_kind_text(call->kind),
                                pt_pickle_kind_text(args->kind));
    if (pt_pickle_is_stranger(call)) {
        s = pt_pickle_make_push(m, PT_PICKLE_OBJECT, &v);
        if (s != PT_OK) return s;
        *v = *call;
        v->kind = PT_PICKLE_OBJECT;
        return PT_OK;
    }
    g = &m->allowed[call->global];
    if (g->use == PT_PICKLE_NAME)
        return PT_PICKLE_REFUSE(m, "a call of %s.%s is refused", g->module, g->name);
    if (g->use == PT_PICKLE_MAKES_DICT) {
        s = pt_pickle_make_push(m, PT_PICKLE_DICT, &v);
        return s == PT_OK ? fill_dict(m, v, args) : s;
    }
    s = pt_pickle_make_push(m, PT_PICKLE_OBJECT, &v);
    if (s != PT_OK) return s;
    v->global = call->global;
    v->of = args;
    return PT_OK;
}

/* cls.__new__(*args) is a call as well; named arguments follow from protocol 4 on. */
static pt_status run_reduce(pt_pickle_machine *m, int named)
{
    pt_pickle_value *call = NULL, *args = NULL, *names;
    pt_status s = PT_OK;

    if (named) s = pt_pickle_pop(m, &names);
    if (s == PT_OK) s = pt_pickle_pop(m, &args);
    if (s == PT_OK) s = pt_pickle_pop(m, &call);
    return s == PT_OK ? push_call(m, call, args) : s;
}

/* Only dictionaries may get attributes (a state_dict has _metadata), and strangers; they
 * are dropped. */
static pt_status run_build(pt_pickle_machine *m, int unused)
{
    pt_pickle_value *state, *target;
    pt_status s = pt_pickle_pop(m, &state);

    if (s == PT_OK && pt_pickle_tops_stranger(m)) return PT_OK;
    return s == PT_OK ? pt_pickle_top(m, PT_PICKLE_DICT, &target) : s;
}

static pt_status run_persistent(pt_pickle_machine *m, int unused)
{
    pt_pickle_value *id = NULL, *v = NULL;
    pt_status s = pt_pickle_pop(m, &id);

    if (s == PT_OK) s = pt_pickle_make_push(m, PT_PICKLE_PERSISTENT, &v);
    if (s == PT_OK) v->of = id;
    return s;
}

/* A set or a frozen set is a list to us. */
static pt_status run_frozen_set(pt_pickle_machine *m, int unused)
{
    pt_pickle_value *list, **items;
    size_t n;
    pt_status s = pt_pickle_pop_mark(m, &items, &n);

    if (s == PT_OK) s = pt_pickle_make_value(m, PT_PICKLE_LIST, &list);
    if (s == PT_OK) s = pt_pickle_add_items(m, list, items, n);
    return s == PT_OK ? pt_pickle_push(m, list) : s;
}

/* The length of what follows up to the next frame: of no use to us. */
static pt_status run_frame(pt_pickle_machine *m, int unused)
{
    uint64_t n;

    return pt_pickle_take_number(m, 8, &n);
}

static pt_status run_proto(pt_pickle_machine *m, int unused)
{
    uint64_t version;
    pt_status s = pt_pickle_take_number(m, 1, &version);

    if (s == PT_OK && (version < 2 || version > 5))
        return PT_PICKLE_REFUSE(m, "protocol %d is not supported, only 2 to 5",
                                (int)version);
    return s;
}

typedef struct {
    pt_status (*run)(pt_pickle_machine *m, int argument);
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
    ['Q'] = {run_persistent, 0}, [0x81] = {run_reduce, 0},
    [0x8c] = {run_text, 1},      [0x8d] = {run_text, 8},
    [0x8e] = {run_text, 8},      [0x8f] = {run_empty, PT_PICKLE_LIST},
    [0x90] = {run_append, 0},    [0x91] = {run_frozen_set, 0},
    [0x92] = {run_reduce, 1},    [0x93] = {run_stack_global, 0},
    [0x94] = {run_put, 0},       [0x95] = {run_frame, 0},
};

static pt_status run(pt_pickle_machine *m)
{
    for (;;) {
        const uint8_t *op = NULL;
        pt_status s;

        m->op_at = m->at;
        s = pt_pickle_take(m, 1, &op);
        if (s != PT_OK) return s;
        if (*op == '.') break;
        if (!opcodes[*op].run)
            return PT_PICKLE_REFUSE(
                m, "opcode 0x%02x is refused: weights files do not use it", *op);
        s = opcodes[*op].run(m, opcodes[*op].argument);
        if (s != PT_OK) return s;
    }
    if (m->depth != 1 || m->n_marks)
        return PT_PICKLE_REFUSE(m, "ends with %zu values on the stack, expected 1",
                                m->depth);
    m->p->root = m->stack[0];
    return PT_OK;
}

pt_status pt_pickle_read(const char *what, const uint8_t *bytes, size_t n, size_t *at,
                         const pt_pickle_global *allowed, pt_pickle **out)
{
    pt_pickle_machine m = {
        .what = what, .bytes = bytes, .n = n, .at = *at, .allowed = allowed};
    pt_status s;

    *out = NULL;
    m.p = pt_pickle_create(pt_mul(4, n));
    if (!m.p) return pt_pickle_no_memory(&m);
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
