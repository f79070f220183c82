#include "common/weights/caffe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/numbers.h"
#include "common/weights/wire.h"

/* Field numbers of caffe.proto: NetParameter, V1LayerParameter, LayerParameter. */
enum { NET_LAYERS = 2, NET_LAYER = 100 };
enum { V1_NAME = 4, V1_TYPE = 5, V1_BLOBS = 6 };
enum { LAYER_NAME = 1, LAYER_TYPE = 2, LAYER_BLOBS = 7 };
enum { V1_CONVOLUTION = 4, V1_INNER_PRODUCT = 14 }; /* V1LayerParameter.LayerType */
enum { BLOB_WIDTH = 4, BLOB_DATA = 5, BLOB_SHAPE = 7, BLOB_DOUBLES = 8 }; /* num is 1 */
enum { NAME = 256, BLOBS_MAX = 8 };

typedef struct {
    uint64_t at, size; /* bytes of the values */
    pt_number type;
    bool packed;
    bool old; /* four dimensions whatever it is */
    int n_dims;
    int64_t dims[PT_TABLE_DIMS_MAX];
} blob;

typedef struct {
    uint64_t at;
    pt_number type;
    float divide; /* the values by this; a BatchNorm of no images has 0: all are 0 */
} place;

typedef struct {
    pt_file *file;
    place *places; /* by pt_table_entry.where */
    size_t n, capacity;
} caffe_file;

typedef struct {
    char name[NAME], type[32];
    int n_blobs;
    pt_wire_field blobs[BLOBS_MAX];
} layer;

static void caffe_fini(void *source)
{
    caffe_file *f = source;

    free(f->places);
    pt_file_destroy(&f->file);
}

/* ---- blobs ------------------------------------------------------------------------ */

static pt_status add_dim(const caffe_file *f, blob *b, uint64_t dim)
{
    if (b->n_dims == PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: a blob has more than %d dimensions",
                       f->file->path, PT_TABLE_DIMS_MAX);
    b->dims[b->n_dims++] = dim > INT64_MAX ? -1 : (int64_t)dim;
    return PT_OK;
}

/* BlobShape: dims packed, or a field each. */
static pt_status read_shape(const caffe_file *f, const pt_wire_field *in, blob *b)
{
    pt_wire_field field;
    pt_wire w, packed;
    uint64_t dim;
    pt_status s = PT_OK;

    pt_wire_init(&w, f->file, in->at, in->size);
    b->n_dims = 0;
    b->old = false;
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number != 1) continue;
        if (field.type == PT_WIRE_VARINT) s = add_dim(f, b, field.value);
        if (field.type != PT_WIRE_LEN) continue;
        pt_wire_init(&packed, f->file, field.at, field.size);
        while (pt_wire_next_varint(&packed, &dim, &s)) s = add_dim(f, b, dim);
    }
    return s;
}

static pt_status read_blob(const caffe_file *f, const pt_wire_field *in, blob *b)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    *b = (blob){.packed = true, .old = true, .n_dims = 4, .dims = {1, 1, 1, 1}};
    pt_wire_init(&w, f->file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number >= 1 && field.number <= BLOB_WIDTH && b->old &&
            field.type == PT_WIRE_VARINT)
            b->dims[field.number - 1] =
                field.value > INT64_MAX ? -1 : (int64_t)field.value;
        if (field.number == BLOB_SHAPE && field.type == PT_WIRE_LEN)
            s = read_shape(f, &field, b);
        if (field.number != BLOB_DATA && field.number != BLOB_DOUBLES) continue;
        b->packed = field.type == PT_WIRE_LEN && b->size == 0;
        b->type = field.number == BLOB_DOUBLES ? PT_NUMBER_F64 : PT_NUMBER_F32;
        b->at = field.at;
        b->size = field.size;
    }
    return s;
}

/* Old blobs have four dimensions: of vectors and matrices the last ones count. */
static void drop_ones(blob *b, int rank)
{
    while (b->old && b->n_dims > rank && b->dims[0] == 1) {
        memmove(b->dims, b->dims + 1, (size_t)--b->n_dims * sizeof *b->dims);
    }
}

/* ---- layers ----------------------------------------------------------------------- */

/* A string of the message, cut to n - 1 bytes; longer ones belong to no layer of ours. */
static pt_status read_text(const caffe_file *f, const pt_wire_field *in, char *out,
                           size_t n)
{
    size_t size = in->size < n ? (size_t)in->size : n - 1;

    if (in->type != PT_WIRE_LEN) return PT_OK;
    out[size] = '\0';
    return pt_file_read(f->file, in->at, out, size);
}

static pt_status read_layer(const caffe_file *f, const pt_wire_field *in, bool v1,
                            layer *l)
{
    const uint32_t name = v1 ? V1_NAME : LAYER_NAME, type = v1 ? V1_TYPE : LAYER_TYPE,
                   blobs = v1 ? V1_BLOBS : LAYER_BLOBS;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    *l = (layer){0};
    pt_wire_init(&w, f->file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number == name) s = read_text(f, &field, l->name, sizeof l->name);
        if (field.number == type && !v1)
            s = read_text(f, &field, l->type, sizeof l->type);
        if (field.number == type && v1 && field.type == PT_WIRE_VARINT)
            strcpy(l->type, field.value == V1_CONVOLUTION     ? "Convolution"
                            : field.value == V1_INNER_PRODUCT ? "InnerProduct"
                                                              : "other");
        if (field.number == blobs && field.type == PT_WIRE_LEN && l->n_blobs < BLOBS_MAX)
            l->blobs[l->n_blobs++] = field;
    }
    return s;
}

static pt_status add_place(caffe_file *f, const blob *b, float divide)
{
    place *places = pt_grow(f->places, f->n, &f->capacity, sizeof *places);

    if (!places) return pt_fail(PT_ERR_NOMEM, "%s: no memory", f->file->path);
    f->places = places;
    f->places[f->n++] = (place){b->at, b->type, divide};
    return PT_OK;
}

static pt_status add_blob(caffe_file *f, pt_table *t, const layer *l, const char *role,
                          blob *b, float divide)
{
    char name[NAME + 32];
    pt_table_entry *e;
    pt_status s;
    size_t size = pt_number_bytes(b->type);

    snprintf(name, sizeof name, "%s/%s", l->name, role);
    s = pt_table_add(t, name, strlen(name), b->n_dims, b->dims, f->n, &e);
    if (s == PT_OK) s = add_place(f, b, divide);
    if (s != PT_OK) return s;
    if (!b->packed)
        pt_table_trouble(e, "its values are not stored in one piece");
    else if (b->size != e->count * size)
        pt_table_trouble(e, "has %llu bytes, but its shape needs %zu",
                         (unsigned long long)b->size, e->count * size);
    return PT_OK;
}

/* The sum of weights by which the third blob of a BatchNorm says to divide. */
static pt_status read_factor(const caffe_file *f, const layer *l, float *factor)
{
    blob b;
    pt_status s = read_blob(f, &l->blobs[2], &b);

    if (s != PT_OK) return s;
    if (!b.packed || b.size != pt_number_bytes(b.type))
        return pt_fail(PT_ERR_DATA, "%s: %.80s: the scale factor is not one number",
                       f->file->path, l->name);
    return pt_number_read_file(b.type, f->file, b.at, 1, factor);
}

static pt_status add_layer(caffe_file *f, pt_table *t, const layer *l)
{
    static const char *const roles[2][2] = {{"weight", "bias"}, {"mean", "variance"}};
    bool norm = strcmp(l->type, "BatchNorm") == 0;
    bool linear = strcmp(l->type, "InnerProduct") == 0;
    bool conv = strcmp(l->type, "Convolution") == 0;
    float factor = 1;
    pt_status s = PT_OK;

    if (norm && l->n_blobs == 3) s = read_factor(f, l, &factor);
    for (int i = 0; i < l->n_blobs && s == PT_OK; i++) {
        char other[16];
        blob b;

        if (norm && i == 2) break;
        snprintf(other, sizeof other, "blob%d", i);
        s = read_blob(f, &l->blobs[i], &b);
        if (s != PT_OK) break;
        drop_ones(&b, i > 0 || norm ? 1 : linear ? 2 : conv ? 4 : 1);
        s = add_blob(f, t, l, i < 2 ? roles[norm][i] : other, &b, factor);
    }
    return s;
}

static pt_status caffe_fill(pt_table *t, void *source)
{
    caffe_file *f = source;
    pt_wire_field field;
    pt_wire w;
    layer l;
    pt_status s = pt_file_open(t->path, &f->file);

    if (s != PT_OK) return s;
    pt_wire_init(&w, f->file, 0, f->file->size);
    while (pt_wire_next(&w, &field, &s)) {
        bool v1 = field.number == NET_LAYERS;

        if (field.type != PT_WIRE_LEN || (!v1 && field.number != NET_LAYER)) continue;
        s = read_layer(f, &field, v1, &l);
        if (s == PT_OK) s = add_layer(f, t, &l);
    }
    if (s != PT_OK) return s;
    if (t->n == 0)
        return pt_fail(PT_ERR_DATA,
                       "%s: is like a Caffe model, but no layer of it has weights",
                       t->path);
    return pt_table_finish(t);
}

/* ---- values ----------------------------------------------------------------------- */

static pt_status caffe_read(const pt_table *t, const pt_table_entry *e, size_t first,
                            size_t n, float *values)
{
    const caffe_file *f = t->source;
    const place *p = &f->places[e->where];
    pt_status s = pt_number_read_file(
        p->type, f->file, p->at + first * pt_number_bytes(p->type), n, values);

    if (s != PT_OK) return s;
    for (size_t i = 0; i < n && p->divide != 1; i++)
        values[i] = p->divide == 0 ? 0 : values[i] / p->divide;
    return PT_OK;
}

pt_status pt_caffe_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(caffe_file),
                                     .fill = caffe_fill,
                                     .read_part = caffe_read,
                                     .fini = caffe_fini};

    return pt_table_open(path, &ops, out);
}

bool pt_caffe_is(const pt_file *file)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;
    bool is = false;
    int n_second = 0;

    pt_wire_init(&w, file, 0, file->size);
    while (!is && pt_wire_next(&w, &field, &s)) {
        bool nested = field.type == PT_WIRE_LEN;

        if (field.number == 1 && !nested) break; /* ONNX: ir_version */
        is = nested && (field.number == NET_LAYER ||
                        (field.number == NET_LAYERS && ++n_second == 2));
    }
    return is;
}
