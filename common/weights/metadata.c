#include "common/weights/metadata.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/onnx_metadata.h"
#include "common/weights/safetensors.h"

enum { CLASSES_MAX = 1 << 20 };

static const char *text_of(const json_t *all, const char *key)
{
    const char *text = json_string_value(json_object_get(all, key));

    return text ? text : "";
}

static bool is_ours(const json_t *all)
{
    static const char ours[] = "ptrain ";

    return strncmp(text_of(all, "producer"), ours, sizeof ours - 1) == 0;
}

/* *all: the entries; NULL where another program wrote the file, or the format has none.
 */
static pt_status load(const char *path, pt_format format, json_t **all)
{
    pt_status s = PT_OK;

    *all = NULL;
    if (format == PT_FORMAT_ONNX) s = pt_onnx_metadata_load(path, all);
    if (format == PT_FORMAT_SAFETENSORS) s = pt_safetensors_metadata_load(path, all);
    if (s == PT_OK && is_ours(*all)) return PT_OK;
    json_decref(*all);
    *all = NULL;
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

pt_status pt_metadata_pixels(const char *path, pt_format format, pt_weights_info *info)
{
    json_t *all;
    pt_status s = load(path, format, &all);
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

static pt_status get_classes(const metadata *m, char ***names, size_t *n)
{
    json_t *list;

    if (!json_object_get(m->all, "classes")) return PT_OK;
    list = json_loads(text_of(m->all, "classes"), 0, NULL);
    if (json_is_array(list) && json_array_size(list) <= CLASSES_MAX)
        *names = copy_names(list, json_array_size(list));
    if (*names) *n = json_array_size(list);
    json_decref(list);
    return *names ? PT_OK : damaged(m, "classes");
}

pt_status pt_metadata_classes(const char *path, pt_format format, char ***names,
                              size_t *n)
{
    json_t *all;
    pt_status s = load(path, format, &all);
    metadata m = {path, all};

    *names = NULL;
    *n = 0;
    if (s == PT_OK && all) s = get_classes(&m, names, n);
    json_decref(all);
    return s;
}
