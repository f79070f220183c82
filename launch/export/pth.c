/* PyTorch's legacy container: five pickles, then the storages (common/weights/torch.h
 * reads it). Every torch.load does, and it needs no zip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/export/export.h"
#include "launch/export/tensors.h"

/* A pickle grows in a stream of memory, whose error is looked at once. */
static void put(FILE *p, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, p);
}

#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static void put_text(FILE *p, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    PUT(p, "X");
    put(p, &n, sizeof n);
    put(p, text, n);
}

static void put_number(FILE *p, int64_t number)
{
    PUT(p, "\x8a\x08"); /* a long of 8 bytes */
    put(p, &number, sizeof number);
}

static void put_size_and_strides(FILE *p, const pt_tensor *t)
{
    int64_t strides[4] = {0}, step = 1;

    for (int i = t->n_dims - 1; i >= 0; i--) {
        strides[i] = step;
        step *= t->dims[i];
    }
    PUT(p, "(");
    for (int i = 0; i < t->n_dims; i++) put_number(p, t->dims[i]);
    PUT(p, "t(");
    for (int i = 0; i < t->n_dims; i++) put_number(p, strides[i]);
    PUT(p, "t");
}

/* _rebuild_tensor_v2(storage, 0, size, strides, False, OrderedDict()) */
static void put_tensor(FILE *p, const pt_tensor *t, size_t key)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", key);
    put_text(p, t->name);
    PUT(p, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(p, "storage");
    PUT(p, "ctorch\nFloatStorage\n");
    put_text(p, text);
    put_text(p, "cpu");
    put_number(p, (int64_t)t->count);
    PUT(p, "NtQK\0");
    put_size_and_strides(p, t);
    PUT(p, "\x89"
           "ccollections\nOrderedDict\n)RtR");
}

static void put_pickles(FILE *p, const pt_export_tensors *t)
{
    PUT(p, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    PUT(p, "\x80\x02M\xe9\x03.");
    PUT(p, "\x80\x02}(");
    put_text(p, "protocol_version");
    PUT(p, "M\xe9\x03");
    put_text(p, "little_endian");
    PUT(p, "\x88");
    put_text(p, "type_sizes");
    PUT(p, "}u.");
    PUT(p, "\x80\x02"
           "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < t->n; i++) put_tensor(p, t->list[i], i);
    PUT(p, "u.");
    PUT(p, "\x80\x02](");
    for (size_t i = 0; i < t->n; i++) {
        char text[24];

        snprintf(text, sizeof text, "%zu", i);
        put_text(p, text);
    }
    PUT(p, "e.");
}

static pt_status write_storage(const pt_export_tensors *t, size_t i, pt_sink *k)
{
    int64_t n = (int64_t)t->list[i]->count;
    pt_status s = pt_sink_write(k, &n, sizeof n);

    return s == PT_OK ? pt_export_tensors_write(t, i, k) : s;
}

/* All five, malloc'd. */
static pt_status make_pickles(const pt_export_tensors *t, const char *path, char **bytes,
                              size_t *n)
{
    FILE *p = open_memstream(bytes, n);
    bool ok;

    if (!p) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    put_pickles(p, t);
    ok = !ferror(p);
    ok = fclose(p) == 0 && ok;
    return ok ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
}

pt_status pt_export_pth(const pt_export *e, const char *path)
{
    pt_export_tensors t;
    char *pickles = NULL;
    size_t n = 0;
    pt_sink *k = NULL;
    pt_status s = pt_export_tensors_init(e, &t);

    if (s == PT_OK) s = make_pickles(&t, path, &pickles, &n);
    if (s == PT_OK) s = pt_sink_open(path, t.bytes + n + 8 * t.n, &k);
    if (s == PT_OK) s = pt_sink_write(k, pickles, n);
    for (size_t i = 0; i < t.n && s == PT_OK; i++) s = write_storage(&t, i, k);
    s = pt_sink_close(&k, s);
    free(pickles);
    pt_export_tensors_fini(&t);
    return s;
}
