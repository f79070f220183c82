#include "common/weights/tfjs.h"

#include <errno.h>
#include <stdbool.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/weights/beside.h"

enum { JSON_MAX = 8 << 20 /* bytes; the parser may take 40 times that */ };

typedef struct {
    char **paths; /* whole, one per shard */
    size_t n_paths;
    uint64_t bytes; /* that its tensors need */
    bool unknown;   /* a tensor of unknown size: bytes is too small */
} group;

typedef struct {
    size_t group;
    uint64_t offset; /* bytes from the start of the group */
} place;

typedef struct {
    group *groups;
    size_t n_groups;
    place *places; /* by pt_table_entry.where */
    size_t n_places;
} tfjs_model;

static void tfjs_fini(void *source)
{
    tfjs_model *m = source;

    for (size_t i = 0; i < m->n_groups; i++) {
        for (size_t j = 0; j < m->groups[i].n_paths; j++) free(m->groups[i].paths[j]);
        free(m->groups[i].paths);
    }
    free(m->groups);
    free(m->places);
}

/* ---- shards ----------------------------------------------------------------------- */

/* Adds a line for each shard that is missing and that bytes [at, at + n) of the group
 * need (those in front too: their sizes say where it lies), or for a wrong total. */
static void tfjs_check(const pt_table *t, const pt_table_entry *e, pt_status *failed)
{
    const tfjs_model *m = t->source;
    const group *g = &m->groups[m->places[e->where].group];
    uint64_t end = m->places[e->where].offset + 4 * (uint64_t)e->count, total = 0;
    bool missing = false;

    for (size_t i = 0; i < g->n_paths; i++) {
        struct stat st;

        if (stat(g->paths[i], &st) == 0) {
            total += (uint64_t)st.st_size;
        } else if (total < end) { /* where anything after it lies is unknown */
            pt_fail_more(failed, PT_ERR_IO, "%s: cannot be opened for %s: %s",
                         g->paths[i], e->name, strerror(errno));
            return;
        } else {
            missing = true;
        }
    }
    if (total < end || (!missing && !g->unknown && total != g->bytes))
        pt_fail_more(failed, PT_ERR_DATA,
                     "%s: has %llu bytes, the tensors from %s on "
                     "need %llu",
                     g->n_paths ? g->paths[g->n_paths - 1] : t->path,
                     (unsigned long long)total, e->name, (unsigned long long)g->bytes);
}

static pt_status tfjs_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    const tfjs_model *m = t->source;
    const group *g = &m->groups[m->places[e->where].group];
    uint64_t at = m->places[e->where].offset, left = 4 * (uint64_t)e->count;
    char *to = (char *)values;

    for (size_t i = 0; i < g->n_paths && left > 0; i++) {
        pt_file *shard = NULL;
        uint64_t n;
        pt_status s = pt_file_open(g->paths[i], &shard);

        if (s != PT_OK) return s;
        n = at < shard->size ? shard->size - at : 0;
        if (n > left) n = left;
        s = pt_file_read(shard, n ? at : 0, to, (size_t)n);
        at = at < shard->size ? 0 : at - shard->size;
        pt_file_destroy(&shard);
        if (s != PT_OK) return s;
        to += n;
        left -= n;
    }
    if (left > 0)
        return pt_fail(PT_ERR_DATA, "%s: the shards of %s end %llu bytes early", t->path,
                       e->name, (unsigned long long)left);
    return PT_OK;
}

/* ---- the manifest ----------------------------------------------------------------- */

static pt_status add_path(const pt_table *t, group *g, const json_t *path)
{
    const char *name = json_string_value(path);
    pt_status s =
        pt_beside_path(t->path, "the shard", name ? name : "", &g->paths[g->n_paths]);

    if (s == PT_OK) g->n_paths++;
    return s;
}

static pt_status add_weight(tfjs_model *m, pt_table *t, size_t index, const json_t *w)
{
    const json_t *name = json_object_get(w, "name"), *shape = json_object_get(w, "shape");
    const char *dtype = json_string_value(json_object_get(w, "dtype"));
    group *g = &m->groups[index];
    int64_t dims[PT_TABLE_DIMS_MAX] = {0};
    size_t n_dims = json_array_size(shape);
    pt_table_entry *e;
    pt_status s;

    if (!json_is_string(name) || !json_is_array(shape) || !dtype)
        return pt_fail(PT_ERR_DATA,
                       "%s: a tensor of group %zu lacks name, shape or dtype", t->path,
                       index);
    if (n_dims > PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: a tensor of group %zu has %zu dimensions",
                       t->path, index, n_dims);
    for (size_t i = 0; i < n_dims; i++) {
        const json_t *d = json_array_get(shape, i);

        dims[i] = json_is_integer(d) ? json_integer_value(d) : -1;
    }
    s = pt_table_add(t, json_string_value(name), json_string_length(name), (int)n_dims,
                     dims, m->n_places, &e);
    if (s != PT_OK) return s;
    m->places[m->n_places++] = (place){index, g->bytes};
    e->integers = strcmp(dtype, "int32") == 0 || strcmp(dtype, "bool") == 0;
    if (strcmp(dtype, "float32") != 0 || json_object_get(w, "quantization"))
        pt_table_trouble(e, "data type %.20s is not supported, only unquantized float32",
                         dtype);
    else if (g->unknown)
        pt_table_trouble(e, "follows a tensor of an unsupported type");
    if (e->trouble) g->unknown = true;
    if (__builtin_add_overflow(g->bytes, 4 * (uint64_t)e->count, &g->bytes))
        return pt_fail(PT_ERR_DATA, "%s: group %zu is too large", t->path, index);
    return PT_OK;
}

static pt_status add_group(tfjs_model *m, pt_table *t, const json_t *j)
{
    const json_t *paths = json_object_get(j, "paths");
    const json_t *weights = json_object_get(j, "weights");
    size_t index = m->n_groups++;
    group *g = &m->groups[index];
    place *places;
    pt_status s = PT_OK;

    if (!json_is_array(paths) || !json_is_array(weights))
        return pt_fail(PT_ERR_DATA, "%s: group %zu lacks paths or weights", t->path,
                       index);
    g->paths = calloc(json_array_size(paths) + 1, sizeof *g->paths);
    places =
        realloc(m->places, (m->n_places + json_array_size(weights) + 1) * sizeof *places);
    if (places) m->places = places;
    if (!places || !g->paths) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    for (size_t i = 0; i < json_array_size(paths) && s == PT_OK; i++)
        s = add_path(t, g, json_array_get(paths, i));
    for (size_t i = 0; i < json_array_size(weights) && s == PT_OK; i++)
        s = add_weight(m, t, index, json_array_get(weights, i));
    return s;
}

static pt_status add_groups(tfjs_model *m, pt_table *t, const json_t *root)
{
    const json_t *manifest = json_object_get(root, "weightsManifest");
    size_t n = json_array_size(manifest);
    pt_status s = PT_OK;

    if (!json_is_array(manifest))
        return pt_fail(PT_ERR_DATA,
                       "%s: has no weightsManifest: it is not a model of "
                       "TensorFlow.js",
                       t->path);
    m->groups = calloc(n + 1, sizeof *m->groups);
    if (!m->groups) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    for (size_t i = 0; i < n && s == PT_OK; i++)
        s = add_group(m, t, json_array_get(manifest, i));
    if (s == PT_OK && t->n == 0)
        s = pt_fail(PT_ERR_DATA, "%s: its manifest lists no tensors", t->path);
    return s == PT_OK ? pt_table_finish(t) : s;
}

static pt_status tfjs_fill(pt_table *t, void *source)
{
    pt_file *file = NULL;
    uint8_t *text = NULL;
    json_error_t why;
    json_t *root;
    size_t n = 0;
    pt_status s = pt_file_open(t->path, &file);

    if (s == PT_OK) s = pt_file_load(file, JSON_MAX, &text, &n);
    if (s == PT_OK) {
        root = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, &why);
        s = root ? add_groups(source, t, root)
                 : pt_fail(PT_ERR_DATA, "%s:%d:%d: is not JSON: %s", t->path, why.line,
                           why.column, why.text);
        json_decref(root);
    }
    free(text);
    pt_file_destroy(&file);
    return s;
}

pt_status pt_tfjs_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(tfjs_model),
                                     .fill = tfjs_fill,
                                     .check = tfjs_check,
                                     .read = tfjs_read,
                                     .fini = tfjs_fini};

    return pt_table_open(path, &ops, out);
}
