#include "common/base/fscall.h"
#include "common/data/h5file_private.h"

#include <stdlib.h>
#include <string.h>

/* How every data set is made: contiguous, no times in it. */
static hid_t creation(bool reserve)
{
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);

    if (p < 0) return p;
    H5Pset_layout(p, H5D_CONTIGUOUS);
    H5Pset_obj_track_times(p, 0);
    if (reserve) {
        H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
        H5Pset_fill_time(p, H5D_FILL_TIME_NEVER);
    }
    return p;
}

/* Missing parent groups are made. */
static hid_t link_creation(void)
{
    hid_t p = H5Pcreate(H5P_LINK_CREATE);

    if (p >= 0) H5Pset_create_intermediate_group(p, 1);
    return p;
}

static pt_status create_dataset(pt_h5file *f, const char *path, hid_t type, int rank,
                                const uint64_t *dims, bool reserve, hid_t *out)
{
    hsize_t size[PT_H5_MAX_RANK];
    hid_t space, make, link;

    *out = H5I_INVALID_HID;
    pt_h5_quiet();
    if (!f->temporary)
        return pt_fail(PT_ERR_BUG, "%s: was not opened for writing", f->path);
    if (rank < 1 || rank > PT_H5_MAX_RANK)
        return pt_fail(PT_ERR_BUG, "%s: '%s' cannot have %d dimensions", f->path, path,
                       rank);
    for (int i = 0; i < rank; i++) size[i] = dims[i];
    space = H5Screate_simple(rank, size, NULL);
    make = creation(reserve);
    link = link_creation();
    if (space >= 0 && make >= 0 && link >= 0)
        *out = H5Dcreate2(f->id, path, type, space, link, make, H5P_DEFAULT);
    if (space >= 0) H5Sclose(space);
    if (make >= 0) H5Pclose(make);
    if (link >= 0) H5Pclose(link);
    return *out < 0 ? pt_h5_fail(f, PT_ERR_IO, "cannot create", path) : PT_OK;
}

static pt_status write_all(pt_h5file *f, const char *path, hid_t type, hid_t memory,
                           int rank, const uint64_t *dims, const void *data)
{
    hid_t d;
    pt_status s = create_dataset(f, path, type, rank, dims, false, &d);
    bool empty = false;

    if (s != PT_OK) return s;
    for (int i = 0; i < rank; i++) empty |= dims[i] == 0;
    pt_fscall_begin_library("write", f->path);
    if (!empty && H5Dwrite(d, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        s = pt_h5_fail(f, PT_ERR_IO, "cannot write", path);
    H5Dclose(d);
    pt_fscall_end();
    return s;
}

#define WRITER(name, ctype, stored, memory)                                              \
    pt_status name(pt_h5file *f, const char *dataset, int rank, const uint64_t *dims,    \
                   const ctype *data)                                                    \
    {                                                                                    \
        pt_h5_quiet();                                                                   \
        return write_all(f, dataset, stored, memory, rank, dims, data);                  \
    }

WRITER(pt_h5file_write_f32, float, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT)
WRITER(pt_h5file_write_i32, int32_t, H5T_STD_I32LE, H5T_NATIVE_INT32)
WRITER(pt_h5file_write_u32, uint32_t, H5T_STD_U32LE, H5T_NATIVE_UINT32)
WRITER(pt_h5file_write_u64, uint64_t, H5T_STD_U64LE, H5T_NATIVE_UINT64)
WRITER(pt_h5file_write_u8, uint8_t, H5T_STD_U8LE, H5T_NATIVE_UINT8)

/* Variable-length UTF-8, as h5py writes str. */
static hid_t text_type(void)
{
    hid_t t = H5Tcopy(H5T_C_S1);

    if (t < 0) return t;
    H5Tset_size(t, H5T_VARIABLE);
    H5Tset_cset(t, H5T_CSET_UTF8);
    return t;
}

pt_status pt_h5file_write_strings(pt_h5file *f, const char *dataset,
                                  const char *const *strings, size_t n)
{
    uint64_t dims[1] = {n};
    hid_t type;
    pt_status s;

    pt_h5_quiet();
    type = text_type();
    if (type < 0) return pt_fail(PT_ERR_NOMEM, "%s: no memory", f->path);
    s = write_all(f, dataset, type, type, 1, dims, strings);
    H5Tclose(type);
    return s;
}

pt_status pt_h5file_reserve_bytes(pt_h5file *f, const char *dataset, uint64_t bytes,
                                  uint64_t *offset)
{
    hid_t d = H5I_INVALID_HID;
    haddr_t at;
    pt_status s;

    if (bytes == 0)
        return pt_fail(PT_ERR_BUG, "%s: '%s' cannot be empty", f->path, dataset);
    pt_h5_quiet();
    s = create_dataset(f, dataset, H5T_STD_U8LE, 1, &bytes, true, &d);
    if (s != PT_OK) return s;
    at = H5Dget_offset(d);
    H5Dclose(d);
    if (at == HADDR_UNDEF || H5Fflush(f->id, H5F_SCOPE_LOCAL) < 0)
        return pt_h5_fail(f, PT_ERR_IO, "cannot reserve the space of", dataset);
    *offset = at;
    return PT_OK;
}

pt_status pt_h5file_make_group(pt_h5file *f, const char *group)
{
    hid_t link, g = H5I_INVALID_HID;

    pt_h5_quiet();
    link = link_creation();
    if (link >= 0) g = H5Gcreate2(f->id, group, link, H5P_DEFAULT, H5P_DEFAULT);
    if (link >= 0) H5Pclose(link);
    if (g < 0) return pt_h5_fail(f, PT_ERR_IO, "cannot create", group);
    H5Gclose(g);
    return PT_OK;
}

/* n == 0: a scalar. */
static pt_status set_attr(pt_h5file *f, const char *object, const char *name, hid_t type,
                          hid_t memory, size_t n, const void *value)
{
    hsize_t dims[1] = {n};
    hid_t id, space, a = H5I_INVALID_HID;
    pt_status s = pt_h5_open_object(f, object, &id);

    if (s != PT_OK) return s;
    space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, dims, NULL);
    if (H5Aexists(id, name) > 0) H5Adelete(id, name);
    if (space >= 0) a = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0 || H5Awrite(a, memory, value) < 0)
        s = pt_h5_fail(f, PT_ERR_IO, "cannot write the attribute", name);
    if (a >= 0) H5Aclose(a);
    if (space >= 0) H5Sclose(space);
    H5Oclose(id);
    return s;
}

pt_status pt_h5file_set_int(pt_h5file *f, const char *object, const char *name,
                            int64_t value)
{
    pt_h5_quiet();
    return set_attr(f, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 0, &value);
}

pt_status pt_h5file_set_float(pt_h5file *f, const char *object, const char *name,
                              double value)
{
    pt_h5_quiet();
    return set_attr(f, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, &value);
}

pt_status pt_h5file_set_floats(pt_h5file *f, const char *object, const char *name,
                               const float *values, size_t n)
{
    pt_h5_quiet();
    if (n == 0) return pt_fail(PT_ERR_BUG, "%s: '%s' cannot be empty", f->path, name);
    return set_attr(f, object, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, n, values);
}

static pt_status set_text(pt_h5file *f, const char *object, const char *name,
                          const char *const *values, size_t n)
{
    hid_t type;
    pt_status s;

    pt_h5_quiet();
    type = text_type();
    if (type < 0) return pt_fail(PT_ERR_NOMEM, "%s: no memory", f->path);
    s = set_attr(f, object, name, type, type, n, values);
    H5Tclose(type);
    return s;
}

pt_status pt_h5file_set_string(pt_h5file *f, const char *object, const char *name,
                               const char *value)
{
    return set_text(f, object, name, &value, 0);
}

pt_status pt_h5file_set_strings(pt_h5file *f, const char *object, const char *name,
                                const char *const *values, size_t n)
{
    if (n == 0) return pt_fail(PT_ERR_BUG, "%s: '%s' cannot be empty", f->path, name);
    return set_text(f, object, name, values, n);
}
