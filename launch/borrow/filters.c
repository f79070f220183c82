#include "launch/borrow/filters.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/crc32c.h"
#include "common/delta.h"
#include "common/job.h"
#include "common/log.h"
#include "launch/agree.h"

enum { MOST_DEFAULTS = 2 };

/* The names of the first ReLUs of the trunk: the first convolutions, after their
 * non-linearity. */
static size_t first_relus(const pt_graph *g, char *names[MOST_DEFAULTS])
{
    size_t n = 0;

    for (int i = 1; i < g->rep && n < MOST_DEFAULTS; i++)
        if (g->nodes[i].op == PT_OP_RELU || g->nodes[i].op == PT_OP_RELU6)
            names[n++] = g->nodes[i].name;
    return n;
}

static pt_status choose_layers(const pt_filters_options *o, pt_filters *f, int *n)
{
    char *defaults[MOST_DEFAULTS];

    if (o->n_layers > 0)
        return pt_delta_find(f->model.graph, "--layer", o->layers, o->n_layers, &f->nodes,
                             n);
    return pt_delta_find(f->model.graph, "--layer", defaults,
                         first_relus(f->model.graph, defaults), &f->nodes, n);
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

static pt_status open_network(const pt_filters_options *o, pt_filters *f)
{
    char digest[16];
    pt_status s =
        pt_job_agree(pt_classifier_open(o->path, NULL, o->network, false, &f->model));

    if (s != PT_OK) return s;
    snprintf(digest, sizeof digest, "%08x",
             pt_crc32c(0, f->model.flat, f->model.graph->n_floats * sizeof(float)));
    s = pt_agree_on(o->path, digest);
    return s == PT_OK ? pt_job_agree(open_layers(o, f)) : s;
}

pt_status pt_filters_open(const pt_filters_options *opt, pt_filters *out)
{
    pt_status s;

    *out = (pt_filters){0};
    if (opt->path) return open_network(opt, out);
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
