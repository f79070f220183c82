#include "worker/borrow/activations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/net/net.h"

enum { MAX_PLACES = 65535, PART = 1024 };

struct pt_activations {
    pt_activations_options opt;
    pt_threads *pool;
    pt_net *net;
    float *pixels;   /* [side][side][3] */
    double *weight;  /* [n_maps] */
    int n_maps, top; /* top: the highest of the nodes */
};

static int places_of(const pt_node *n)
{
    return n->h * n->w;
}

static pt_status weigh(pt_activations *a)
{
    const pt_activations_options *o = &a->opt;
    int map = 0;

    for (int k = 0; k < o->n_nodes; k++) {
        const pt_node *n = &o->graph->nodes[o->nodes[k]];

        if (places_of(n) > MAX_PLACES)
            return pt_fail(
                PT_ERR_CONFIG,
                "layer %s has %d x %d positions, more than the %d allowed per map",
                n->name, n->h, n->w, MAX_PLACES);
        a->n_maps += n->c;
        if (o->nodes[k] > a->top) a->top = o->nodes[k];
    }
    a->weight = pt_calloc((size_t)a->n_maps, sizeof *a->weight);
    if (!a->weight) return pt_fail(PT_ERR_NOMEM, "no memory for %d maps", a->n_maps);
    for (int k = 0; k < o->n_nodes; k++) {
        int c = o->graph->nodes[o->nodes[k]].c;

        for (int i = 0; i < c; i++) a->weight[map++] = 1.0 / ((double)o->n_nodes * c);
    }
    return PT_OK;
}

pt_status pt_activations_create(const pt_activations_options *opt, pt_activations **out)
{
    pt_activations *a = pt_calloc(1, sizeof *a);
    const pt_node *in = &opt->graph->nodes[0];
    pt_status s;

    *out = a;
    if (!a) return pt_fail(PT_ERR_NOMEM, "no memory for the filters");
    a->opt = *opt;
    a->pixels = pt_calloc((size_t)in->h * (size_t)in->w * (size_t)in->c, sizeof(float));
    if (!a->pixels) return pt_fail(PT_ERR_NOMEM, "no memory for an image");
    s = weigh(a);
    if (s == PT_OK) s = pt_threads_create(1, &a->pool);
    if (s != PT_OK) return s;
    return pt_net_create(&(pt_net_options){.graph = opt->graph,
                                           .pool = a->pool,
                                           .weights = opt->weights,
                                           .max_images = 1,
                                           .n_shards = 1,
                                           .hi = 1,
                                           .maps = opt->nodes,
                                           .n_maps = opt->n_nodes},
                         &a->net);
}

void pt_activations_destroy(pt_activations **a)
{
    if (!*a) return;
    pt_net_destroy(&(*a)->net);
    pt_threads_destroy(&(*a)->pool);
    free((*a)->pixels);
    free((*a)->weight);
    free(*a);
    *a = NULL;
}

uint16_t pt_activation_slice(float x)
{
    uint32_t bits;

    x += 0.0F;
    memcpy(&bits, &x, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000U;
    return (uint16_t)(bits >> 16);
}

/* All of one layer, y [places][c]. */
static pt_status respond_layer(const pt_node *node, const float *y, int map,
                               pt_take_responses *take, void *context)
{
    uint16_t slice[PART];
    int places = places_of(node);

    for (int c = 0; c < node->c; c++)
        for (int at = 0, n; at < places; at += n) {
            n = places - at < PART ? places - at : PART;
            for (int i = 0; i < n; i++) {
                float x = y[(size_t)(at + i) * (size_t)node->c + (size_t)c];

                if (!isfinite(x))
                    return pt_fail(PT_ERR_NUMERIC, "layer %s gives a value of %g",
                                   node->name, (double)x);
                slice[i] = pt_activation_slice(x);
            }
            take(context, map + c, slice, n);
        }
    return PT_OK;
}

static pt_status respond(void *self, const pt_image *im, pt_take_responses *take,
                         void *context)
{
    pt_activations *a = self;
    const pt_activations_options *o = &a->opt;
    int map = 0;
    pt_status s = pt_augment_test(o->augment, im, a->pixels);

    if (s == PT_OK) s = pt_net_evaluate_to(a->net, 1, a->pixels, a->top);
    for (int k = 0; k < o->n_nodes && s == PT_OK; k++) {
        const pt_node *node = &o->graph->nodes[o->nodes[k]];

        s = respond_layer(node, pt_net_output(a->net, o->nodes[k]), map, take, context);
        map += node->c;
    }
    return s;
}

pt_bank pt_activations_bank(pt_activations *a)
{
    return (pt_bank){a->n_maps, a->weight, a, respond};
}
