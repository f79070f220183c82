#include "common/data/h5file_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- strings ---------------------------------------------------------------------- */

enum { MAX_STRING = 1 << 20, MAX_TEXT = 1 << 28 };

/* One block: n + 1 pointers, then the text of n fields of `width` bytes, each ended. */
static pt_status pack_strings(const pt_h5_values *in, const char *const *texts,
                              size_t width, char ***out)
{
    size_t n = in->shape.count, bytes = 0, len;
    char **block, *at;

    for (size_t i = 0; i < n; i++) bytes += texts[i] ? strnlen(texts[i], width) + 1 : 1;
    block = malloc((n + 1) * sizeof *block + bytes);
    if (!block)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for the strings of '%s'", in->f->path,
                       in->name);
    at = (char *)(block + n + 1);
    for (size_t i = 0; i < n; i++) {
        len = texts[i] ? strnlen(texts[i], width) : 0;
        if (H5Tget_strpad(in->type) == H5T_STR_SPACEPAD)
            while (len > 0 && texts[i][len - 1] == ' ') len--;
        block[i] = at;
        if (len > 0) memcpy(at, texts[i], len);
        at[len] = '\0';
        at += len + 1;
    }
    block[n] = NULL;
    *out = block;
    return PT_OK;
}

static herr_t read_raw(const pt_h5_values *in, hid_t memory, hid_t plist, void *out)
{
    return in->attribute ? H5Aread(in->id, memory, out)
                         : H5Dread(in->id, memory, H5S_ALL, H5S_ALL, plist, out);
}

static pt_status read_fixed(const pt_h5_values *in, char ***out)
{
    size_t width = in->shape.element_bytes, n = in->shape.count;
    const char **texts = NULL;
    char *raw = NULL;
    pt_status s = PT_OK;

    if (width > MAX_STRING || pt_mul(width, n) > MAX_TEXT)
        return pt_fail(PT_ERR_DATA,
                       "%s: '%s' has %zu strings of %zu bytes, which is too large",
                       in->f->path, in->name, n, width);
    raw = malloc(width * n + 1);
    texts = malloc((n + 1) * sizeof *texts);
    if (!raw || !texts) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for '%s'", in->f->path, in->name);
        goto done;
    }
    if (n > 0 && read_raw(in, in->type, H5P_DEFAULT, raw) < 0) {
        s = pt_h5_fail(in->f, PT_ERR_DATA, "cannot read", in->name);
        goto done;
    }
    for (size_t i = 0; i < n; i++) texts[i] = raw + i * width;
    s = pack_strings(in, texts, width, out);
done:
    free(texts);
    free(raw);
    return s;
}

/* Memory for the library's strings, up to MAX_TEXT in one read: many elements may point
 * at one long string of the file. */
static void *text_alloc(size_t size, void *context)
{
    size_t *left = context;

    if (size > *left) return NULL;
    *left -= size;
    return malloc(size);
}

static void text_free(void *p, void *context)
{
    free(p);
}

/* The library trusts the length that is stored with every variable string and clears that
 * much memory, 4 GiB each at worst. So the lengths of a contiguous data set are looked at
 * before: an element is a length (32 bits), an address (of the file's own size) and an
 * index (32 bits). */
static pt_status check_lengths(const pt_h5_values *in)
{
    unsigned char block[4096];
    size_t n = in->shape.count, size;
    haddr_t at = in->attribute ? HADDR_UNDEF : H5Dget_offset(in->id);
    pt_status s = PT_OK;
    int fd;

    H5Eclear2(H5E_DEFAULT); /* not contiguous: has no offset */
    if (in->f->temporary || at == HADDR_UNDEF || n == 0) return PT_OK;
    size = H5Dget_storage_size(in->id) / n;
    if (size < 8 || size > sizeof block)
        return pt_fail(PT_ERR_DATA, "%s: '%s' has %zu strings in %llu bytes", in->f->path,
                       in->name, n, (unsigned long long)H5Dget_storage_size(in->id));
    fd = open(in->f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pt_fail(PT_ERR_IO, "%s: cannot be opened again", in->f->path);
    for (size_t i = 0; i < n && s == PT_OK; i += sizeof block / size) {
        size_t k = n - i < sizeof block / size ? n - i : sizeof block / size;
        if (pread(fd, block, k * size, (off_t)(at + i * size)) != (ssize_t)(k * size))
            s = pt_fail(PT_ERR_IO, "%s: '%s' cannot be read", in->f->path, in->name);
        for (size_t j = 0; j < k && s == PT_OK; j++) {
            const unsigned char *p = block + j * size;
            uint32_t bytes = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
            if (bytes > in->f->bytes)
                s = pt_fail(PT_ERR_DATA,
                            "%s: string %zu of '%s' has %u bytes, the file %llu",
                            in->f->path, i + j, in->name, bytes,
                            (unsigned long long)in->f->bytes);
        }
    }
    close(fd);
    return s;
}

static pt_status read_variable(const pt_h5_values *in, char ***out)
{
    size_t n = in->shape.count, left = MAX_TEXT;
    hid_t plist = H5Pcreate(H5P_DATASET_XFER);
    char **raw = calloc(n + 1, sizeof *raw);
    pt_status s = PT_OK;

    if (!raw || plist < 0 ||
        H5Pset_vlen_mem_manager(plist, text_alloc, &left, text_free, NULL) < 0) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for '%s'", in->f->path, in->name);
        goto done;
    }
    if (n > 0 && read_raw(in, in->type, plist, raw) < 0)
        s = pt_h5_fail(in->f, PT_ERR_DATA, "cannot read", in->name);
    if (s == PT_OK) s = pack_strings(in, (const char *const *)raw, (size_t)MAX_TEXT, out);
    for (size_t i = 0; i < n; i++) {
        if (in->attribute)
            H5free_memory(raw[i]);
        else
            free(raw[i]);
    }
done:
    if (plist >= 0) H5Pclose(plist);
    free(raw);
    return s;
}

static pt_status read_strings(const pt_h5_values *in, size_t max, char ***out, size_t *n)
{
    pt_status s;

    if (in->shape.class_ != PT_H5_STRING)
        return pt_fail(PT_ERR_DATA, "%s: '%s' does not hold strings", in->f->path,
                       in->name);
    if (in->shape.count > max || in->shape.count > MAX_TEXT / sizeof(char *))
        return pt_fail(PT_ERR_DATA, "%s: '%s' has %llu strings, the limit is %zu",
                       in->f->path, in->name, (unsigned long long)in->shape.count, max);
    if (H5Tis_variable_str(in->type) > 0) {
        s = check_lengths(in);
        if (s == PT_OK) s = read_variable(in, out);
    } else {
        s = read_fixed(in, out);
    }
    if (s == PT_OK && n) *n = in->shape.count;
    return s;
}

pt_status pt_h5file_read_strings(const pt_h5file *f, const char *dataset, size_t max,
                                 char ***out, size_t *n)
{
    pt_h5_values d;
    pt_status s = pt_h5_dataset_open(f, dataset, &d);

    *out = NULL;
    if (s == PT_OK) s = read_strings(&d, max, out, n);
    pt_h5_values_fini(&d);
    return s;
}

/* ---- attributes ------------------------------------------------------------------- */

/* Exactly n numbers of one class. */
static pt_status attr_numbers(const pt_h5file *f, const char *object, const char *name,
                              hid_t memory, size_t n, void *out)
{
    bool real = H5Tget_class(memory) == H5T_FLOAT;
    pt_h5_values a;
    pt_status s = pt_h5_attr_open(f, object, name, &a);

    if (s == PT_OK && a.shape.class_ != PT_H5_INT &&
        !(real && a.shape.class_ == PT_H5_FLOAT))
        s = pt_fail(PT_ERR_DATA, "%s: attribute '%s' of '%s' is not %s", f->path, name,
                    object, real ? "a number" : "an integer");
    if (s == PT_OK && a.shape.count != n)
        s = pt_fail(PT_ERR_SHAPE,
                    "%s: attribute '%s' of '%s' has %llu values, expected %zu", f->path,
                    name, object, (unsigned long long)a.shape.count, n);
    if (s == PT_OK && H5Aread(a.id, memory, out) < 0)
        s = pt_h5_fail(f, PT_ERR_DATA, "cannot read the attribute", name);
    pt_h5_values_fini(&a);
    return s;
}

pt_status pt_h5file_attr_int(const pt_h5file *f, const char *object, const char *name,
                             int64_t *out)
{
    pt_h5_quiet();
    return attr_numbers(f, object, name, H5T_NATIVE_INT64, 1, out);
}

pt_status pt_h5file_attr_float(const pt_h5file *f, const char *object, const char *name,
                               double *out)
{
    pt_h5_quiet();
    return attr_numbers(f, object, name, H5T_NATIVE_DOUBLE, 1, out);
}

pt_status pt_h5file_attr_floats(const pt_h5file *f, const char *object, const char *name,
                                float *out, size_t n)
{
    pt_h5_quiet();
    return attr_numbers(f, object, name, H5T_NATIVE_FLOAT, n, out);
}

pt_status pt_h5file_attr_strings(const pt_h5file *f, const char *object, const char *name,
                                 size_t max, char ***out, size_t *n)
{
    pt_h5_values a;
    pt_status s = pt_h5_attr_open(f, object, name, &a);

    *out = NULL;
    if (s == PT_OK) s = read_strings(&a, max, out, n);
    pt_h5_values_fini(&a);
    return s;
}

pt_status pt_h5file_attr_string(const pt_h5file *f, const char *object, const char *name,
                                char **out)
{
    char **list = NULL;
    size_t n = 0;
    pt_status s = pt_h5file_attr_strings(f, object, name, 1, &list, &n);

    *out = NULL;
    if (s != PT_OK) return s;
    *out = strdup(n == 1 ? list[0] : "");
    free(list);
    if (!*out) return pt_fail(PT_ERR_NOMEM, "%s: no memory for '%s'", f->path, name);
    return PT_OK;
}
