#include "common/weights/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the readers copy numbers of files as they lie: little-endian");

static char no_memory[] = "no memory to say why it cannot be read";

pt_status pt_table_create(const char *path, const pt_table_ops *ops, pt_table **out)
{
    pt_table *t = calloc(1, sizeof *t);

    *out = NULL;
    if (t) t->path = strdup(path);
    if (!t || !t->path) {
        free(t);
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its table", path);
    }
    t->ops = ops;
    *out = t;
    return PT_OK;
}

pt_status pt_table_open(const char *path, const pt_table_ops *ops, pt_table **out)
{
    pt_table *t = NULL;
    pt_status s = pt_table_create(path, ops, &t);

    *out = NULL;
    if (s != PT_OK) return s;
    t->source = calloc(1, ops->source_bytes);
    s = t->source ? ops->fill(t, t->source)
                  : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (s != PT_OK) pt_table_destroy(&t);
    *out = t;
    return s;
}

void pt_table_destroy(pt_table **t)
{
    if (!t || !*t) return;
    if ((*t)->source) (*t)->ops->fini((*t)->source);
    free((*t)->source);
    for (size_t i = 0; i < (*t)->n; i++) {
        free((*t)->entries[i].name);
        if ((*t)->entries[i].trouble != no_memory) free((*t)->entries[i].trouble);
    }
    free((*t)->entries);
    free((*t)->path);
    free(*t);
    *t = NULL;
}

static pt_status check_name(const pt_table *t, const char *name, size_t n)
{
    if (n == 0 || n > PT_TABLE_NAME_MAX)
        return pt_fail(PT_ERR_DATA,
                       "%s: a tensor's name has %zu bytes, must have 1 to %d", t->path, n,
                       PT_TABLE_NAME_MAX);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 32 || name[i] == 127)
            return pt_fail(PT_ERR_DATA,
                           "%s: a tensor's name has the control character %d at %zu",
                           t->path, (unsigned char)name[i], i);
    return PT_OK;
}

static pt_status set_dims(const pt_table *t, pt_table_entry *e, int n_dims,
                          const int64_t *dims)
{
    size_t bytes = 8;

    if (n_dims < 0 || n_dims > PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: %s has %d dimensions, the limit is %d", t->path,
                       e->name, n_dims, PT_TABLE_DIMS_MAX);
    e->n_dims = n_dims;
    e->count = 1;
    for (int i = 0; i < n_dims; i++) {
        if (dims[i] < 0)
            return pt_fail(PT_ERR_DATA, "%s: %s has dimension %lld", t->path, e->name,
                           (long long)dims[i]);
        e->dims[i] = (size_t)dims[i];
        bytes = pt_mul(bytes, e->dims[i]);
        if (bytes == SIZE_MAX)
            return pt_fail(PT_ERR_DATA, "%s: the shape of %s is too large", t->path,
                           e->name);
        e->count *= e->dims[i];
    }
    return PT_OK;
}

pt_status pt_table_add(pt_table *t, const char *name, size_t n_name, int n_dims,
                       const int64_t *dims, size_t where, pt_table_entry **entry)
{
    pt_table_entry e = {.where = where}, *entries;
    pt_status s = check_name(t, name, n_name);

    if (s != PT_OK) return s;
    if (t->n == PT_TABLE_ENTRIES_MAX)
        return pt_fail(PT_ERR_DATA, "%s: has more than %d tensors", t->path,
                       PT_TABLE_ENTRIES_MAX);
    entries = pt_grow(t->entries, t->n, &t->capacity, sizeof *entries);
    if (!entries) return pt_fail(PT_ERR_NOMEM, "%s: no memory for its table", t->path);
    t->entries = entries;
    e.name = strndup(name, n_name);
    if (!e.name) return pt_fail(PT_ERR_NOMEM, "%s: no memory for a name", t->path);
    s = set_dims(t, &e, n_dims, dims);
    if (s != PT_OK) {
        free(e.name);
        return s;
    }
    t->entries[t->n++] = e;
    if (entry) *entry = &t->entries[t->n - 1];
    return PT_OK;
}

void pt_table_trouble(pt_table_entry *e, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (e->trouble) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    e->trouble = strdup(text);
    if (!e->trouble) e->trouble = no_memory;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pt_table_entry *)a)->name, ((const pt_table_entry *)b)->name);
}

pt_status pt_table_finish(pt_table *t)
{
    if (t->n == 0) return PT_OK;
    qsort(t->entries, t->n, sizeof *t->entries, by_name);
    for (size_t i = 1; i < t->n; i++)
        if (by_name(&t->entries[i - 1], &t->entries[i]) == 0)
            return pt_fail(PT_ERR_DATA, "%s: the name %s appears twice", t->path,
                           t->entries[i].name);
    return PT_OK;
}

const pt_table_entry *pt_table_find(const pt_table *t, const char *name)
{
    pt_table_entry key = {.name = (char *)name}; /* only compared */

    if (t->n == 0) return NULL;
    return bsearch(&key, t->entries, t->n, sizeof key, by_name);
}

void pt_table_check(const pt_table *t, const pt_table_entry *e, pt_status *failed)
{
    if (e->trouble)
        pt_fail_more(failed, PT_ERR_DATA, "%s: %s: %s", t->path, e->name, e->trouble);
    else if (t->ops->check)
        t->ops->check(t, e, failed);
}

static pt_status has_no_trouble(const pt_table *t, const pt_table_entry *e)
{
    if (!e->trouble) return PT_OK;
    return pt_fail(PT_ERR_DATA, "%s: %s: %s", t->path, e->name, e->trouble);
}

pt_status pt_table_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    pt_status s = has_no_trouble(t, e);

    if (s != PT_OK) return s;
    if (t->ops->read_part) return t->ops->read_part(t, e, 0, e->count, values);
    return t->ops->read(t, e, values);
}

bool pt_table_has_parts(const pt_table *t)
{
    return t->ops->read_part != NULL;
}

pt_status pt_table_read_part(const pt_table *t, const pt_table_entry *e, size_t first,
                             size_t n, float *values)
{
    pt_status s = has_no_trouble(t, e);

    PT_CHECK(first <= e->count && n <= e->count - first, "values %zu to %zu of %zu",
             first, first + n, e->count);
    return s == PT_OK ? t->ops->read_part(t, e, first, n, values) : s;
}

void pt_shape_text(int n_dims, const size_t *dims, char text[PT_SHAPE_TEXT])
{
    size_t at = 0;

    snprintf(text, PT_SHAPE_TEXT, "scalar");
    for (int i = 0; i < n_dims; i++)
        at +=
            (size_t)snprintf(text + at, PT_SHAPE_TEXT - at, i ? "x%zu" : "%zu", dims[i]);
}
