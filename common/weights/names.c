#include "common/weights/names.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---------------------------------------------------------------------- */

/* The file's tensor `role` ("weight") of the layer that has `of` among ours. */
static const pt_table_entry *find_role(const pt_table *t, const pt_naming *rule,
                                       const pt_graph *g, const pt_tensor *of,
                                       const char *role, char name[PT_NAMES_MAX])
{
    char ours[PT_NAME_MAX], theirs[PT_NAME_MAX] = "";
    const char *dot = strrchr(of->name, '.');

    snprintf(name, PT_NAMES_MAX, "%s", of->name);
    if (!dot) return pt_table_find(t, name);
    snprintf(ours, sizeof ours, "%.*s", (int)(dot - of->name), of->name);
    if (rule->layer)
        rule->layer(ours, theirs, sizeof theirs);
    else
        snprintf(theirs, sizeof theirs, "%s", ours);
    if (!*theirs) return NULL;
    rule->spelling->tensor(g, of, theirs, role ? role : dot + 1, name);
    return pt_table_find(t, name);
}

const pt_table_entry *pt_names_find(const pt_table *t, const pt_naming *rule,
                                    const pt_graph *g, const pt_tensor *tensor,
                                    char name[PT_NAMES_MAX])
{
    return find_role(t, rule, g, tensor, NULL, name);
}

const pt_table_entry *pt_names_find_bias(const pt_table *t, const pt_naming *rule,
                                         const pt_graph *g, const pt_node *conv)
{
    char name[PT_NAMES_MAX];

    if (!rule->conv_bias || conv->weight < 0 || conv->bias >= 0) return NULL;
    return find_role(t, rule, g, &g->tensors[conv->weight], "bias", name);
}

bool pt_names_fill(const pt_naming *rule, const pt_graph *g, const pt_tensor *tensor,
                   float *value)
{
    const pt_node *n = &g->nodes[tensor->node];
    int i = (int)(tensor - g->tensors);

    if (!rule->folded || n->op != PT_OP_BATCH_NORM || i == n->bias) return false;
    *value = i == n->weight ? 1 : i == n->mean ? 0 : 1 - n->eps;
    return true;
}

static int count_found(const pt_table *t, const pt_naming *rule, const pt_graph *g)
{
    char name[PT_NAMES_MAX];
    int n = 0;

    for (int i = 0; i < g->n_tensors; i++)
        n += pt_names_find(t, rule, g, &g->tensors[i], name) != NULL;
    return n;
}

const pt_naming *pt_names_choose(const pt_table *t, pt_format format, const pt_graph *g)
{
    const pt_naming *rule, *best = NULL;
    int n, max = -1;

    for (size_t i = 0; (rule = pt_naming_at(i)); i++) {
        if (!pt_naming_fits(rule, format, g->network)) continue;
        n = count_found(t, rule, g);
        if (n > max) best = rule;
        if (n > max) max = n;
    }
    PT_CHECK(best, "no rule of names for format %d", (int)format);
    return best;
}

/* timm's VGG has convolutions 512x7x7 and 4096x1x1 for its first linear layers: the same
 * values in the same order. */
static bool is_map_wide(const pt_table_entry *e, const pt_tensor *tensor)
{
    return tensor->kind == PT_TENSOR_LINEAR && e->n_dims == 4 &&
           e->dims[1] == (size_t)tensor->flat_c && e->dims[2] == (size_t)tensor->flat_h &&
           e->dims[3] == (size_t)tensor->flat_w;
}

int pt_names_file_dims(const pt_naming *rule, const pt_table_entry *e,
                       const pt_tensor *tensor, size_t dims[PT_TABLE_DIMS_MAX])
{
    static const int conv[4] = {3, 2, 0, 1}, depthwise[4] = {2, 3, 0, 1},
                     linear[2] = {1, 0};
    const int *order = NULL;

    if (rule->spelling->layout == PT_LAYOUT_TORCH && is_map_wide(e, tensor)) {
        dims[0] = e->dims[0];
        dims[1] = e->dims[1] * e->dims[2] * e->dims[3];
        return 2;
    }
    if (rule->spelling->layout == PT_LAYOUT_KERAS && e->n_dims == tensor->n_dims) {
        if (tensor->kind == PT_TENSOR_CONV) order = conv;
        if (tensor->kind == PT_TENSOR_DEPTHWISE) order = depthwise;
        if (tensor->kind == PT_TENSOR_LINEAR) order = linear;
    }
    for (int i = 0; i < e->n_dims; i++) dims[i] = e->dims[order ? order[i] : i];
    return e->n_dims;
}

bool pt_names_fits(const pt_naming *rule, const pt_table_entry *e,
                   const pt_tensor *tensor)
{
    size_t dims[PT_TABLE_DIMS_MAX];
    bool fits = pt_names_file_dims(rule, e, tensor, dims) == tensor->n_dims;

    for (int i = 0; i < tensor->n_dims && fits; i++)
        fits = dims[i] == (size_t)tensor->dims[i];
    return fits;
}

int pt_names_classes(const pt_table *t)
{
    const pt_naming *rule;

    for (size_t i = 0; (rule = pt_naming_at(i)); i++) {
        char kernel[PT_NAMES_MAX];
        const pt_table_entry *e;
        pt_status s = PT_OK;
        size_t n;

        /* Weights, not biases: outputs come first in PyTorch, last in Keras. */
        snprintf(kernel, sizeof kernel, "%s%s", rule->head, rule->spelling->weight);
        e = pt_table_find(t, kernel);
        if (!e || e->n_dims < 2) continue;
        pt_table_check(t, e, &s); /* a shard may be missing */
        n = e->dims[rule->spelling->layout == PT_LAYOUT_TORCH ? 0 : e->n_dims - 1];
        if (s == PT_OK && n > 0 && n <= INT_MAX) return (int)n;
    }
    return 0;
}

/* ---- what is left over ------------------------------------------------------------ */

enum { NAMED = 5 };

bool pt_names_is_weight(const pt_table_entry *e)
{
    static const char count[] = "num_batches_tracked";
    size_t n = strlen(e->name), k = sizeof count - 1;

    return !e->integers && e->n_dims > 0 &&
           !(n >= k && strcmp(e->name + n - k, count) == 0);
}

static bool is_below(const char *name, const char *layer)
{
    size_t n = strlen(layer);

    return strncmp(name, layer, n) == 0 && strchr("./_", name[n]);
}

static bool is_head(const pt_table *t, const pt_naming *rule, const pt_graph *g,
                    const pt_table_entry *e)
{
    char name[PT_NAMES_MAX];

    if (is_below(e->name, rule->head)) return true;
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].head && pt_names_find(t, rule, g, &g->tensors[i], name) == e)
            return true;
    return false;
}

static const pt_leftover *leftover(const pt_naming *rule, const pt_table_entry *e)
{
    for (int i = 0; i < PT_NAMING_LEFTOVERS && rule->leftovers[i].layer; i++)
        if (is_below(e->name, rule->leftovers[i].layer)) return &rule->leftovers[i];
    return NULL;
}

/* What a file holds that belongs to no tensor of the network. */
typedef struct {
    size_t n_strange, n_left;
    char names[NAMED * 48]; /* of the first strange ones */
    const char *first;      /* of those that the rule explains */
    const pt_leftover *why;
} remains;

static void add_strange(remains *r, const char *name)
{
    size_t at = strlen(r->names);

    if (r->n_strange++ < NAMED)
        snprintf(r->names + at, sizeof r->names - at, "%s%.44s", at ? ", " : "", name);
}

static void sort_out(const pt_table *t, const pt_naming *rule, const pt_graph *g,
                     const bool *taken, pt_names_use *use, remains *r)
{
    for (size_t i = 0; i < t->n; i++) {
        const pt_table_entry *e = &t->entries[i];
        const pt_leftover *why = leftover(rule, e);

        if (!pt_names_is_weight(e) || (e->spare && !taken[i])) continue;
        use->n_weights++;
        use->n_used += taken[i];
        if (taken[i]) continue;
        if (is_head(t, rule, g, e)) {
            use->head_left = true;
        } else if (!why) {
            add_strange(r, e->name);
        } else if (r->n_left++ == 0) {
            r->first = e->name;
            r->why = why;
        }
    }
}

pt_status pt_names_account(const pt_table *t, const pt_naming *rule, const pt_graph *g,
                           const pt_table_entry *const *used, pt_names_use *use)
{
    bool *taken = calloc(t->n + 1, sizeof *taken);
    remains r = {0};

    *use = (pt_names_use){0};
    if (!taken) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    for (int i = 0; i < g->n_tensors; i++)
        if (used[i]) taken[used[i] - t->entries] = true;
    for (int i = 0; i < g->n_nodes; i++) {
        const pt_table_entry *bias = pt_names_find_bias(t, rule, g, &g->nodes[i]);

        if (bias) taken[bias - t->entries] = true;
    }
    sort_out(t, rule, g, taken, use, &r);
    free(taken);
    if (r.n_left)
        snprintf(use->left, sizeof use->left, "%zu tensor%s not used (%.60s%s): %s",
                 r.n_left, r.n_left == 1 ? " is" : "s are", r.first,
                 r.n_left == 1 ? "" : " ...", r.why->why);
    if (rule->folded)
        snprintf(
            use->left, sizeof use->left,
            "batch norm was folded into the convolutions when it was exported and is "
            "the identity here: train with network.batch_norm: frozen, or export with "
            "training=TrainingMode.PRESERVE");
    if (r.n_strange == 0) return PT_OK;
    return pt_fail(PT_ERR_WEIGHTS,
                   "%s: holds %zu tensor%s that %s does not have: %s%s; is it a file for "
                   "another network (network.name)?",
                   t->path, r.n_strange, r.n_strange == 1 ? "" : "s", g->network, r.names,
                   r.n_strange > NAMED ? " ..." : "");
}
