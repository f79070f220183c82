#include "common/data/h5file_private.h"

#include <stdlib.h>
#include <string.h>

/* Deflate makes at most 1032 bytes of one. */
enum { MAX_EXPANSION = 1100 };

/* Shape and class, by the data space and type. */
static pt_status read_shape(pt_h5_values *v)
{
    hsize_t dims[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_ndims(v->space);
    const char *path = v->f->path;
    pt_h5_shape *out = &v->shape;

    *out = (pt_h5_shape){.rank = rank, .count = 1, .element_bytes = H5Tget_size(v->type)};
    if (rank < 0 || rank > PT_H5_MAX_RANK)
        return pt_fail(PT_ERR_DATA, "%s: '%s' has %d dimensions, the limit is %d", path,
                       v->name, rank, PT_H5_MAX_RANK);
    if (H5Sget_simple_extent_dims(v->space, dims, NULL) < 0)
        return pt_h5_fail(v->f, PT_ERR_DATA, "cannot read the shape of", v->name);
    if (H5Sget_simple_extent_type(v->space) == H5S_NULL) out->count = 0;
    for (int i = 0; i < rank; i++) {
        out->dims[i] = dims[i];
        if (__builtin_mul_overflow(out->count, dims[i], &out->count))
            return pt_fail(PT_ERR_DATA, "%s: '%s' has more than 2^64 elements", path,
                           v->name);
    }
    switch (H5Tget_class(v->type)) {
    case H5T_FLOAT:
        out->class_ = PT_H5_FLOAT;
        break;
    case H5T_INTEGER:
        out->class_ = PT_H5_INT;
        break;
    case H5T_STRING:
        out->class_ = PT_H5_STRING;
        break;
    default:
        out->class_ = PT_H5_OTHER;
    }
    return PT_OK;
}

/* Whether the data set can be as large as it claims. */
static pt_status check_storage(const pt_h5_values *d)
{
    const pt_h5file *f = d->f;
    hid_t plist = H5Dget_create_plist(d->id);
    H5D_layout_t layout = plist >= 0 ? H5Pget_layout(plist) : H5D_LAYOUT_ERROR;
    int external = plist >= 0 ? H5Pget_external_count(plist) : 0;
    uint64_t bytes, bound = f->bytes;

    if (plist >= 0) H5Pclose(plist);
    if (layout == H5D_LAYOUT_ERROR)
        return pt_h5_fail(f, PT_ERR_DATA, "cannot read the layout of", d->name);
    if (layout == H5D_VIRTUAL || external != 0)
        return pt_fail(PT_ERR_DATA,
                       "%s: '%s' is stored in other files, which is not supported",
                       f->path, d->name);
    if (f->temporary) return PT_OK; /* we are writing it */
    if (layout == H5D_CHUNKED && __builtin_mul_overflow(bound, MAX_EXPANSION, &bound))
        bound = UINT64_MAX;
    if (__builtin_mul_overflow(d->shape.count, d->shape.element_bytes, &bytes) ||
        bytes > bound)
        return pt_fail(PT_ERR_DATA,
                       "%s: '%s' claims %llu elements, but the file has only %llu bytes",
                       f->path, d->name, (unsigned long long)d->shape.count,
                       (unsigned long long)f->bytes);
    return PT_OK;
}

/* The values of an open data set or attribute, `what` in a failure; closes it then. */
static pt_status look_at(pt_h5_values v, const char *what, pt_h5_values *out)
{
    pt_status s = PT_OK;

    if (v.id >= 0) v.type = v.attribute ? H5Aget_type(v.id) : H5Dget_type(v.id);
    if (v.id >= 0) v.space = v.attribute ? H5Aget_space(v.id) : H5Dget_space(v.id);
    if (v.type < 0 || v.space < 0) s = pt_h5_fail(v.f, PT_ERR_DATA, what, v.name);
    if (s == PT_OK) s = read_shape(&v);
    if (s == PT_OK && !v.attribute) s = check_storage(&v);
    if (s == PT_OK)
        *out = v;
    else
        pt_h5_values_fini(&v);
    return s;
}

static pt_h5_values nothing_of(const pt_h5file *f, const char *name, bool attribute)
{
    return (pt_h5_values){.f = f,
                          .name = name,
                          .attribute = attribute,
                          .id = H5I_INVALID_HID,
                          .type = H5I_INVALID_HID,
                          .space = H5I_INVALID_HID};
}

pt_status pt_h5_dataset_open(const pt_h5file *f, const char *path, pt_h5_values *out)
{
    pt_h5_values d = nothing_of(f, path, false);
    pt_status s;

    *out = d;
    pt_h5_quiet();
    s = pt_h5_open_object(f, path, &d.id);
    if (s != PT_OK) return s;
    if (H5Iget_type(d.id) == H5I_DATASET)
        return look_at(d, "cannot read the type of", out);
    pt_h5_values_fini(&d);
    return pt_fail(PT_ERR_DATA, "%s: '%s' is not a data set", f->path, path);
}

pt_status pt_h5_attr_open(const pt_h5file *f, const char *object, const char *name,
                          pt_h5_values *out)
{
    pt_h5_values a = nothing_of(f, name, true);
    pt_status s;
    hid_t id;

    *out = a;
    pt_h5_quiet();
    s = pt_h5_open_object(f, object, &id);
    if (s != PT_OK) return s;
    if (H5Aexists(id, name) > 0) {
        a.id = H5Aopen(id, name, H5P_DEFAULT);
        s = look_at(a, "cannot open the attribute", out);
    } else {
        s = pt_fail(PT_ERR_DATA, "%s: '%s' has no attribute '%s'", f->path, object, name);
    }
    H5Oclose(id);
    return s;
}

void pt_h5_values_fini(pt_h5_values *v)
{
    if (v->space >= 0) H5Sclose(v->space);
    if (v->type >= 0) H5Tclose(v->type);
    if (v->id >= 0) H5Idec_ref(v->id);
    v->id = v->type = v->space = H5I_INVALID_HID;
}

pt_status pt_h5file_shape(const pt_h5file *f, const char *dataset, pt_h5_shape *out)
{
    pt_h5_values d;
    pt_status s = pt_h5_dataset_open(f, dataset, &d);

    if (s == PT_OK) *out = d.shape;
    pt_h5_values_fini(&d);
    return s;
}

/* ---- numbers ---------------------------------------------------------------------- */

static H5T_conv_ret_t refuse_overflow(H5T_conv_except_t what, hid_t from, hid_t to,
                                      void *source, void *target, void *context)
{
    bool *overflow = context;

    if (what != H5T_CONV_EXCEPT_RANGE_HI && what != H5T_CONV_EXCEPT_RANGE_LOW)
        return H5T_CONV_UNHANDLED;
    *overflow = true;
    return H5T_CONV_ABORT;
}

static pt_status read_numbers(const pt_h5_values *d, hid_t memory, void *out)
{
    hid_t plist = H5Pcreate(H5P_DATASET_XFER);
    bool overflow = false;
    herr_t e = -1;

    if (plist >= 0 && H5Pset_type_conv_cb(plist, refuse_overflow, &overflow) >= 0)
        e = H5Dread(d->id, memory, H5S_ALL, H5S_ALL, plist, out);
    if (plist >= 0) H5Pclose(plist);
    if (overflow) {
        H5Eclear2(H5E_DEFAULT);
        return pt_fail(PT_ERR_DATA,
                       "%s: '%s' has a number outside the range of %zu bytes", d->f->path,
                       d->name, H5Tget_size(memory));
    }
    return e < 0 ? pt_h5_fail(d->f, PT_ERR_DATA, "cannot read", d->name) : PT_OK;
}

static pt_status check_class(const pt_h5_values *d, pt_h5_class wanted)
{
    if (d->shape.class_ == wanted) return PT_OK;
    return pt_fail(PT_ERR_DATA, "%s: '%s' does not hold %s", d->f->path, d->name,
                   wanted == PT_H5_FLOAT ? "floating-point numbers" : "integers");
}

static pt_status read_all(const pt_h5file *f, const char *path, hid_t memory, size_t max,
                          void **out, size_t *n)
{
    size_t size = H5Tget_size(memory);
    pt_h5_values d;
    void *data = NULL;
    pt_status s = pt_h5_dataset_open(f, path, &d);

    if (s != PT_OK) return s;
    s = check_class(&d, H5Tget_class(memory) == H5T_FLOAT ? PT_H5_FLOAT : PT_H5_INT);
    if (s != PT_OK) goto done;
    if (d.shape.count > max) {
        s = pt_fail(PT_ERR_DATA, "%s: '%s' has %llu elements, the limit is %zu", f->path,
                    path, (unsigned long long)d.shape.count, max);
        goto done;
    }
    data = malloc(d.shape.count ? pt_mul(d.shape.count, size) : 1);
    if (!data) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %llu elements of '%s'", f->path,
                    (unsigned long long)d.shape.count, path);
        goto done;
    }
    if (d.shape.count > 0) s = read_numbers(&d, memory, data);
    if (s != PT_OK) goto done;
    *n = d.shape.count;
    *out = data;
    data = NULL;
done:
    free(data);
    pt_h5_values_fini(&d);
    return s;
}

#define READER(name, type, memory)                                                       \
    pt_status name(const pt_h5file *f, const char *dataset, size_t max, type **out,      \
                   size_t *n)                                                            \
    {                                                                                    \
        void *data = NULL;                                                               \
        pt_status s;                                                                     \
                                                                                         \
        pt_h5_quiet();                                                                   \
        s = read_all(f, dataset, memory, max, &data, n);                                 \
        *out = data;                                                                     \
        return s;                                                                        \
    }

READER(pt_h5file_read_f32, float, H5T_NATIVE_FLOAT)
READER(pt_h5file_read_i32, int32_t, H5T_NATIVE_INT32)
READER(pt_h5file_read_u32, uint32_t, H5T_NATIVE_UINT32)
READER(pt_h5file_read_u64, uint64_t, H5T_NATIVE_UINT64)
READER(pt_h5file_read_u8, uint8_t, H5T_NATIVE_UINT8)

pt_status pt_h5file_read_f32_into(const pt_h5file *f, const char *dataset, float *out,
                                  size_t n)
{
    pt_h5_values d;
    pt_status s = pt_h5_dataset_open(f, dataset, &d);

    if (s == PT_OK) s = check_class(&d, PT_H5_FLOAT);
    if (s == PT_OK && d.shape.count != n)
        s = pt_fail(PT_ERR_SHAPE, "%s: '%s' has %llu elements, expected %zu", f->path,
                    dataset, (unsigned long long)d.shape.count, n);
    if (s == PT_OK && n > 0) s = read_numbers(&d, H5T_NATIVE_FLOAT, out);
    pt_h5_values_fini(&d);
    return s;
}

pt_status pt_h5file_bytes_at(const pt_h5file *f, const char *dataset, uint64_t *offset,
                             uint64_t *bytes)
{
    hid_t plist = H5I_INVALID_HID;
    pt_h5_values d;
    haddr_t at;
    pt_status s = pt_h5_dataset_open(f, dataset, &d);

    if (s != PT_OK) return s;
    plist = H5Dget_create_plist(d.id);
    at = H5Dget_offset(d.id);
    if (d.shape.class_ != PT_H5_INT || d.shape.element_bytes != 1 || plist < 0 ||
        H5Pget_layout(plist) != H5D_CONTIGUOUS)
        s = pt_fail(PT_ERR_DATA, "%s: '%s' is not one contiguous run of bytes", f->path,
                    dataset);
    else if (at == HADDR_UNDEF || at > f->bytes || d.shape.count > f->bytes - at)
        s = pt_fail(PT_ERR_DATA, "%s: the %llu bytes of '%s' are not inside the file",
                    f->path, (unsigned long long)d.shape.count, dataset);
    if (s == PT_OK) {
        *offset = at;
        *bytes = d.shape.count;
    }
    H5Eclear2(H5E_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    pt_h5_values_fini(&d);
    return s;
}
