#include "common/weights/keras.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/h5file.h"

enum { LAYERS_MAX = 1 << 14, WEIGHTS_MAX = 64, PATH_BYTES = 2048 };

typedef struct {
    pt_h5file *file;
    char **paths; /* of data sets, by pt_table_entry.where */
    size_t n_paths, capacity;
} keras_file;

static void keras_fini(void *source)
{
    keras_file *f = source;

    for (size_t i = 0; i < f->n_paths; i++) free(f->paths[i]);
    free(f->paths);
    pt_h5file_destroy(&f->file);
}

static pt_status keras_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    const keras_file *f = t->source;

    return pt_h5file_read_f32_into(f->file, f->paths[e->where], values, e->count);
}

static pt_status join(const pt_table *t, char path[PATH_BYTES], const char *a,
                      const char *b)
{
    int n = snprintf(path, PATH_BYTES, "%s%s%s", a,
                     *a && a[strlen(a) - 1] != '/' ? "/" : "", b);

    if (n < 0 || n >= PATH_BYTES || !*b)
        return pt_fail(PT_ERR_DATA, "%s: a name below %.80s is empty or too long",
                       t->path, a);
    return PT_OK;
}

/* The role of weight i of n, or NULL where the shapes are of no known layer. */
static const char *role(const pt_h5_shape *shapes, size_t n, size_t i, const char *name)
{
    static const char *const norm[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    bool vectors = n == 4;

    for (size_t k = 0; k < n; k++) vectors = vectors && shapes[k].rank == 1;
    if (vectors) return norm[i];
    if (n > 2 || shapes[0].rank < 2 || (n == 2 && shapes[1].rank != 1)) return NULL;
    if (i == 1) return "bias";
    return strstr(name, "depthwise") ? "depthwise_kernel" : "kernel";
}

static pt_status add_weight(keras_file *f, pt_table *t, const char *name,
                            const char *path, const pt_h5_shape *shape)
{
    int64_t dims[PT_TABLE_DIMS_MAX] = {0};
    pt_table_entry *e;
    char **paths;
    pt_status s;

    _Static_assert((int)PT_H5_MAX_RANK <= (int)PT_TABLE_DIMS_MAX,
                   "a rank may be too high");
    paths = pt_grow(f->paths, f->n_paths, &f->capacity, sizeof *paths);
    if (!paths) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    f->paths = paths;
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dims[i] > INT64_MAX ? -1 : (int64_t)shape->dims[i];
    s = pt_table_add(t, name, strlen(name), shape->rank, dims, f->n_paths, &e);
    if (s != PT_OK) return s;
    f->paths[f->n_paths] = strdup(path);
    if (!f->paths[f->n_paths]) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    f->n_paths++;
    e->integers = shape->class_ == PT_H5_INT;
    if (shape->class_ != PT_H5_FLOAT)
        pt_table_trouble(e, "the data set %.120s does not hold floating point numbers",
                         path);
    return PT_OK;
}

/* layer: its name; group: its path. */
static pt_status add_layer(keras_file *f, pt_table *t, const char *layer,
                           const char *group)
{
    pt_h5_shape shapes[WEIGHTS_MAX];
    char path[PATH_BYTES], name[PATH_BYTES], **weights = NULL;
    const char *what;
    size_t n = 0;
    pt_status s;

    s = pt_h5file_attr_strings(f->file, group, "weight_names", WEIGHTS_MAX, &weights, &n);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        s = join(t, path, group, weights[i]);
        if (s == PT_OK) s = pt_h5file_shape(f->file, path, &shapes[i]);
    }
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        what = role(shapes, n, i, weights[i]);
        s = join(t, path, group, weights[i]);
        if (s == PT_OK) s = join(t, name, layer, what ? what : weights[i]);
        if (s == PT_OK) s = add_weight(f, t, name, path, &shapes[i]);
    }
    free(weights);
    return s;
}

static pt_status add_layers(keras_file *f, pt_table *t)
{
    const char *root = "/";
    char group[PATH_BYTES], **layers = NULL;
    size_t n = 0;
    pt_status s;

    if (!pt_h5file_has_attr(f->file, root, "layer_names") &&
        pt_h5file_kind(f->file, "model_weights") == PT_H5_GROUP)
        root = "model_weights";
    if (!pt_h5file_has_attr(f->file, root, "layer_names"))
        return pt_fail(PT_ERR_DATA,
                       "%s: is HDF5 without the attribute layer_names: "
                       "neither Keras weights nor a model file",
                       t->path);
    s = pt_h5file_attr_strings(f->file, root, "layer_names", LAYERS_MAX, &layers, &n);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        char **members = NULL;
        size_t n_members = 0;

        s = join(t, group, root, layers[i]);
        /* A layer without weights has an empty group, its weight_names no strings. */
        if (s == PT_OK) s = pt_h5file_list(f->file, group, &members, &n_members);
        if (s == PT_OK && n_members > 0) s = add_layer(f, t, layers[i], group);
        free(members);
    }
    free(layers);
    if (s == PT_OK && t->n == 0)
        s = pt_fail(PT_ERR_DATA, "%s: no layer has weights", t->path);
    return s == PT_OK ? pt_table_finish(t) : s;
}

static pt_status keras_fill(pt_table *t, void *source)
{
    keras_file *f = source;
    pt_status s = pt_h5file_open(t->path, &f->file);

    return s == PT_OK ? add_layers(f, t) : s;
}

pt_status pt_keras_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(keras_file),
                                     .fill = keras_fill,
                                     .read = keras_read,
                                     .fini = keras_fini};

    return pt_table_open(path, &ops, out);
}
