#include "common/weights/torch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/half.h"
#include "common/weights/pickle.h"

enum {
    PICKLES_MAX = 64 << 20, /* bytes of a file that may be pickles */
    PROTOCOL = 1001,
    CHUNK = 1 << 16 /* bytes converted at a time */
};

/* 0x1950a86a20f9469cfc6c as protocol 2 writes it. */
const unsigned char pt_torch_magic[PT_TORCH_MAGIC] = {0x80, 0x02, 0x8a, 0x0a, 0x6c,
                                                      0xfc, 0x9c, 0x46, 0xf9, 0x20,
                                                      0x6a, 0xa8, 0x50, 0x19, '.'};

enum { ORDERED_DICT, TENSOR, TENSOR_V2, PARAMETER, STORAGES };

static const pt_pickle_global globals[] = {
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

static void widen_float(const uint8_t *bytes, size_t n, float *out)
{
    memcpy(out, bytes, n * sizeof *out);
}

static void widen_bfloat16(const uint8_t *bytes, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)bytes[2 * i] << 16 | (uint32_t)bytes[2 * i + 1] << 24;

        memcpy(&out[i], &bits, sizeof bits);
    }
}

static void narrow_double(const uint8_t *bytes, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        double d;

        memcpy(&d, bytes + 8 * i, sizeof d);
        out[i] = (float)d;
    }
}

/* In the order of `globals` from STORAGES on; without `convert` it is not read. */
static const struct {
    size_t bytes;
    void (*convert)(const uint8_t *bytes, size_t n, float *out);
} numbers[] = {{4, widen_float},   {2, pt_half_widen}, {2, widen_bfloat16},
               {8, narrow_double}, {8, NULL},          {4, NULL},
               {2, NULL},          {1, NULL},          {1, NULL},
               {1, NULL}};

typedef struct {
    const char *key; /* n_key bytes, in the pickle */
    size_t n_key;
    int number; /* index in `numbers` */
    uint64_t count;
    uint64_t offset; /* of the first value in the file; 0 = not in the file yet */
} storage;

typedef struct {
    size_t storage;  /* index */
    uint64_t offset; /* in values */
    uint64_t strides[PT_TABLE_DIMS_MAX];
} view;

typedef struct {
    pt_file *file;
    uint8_t *bytes; /* the part of the file that holds the pickles */
    size_t n_bytes, at;
    pt_pickle *object, *keys;
    storage *storages; /* sorted by key */
    size_t n_storages;
    view *views; /* by pt_table_entry.where */
    size_t n_views, views_capacity;
} torch_file;

static void torch_fini(void *source)
{
    torch_file *f = source;

    pt_pickle_destroy(&f->object);
    pt_pickle_destroy(&f->keys);
    pt_file_destroy(&f->file);
    free(f->bytes);
    free(f->storages);
    free(f->views);
}

static bool is_int(const pt_pickle_value *v)
{
    return v->kind == PT_PICKLE_INT && v->integer >= 0;
}

/* ---- storages --------------------------------------------------------------------- */

/* ("storage", class, key, location, count, view): what a persistent id says. */
static pt_status read_id(const torch_file *f, const pt_pickle_value *id, storage *s)
{
    pt_pickle_value *const *v = id->items;

    if (id->kind != PT_PICKLE_TUPLE || id->n < 5 || id->n > 6 ||
        v[0]->kind != PT_PICKLE_TEXT || v[0]->n != 7 ||
        memcmp(v[0]->text, "storage", 7) != 0 || v[1]->kind != PT_PICKLE_GLOBAL ||
        v[1]->global < STORAGES || v[2]->kind != PT_PICKLE_TEXT || !is_int(v[4]))
        return pt_fail(PT_ERR_DATA, "%s: a persistent id does not describe a storage",
                       f->file->path);
    if (id->n == 6 && v[5]->kind != PT_PICKLE_NONE)
        return pt_fail(PT_ERR_DATA, "%s: storages that are views are not supported",
                       f->file->path);
    *s = (storage){.key = v[2]->text,
                   .n_key = v[2]->n,
                   .number = v[1]->global - STORAGES,
                   .count = (uint64_t)v[4]->integer};
    return PT_OK;
}

static int by_key(const void *a, const void *b)
{
    const storage *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->n_key < y->n_key ? x->n_key : y->n_key);

    return order ? order : (x->n_key > y->n_key) - (x->n_key < y->n_key);
}

static storage *find_storage(const torch_file *f, const char *key, size_t n_key)
{
    storage wanted = {.key = key, .n_key = n_key};

    if (f->n_storages == 0) return NULL;
    return bsearch(&wanted, f->storages, f->n_storages, sizeof wanted, by_key);
}

/* One storage for each key that the object names. */
static pt_status collect_storages(torch_file *f)
{
    const pt_pickle_value *v;
    size_t n = 0, unique = 0;

    for (size_t i = 0; (v = pt_pickle_value_at(f->object, i)); i++)
        n += v->kind == PT_PICKLE_PERSISTENT;
    if (n == 0) return PT_OK;
    f->storages = malloc(n * sizeof *f->storages);
    if (!f->storages) return pt_fail(PT_ERR_NOMEM, "%s: no memory", f->file->path);
    for (size_t i = 0; (v = pt_pickle_value_at(f->object, i)); i++) {
        pt_status s;

        if (v->kind != PT_PICKLE_PERSISTENT) continue;
        s = read_id(f, v->of, &f->storages[f->n_storages++]);
        if (s != PT_OK) return s;
    }
    qsort(f->storages, n, sizeof *f->storages, by_key);
    for (size_t i = 0; i < n; i++) {
        storage *s = &f->storages[i], *last = unique ? s - 1 : NULL;

        if (!last || by_key(last, s) != 0)
            unique++;
        else if (last->number != s->number || last->count != s->count)
            return pt_fail(PT_ERR_DATA, "%s: the storage %.*s is described twice",
                           f->file->path, (int)(s->n_key < 40 ? s->n_key : 40), s->key);
    }
    for (size_t i = 1, to = 1; i < n; i++)
        if (by_key(&f->storages[to - 1], &f->storages[i]) != 0)
            f->storages[to++] = f->storages[i];
    f->n_storages = unique;
    return PT_OK;
}

/* Finds the values of each storage behind the pickles. */
static pt_status place_storages(torch_file *f)
{
    const pt_pickle_value *keys = pt_pickle_root(f->keys);
    uint64_t at = f->at;

    if (keys->kind != PT_PICKLE_LIST)
        return pt_fail(PT_ERR_DATA, "%s: the list of storages is %s", f->file->path,
                       pt_pickle_kind_text(keys->kind));
    for (size_t i = 0; i < keys->n; i++) {
        const pt_pickle_value *key = keys->items[i];
        storage *s =
            key->kind == PT_PICKLE_TEXT ? find_storage(f, key->text, key->n) : NULL;
        uint8_t count[8];
        uint64_t n = 0;
        pt_status status = pt_file_read(f->file, at, count, sizeof count);

        if (status != PT_OK) return status;
        if (!s || s->offset)
            return pt_fail(PT_ERR_DATA, "%s: storage %zu is %s", f->file->path, i,
                           s ? "listed twice" : "of no tensor");
        for (int b = 0; b < 8; b++) n |= (uint64_t)count[b] << 8 * b;
        s->offset = at += 8;
        if (n != s->count)
            return pt_fail(PT_ERR_DATA,
                           "%s: storage %zu has %llu values, but its tensors expect %llu",
                           f->file->path, i, (unsigned long long)n,
                           (unsigned long long)s->count);
        if (n > (f->file->size - at) / numbers[s->number].bytes)
            return pt_fail(PT_ERR_DATA,
                           "%s: ends at byte %llu, inside the %llu values of storage %zu",
                           f->file->path, (unsigned long long)f->file->size,
                           (unsigned long long)n, i);
        at += n * numbers[s->number].bytes;
    }
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

static pt_status add_view(torch_file *f, pt_table *t, const view *v)
{
    if (f->n_views == f->views_capacity) {
        size_t capacity = f->views_capacity ? 2 * f->views_capacity : 64;
        view *more = realloc(f->views, capacity * sizeof *more);

        if (!more) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
        f->views = more;
        f->views_capacity = capacity;
    }
    f->views[f->n_views++] = *v;
    return PT_OK;
}

/* _rebuild_tensor(storage, offset, size, stride, ...) */
static pt_status add_tensor(torch_file *f, pt_table *t, const char *name, size_t n_name,
                            const pt_pickle_value *args)
{
    pt_pickle_value *const *v = args->items;
    int64_t dims[PT_TABLE_DIMS_MAX] = {0};
    pt_table_entry *e;
    storage id, *s;
    view w = {0};
    pt_status status;

    if (args->n < 4 || v[0]->kind != PT_PICKLE_PERSISTENT || !is_int(v[1]) ||
        v[2]->kind != PT_PICKLE_TUPLE || v[3]->kind != PT_PICKLE_TUPLE ||
        v[2]->n != v[3]->n || v[2]->n > PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: a tensor lacks storage, offset, size or stride",
                       t->path);
    status = read_id(f, v[0]->of, &id);
    if (status != PT_OK) return status;
    s = find_storage(f, id.key, id.n_key);
    if (!s || !s->offset)
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
    e->integers = !numbers[s->number].convert;
    if (e->integers)
        pt_table_trouble(e, "values of torch.%s are not supported",
                         globals[STORAGES + s->number].name);
    return add_view(f, t, &w);
}

static bool is_tensor(const pt_pickle_value *v)
{
    return v->kind == PT_PICKLE_OBJECT && (v->global == TENSOR || v->global == TENSOR_V2);
}

static pt_status add_tensors(torch_file *f, pt_table *t)
{
    static const char *const wraps[] = {"state_dict", "model"};
    static const char prefix[] = "module.";
    const pt_pickle_value *dict = pt_pickle_root(f->object), *inner = NULL;
    const size_t n_prefix = sizeof prefix - 1;

    for (size_t i = 0; i < 2 && !inner && dict->kind == PT_PICKLE_DICT; i++) {
        inner = pt_pickle_lookup(dict, wraps[i]);
        if (inner && inner->kind != PT_PICKLE_DICT) inner = NULL;
    }
    if (inner) dict = inner;
    if (dict->kind != PT_PICKLE_DICT)
        return pt_fail(PT_ERR_DATA, "%s: holds %s, expected a dictionary of tensors",
                       t->path, pt_pickle_kind_text(dict->kind));
    for (size_t i = 0; i + 1 < dict->n; i += 2) {
        const pt_pickle_value *key = dict->items[i], *v = dict->items[i + 1];
        bool prefixed;
        pt_status s;

        if (v->kind == PT_PICKLE_OBJECT && v->global == PARAMETER && v->of->n > 0)
            v = v->of->items[0];
        if (key->kind != PT_PICKLE_TEXT || !is_tensor(v)) continue;
        prefixed = key->n > n_prefix && memcmp(key->text, prefix, n_prefix) == 0;
        s = add_tensor(f, t, key->text + (prefixed ? n_prefix : 0),
                       key->n - (prefixed ? n_prefix : 0), v->of);
        if (s != PT_OK) return s;
    }
    if (t->n == 0)
        return pt_fail(PT_ERR_DATA, "%s: its dictionary holds no tensors", t->path);
    return pt_table_finish(t);
}

/* ---- values ----------------------------------------------------------------------- */

/* Values [first, first + n) of a storage. */
static pt_status read_range(const torch_file *f, const storage *s, uint64_t first,
                            size_t n, float *out)
{
    uint8_t bytes[CHUNK];
    const size_t size = numbers[s->number].bytes;

    while (n > 0) {
        size_t some = n < CHUNK / size ? n : CHUNK / size;
        pt_status status =
            pt_file_read(f->file, s->offset + first * size, bytes, some * size);

        if (status != PT_OK) return status;
        numbers[s->number].convert(bytes, some, out);
        first += some;
        out += some;
        n -= some;
    }
    return PT_OK;
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

/* values in C order of e's dims from span, in which the view lies from its first value.
 */
static void gather(const view *v, const pt_table_entry *e, const float *span,
                   float *values)
{
    size_t index[PT_TABLE_DIMS_MAX] = {0};
    uint64_t at = 0;

    for (size_t i = 0; i < e->count; i++) {
        values[i] = span[at];
        for (int d = e->n_dims - 1; d >= 0; d--) {
            at += v->strides[d];
            if (++index[d] < e->dims[d]) break;
            at -= v->strides[d] * e->dims[d];
            index[d] = 0;
        }
    }
}

static pt_status torch_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    const torch_file *f = t->source;
    const view *v = &f->views[e->where];
    const storage *s = &f->storages[v->storage];
    float *span;
    size_t n;
    pt_status status;

    if (e->count == 0) return PT_OK;
    if (is_contiguous(v, e)) return read_range(f, s, v->offset, e->count, values);
    n = (size_t)(last_value(v, e->n_dims, e->dims) - v->offset) + 1;
    span = malloc(pt_mul(n, sizeof *span));
    if (!span) return pt_fail(PT_ERR_NOMEM, "%s: no memory for %s", t->path, e->name);
    status = read_range(f, s, v->offset, n, span);
    if (status == PT_OK) gather(v, e, span, values);
    free(span);
    return status;
}

/* ---- opening ---------------------------------------------------------------------- */

static pt_status read_pickles(torch_file *f)
{
    const char *path = f->file->path;
    pt_pickle *p = NULL;
    pt_status s;

    f->n_bytes = f->file->size < PICKLES_MAX ? (size_t)f->file->size : PICKLES_MAX;
    f->bytes = malloc(f->n_bytes + 1);
    if (!f->bytes) return pt_fail(PT_ERR_NOMEM, "%s: no memory for its pickles", path);
    s = pt_file_read(f->file, 0, f->bytes, f->n_bytes);
    if (s != PT_OK) return s;
    if (f->n_bytes < PT_TORCH_MAGIC ||
        memcmp(f->bytes, pt_torch_magic, PT_TORCH_MAGIC) != 0)
        return pt_fail(PT_ERR_DATA, "%s: is not a PyTorch file in the legacy format",
                       path);
    f->at = PT_TORCH_MAGIC;
    s = pt_pickle_read(path, f->bytes, f->n_bytes, &f->at, globals, &p);
    if (s == PT_OK && (pt_pickle_root(p)->kind != PT_PICKLE_INT ||
                       pt_pickle_root(p)->integer != PROTOCOL))
        s = pt_fail(PT_ERR_DATA, "%s: its protocol is not %d", path, PROTOCOL);
    pt_pickle_destroy(&p);
    if (s != PT_OK) return s;
    s = pt_pickle_read(path, f->bytes, f->n_bytes, &f->at, globals, &p);
    if (s == PT_OK && pt_pickle_root(p)->kind == PT_PICKLE_DICT) {
        const pt_pickle_value *v = pt_pickle_lookup(pt_pickle_root(p), "little_endian");

        if (v && v->kind == PT_PICKLE_BOOL && !v->integer)
            s = pt_fail(PT_ERR_DATA, "%s: big-endian files are not supported", path);
    }
    pt_pickle_destroy(&p);
    if (s != PT_OK) return s;
    s = pt_pickle_read(path, f->bytes, f->n_bytes, &f->at, globals, &f->object);
    if (s != PT_OK) return s;
    return pt_pickle_read(path, f->bytes, f->n_bytes, &f->at, globals, &f->keys);
}

static pt_status torch_fill(pt_table *t, void *source)
{
    torch_file *f = source;
    pt_status s = pt_file_open(t->path, &f->file);

    if (s == PT_OK) s = read_pickles(f);
    if (s == PT_OK) s = collect_storages(f);
    if (s == PT_OK) s = place_storages(f);
    if (s == PT_OK) s = add_tensors(f, t);
    if (s != PT_OK) return s;
    /* Storages keep keys only for finding them: the pickles are done. */
    pt_pickle_destroy(&f->object);
    pt_pickle_destroy(&f->keys);
    free(f->bytes);
    f->bytes = NULL;
    return PT_OK;
}

pt_status pt_torch_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {sizeof(torch_file), torch_fill, NULL, torch_read,
                                     torch_fini};

    return pt_table_open(path, &ops, out);
}
