#include "launch/borrow/filters.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/comm/job.h"

enum { DEFAULTS = 2 };

/* The first ReLUs of the trunk: the first convolutions, after their non-linearity. */
static int first_relus(const pt_graph *g, int nodes[DEFAULTS])
{
    int n = 0;

    for (int i = 1; i < g->rep && n < DEFAULTS; i++)
        if (g->nodes[i].op == PT_OP_RELU || g->nodes[i].op == PT_OP_RELU6) nodes[n++] = i;
    return n;
}

static pt_status choose_layers(const pt_filters_options *o, pt_filters *f, int *n)
{
    *n = (int)o->layers.n;
    f->nodes = pt_calloc(o->layers.n + DEFAULTS, sizeof *f->nodes);
    if (!f->nodes) return pt_fail(PT_ERR_NOMEM, "no memory for the layers");
    if (*n == 0) {
        *n = first_relus(f->model.graph, f->nodes);
        return PT_OK;
    }
    return pt_graph_find_trunk(f->model.graph, "--layer", o->layers.list, *n, f->nodes);
}

static pt_status open_layers(const pt_filters_options *o, pt_filters *f)
{
    const pt_graph *g = f->model.graph;
    int n = 0;
    pt_status s = choose_layers(o, f, &n);

    if (s == PT_OK)
        s = pt_activations_create(&(pt_activations_options){.graph = g,
                                                            .weights = f->model.flat,
                                                            .augment = &f->model.augment,
                                                            .nodes = f->nodes,
                                                            .n_nodes = n},
                                  &f->activations);
    if (s != PT_OK) return s;
    f->bank = pt_activations_bank(f->activations);
    for (int k = 0; k < n && pt_job_rank() == 0; k++) {
        const pt_node *node = &g->nodes[f->nodes[k]];

        pt_log_info("filters: %d maps of %d x %d places, %s of %s", node->c, node->h,
                    node->w, node->name, g->network);
    }
    return PT_OK;
}

pt_status pt_filters_open(const pt_filters_options *opt, pt_filters *out)
{
    pt_status s;

    *out = (pt_filters){0};
    if (opt->path) {
        s = pt_classifier_open_all(opt->path, opt->network, false, &out->model);
        return s == PT_OK ? pt_job_agree(open_layers(opt, out)) : s;
    }
    s = pt_job_agree(pt_gabor_create(&out->gabor));
    if (s == PT_OK) out->bank = pt_gabor_bank(out->gabor);
    return s;
}

void pt_filters_fini(pt_filters *f)
{
    pt_gabor_destroy(&f->gabor);
    pt_activations_destroy(&f->activations);
    free(f->nodes);
    pt_classifier_fini(&f->model);
}
