#include "common/weights/torch_tensors.h"

#include <stdlib.h>
#include <string.h>

#include "common/weights/numbers.h"
#include "common/weights/prefix.h"

enum { ORDERED_DICT, TENSOR, TENSOR_V2, PARAMETER, STORAGES };

const pt_pickle_global pt_torch_globals[] = {
    [ORDERED_DICT] = {"collections", "OrderedDict", PT_PICKLE_MAKES_DICT},
    [TENSOR] = {"torch._utils", "_rebuild_tensor", PT_PICKLE_CALL},
    [TENSOR_V2] = {"torch._utils", "_rebuild_tensor_v2", PT_PICKLE_CALL},
    [PARAMETER] = {"torch._utils", "_rebuild_parameter", PT_PICKLE_CALL},
    [STORAGES] = {"torch", "FloatStorage", PT_PICKLE_NAME},
    {"torch", "HalfStorage", PT_PICKLE_NAME},
    {"torch", "BFloat16Storage", PT_PICKLE_NAME},
    {"torch", "DoubleStorage", PT_PICKLE_NAME},
    {"torch", "LongStorage", PT_PICKLE_NAME},
    {"torch", "IntStorage", PT_PICKLE_NAME},
    {"torch", "ShortStorage", PT_PICKLE_NAME},
    {"torch", "CharStorage", PT_PICKLE_NAME},
    {"torch", "ByteStorage", PT_PICKLE_NAME},
    {"torch", "BoolStorage", PT_PICKLE_NAME},
    {NULL, NULL, PT_PICKLE_NAME}};

/* In the order of pt_torch_globals from STORAGES on; integers are not read. */
static const struct {
    size_t bytes;
    bool integers;
    pt_number number;
} types[] = {{4, false, PT_NUMBER_F32},
             {2, false, PT_NUMBER_F16},
             {2, false, PT_NUMBER_BF16},
             {8, false, PT_NUMBER_F64},
             {8, true, 0},
             {4, true, 0},
             {2, true, 0},
             {1, true, 0},
             {1, true, 0},
             {1, true, 0}};

struct pt_torch_view {
    size_t storage;  /* index */
    uint64_t offset; /* in values */
    uint64_t strides[PT_TABLE_DIMS_MAX];
};

typedef struct pt_torch_view view;

void pt_torch_forget_pickles(pt_torch *f)
{
    pt_pickle_destroy(&f->object);
    free(f->bytes);
    f->bytes = NULL;
}

void pt_torch_fini(pt_torch *f)
{
    pt_torch_forget_pickles(f);
    free(f->storages);
    free(f->views);
}

size_t pt_torch_value_bytes(const pt_torch_storage *s)
{
    return types[s->type].bytes;
}

static bool is_int(const pt_pickle_value *v)
{
    return v->kind == PT_PICKLE_INT && v->integer >= 0;
}

/* ---- storages --------------------------------------------------------------------- */

/* ("storage", class, key, location, count, view): what a persistent id says. */
static pt_status read_id(const char *path, const pt_pickle_value *id, pt_torch_storage *s)
{
    pt_pickle_value *const *v = id->items;

    if (id->kind != PT_PICKLE_TUPLE || id->n < 5 || id->n > 6 ||
        v[0]->kind != PT_PICKLE_TEXT || v[0]->n != 7 ||
        memcmp(v[0]->text, "storage", 7) != 0 || v[1]->kind != PT_PICKLE_GLOBAL ||
        v[1]->global < STORAGES || v[2]->kind != PT_PICKLE_TEXT || !is_int(v[4]))
        return pt_fail(PT_ERR_DATA, "%s: a persistent id does not describe a storage",
                       path);
    if (id->n == 6 && v[5]->kind != PT_PICKLE_NONE)
        return pt_fail(PT_ERR_DATA, "%s: storages that are views are not supported",
                       path);
    *s = (pt_torch_storage){.key = v[2]->text,
                            .n_key = v[2]->n,
                            .type = v[1]->global - STORAGES,
                            .count = (uint64_t)v[4]->integer};
    return PT_OK;
}

static int by_key(const void *a, const void *b)
{
    const pt_torch_storage *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->n_key < y->n_key ? x->n_key : y->n_key);

    return order ? order : (x->n_key > y->n_key) - (x->n_key < y->n_key);
}

pt_torch_storage *pt_torch_find(const pt_torch *f, const char *key, size_t n_key)
{
    pt_torch_storage wanted = {.key = key, .n_key = n_key};

    if (f->n_storages == 0) return NULL;
    return bsearch(&wanted, f->storages, f->n_storages, sizeof wanted, by_key);
}

pt_status pt_torch_collect(pt_torch *f, const char *path)
{
    const pt_pickle_value *v;
    size_t n = 0, unique = 0;

    for (size_t i = 0; (v = pt_pickle_value_at(f->object, i)); i++)
        n += v->kind == PT_PICKLE_PERSISTENT;
    if (n == 0) return PT_OK;
    f->storages = malloc(n * sizeof *f->storages);
    if (!f->storages) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    for (size_t i = 0; (v = pt_pickle_value_at(f->object, i)); i++) {
        pt_status s;

        if (v->kind != PT_PICKLE_PERSISTENT) continue;
        s = read_id(path, v->of, &f->storages[f->n_storages++]);
        if (s != PT_OK) return s;
    }
    qsort(f->storages, n, sizeof *f->storages, by_key);
    for (size_t i = 0; i < n; i++) {
        pt_torch_storage *s = &f->storages[i],
                         *last = unique ? &f->storages[unique - 1] : NULL;

        if (!last || by_key(last, s) != 0)
            f->storages[unique++] = *s;
        else if (last->type != s->type || last->count != s->count)
            return pt_fail(PT_ERR_DATA, "%s: the storage %.*s is described twice", path,
                           (int)(s->n_key < 40 ? s->n_key : 40), s->key);
    }
    f->n_storages = unique;
    return PT_OK;
}

/* ---- tensors ---------------------------------------------------------------------- */

/* Index of the last value of the view, or UINT64_MAX. */
static uint64_t last_value(const view *v, int n_dims, const size_t *dims)
{
    uint64_t last = v->offset, step;

    for (int i = 0; i < n_dims; i++)
        if (dims[i] == 0 ||
            __builtin_mul_overflow((uint64_t)dims[i] - 1, v->strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return UINT64_MAX;
    return last;
}

static pt_status add_view(pt_torch *f, pt_table *t, const view *v)
{
    view *views = pt_grow(f->views, f->n_views, &f->views_capacity, sizeof *views);

    if (!views) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    f->views = views;
    f->views[f->n_views++] = *v;
    return PT_OK;
}

/* _rebuild_tensor(storage, offset, size, stride, ...) */
static pt_status add_tensor(pt_torch *f, pt_table *t, const char *name, size_t n_name,
                            const pt_pickle_value *args)
{
    pt_pickle_value *const *v = args->items;
    int64_t dims[PT_TABLE_DIMS_MAX] = {0};
    pt_table_entry *e;
    pt_torch_storage id, *s;
    view w = {0};
    pt_status status;

    if (args->n < 4 || v[0]->kind != PT_PICKLE_PERSISTENT || !is_int(v[1]) ||
        v[2]->kind != PT_PICKLE_TUPLE || v[3]->kind != PT_PICKLE_TUPLE ||
        v[2]->n != v[3]->n || v[2]->n > PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: a tensor lacks storage, offset, size or stride",
                       t->path);
    status = read_id(t->path, v[0]->of, &id);
    if (status != PT_OK) return status;
    s = pt_torch_find(f, id.key, id.n_key);
    if (!s || !s->placed)
        return pt_fail(PT_ERR_DATA, "%s: a tensor's storage is not in the file", t->path);
    w.storage = (size_t)(s - f->storages);
    w.offset = (uint64_t)v[1]->integer;
    for (size_t i = 0; i < v[2]->n; i++) {
        if (!is_int(v[2]->items[i]) || !is_int(v[3]->items[i]))
            return pt_fail(PT_ERR_DATA, "%s: a tensor's shape is not made of numbers",
                           t->path);
        dims[i] = v[2]->items[i]->integer;
        w.strides[i] = (uint64_t)v[3]->items[i]->integer;
    }
    status = pt_table_add(t, name, n_name, (int)v[2]->n, dims, f->n_views, &e);
    if (status != PT_OK) return status;
    if (e->count > s->count ||
        (e->count && last_value(&w, e->n_dims, e->dims) >= s->count))
        return pt_fail(PT_ERR_DATA,
                       "%s: %s reaches beyond the %llu values of its storage", t->path,
                       e->name, (unsigned long long)s->count);
    e->integers = types[s->type].integers;
    if (e->integers)
        pt_table_trouble(e, "values of torch.%s are not supported",
                         pt_torch_globals[STORAGES + s->type].name);
    return add_view(f, t, &w);
}

static bool is_tensor(const pt_pickle_value *v)
{
    return v->kind == PT_PICKLE_OBJECT && (v->global == TENSOR || v->global == TENSOR_V2);
}

/* What a tensor's value in a dictionary was made from, or NULL: it is something else. */
static const pt_pickle_value *tensor_args(const pt_pickle_value *v)
{
    if (v->kind == PT_PICKLE_OBJECT && v->global == PARAMETER && v->of->n > 0)
        v = v->of->items[0];
    return is_tensor(v) ? v->of : NULL;
}

static bool has_tensors(const pt_pickle_value *dict)
{
    for (size_t i = 0; dict->kind == PT_PICKLE_DICT && i + 1 < dict->n; i += 2)
        if (dict->items[i]->kind == PT_PICKLE_TEXT && tensor_args(dict->items[i + 1]))
            return true;
    return false;
}

/* The dictionary of tensors in dict: under a usual name, or itself, or the only one. */
static const pt_pickle_value *find_tensors(const pt_pickle_value *dict)
{
    static const char *const wraps[] = {"state_dict", "model_state_dict", "model", "net"};
    const pt_pickle_value *found = NULL;
    int n = 0;

    if (dict->kind != PT_PICKLE_DICT) return NULL;
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        const pt_pickle_value *inner = pt_pickle_lookup(dict, wraps[i]);

        if (inner && has_tensors(inner)) return inner;
    }
    if (has_tensors(dict)) return dict;
    for (size_t i = 0; i + 1 < dict->n; i += 2) {
        if (!has_tensors(dict->items[i + 1])) continue;
        found = dict->items[i + 1];
        n++;
    }
    return n == 1 ? found : NULL;
}

/* An object of a class that we do not know, in which tensors may be; or NULL. */
static const pt_pickle_value *find_stranger(const pt_pickle_value *v)
{
    if (pt_pickle_is_stranger(v)) return v;
    for (size_t i = 0; v->kind == PT_PICKLE_DICT && i + 1 < v->n; i += 2)
        if (pt_pickle_is_stranger(v->items[i + 1])) return v->items[i + 1];
    return NULL;
}

static pt_status no_tensors(const pt_torch *f, const char *path)
{
    const pt_pickle_value *root = pt_pickle_root(f->object),
                          *stranger = find_stranger(root);
    char name[PT_PICKLE_SHOWN];

    if (stranger) {
        pt_pickle_stranger_text(stranger, name);
        return pt_fail(PT_ERR_DATA,
                       "%s: holds an object of %s, which only its own program can load, "
                       "and no dictionary of tensors; in Python: "
                       "torch.save(model.state_dict(), \"weights.pth\")",
                       path, name);
    }
    if (root->kind != PT_PICKLE_DICT)
        return pt_fail(PT_ERR_DATA, "%s: holds %s, expected a dictionary of tensors",
                       path, pt_pickle_kind_text(root->kind));
    return pt_fail(PT_ERR_DATA,
                   "%s: its dictionary holds no tensors, nor does one of "
                   "the dictionaries in it alone",
                   path);
}

pt_status pt_torch_add_tensors(pt_torch *f, pt_table *t)
{
    const pt_pickle_value *dict = find_tensors(pt_pickle_root(f->object));

    if (!dict) return no_tensors(f, t->path);
    for (size_t i = 0; i + 1 < dict->n; i += 2) {
        const pt_pickle_value *key = dict->items[i],
                              *args = tensor_args(dict->items[i + 1]);
        size_t prefix;
        pt_status s;

        if (key->kind != PT_PICKLE_TEXT || !args) continue;
        prefix = pt_prefix_bytes(key->text, key->n);
        s = add_tensor(f, t, key->text + prefix, key->n - prefix, args);
        if (s != PT_OK) return s;
    }
    return pt_table_finish(t);
}

/* ---- values ----------------------------------------------------------------------- */

typedef struct {
    const pt_torch *f;
    const pt_torch_storage *s;
} storage_bytes;

static pt_status read_storage(const void *from, uint64_t at, void *to, size_t n)
{
    const storage_bytes *b = from;

    return b->f->read(b->f, b->s, at, to, n);
}

/* Values [first, first + n) of a storage. */
static pt_status read_range(const pt_torch *f, const pt_torch_storage *s, uint64_t first,
                            size_t n, float *out)
{
    const storage_bytes from = {f, s};

    return pt_number_read(types[s->type].number, read_storage, &from,
                          first * types[s->type].bytes, n, out);
}

static bool is_contiguous(const view *v, const pt_table_entry *e)
{
    uint64_t stride = 1;

    for (int i = e->n_dims - 1; i >= 0; i--) {
        if (e->dims[i] != 1 && v->strides[i] != stride) return false;
        stride *= e->dims[i];
    }
    return true;
}

/* Values [first, first + n) in C order of e's dims, from span, in which the view lies
 * from its first value. */
static void gather(const view *v, const pt_table_entry *e, const float *span,
                   size_t first, size_t n, float *values)
{
    size_t index[PT_TABLE_DIMS_MAX] = {0};
    uint64_t at = 0;

    for (int d = e->n_dims - 1; d >= 0; d--) {
        index[d] = first % e->dims[d];
        first /= e->dims[d];
        at += v->strides[d] * index[d];
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = span[at];
        for (int d = e->n_dims - 1; d >= 0; d--) {
            at += v->strides[d];
            if (++index[d] < e->dims[d]) break;
            at -= v->strides[d] * e->dims[d];
            index[d] = 0;
        }
    }
}

pt_status pt_torch_read_part(const pt_table *t, const pt_table_entry *e, size_t first,
                             size_t n, float *values)
{
    const pt_torch *f = t->source;
    const view *v = &f->views[e->where];
    const pt_torch_storage *s = &f->storages[v->storage];
    float *span;
    size_t n_span;
    pt_status status;

    if (n == 0) return PT_OK;
    if (is_contiguous(v, e)) return read_range(f, s, v->offset + first, n, values);
    n_span = (size_t)(last_value(v, e->n_dims, e->dims) - v->offset) + 1;
    span = malloc(pt_mul(n_span, sizeof *span));
    if (!span) return pt_fail(PT_ERR_NOMEM, "%s: no memory for %s", t->path, e->name);
    status = read_range(f, s, v->offset, n_span, span);
    if (status == PT_OK) gather(v, e, span, first, n, values);
    free(span);
    return status;
}
