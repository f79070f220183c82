#include "launch/evaluate/heat.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cores.h"
#include "worker/engine/net/net.h"

struct pt_heat {
    int node;       /* of the map */
    pt_graph above; /* what is above it, with the map as its input; tensors borrowed */
    pt_threads *pool;
    pt_net *net;    /* of that */
    float *dlogits; /* [n_classes]: 1 for the class that is asked for */
};

/* A mean of a map is not looked at but the map. 0: there is none. */
static int find_map(const pt_graph *g)
{
    int at = g->rep;

    while (at > 0) {
        const pt_node *n = &g->nodes[at];
        bool mean = n->op == PT_OP_GLOBAL_AVG_POOL || n->op == PT_OP_ADAPTIVE_AVG_POOL;

        if (n->h * n->w > 1 && !mean) return at;
        at = n->in[1] < 0 ? n->in[0] : 0; /* the sum of two vectors: of two maps */
    }
    return 0;
}

/* The nodes above the map, which becomes node 0, the input and the representation. A map
 * is seen without dropout. */
static pt_status cut_above(const pt_graph *g, int map, pt_graph *out)
{
    int n = g->n_nodes - map;
    pt_node *nodes = pt_calloc((size_t)n, sizeof *nodes);

    if (!nodes) return pt_fail(PT_ERR_NOMEM, "no memory for %d layers", n);
    *out = *g;
    out->nodes = nodes;
    out->n_nodes = n;
    out->rep = 0;
    out->logits = g->logits - map;
    out->source_logits = g->source_logits < map ? -1 : g->source_logits - map;
    memcpy(nodes, g->nodes + map, (size_t)n * sizeof *nodes);
    nodes[0].op = PT_OP_INPUT;
    nodes[0].in[0] = nodes[0].in[1] = -1;
    nodes[0].weight = nodes[0].bias = nodes[0].mean = nodes[0].var = -1;
    for (int i = 1; i < n; i++) {
        nodes[i].dropout = 0;
        for (int k = 0; k < 2; k++) {
            if (nodes[i].in[k] < 0) continue;
            if (nodes[i].in[k] < map)
                return pt_fail(PT_ERR_USAGE, "--heat: %s of %s does not read %s alone",
                               nodes[i].name, g->network, nodes[0].name);
            nodes[i].in[k] -= map;
        }
    }
    return PT_OK;
}

static pt_status open_heat(const pt_classifier *m, pt_heat *h)
{
    const pt_graph *g = m->graph;
    pt_status s;

    h->node = find_map(g);
    if (h->node == 0)
        return pt_fail(PT_ERR_USAGE,
                       "--heat: %s has no map between its input and its representation",
                       g->network);
    h->dlogits = pt_calloc((size_t)g->n_classes, sizeof *h->dlogits);
    if (!h->dlogits)
        return pt_fail(PT_ERR_NOMEM, "no memory for %d classes", g->n_classes);
    s = cut_above(g, h->node, &h->above);
    if (s == PT_OK) s = pt_threads_create(pt_cores_cpus(), &h->pool);
    if (s != PT_OK) return s;
    return pt_net_create(&(pt_net_options){.graph = &h->above,
                                           .pool = h->pool,
                                           .weights = m->flat,
                                           .max_images = 1,
                                           .n_shards = 1,
                                           .hi = 1,
                                           .training = true,
                                           .input_gradient = true,
                                           .bn_mode = PT_BN_FROZEN},
                         &h->net);
}

pt_status pt_heat_create(const pt_classifier *m, pt_heat **out)
{
    pt_heat *h = calloc(1, sizeof *h);
    pt_status s;

    *out = NULL;
    if (!h) return pt_fail(PT_ERR_NOMEM, "no memory for heat maps");
    s = open_heat(m, h);
    if (s == PT_OK)
        *out = h;
    else
        pt_heat_destroy(&h);
    return s;
}

void pt_heat_destroy(pt_heat **h)
{
    if (!h || !*h) return;
    pt_net_destroy(&(*h)->net);
    pt_threads_destroy(&(*h)->pool);
    free((*h)->above.nodes);
    free((*h)->dlogits);
    free(*h);
    *h = NULL;
}

int pt_heat_node(const pt_heat *h)
{
    return h->node;
}

pt_status pt_heat_of(pt_heat *h, const float *map, int class, float *heat)
{
    const pt_span one = {.n_shards = 1, .hi = 1, .b = 1};
    const pt_node *n = &h->above.nodes[0];
    size_t places = (size_t)n->h * (size_t)n->w, channels = (size_t)n->c;
    const float *gradient;
    pt_status s = pt_net_forward(h->net, &one, map, 0);

    h->dlogits[class] = 1;
    if (s == PT_OK) s = pt_net_backward_head(h->net, h->dlogits, &gradient);
    h->dlogits[class] = 0;
    for (size_t p = 0; p < places && s == PT_OK; p++) {
        double sum = 0;

        for (size_t i = p * channels; i < (p + 1) * channels; i++)
            sum += (double)map[i] * (double)gradient[i];
        heat[p] = (float)sum;
    }
    return s;
}

/* Bilinear, centres of cells at the centres of their parts of the picture. */
static double at(const float *heat, int h, int w, double y, double x)
{
    double fy = fmin(fmax(y * h - 0.5, 0), h - 1), fx = fmin(fmax(x * w - 0.5, 0), w - 1);
    int y0 = (int)fy, x0 = (int)fx, y1 = y0 + (y0 < h - 1), x1 = x0 + (x0 < w - 1);
    double dy = fy - y0, dx = fx - x0;

    return (1 - dy) * ((1 - dx) * heat[y0 * w + x0] + dx * heat[y0 * w + x1]) +
           dy * ((1 - dx) * heat[y1 * w + x0] + dx * heat[y1 * w + x1]);
}

/* From what the network is fed back to a grey of 0 to 255. */
static double grey(const pt_preprocess *p, const float *pixel)
{
    static const double luma[3] = {0.299, 0.587, 0.114};
    double sum = 0;

    for (int c = 0; c < 3; c++)
        sum += luma[p->bgr ? 2 - c : c] * (pixel[c] * p->std[c] + p->mean[c]) / p->scale;
    return fmin(fmax(sum, 0), 255);
}

static void paint(const pt_classifier *m, const float *pixels, const float *heat, int h,
                  int w, uint8_t *rgb)
{
    int side = m->augment.crop;
    float most = 0;

    for (int i = 0; i < h * w; i++) most = fmaxf(most, heat[i]);
    for (int i = 0; i < side * side; i++) {
        double hot = at(heat, h, w, (i / side + 0.5) / side, (i % side + 0.5) / side);
        double share = most > 0 ? fmax(hot, 0) / most * 0.7 : 0;
        double value = grey(&m->augment.preprocess, pixels + 3 * (size_t)i);

        rgb[3 * i] = (uint8_t)(value * (1 - share) + 255 * share + 0.5);
        rgb[3 * i + 1] = rgb[3 * i + 2] = (uint8_t)(value * (1 - share) + 0.5);
    }
}

pt_status pt_heat_write(const pt_classifier *m, const float *pixels, const float *heat,
                        int h, int w, const char *path)
{
    int side = m->augment.crop;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)side,
                       .height = (png_uint_32)side,
                       .format = PNG_FORMAT_RGB};
    uint8_t *rgb = malloc((size_t)side * (size_t)side * 3);
    int written;

    if (!rgb) return pt_fail(PT_ERR_NOMEM, "%s: no memory for the picture", path);
    paint(m, pixels, heat, h, w, rgb);
    errno = 0;
    written = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
    free(rgb);
    if (written) return PT_OK;
    return pt_fail(PT_ERR_IO, "%s: cannot be written: %s", path,
                   errno ? strerror(errno) : image.message);
}
