#include "common/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/weights/caffe.h"
#include "common/weights/detect.h"
#include "common/weights/fold.h"
#include "common/weights/keras.h"
#include "common/weights/metadata.h"
#include "common/weights/model.h"
#include "common/weights/names.h"
#include "common/weights/onnx.h"
#include "common/weights/onnx_graph.h"
#include "common/weights/safetensors.h"
#include "common/weights/survey.h"
#include "common/weights/tfjs.h"
#include "common/weights/torch.h"
#include "common/weights/torch_zip.h"

/* ---- which format ----------------------------------------------------------------- */

static bool has(const char *dir, const char *name)
{
    char *path = pt_file_path(dir, name);
    bool there = path && access(path, F_OK) == 0;

    free(path);
    return there;
}

/* A directory that is no model of TensorFlow.js: is it that of a run? */
static pt_status fail_directory(const char *path)
{
    if (has(path, "model.h5"))
        return pt_fail(PT_ERR_IO, "%s: is a run's directory: name its model.h5", path);
    if (has(path, "identity.json"))
        return pt_fail(PT_ERR_IO, "%s: this run has not finished: it has no model.h5 yet",
                       path);
    return pt_fail(PT_ERR_IO, "%s: is a directory without model.json: name a file in it",
                   path);
}

/* path[/entry][/model.json]: malloc'd. */
static pt_status whole_path(const char *path, const char *entry, char **out)
{
    struct stat st;
    size_t n = strlen(path) + (entry ? strlen(entry) : 0) + 16;
    char *whole = malloc(n);

    *out = NULL;
    if (!whole) return pt_fail(PT_ERR_NOMEM, "%s: no memory for its name", path);
    snprintf(whole, n, entry && *entry ? "%s/%s" : "%s", path, entry);
    if (stat(whole, &st) == 0 && S_ISDIR(st.st_mode)) {
        strcat(whole, "/model.json");
        if (stat(whole, &st) != 0) {
            free(whole);
            return fail_directory(path);
        }
    }
    *out = whole;
    return PT_OK;
}

static pt_status open_as(pt_format format, const char *path, pt_table **t)
{
    static pt_status (*const open[])(const char *, pt_table **) = {
        [PT_FORMAT_MODEL] = pt_model_open,
        [PT_FORMAT_ONNX] = pt_onnx_open,
        [PT_FORMAT_KERAS] = pt_keras_open,
        [PT_FORMAT_TFJS] = pt_tfjs_open,
        [PT_FORMAT_TORCH] = pt_torch_open,
        [PT_FORMAT_TORCH_ZIP] = pt_torch_zip_open,
        [PT_FORMAT_SAFETENSORS] = pt_safetensors_open,
        [PT_FORMAT_CAFFE] = pt_caffe_open};

    return open[format](path, t);
}

static pt_status open_table(const char *path, pt_format *format, pt_table **t)
{
    pt_status s = pt_weights_detect(path, format);

    *t = NULL;
    return s == PT_OK ? open_as(*format, path, t) : s;
}

pt_status pt_weights_open(const char *path, pt_format *format, pt_table **t)
{
    char *whole = NULL;
    pt_status s = whole_path(path, NULL, &whole);

    *t = NULL;
    if (s == PT_OK) s = open_table(whole, format, t);
    free(whole);
    return s;
}

enum { BLOCK_FLOATS = 1 << 20 }; /* of a tensor, read at a time */

/* ---- looking ---------------------------------------------------------------------- */

static pt_status describe(const char *path, pt_format format, const pt_table *t,
                          pt_weights_info *info)
{
    const pt_naming *rule;

    if (format == PT_FORMAT_MODEL) return pt_model_inspect(path, info);
    rule = pt_naming_signed(t, format);
    *info = (pt_weights_info){.format = format, .n_classes = pt_names_classes(t)};
    if (rule) {
        info->has_program = true;
        info->options.stride_at = rule->stride_at;
        info->options.bn_eps = rule->bn_eps;
    }
    return pt_metadata_pixels(path, format, info);
}

/* What the rule knows and the file does not say. */
static void describe_rule(const pt_naming *rule, pt_weights_info *info)
{
    info->names = rule->title;
    if (info->format == PT_FORMAT_MODEL || info->has_preprocess)
        return; /* speaks for itself */
    info->has_preprocess = info->has_geometry = rule->pixels != NULL;
    if (!rule->pixels) return;
    info->preprocess = *rule->pixels->preprocess;
    info->geometry = *rule->pixels->geometry;
}

pt_status pt_weights_inspect(const char *path, const char *entry, pt_weights_info *info)
{
    pt_table *t = NULL;
    pt_format format;
    char *whole = NULL;
    pt_status s = whole_path(path, entry, &whole);

    if (s == PT_OK) s = pt_weights_detect(whole, &format);
    if (s == PT_OK && format != PT_FORMAT_MODEL) s = open_as(format, whole, &t);
    if (s == PT_OK) s = describe(whole, format, t, info);
    pt_table_destroy(&t);
    free(whole);
    return s;
}

/* ---- loading ---------------------------------------------------------------------- */

static void tensor_shape(const pt_tensor *t, char text[PT_SHAPE_TEXT])
{
    size_t dims[4];

    for (int i = 0; i < t->n_dims; i++) dims[i] = (size_t)t->dims[i];
    pt_shape_text(t->n_dims, dims, text);
}

/* What of g's tensors cannot come from the table. */
typedef struct {
    int n_wanted, n_missing, n_unlike; /* those with another shape */
} misfits;

enum { MISSING_LISTED = 3 };

static bool is_wanted(const pt_naming *rule, const pt_graph *g, const pt_tensor *t,
                      bool with_head)
{
    float value;

    return (with_head || !t->head) && !pt_names_fill(rule, g, t, &value);
}

/* The entry of each tensor (NULL for a head that is not wanted). */
static misfits find_all(const pt_table *table, const pt_naming *rule, const pt_graph *g,
                        bool with_head, const pt_table_entry **entries)
{
    char name[PT_NAMES_MAX];
    misfits m = {0};

    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (!is_wanted(rule, g, t, with_head)) continue;
        entries[i] = pt_names_find(table, rule, g, t, name);
        m.n_wanted++;
        m.n_missing += !entries[i];
        m.n_unlike += entries[i] && !pt_names_fits(rule, entries[i], t);
    }
    return m;
}

/* Adds a line to *misfit: the file does not have t. */
static void say_missing(const pt_table *table, const pt_naming *rule, const pt_graph *g,
                        const pt_tensor *t, pt_status *misfit)
{
    char name[PT_NAMES_MAX], needs[PT_SHAPE_TEXT];
    bool other;

    tensor_shape(t, needs);
    pt_names_find(table, rule, g, t, name);
    other = strcmp(name, t->name) != 0;
    pt_fail_more(misfit, PT_ERR_WEIGHTS, "%s: the file has no%s%s, the network needs %s",
                 t->name, other ? " " : "ne", other ? name : "", needs);
}

/* Adds a line to *misfit if t cannot come from e, which has its name. */
static void check_entry(const pt_table *table, const pt_naming *rule, const pt_tensor *t,
                        const pt_table_entry *e, pt_status *misfit)
{
    char has[PT_SHAPE_TEXT], needs[PT_SHAPE_TEXT];
    size_t dims[PT_TABLE_DIMS_MAX];

    if (pt_names_fits(rule, e, t)) {
        pt_table_check(table, e, misfit);
        return;
    }
    tensor_shape(t, needs);
    pt_shape_text(pt_names_file_dims(rule, e, t, dims), dims, has);
    pt_fail_more(misfit, PT_ERR_WEIGHTS, "%s: the file has %s, the network needs %s",
                 t->name, has, needs);
}

/* A line for each tensor that cannot come from the file, but of those that it does not
 * have for the first ones only. */
static pt_status list_misfits(const pt_table *table, const pt_naming *rule,
                              const pt_graph *g, bool with_head, const misfits *m,
                              const pt_table_entry *const *entries)
{
    pt_status misfit = PT_OK;
    int n = 0;

    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (!is_wanted(rule, g, t, with_head)) continue;
        if (entries[i])
            check_entry(table, rule, t, entries[i], &misfit);
        else if (n++ < MISSING_LISTED)
            say_missing(table, rule, g, t, &misfit);
    }
    if (n > MISSING_LISTED)
        pt_fail_more(&misfit, PT_ERR_WEIGHTS,
                     "%s: the file lacks %d of the %d tensors of %s, the first %d of "
                     "which are named here",
                     table->path, n, m->n_wanted, g->network, MISSING_LISTED);
    return misfit == PT_OK ? PT_OK : PT_ERR_WEIGHTS;
}

/* One line where the file is of something else: it has nothing of g, or all of another
 * network. */
static pt_status check_kind(const pt_table *table, pt_format format, const pt_graph *g,
                            const misfits *m)
{
    pt_survey found;
    pt_status s;

    if (m->n_missing + m->n_unlike == 0) return PT_OK;
    s = pt_survey_table(table, format, &found);
    if (s != PT_OK) return s;
    if (found.network && strcmp(found.network, g->network) != 0)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: holds a %s (%s names), but the network is %s (network.name), "
                       "of whose %d tensors %d are missing and %d have other shapes",
                       table->path, found.network, found.rule->title, g->network,
                       m->n_wanted, m->n_missing, m->n_unlike);
    if (m->n_missing == m->n_wanted)
        return pt_fail(
            PT_ERR_WEIGHTS,
            "%s: holds none of the %d tensors of %s; the first of its %zu is %s",
            table->path, m->n_wanted, g->network, table->n,
            table->n ? table->entries[0].name : "missing");
    return PT_OK;
}

/* The entry of each tensor that is wanted, or all misfits. */
static pt_status match_all(const pt_table *table, pt_format format, const pt_naming *rule,
                           const pt_graph *g, bool with_head,
                           const pt_table_entry **entries)
{
    misfits m = find_all(table, rule, g, with_head, entries);
    pt_status s = check_kind(table, format, g, &m);

    return s == PT_OK ? list_misfits(table, rule, g, with_head, &m, entries) : s;
}

/* The entry into the whole of `to`: as it is, where memory has the order of the file, or
 * by way of scratch [n_scratch]: in blocks of rows, or whole where it must be. */
static pt_status read_tensor(const pt_table *table, const pt_naming *rule,
                             const pt_tensor *t, const pt_table_entry *e, float *scratch,
                             size_t n_scratch, float *to)
{
    size_t rows = (size_t)t->dims[0], row = t->count / rows, some = n_scratch / row;
    pt_status s = PT_OK;

    if (rule->spelling->layout == PT_LAYOUT_KERAS) return pt_table_read(table, e, to);
    if (!pt_table_has_parts(table)) {
        s = pt_table_read(table, e, scratch);
        if (s == PT_OK) pt_tensor_to_memory(t, scratch, to);
        return s;
    }
    for (size_t r = 0; r < rows && s == PT_OK; r += some) {
        size_t n = rows - r < some ? rows - r : some;

        s = pt_table_read_part(table, e, r * row, n * row, scratch);
        if (s == PT_OK) pt_tensor_rows_to_memory(t, scratch, r, n, to);
    }
    return s;
}

/* Floats between file and memory: 16 rows at least, so that a cache line of memory is
 * written at once; none for Keras, whose order is that of memory. */
static size_t scratch_floats(const pt_table *table, const pt_naming *rule,
                             const pt_tensor *t)
{
    size_t rows = (size_t)t->dims[0], block = 16 * (t->count / rows);

    if (rule->spelling->layout == PT_LAYOUT_KERAS) return 0;
    if (!pt_table_has_parts(table)) return t->count;
    block = block < BLOCK_FLOATS ? BLOCK_FLOATS : block;
    return block < t->count ? block : t->count;
}

static pt_status read_all(const pt_table *table, const pt_naming *rule, const pt_graph *g,
                          const pt_table_entry *const *entries, float *flat)
{
    float *scratch;
    size_t max = 1;
    float value;
    pt_status s = PT_OK;

    for (int i = 0; i < g->n_tensors; i++) {
        size_t n = scratch_floats(table, rule, &g->tensors[i]);

        if (entries[i] && n > max) max = n;
    }
    scratch = malloc(pt_mul(max, sizeof *scratch));
    if (!scratch)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu values", table->path, max);
    for (int i = 0; i < g->n_tensors && s == PT_OK; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (entries[i])
            s = read_tensor(table, rule, t, entries[i], scratch, max, flat + t->offset);
        else if (pt_names_fill(rule, g, t, &value))
            for (size_t k = 0; k < t->count; k++) flat[t->offset + k] = value;
    }
    free(scratch);
    return s;
}

static pt_status try_tensors(const pt_table *table)
{
    pt_status s = PT_OK;

    for (size_t i = 0; i < table->n && s != PT_ERR_NOMEM; i++) {
        const pt_table_entry *e = &table->entries[i];
        float *values;

        s = PT_OK;
        pt_table_check(table, e, &s);
        if (s != PT_OK) continue;
        values = malloc(pt_mul(e->count, sizeof *values)); /* NULL: fits no network */
        if (values) s = pt_table_read(table, e, values);
        free(values);
    }
    return s == PT_ERR_NOMEM ? s : PT_OK;
}

pt_status pt_weights_try(const char *path, const char *entry)
{
    char *whole = NULL, **names = NULL;
    pt_weights_info info;
    pt_table *table = NULL;
    pt_format format = PT_FORMAT_ONNX;
    size_t n;
    pt_status s = whole_path(path, entry, &whole);

    if (s == PT_OK) s = pt_weights_detect(whole, &format);
    if (s != PT_OK || (format != PT_FORMAT_MODEL && format != PT_FORMAT_KERAS)) goto done;
    s = open_as(format, whole, &table);
    if (s == PT_OK) s = describe(whole, format, table, &info);
    if (s == PT_OK) s = try_tensors(table);
    if (s == PT_OK && format == PT_FORMAT_MODEL)
        s = pt_model_class_names(whole, &names, &n);
done:
    free(names);
    pt_table_destroy(&table);
    free(whole);
    return s;
}

/* A model file says which network it is of. */
static pt_status check_network(const char *path, const pt_weights_info *info,
                               const pt_graph *g)
{
    if (!*info->network || strcmp(info->network, g->network) == 0) return PT_OK;
    return pt_fail(PT_ERR_WEIGHTS, "%s: holds %s, the network is %s", path, info->network,
                   g->network);
}

/* From an open table into flat; completes *info. */
static pt_status load(const pt_table *table, const pt_graph *g, bool with_head,
                      float *flat, pt_weights_info *info)
{
    const pt_naming *rule = pt_names_choose(table, info->format, g);
    const pt_table_entry **entries = calloc((size_t)g->n_tensors + 1, sizeof *entries);
    pt_names_use use;
    pt_status s;

    if (!entries) return pt_fail(PT_ERR_NOMEM, "%s: no memory", table->path);
    s = match_all(table, info->format, rule, g, with_head, entries);
    if (s == PT_OK) s = pt_names_account(table, rule, g, entries, &use);
    if (s == PT_OK) s = read_all(table, rule, g, entries, flat);
    if (s == PT_OK) s = pt_fold_conv_biases(table, rule, g, flat);
    free(entries);
    if (s != PT_OK) return s;
    describe_rule(rule, info);
    info->n_weights = use.n_weights;
    info->n_used = use.n_used;
    info->head_left = use.head_left;
    memcpy(info->left, use.left, sizeof info->left);
    return PT_OK;
}

/* The weights of an ONNX model as its own graph names them; completes *info. */
static pt_status load_graph(const pt_table *table, const pt_graph *g, bool with_head,
                            float *flat, pt_weights_info *info)
{
    pt_survey found;
    pt_onnx_use use;
    pt_status s = pt_onnx_graph_weights(table->path, g, with_head, flat, &use);

    if (s == PT_OK) s = pt_survey_table(table, info->format, &found);
    if (s != PT_OK) return s;
    info->names = "its own";
    if (found.rule) describe_rule(found.rule, info);
    info->n_weights = found.n_weights;
    info->n_used = use.n_used;
    info->n_classes = use.n_classes;
    info->head_left = !with_head;
    return PT_OK;
}

pt_status pt_weights_load(const char *path, const char *entry, const pt_graph *g,
                          bool with_head, float *flat, pt_weights_info *info)
{
    pt_weights_info found;
    pt_table *table = NULL;
    pt_format format;
    char *whole = NULL;
    pt_status s = whole_path(path, entry, &whole);

    if (s == PT_OK) s = open_table(whole, &format, &table);
    if (s == PT_OK) s = describe(whole, format, table, &found);
    if (s == PT_OK) s = check_network(whole, &found, g);
    if (s == PT_OK && format == PT_FORMAT_ONNX && pt_graph_is_of_file(g))
        s = load_graph(table, g, with_head, flat, &found);
    else if (s == PT_OK)
        s = load(table, g, with_head, flat, &found);
    if (s == PT_OK && info) *info = found;
    pt_table_destroy(&table);
    free(whole);
    return s;
}

pt_status pt_weights_class_names(const char *path, pt_format format, char ***names,
                                 size_t *n)
{
    *names = NULL;
    *n = 0;
    if (format == PT_FORMAT_MODEL) return pt_model_class_names(path, names, n);
    return pt_metadata_classes(path, format, names, n);
}

pt_status pt_weights_graph(const char *path, pt_graph **g)
{
    pt_format format;
    pt_status s = pt_weights_detect(path, &format);

    *g = NULL;
    if (s != PT_OK) return s;
    if (format == PT_FORMAT_ONNX) return pt_onnx_graph_read(path, g);
    if (format == PT_FORMAT_MODEL) s = pt_model_graph(path, g);
    if (s != PT_OK || *g) return s;
    if (format == PT_FORMAT_MODEL)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: its network is one of ptrain's own: give its name "
                       "(network.name), and the file as network.weights",
                       path);
    return pt_fail(PT_ERR_WEIGHTS,
                   "%s: %s files hold weights and no graph: give an ONNX "
                   "model, or network.name",
                   path, pt_format_name(format));
}
