#include "common/weights/onnx_metadata.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/wire.h"

enum {
    MODEL_METADATA = 14,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    ENTRIES_MAX = 256,
    BYTES_MAX = 8 << 20, /* of an entry; the parser may take 40 times that */
    CLASSES_MAX = 1 << 20
};

/* ---- the entries ------------------------------------------------------------------- */

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

static const char *text_of(const json_t *all, const char *key)
{
    const char *text = json_string_value(json_object_get(all, key));

    return text ? text : "";
}

/* All entries, if the file is ours; else *all is NULL. */
static pt_status read_entries(const char *path, json_t **all)
{
    static const char ours[] = "ptrain ";
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
    if (s != PT_OK || strncmp(text_of(*all, "producer"), ours, sizeof ours - 1) != 0) {
        json_decref(*all);
        *all = NULL;
    }
    pt_file_destroy(&file);
    return s;
}

/* ---- values ------------------------------------------------------------------------ */

typedef struct {
    const char *path;
    const json_t *all;
} metadata;

static pt_status damaged(const metadata *m, const char *key)
{
    return pt_fail(PT_ERR_DATA, "%s: its metadata is damaged: %s is '%.60s'", m->path,
                   key, text_of(m->all, key));
}

static pt_status get_word(const metadata *m, const char *key, const char *const *words,
                          int n, int *out)
{
    for (*out = 0; *out < n; ++*out)
        if (strcmp(words[*out], text_of(m->all, key)) == 0) return PT_OK;
    return damaged(m, key);
}

/* n numbers: "0.5", or "[1, 2, 3]". */
static pt_status get_numbers(const metadata *m, const char *key, float *out, size_t n)
{
    json_t *j = json_loads(text_of(m->all, key), JSON_DECODE_ANY, NULL);
    bool fine = n == 1 ? json_is_number(j) : json_is_array(j) && json_array_size(j) == n;

    for (size_t i = 0; i < n && fine; i++) {
        const json_t *number = n == 1 ? j : json_array_get(j, i);

        fine = json_is_number(number);
        out[i] = (float)json_number_value(number);
    }
    json_decref(j);
    return fine ? PT_OK : damaged(m, key);
}

static pt_status get_preprocess(const metadata *m, pt_weights_info *info)
{
    static const char *const orders[] = {"rgb", "bgr"};
    pt_preprocess p = {0};
    int order = 0;
    pt_status s = get_word(m, "preprocess_order", orders, 2, &order);

    if (s == PT_OK) s = get_numbers(m, "preprocess_scale", &p.scale, 1);
    if (s == PT_OK) s = get_numbers(m, "preprocess_mean", p.mean, 3);
    if (s == PT_OK) s = get_numbers(m, "preprocess_std", p.std, 3);
    for (int c = 0; c < 3 && s == PT_OK; c++)
        if (!(p.std[c] > 0)) s = damaged(m, "preprocess_std");
    if (s != PT_OK) return s;
    p.bgr = order == 1;
    info->preprocess = p;
    info->has_preprocess = true;
    return PT_OK;
}

static pt_status get_geometry(const metadata *m, pt_weights_info *info)
{
    int mode = 0;
    float resize = 0;
    pt_status s = get_word(m, "resize_mode", pt_resize_mode_names, 3, &mode);

    if (s == PT_OK && mode != PT_RESIZE_NONE) s = get_numbers(m, "resize", &resize, 1);
    if (s == PT_OK && mode != PT_RESIZE_NONE && !(resize >= 1 && resize <= 1 << 16))
        s = damaged(m, "resize");
    if (s != PT_OK) return s;
    info->geometry = (pt_geometry){(pt_resize_mode)mode, (int)resize};
    info->has_geometry = true;
    return PT_OK;
}

pt_status pt_onnx_metadata_read(const char *path, pt_weights_info *info)
{
    json_t *all;
    pt_status s = read_entries(path, &all);
    metadata m = {path, all};

    if (s == PT_OK && all) s = get_preprocess(&m, info);
    if (s == PT_OK && all) s = get_geometry(&m, info);
    json_decref(all);
    return s;
}

/* ---- classes ----------------------------------------------------------------------- */

/* One block: n + 1 pointers, then the texts. NULL without memory, or where an item is no
 * text. */
static char **copy_names(const json_t *list, size_t n)
{
    size_t bytes = (n + 1) * sizeof(char *);
    char **names, *at;

    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_string(item)) return NULL;
        bytes += json_string_length(item) + 1;
    }
    names = malloc(bytes);
    if (!names) return NULL;
    at = (char *)(names + n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);

        names[i] = at;
        memcpy(at, json_string_value(item), json_string_length(item) + 1);
        at += json_string_length(item) + 1;
    }
    names[n] = NULL;
    return names;
}

pt_status pt_onnx_metadata_classes(const char *path, char ***names, size_t *n)
{
    json_t *all, *list = NULL;
    pt_status s = read_entries(path, &all);
    metadata m = {path, all};

    *names = NULL;
    *n = 0;
    if (s == PT_OK && json_object_get(all, "classes")) {
        list = json_loads(text_of(all, "classes"), 0, NULL);
        if (json_is_array(list) && json_array_size(list) <= CLASSES_MAX)
            *names = copy_names(list, json_array_size(list));
        if (*names)
            *n = json_array_size(list);
        else
            s = damaged(&m, "classes");
    }
    json_decref(list);
    json_decref(all);
    return s;
}
