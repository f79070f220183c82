#include "common/weights/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/numbers.h"
#include "common/weights/prefix.h"

enum {
    LENGTH = 8,          /* bytes of the number that comes first */
    HEADER_MAX = 8 << 20 /* bytes; the parser may take 40 times that */
};

typedef struct {
    uint64_t begin, end; /* bytes from the start of the file */
    int type;            /* index in `types` */
} place;

typedef struct {
    pt_file *file;
    uint64_t data; /* where the tensors begin */
    place *places; /* by pt_table_entry.where */
    size_t n_places;
} safetensors_file;

/* Those whose numbers are not read have a size all the same: it is compared. */
static const struct {
    const char *name;
    size_t bytes;
    bool integers, read;
    pt_number number;
} types[] = {{"F32", 4, false, true, PT_NUMBER_F32},
             {"F16", 2, false, true, PT_NUMBER_F16},
             {"BF16", 2, false, true, PT_NUMBER_BF16},
             {"F64", 8, false, true, PT_NUMBER_F64},
             {"F8_E4M3", 1, false, false, 0},
             {"F8_E5M2", 1, false, false, 0},
             {"I64", 8, true, false, 0},
             {"U64", 8, true, false, 0},
             {"I32", 4, true, false, 0},
             {"U32", 4, true, false, 0},
             {"I16", 2, true, false, 0},
             {"U16", 2, true, false, 0},
             {"I8", 1, true, false, 0},
             {"U8", 1, true, false, 0},
             {"BOOL", 1, true, false, 0}};

static void safetensors_fini(void *source)
{
    safetensors_file *f = source;

    pt_file_destroy(&f->file);
    free(f->places);
}

static uint64_t header_bytes(const uint8_t *bytes)
{
    uint64_t n = 0;

    for (int i = 0; i < LENGTH; i++) n |= (uint64_t)bytes[i] << 8 * i;
    return n;
}

bool pt_safetensors_is(const uint8_t *bytes, size_t n, uint64_t file_size)
{
    return n >= PT_SAFETENSORS_MAGIC && bytes[LENGTH] == '{' &&
           header_bytes(bytes) >= 2 && header_bytes(bytes) <= file_size;
}

/* ---- the header -------------------------------------------------------------------- */

static pt_status load_header(safetensors_file *f, const char *path, json_t **header)
{
    uint8_t length[LENGTH];
    uint64_t n;
    char *text;
    json_error_t error;
    pt_status s = pt_file_read(f->file, 0, length, sizeof length);

    *header = NULL;
    if (s != PT_OK) return s;
    n = header_bytes(length);
    if (n > HEADER_MAX)
        return pt_fail(PT_ERR_DATA, "%s: its header has %llu bytes, the limit is %d",
                       path, (unsigned long long)n, HEADER_MAX);
    text = malloc((size_t)n + 1);
    if (!text) return pt_fail(PT_ERR_NOMEM, "%s: no memory for its header", path);
    s = pt_file_read(f->file, LENGTH, text, (size_t)n);
    if (s == PT_OK) {
        *header = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(*header))
            s = pt_fail(PT_ERR_DATA, "%s: its header is not JSON: byte %d: %s", path,
                        LENGTH + error.position, error.text);
    }
    free(text);
    f->data = LENGTH + n;
    return s;
}

static int find_type(const json_t *name)
{
    const char *text = json_string_value(name);

    for (size_t i = 0; text && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, text) == 0) return (int)i;
    return -1;
}

/* Where a tensor lies, from data_offsets. */
static bool read_place(const safetensors_file *f, const json_t *offsets, place *p)
{
    json_int_t begin, end;

    if (json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
        !json_is_integer(json_array_get(offsets, 1)))
        return false;
    begin = json_integer_value(json_array_get(offsets, 0));
    end = json_integer_value(json_array_get(offsets, 1));
    if (begin < 0 || end < begin || (uint64_t)end > f->file->size - f->data) return false;
    p->begin = f->data + (uint64_t)begin;
    p->end = f->data + (uint64_t)end;
    return true;
}

static pt_status add_tensor(safetensors_file *f, pt_table *t, const char *name,
                            const json_t *what)
{
    const json_t *shape = json_object_get(what, "shape"),
                 *dtype = json_object_get(what, "dtype");
    int64_t dims[PT_TABLE_DIMS_MAX] = {0};
    size_t n_dims = json_array_size(shape), prefix = pt_prefix_bytes(name, strlen(name));
    place *p = &f->places[f->n_places];
    pt_table_entry *e;
    pt_status s;

    if (!json_is_array(shape) || n_dims > PT_TABLE_DIMS_MAX || !json_is_string(dtype) ||
        !read_place(f, json_object_get(what, "data_offsets"), p))
        return pt_fail(PT_ERR_DATA,
                       "%s: %.80s lacks a dtype, a shape of at most %d dimensions or "
                       "data_offsets inside the file's %llu bytes",
                       t->path, name, PT_TABLE_DIMS_MAX,
                       (unsigned long long)f->file->size);
    for (size_t i = 0; i < n_dims; i++) {
        const json_t *dim = json_array_get(shape, i);

        dims[i] = json_is_integer(dim) ? json_integer_value(dim) : -1;
    }
    s = pt_table_add(t, name + prefix, strlen(name) - prefix, (int)n_dims, dims,
                     f->n_places, &e);
    if (s != PT_OK) return s;
    f->n_places++;
    p->type = find_type(dtype);
    if (p->type < 0 || !types[p->type].read)
        pt_table_trouble(e, "values of type %.20s are not supported",
                         json_string_value(dtype));
    if (p->type < 0) return PT_OK;
    e->integers = types[p->type].integers;
    if (p->end - p->begin != e->count * types[p->type].bytes)
        return pt_fail(PT_ERR_DATA, "%s: %s has %llu bytes, but its shape needs %zu",
                       t->path, e->name, (unsigned long long)(p->end - p->begin),
                       e->count * types[p->type].bytes);
    return PT_OK;
}

static int by_begin(const void *a, const void *b)
{
    const place *x = a, *y = b;

    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors cover the rest of the file, each byte once: a file that was cut short, or
 * to which something was added, is not one. */
static pt_status check_cover(const safetensors_file *f, const char *path)
{
    place *sorted = malloc((f->n_places + 1) * sizeof *sorted);
    uint64_t at = f->data;
    size_t i;

    if (!sorted) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    memcpy(sorted, f->places, f->n_places * sizeof *sorted);
    qsort(sorted, f->n_places, sizeof *sorted, by_begin);
    for (i = 0; i < f->n_places && sorted[i].begin == at; i++) at = sorted[i].end;
    free(sorted);
    if (i == f->n_places && at == f->file->size) return PT_OK;
    return pt_fail(PT_ERR_DATA,
                   "%s: its tensors do not lie one after another up to the end: at byte "
                   "%llu of %llu",
                   path, (unsigned long long)at, (unsigned long long)f->file->size);
}

static pt_status add_tensors(safetensors_file *f, pt_table *t, json_t *header)
{
    const char *name;
    json_t *what;
    pt_status s = PT_OK;

    f->places = calloc(json_object_size(header) + 1, sizeof *f->places);
    if (!f->places) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    json_object_foreach(header, name, what)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        s = add_tensor(f, t, name, what);
        if (s != PT_OK) return s;
    }
    if (t->n == 0) return pt_fail(PT_ERR_DATA, "%s: holds no tensors", t->path);
    s = check_cover(f, t->path);
    return s == PT_OK ? pt_table_finish(t) : s;
}

/* ---- values ------------------------------------------------------------------------ */

static pt_status safetensors_read(const pt_table *t, const pt_table_entry *e,
                                  size_t first, size_t n, float *values)
{
    const safetensors_file *f = t->source;
    const place *p = &f->places[e->where];

    return pt_number_read_file(types[p->type].number, f->file,
                               p->begin + first * types[p->type].bytes, n, values);
}

static pt_status safetensors_fill(pt_table *t, void *source)
{
    safetensors_file *f = source;
    json_t *header = NULL;
    pt_status s = pt_file_open(t->path, &f->file);

    if (s == PT_OK) s = load_header(f, t->path, &header);
    if (s == PT_OK) s = add_tensors(f, t, header);
    json_decref(header);
    return s;
}

pt_status pt_safetensors_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(safetensors_file),
                                     .fill = safetensors_fill,
                                     .read_part = safetensors_read,
                                     .fini = safetensors_fini};

    return pt_table_open(path, &ops, out);
}

/* ---- metadata ---------------------------------------------------------------------- */

pt_status pt_safetensors_metadata_load(const char *path, json_t **all)
{
    safetensors_file f = {0};
    json_t *header = NULL;
    pt_status s = pt_file_open(path, &f.file);

    *all = NULL;
    if (s == PT_OK) s = load_header(&f, path, &header);
    if (s == PT_OK) *all = json_incref(json_object_get(header, "__metadata__"));
    json_decref(header);
    safetensors_fini(&f);
    return s;
}
