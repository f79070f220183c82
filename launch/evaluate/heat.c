#include "launch/evaluate/heat.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

pt_status pt_heat_node(const pt_graph *g, int *node)
{
    const pt_node *rep = &g->nodes[g->rep];
    int at = g->nodes[g->logits].in[0];

    if (g->nodes[g->logits].op == PT_OP_LINEAR)
        while (at != g->rep && g->nodes[at].op == PT_OP_DROPOUT) at = g->nodes[at].in[0];
    if (at != g->rep || rep->op != PT_OP_GLOBAL_AVG_POOL)
        return pt_fail(PT_ERR_USAGE,
                       "--heat: %s's representation is not the mean of a map with a "
                       "linear layer on it",
                       g->network);
    *node = rep->in[0];
    return PT_OK;
}

void pt_heat_of(const pt_classifier *m, int node, const float *map, int class,
                float *heat)
{
    const pt_graph *g = m->graph;
    const pt_node *n = &g->nodes[node];
    const float *weight = m->flat + g->tensors[g->nodes[g->logits].weight].offset;
    size_t places = (size_t)n->h * (size_t)n->w, channels = (size_t)n->c;

    for (size_t p = 0; p < places; p++) {
        double sum = 0;

        for (size_t c = 0; c < channels; c++)
            sum += (double)map[p * channels + c] *
                   weight[c * (size_t)g->n_classes + (size_t) class];
        heat[p] = (float)(sum / (double)places);
    }
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
