#include "common/weights/onnx_metadata.h"

#include <stdlib.h>

#include "common/base/file.h"
#include "common/weights/wire.h"

enum {
    MODEL_METADATA = 14,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    ENTRIES_MAX = 256,
    BYTES_MAX = 8 << 20 /* of an entry; the parser may take 40 times that */
};

/* A string of the message; NULL where it is no text. */
static pt_status read_text(const pt_file *file, const pt_wire_field *field, json_t **out)
{
    size_t n = (size_t)field->size;
    char *text;
    pt_status s;

    if (field->type != PT_WIRE_LEN || field->size > BYTES_MAX)
        return pt_fail(PT_ERR_DATA, "%s: metadata of %llu bytes, the limit is %d",
                       file->path, (unsigned long long)field->size, BYTES_MAX);
    text = malloc(n + 1);
    if (!text) return pt_fail(PT_ERR_NOMEM, "%s: no memory for metadata", file->path);
    s = pt_file_read(file, field->at, text, n);
    json_decref(*out);
    *out = s == PT_OK ? json_stringn(text, n) : NULL;
    free(text);
    return s;
}

static pt_status add_entry(const pt_file *file, const pt_wire_field *in, json_t *all)
{
    json_t *key = NULL, *value = NULL;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number == ENTRY_KEY) s = read_text(file, &field, &key);
        if (field.number == ENTRY_VALUE) s = read_text(file, &field, &value);
    }
    if (s == PT_OK && key && value && json_object_size(all) < ENTRIES_MAX)
        json_object_set(all, json_string_value(key), value);
    json_decref(key);
    json_decref(value);
    return s;
}

pt_status pt_onnx_metadata_load(const char *path, json_t **all)
{
    pt_file *file = NULL;
    pt_wire_field field;
    pt_wire w;
    pt_status s = pt_file_open(path, &file);

    *all = s == PT_OK ? json_object() : NULL;
    if (s == PT_OK && !*all)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for metadata", path);
    if (s == PT_OK) {
        pt_wire_init(&w, file, 0, file->size);
        while (pt_wire_next(&w, &field, &s))
            if (field.number == MODEL_METADATA && field.type == PT_WIRE_LEN)
                s = add_entry(file, &field, *all);
    }
    if (s != PT_OK) {
        json_decref(*all);
        *all = NULL;
    }
    pt_file_destroy(&file);
    return s;
}
