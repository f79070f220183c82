#include "common/weights/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/base/digest.h"
#include "common/graph/packed.h"
#include "common/weights/model_record.h"

enum { PATH_BYTES = PT_TABLE_NAME_MAX + 16 };

bool pt_model_is(const pt_h5file *f)
{
    char *format = NULL;
    bool is = false;

    if (pt_h5file_has_attr(f, "/", "format") &&
        pt_h5file_attr_string(f, "/", "format", &format) == PT_OK)
        is = strcmp(format, PT_MODEL_FORMAT) == 0;
    free(format);
    return is;
}

pt_status pt_model_inspect(const char *path, pt_weights_info *info)
{
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_open(path, &f);

    if (s == PT_OK) s = pt_model_record_get(f, info);
    pt_h5file_destroy(&f);
    return s;
}

pt_status pt_model_graph(const char *path, pt_graph **g)
{
    pt_h5file *f = NULL;
    pt_weights_info info;
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_h5file_open(path, &f);

    *g = NULL;
    if (s == PT_OK) s = pt_model_record_get(f, &info);
    if (s == PT_OK) s = pt_model_record_graph(f, &bytes, &n);
    if (s == PT_OK && bytes) s = pt_graph_unpack(bytes, n, path, g);
    free(bytes);
    pt_h5file_destroy(&f);
    return s;
}

/* ---- reading ---------------------------------------------------------------------- */

typedef struct {
    pt_h5file *file;
    char **names;  /* in the order of the hash; by pt_table_entry.where */
    uint32_t *crc; /* of the values that were hashed; in the same order */
} model_file;

static void model_fini(void *source)
{
    model_file *m = source;

    free(m->names);
    free(m->crc);
    pt_h5file_destroy(&m->file);
}

static pt_status model_path(const pt_table *t, const char *name, char path[PATH_BYTES])
{
    int n = snprintf(path, PATH_BYTES, "weights/%s", name);

    if (!*name || strchr(name, '/') || n < 0 || n >= PATH_BYTES)
        return pt_fail(PT_ERR_DATA, "%s: '%.80s' is not a tensor's name", t->path, name);
    return PT_OK;
}

static pt_status model_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    const model_file *m = t->source;
    char path[PATH_BYTES];
    pt_status s = model_path(t, e->name, path);

    if (s == PT_OK) s = pt_h5file_read_f32_into(m->file, path, values, e->count);
    if (s == PT_OK && pt_crc32c(0, values, e->count * sizeof *values) != m->crc[e->where])
        s = pt_fail(PT_ERR_DATA, "%s: %s changed between two reads", t->path, e->name);
    return s;
}

/* Adds the tensors of /tensors to the table, and their values to the digest. */
static pt_status add_tensors(model_file *m, pt_table *t, pt_digest *digest)
{
    const size_t max = 2 * (size_t)pt_h5file_bytes(m->file); /* packed, but no bomb */
    size_t n = 0;
    pt_status s =
        pt_h5file_read_strings(m->file, "tensors", PT_TABLE_ENTRIES_MAX, &m->names, &n);

    m->crc = s == PT_OK ? calloc(n + 1, sizeof *m->crc) : NULL;
    if (s == PT_OK && !m->crc)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu tensors", t->path, n);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        int64_t dims[PT_TABLE_DIMS_MAX] = {0};
        char path[PATH_BYTES];
        float *values = NULL;
        pt_h5_shape shape;
        size_t count = 0;

        s = model_path(t, m->names[i], path);
        if (s == PT_OK) s = pt_h5file_shape(m->file, path, &shape);
        if (s != PT_OK) return s;
        for (int d = 0; d < shape.rank; d++)
            dims[d] = shape.dims[d] > INT64_MAX ? -1 : (int64_t)shape.dims[d];
        s = pt_table_add(t, m->names[i], strlen(m->names[i]), shape.rank, dims, i, NULL);
        if (s == PT_OK) s = pt_h5file_read_f32(m->file, path, max, &values, &count);
        if (s == PT_OK) pt_digest_add(digest, values, count * sizeof *values);
        if (s == PT_OK) m->crc[i] = pt_crc32c(0, values, count * sizeof *values);
        free(values);
    }
    return s == PT_OK ? pt_table_finish(t) : s;
}

static pt_status read_tensors(model_file *m, pt_table *t)
{
    char hex[PT_DIGEST_HEX], stored[PT_DIGEST_HEX];
    pt_weights_info info;
    pt_digest *digest = NULL;
    pt_status s = pt_model_record_get(m->file, &info);

    if (s == PT_OK) s = pt_model_record_hash(m->file, stored);
    if (s == PT_OK) s = pt_digest_create(&digest);
    if (s == PT_OK) s = add_tensors(m, t, digest);
    if (s == PT_OK) {
        pt_digest_finish(&digest, hex);
        if (strcmp(hex, stored) != 0)
            s = pt_fail(PT_ERR_DATA,
                        "%s: the weights hash to %.12s..., the file says "
                        "%.12s...: it is damaged",
                        t->path, hex, stored);
    }
    pt_digest_destroy(&digest);
    return s;
}

static pt_status model_fill(pt_table *t, void *source)
{
    model_file *m = source;
    pt_status s = pt_h5file_open(t->path, &m->file);

    return s == PT_OK ? read_tensors(m, t) : s;
}

pt_status pt_model_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(model_file),
                                     .fill = model_fill,
                                     .read = model_read,
                                     .fini = model_fini};

    return pt_table_open(path, &ops, out);
}

/* ---- writing ---------------------------------------------------------------------- */

static pt_status put_tensors(pt_h5file *f, const pt_graph *g, const float *flat)
{
    const char **names = calloc((size_t)g->n_tensors, sizeof *names);
    float *file = NULL;
    size_t max = 1;
    pt_status s = PT_OK;

    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].count > max) max = g->tensors[i].count;
    file = pt_calloc(max, sizeof *file);
    if (!names || !file)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for its largest tensor",
                    pt_h5file_path(f));
    for (int i = 0; i < g->n_tensors && s == PT_OK; i++) {
        const pt_tensor *t = &g->tensors[i];
        uint64_t dims[4];
        char path[PATH_BYTES];

        names[i] = t->name;
        for (int d = 0; d < t->n_dims; d++) dims[d] = (uint64_t)t->dims[d];
        snprintf(path, sizeof path, "weights/%s", t->name);
        pt_tensor_to_file(t, flat + t->offset, file);
        s = pt_h5file_write_f32(f, path, t->n_dims, dims, file);
    }
    if (s == PT_OK)
        s = pt_h5file_write_strings(f, "tensors", names, (size_t)g->n_tensors);
    free(names);
    free(file);
    return s;
}

uint64_t pt_model_bytes(const pt_graph *g)
{
    enum { LIBRARY_BYTES = 1 << 16, TENSOR_BYTES = 1 << 10, CLASS_BYTES = 1 << 8 };

    return (uint64_t)g->n_floats * sizeof(float) + LIBRARY_BYTES +
           (uint64_t)g->n_tensors * TENSOR_BYTES + (uint64_t)g->n_classes * CLASS_BYTES +
           (pt_graph_is_of_file(g) ? (uint64_t)g->n_nodes * TENSOR_BYTES : 0);
}

pt_status pt_model_save(const char *path, const pt_graph *g, const pt_weights_info *info,
                        const float *flat, const char *const *class_names)
{
    char hash[PT_DIGEST_HEX];
    pt_h5file *f = NULL;
    pt_status s = pt_graph_hash(g, flat, hash);

    if (s == PT_OK) s = pt_h5file_create(path, &f);
    if (s == PT_OK) s = pt_model_record_put(f, g, info, hash);
    if (s == PT_OK) s = put_tensors(f, g, flat);
    if (s == PT_OK && class_names)
        s = pt_h5file_write_strings(f, "classes", class_names, (size_t)g->n_classes);
    if (s == PT_OK) s = pt_model_record_seal(f);
    if (s == PT_OK) s = pt_h5file_commit(&f);
    pt_h5file_destroy(&f);
    return s;
}

pt_status pt_model_class_names(const char *path, char ***names, size_t *n)
{
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_open(path, &f);

    *names = NULL;
    *n = 0;
    if (s == PT_OK) s = pt_model_record_classes(f, names, n);
    pt_h5file_destroy(&f);
    return s;
}
