#include "launch/layouts/matlab.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/base/file.h"

enum { HEADER_BYTES = 128, MAX_DIMS = 32 };

enum {
    MI_INT8 = 1,
    MI_UINT8 = 2,
    MI_INT16 = 3,
    MI_UINT16 = 4,
    MI_INT32 = 5,
    MI_UINT32 = 6,
    MI_SINGLE = 7,
    MI_DOUBLE = 9,
    MI_INT64 = 12,
    MI_UINT64 = 13,
    MI_MATRIX = 14,
    MI_COMPRESSED = 15
};

enum { MX_DOUBLE = 6, MX_UINT64 = 15, FLAG_COMPLEX = 0x08 };

/* What is left of a run of bytes. */
typedef struct {
    const char *path; /* for messages */
    const uint8_t *p;
    size_t n;
} cursor;

typedef struct {
    uint32_t type;
    cursor data;
} element;

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

/* Takes the next element off c: a tag of 8 bytes and its data, padded to 8 unless it is
 * compressed; or the small form, type and size in 16 bits each and up to 4 bytes of data.
 * The last element of a file may lack its padding. */
static pt_status next_element(cursor *c, element *out)
{
    uint32_t first, bytes;
    size_t step;

    *out = (element){0, {c->path, c->p, 0}};
    if (c->n < 8)
        return pt_fail(PT_ERR_DATA,
                       "%s: ends inside an element's tag, %zu bytes are left", c->path,
                       c->n);
    first = u32(c->p);
    if (first >> 16) {
        bytes = first >> 16;
        if (bytes > 4)
            return pt_fail(PT_ERR_DATA, "%s: a small element has %u bytes, at most 4 fit",
                           c->path, bytes);
        *out = (element){first & 0xffff, {c->path, c->p + 4, bytes}};
        step = 8;
    } else {
        bytes = u32(c->p + 4);
        if (bytes > c->n - 8)
            return pt_fail(PT_ERR_DATA, "%s: an element has %u bytes, %zu are left",
                           c->path, bytes, c->n - 8);
        *out = (element){first, {c->path, c->p + 8, bytes}};
        step = 8 + (size_t)bytes;
        if (first != MI_COMPRESSED) step = (step + 7) / 8 * 8;
        if (step > c->n) step = c->n;
    }
    c->p += step;
    c->n -= step;
    return PT_OK;
}

/* ---- one array -------------------------------------------------------------------- */

static size_t type_bytes(uint32_t type)
{
    switch (type) {
    case MI_INT8:
    case MI_UINT8:
        return 1;
    case MI_INT16:
    case MI_UINT16:
        return 2;
    case MI_INT32:
    case MI_UINT32:
    case MI_SINGLE:
        return 4;
    case MI_DOUBLE:
    case MI_INT64:
    case MI_UINT64:
        return 8;
    default:
        return 0;
    }
}

static double number(uint32_t type, const uint8_t *p)
{
    uint64_t wide;
    uint32_t narrow;
    double d;
    float f;

    switch (type) {
    case MI_INT8:
        return (int8_t)p[0];
    case MI_UINT8:
        return p[0];
    case MI_INT16:
        return (int16_t)u16(p);
    case MI_UINT16:
        return u16(p);
    case MI_INT32:
        return (int32_t)u32(p);
    case MI_UINT32:
        return u32(p);
    case MI_INT64:
        return (double)(int64_t)u64(p);
    case MI_UINT64:
        return (double)u64(p);
    case MI_SINGLE:
        narrow = u32(p);
        memcpy(&f, &narrow, sizeof f);
        return (double)f;
    default:
        wide = u64(p);
        memcpy(&d, &wide, sizeof d);
        return d;
    }
}

/* The product of the dimensions, at most PT_MATLAB_MAX_BYTES. */
static pt_status count_of(const element *dims, const char *name, size_t *count)
{
    size_t n = dims->data.n / 4;

    *count = 1;
    if (dims->type != MI_INT32 || n < 2 || n > MAX_DIMS)
        return pt_fail(PT_ERR_DATA, "%s: '%s' has no valid dimensions", dims->data.path,
                       name);
    for (size_t i = 0; i < n; i++) {
        int32_t d = (int32_t)u32(dims->data.p + 4 * i);
        if (d < 0 || (d > 0 && *count > (size_t)PT_MATLAB_MAX_BYTES / (size_t)d))
            return pt_fail(PT_ERR_DATA, "%s: dimension %zu of '%s' is %d",
                           dims->data.path, i, name, d);
        *count *= (size_t)d;
    }
    return PT_OK;
}

static pt_status read_values(cursor *c, const element *flags, const element *dims,
                             const char *name, double **out, size_t *n)
{
    uint32_t word = flags->data.n >= 4 ? u32(flags->data.p) : 0, class_ = word & 0xff;
    size_t count, size;
    double *values;
    element real;
    pt_status s;

    if (class_ < MX_DOUBLE || class_ > MX_UINT64 || (word >> 8 & FLAG_COMPLEX))
        return pt_fail(PT_ERR_DATA, "%s: '%s' is not an array of real numbers (class %u)",
                       c->path, name, class_);
    s = count_of(dims, name, &count);
    if (s == PT_OK) s = next_element(c, &real);
    if (s != PT_OK) return s;
    size = type_bytes(real.type);
    if (size == 0 || real.data.n != count * size)
        return pt_fail(PT_ERR_DATA, "%s: '%s' has %zu elements in %zu bytes of type %u",
                       c->path, name, count, real.data.n, real.type);
    values = malloc((count + 1) * sizeof *values);
    if (!values)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu numbers", c->path, count);
    for (size_t i = 0; i < count; i++)
        values[i] = number(real.type, real.data.p + i * size);
    *out = values;
    *n = count;
    return PT_OK;
}

/* Reads the array if it has the wanted name; *out stays NULL otherwise. */
static pt_status read_matrix(cursor c, const char *wanted, double **out, size_t *n)
{
    element flags, dims, name;
    pt_status s = next_element(&c, &flags);

    if (s == PT_OK) s = next_element(&c, &dims);
    if (s == PT_OK) s = next_element(&c, &name);
    if (s != PT_OK) return s;
    if (name.data.n != strlen(wanted) || memcmp(name.data.p, wanted, name.data.n) != 0)
        return PT_OK;
    return read_values(&c, &flags, &dims, wanted, out, n);
}

/* ---- compressed arrays ------------------------------------------------------------ */

/* The next n bytes of the stream into out. */
static bool inflate_exactly(z_stream *z, uint8_t *out, size_t n)
{
    z->next_out = out;
    z->avail_out = (uInt)n;
    while (z->avail_out > 0) {
        int e = inflate(z, Z_SYNC_FLUSH);
        if (e == Z_STREAM_END) break;
        if (e != Z_OK) return false;
    }
    return z->avail_out == 0;
}

/* Nothing follows, and the stream's own checksum is right. */
static bool inflate_ends(z_stream *z)
{
    uint8_t more;

    z->next_out = &more;
    z->avail_out = 1;
    return inflate(z, Z_SYNC_FLUSH) == Z_STREAM_END && z->avail_out == 1;
}

static pt_status read_compressed(cursor c, const char *wanted, double **out, size_t *n)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)c.p, .avail_in = (uInt)c.n};
    uint8_t tag[8], *bytes = NULL;
    size_t size;
    pt_status s;

    if (inflateInit(&z) != Z_OK)
        return pt_fail(PT_ERR_NOMEM, "%s: zlib cannot be started", c.path);
    if (!inflate_exactly(&z, tag, sizeof tag)) {
        s = pt_fail(PT_ERR_DATA, "%s: a compressed element is damaged", c.path);
        goto done;
    }
    size = u32(tag + 4);
    if (u32(tag) != MI_MATRIX || size > PT_MATLAB_MAX_BYTES) {
        s = pt_fail(PT_ERR_DATA, "%s: a compressed element has type %u and %zu bytes",
                    c.path, u32(tag), size);
        goto done;
    }
    bytes = malloc(size + 1);
    if (!bytes) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu bytes", c.path, size);
        goto done;
    }
    if (!inflate_exactly(&z, bytes, size) || !inflate_ends(&z))
        s = pt_fail(PT_ERR_DATA, "%s: a compressed element is damaged", c.path);
    else
        s = read_matrix((cursor){c.path, bytes, size}, wanted, out, n);
done:
    free(bytes);
    inflateEnd(&z);
    return s;
}

/* ---- the file --------------------------------------------------------------------- */

static pt_status check_header(const char *path, const uint8_t *p, size_t n)
{
    if (n < HEADER_BYTES || memcmp(p, "MATLAB ", 7) != 0)
        return pt_fail(PT_ERR_DATA, "%s: is not a MATLAB 5 file", path);
    if (p[126] == 'M' && p[127] == 'I')
        return pt_fail(PT_ERR_DATA,
                       "%s: is big-endian; only little-endian files are read", path);
    if (p[126] != 'I' || p[127] != 'M')
        return pt_fail(PT_ERR_DATA, "%s: is not a MATLAB 5 file", path);
    if (u16(p + 124) != 0x0100)
        return pt_fail(PT_ERR_DATA,
                       "%s: is MATLAB version %u.%u, not 1.0 (save it with -v7 or -v6)",
                       path, p[125], p[124]);
    return PT_OK;
}

pt_status pt_matlab_read(const char *path, const char *name, double **out, size_t *n)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    element e;
    cursor c;
    pt_status s = pt_file_load_path(path, PT_MATLAB_MAX_BYTES, &bytes, &size);

    *out = NULL;
    *n = 0;
    if (s == PT_OK) s = check_header(path, bytes, size);
    if (s != PT_OK) goto done;
    c = (cursor){path, bytes + HEADER_BYTES, size - HEADER_BYTES};
    while (c.n > 0 && !*out && s == PT_OK) {
        s = next_element(&c, &e);
        if (s != PT_OK) break;
        if (e.type == MI_COMPRESSED)
            s = read_compressed(e.data, name, out, n);
        else if (e.type == MI_MATRIX)
            s = read_matrix(e.data, name, out, n);
    }
    if (s == PT_OK && !*out)
        s = pt_fail(PT_ERR_DATA, "%s: has no array named '%s'", path, name);
done:
    free(bytes);
    return s;
}
