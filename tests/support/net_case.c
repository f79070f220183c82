#include "tests/support/net_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/pmath.h"
#include "tests/support/pattern.h"

static uint64_t salt_of(const char *name)
{
    uint32_t h = 0x811c9dc5;

    for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x01000193;
    return h >> 1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);

    return n >= k && strcmp(text + n - k, end) == 0;
}

static void initial(const pt_tensor *t, float *memory)
{
    float *file = malloc(t->count * sizeof *file), scale = 0.25f, shift = 0;

    assert_non_null(file);
    pattern_fill(salt_of(t->name), t->count, file);
    if (t->n_dims > 1) {
        float fan_in = (float)(t->count / (size_t)t->dims[0]);

        for (scale = 1; scale * scale * fan_in > 4;) scale /= 2;
    } else if (ends_with(t->name, "_bn.weight")) {
        scale = 0.0625f;
        shift = 0.25f;
    } else if (ends_with(t->name, "_bn.bias")) {
        for (size_t i = 3; i < t->count; i += 4) /* across zero, below, above; inside */
            if (i % 16 < 15) file[i] = i % 16 == 3 ? -5.875f : i % 16 == 7 ? -12 : 12;
        scale = 0.5f;
        shift = 3;
    } else if (ends_with(t->name, "running_var")) {
        scale = 0.5f;
        shift = 1;
    } else if (ends_with(t->name, "weight")) {
        shift = 1;
    }
    for (size_t i = 0; i < t->count; i++) file[i] = file[i] * scale + shift;
    pt_tensor_to_memory(t, file, memory);
    free(file);
}

void net_case_init(net_case *c, const char *network, int side, float dropout, int b,
                   uint64_t salt)
{
    const pt_graph_options opt = {
        .side = side, .n_classes = NET_CASE_CLASSES, .dropout = dropout};

    net_case_init_with(c, network, &opt, b, salt);
}

void net_case_init_with(net_case *c, const char *network, const pt_graph_options *opt,
                        int b, uint64_t salt)
{
    int side = opt->side;

    *c = (net_case){.b = b};
    assert_int_equal(pt_graph_create(network, opt, &c->graph), PT_OK);
    c->weights = malloc(c->graph->n_floats * sizeof *c->weights);
    assert_non_null(c->weights);
    for (int i = 0; i < c->graph->n_tensors; i++)
        initial(&c->graph->tensors[i], c->weights + c->graph->tensors[i].offset);
    c->input = malloc((size_t)b * (size_t)(side * side * 3) * sizeof *c->input);
    assert_non_null(c->input);
    pattern_fill(salt, (size_t)b * (size_t)(side * side * 3), c->input);
}

void net_case_fini(net_case *c)
{
    pt_graph_destroy(&c->graph);
    free(c->weights);
    free(c->input);
}

const float *net_case_input(const net_case *c, int first)
{
    const pt_node *in = &c->graph->nodes[0];

    return c->input + (size_t)first * (size_t)(in->h * in->w * in->c);
}

double net_case_loss(const net_case *c, const float *logits, int first, int n,
                     float *dlogits)
{
    double loss = 0;

    for (int i = 0; i < n; i++) {
        const float *z = logits + i * NET_CASE_CLASSES;
        int label = 2 * (first + i) % NET_CASE_CLASSES;
        double sum = 0;

        for (int k = 0; k < NET_CASE_CLASSES; k++) sum += pt_exp((double)z[k]);
        loss += (pt_log(sum) - (double)z[label]) / c->b;
        for (int k = 0; k < NET_CASE_CLASSES; k++)
            dlogits[i * NET_CASE_CLASSES + k] =
                (float)((pt_exp((double)z[k]) / sum - (k == label)) / c->b);
    }
    return loss;
}

pt_status net_case_step(const net_case *c, pt_net *net, const pt_span *span,
                        uint64_t step, float grow, float *logits)
{
    int first = pt_span_first(span), n = pt_span_images(span);
    const pt_node *rep_node = &c->graph->nodes[c->graph->rep];
    size_t rep_size = (size_t)rep_node->h * (size_t)rep_node->w * (size_t)rep_node->c;
    float *dlogits = malloc(((size_t)n + 1) * NET_CASE_CLASSES * sizeof *dlogits);
    float *g = malloc(((size_t)n + 1) * rep_size * sizeof *g);
    const float *drep = NULL;

    assert_true(dlogits && g);
    pt_status s = pt_net_forward(net, span, net_case_input(c, first), step);
    if (s == PT_OK) {
        const float *z = pt_net_output(net, c->graph->logits);

        if (logits) memcpy(logits, z, (size_t)(n * NET_CASE_CLASSES) * sizeof *z);
        net_case_loss(c, z, first, n, dlogits);
        s = pt_net_backward_head(net, dlogits, &drep);
    }
    if (s == PT_OK) {
        const float *rep = pt_net_output(net, c->graph->rep);

        for (size_t i = 0; i < (size_t)n * rep_size; i++) g[i] = drep[i] + grow * rep[i];
        s = pt_net_backward(net, g);
    }
    free(dlogits);
    free(g);
    return s;
}
