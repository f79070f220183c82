#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/export/export.h"
#include "launch/export/tensors.h"

static json_t *describe(const pt_tensor *t, uint64_t at)
{
    json_t *shape = json_array();

    for (int i = 0; i < t->n_dims; i++)
        json_array_append_new(shape, json_integer(t->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                     "data_offsets", (json_int_t)at,
                     (json_int_t)(at + t->count * sizeof(float)));
}

static char *header(const pt_export *e, const pt_export_tensors *t)
{
    json_t *o = json_object();
    uint64_t at = 0;
    char *text;

    json_object_set_new(o, "__metadata__", pt_export_metadata(e));
    for (size_t i = 0; i < t->n; i++) {
        json_object_set_new(o, t->list[i]->name, describe(t->list[i], at));
        at += t->list[i]->count * sizeof(float);
    }
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* Its length, the text, and blanks up to a multiple of 8 bytes. */
static pt_status write_header(pt_sink *k, const char *text)
{
    size_t n = strlen(text), padded = (n + 7) / 8 * 8;
    uint64_t length = padded;
    pt_status s = pt_sink_write(k, &length, sizeof length);

    if (s == PT_OK) s = pt_sink_write(k, text, n);
    return s == PT_OK ? pt_sink_write(k, "       ", padded - n) : s;
}

pt_status pt_export_safetensors(const pt_export *e, const char *path)
{
    pt_export_tensors t;
    pt_sink *k = NULL;
    char *text = NULL;
    pt_status s = pt_export_tensors_init(e, &t);

    if (s == PT_OK) text = header(e, &t);
    if (s == PT_OK && !text) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (s == PT_OK) s = pt_sink_open(path, t.bytes + strlen(text) + 16, &k);
    if (s == PT_OK) s = write_header(k, text);
    for (size_t i = 0; i < t.n && s == PT_OK; i++) s = pt_export_tensors_write(&t, i, k);
    s = pt_sink_close(&k, s);
    free(text);
    pt_export_tensors_fini(&t);
    return s;
}
