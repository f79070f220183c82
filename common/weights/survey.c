#include "common/weights/survey.h"

#include <stdlib.h>

/* Whether the file has all tensors of g but the head's, in their shapes. used: out. */
static bool has_all(const pt_table *t, const pt_naming *rule, const pt_graph *g,
                    const pt_table_entry **used)
{
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *of = &g->tensors[i];
        char name[PT_NAMES_MAX];
        float value;

        if (of->head || pt_names_fill(rule, g, of, &value)) continue;
        used[i] = pt_names_find(t, rule, g, of, name);
        if (!used[i] || !pt_names_fits(rule, used[i], of)) return false;
    }
    return true;
}

static pt_status try_network(const pt_table *t, pt_format format, const char *network,
                             bool original_head, pt_survey *out)
{
    pt_graph_options opt = {.original_head = original_head, .dropout = 0.5f};
    const pt_table_entry **used = NULL;
    pt_graph *g = NULL;
    pt_names_use use;
    pt_status s = pt_graph_defaults(network, &opt.side, &opt.n_classes);

    if (s == PT_OK) s = pt_graph_create(network, &opt, &g);
    if (s != PT_OK) return s;
    used = calloc((size_t)g->n_tensors + 1, sizeof *used);
    if (!used) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    if (s == PT_OK) {
        const pt_naming *rule = pt_names_choose(t, format, g);

        if (has_all(t, rule, g, used) &&
            pt_names_account(t, rule, g, used, &use) == PT_OK) {
            out->network = network;
            out->rule = rule;
        }
    }
    free(used);
    pt_graph_destroy(&g);
    return s;
}

pt_status pt_survey_table(const pt_table *t, pt_format format, pt_survey *out)
{
    pt_status s = PT_OK;

    *out = (pt_survey){.n_classes = pt_names_classes(t)};
    for (size_t i = 0; i < t->n; i++) {
        bool weight = pt_names_is_weight(&t->entries[i]);

        out->n_weights += weight;
        out->n_others += !weight;
        out->n_values += weight ? t->entries[i].count : 0;
    }
    for (const char *const *name = pt_graph_names(); *name && s == PT_OK; name++)
        for (int own = 0; own < 2 && !out->network && s == PT_OK; own++)
            s = try_network(t, format, *name, own, out);
    return s;
}
