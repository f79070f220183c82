/* gradient_dump MODEL CASE OUT METHOD [relus]: one forward and backward pass of a whole
 * network, for tests/oracle/gradient_accuracy.py.
 *
 * MODEL   our model file: network and weights
 * CASE    HDF5: input [n][side][side][3] float32, labels [n] int32
 * METHOD  winograd, direct or blas (Winograd with products by CBLAS); bf16 or direct_bf16
 *         (winograd or direct with engine.precision: bf16)
 * OUT     HDF5, written: gradients/NAME of the mean cross-entropy, parameters in
 * PyTorch's layout; logits; with `relus` also relus/NODE, the output of every ReLU, NHWC
 *
 * Batch norm by the statistics of the batch, in four shards; two threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "common/data/h5file.h"
#include "common/weights/weights.h"
#include "tests/support/relu_file.h"
#include "worker/engine/net/net.h"

enum { N_SHARDS = 4, THREADS = 2, MAX_IMAGES = 64 };

typedef struct {
    pt_weights_info info;
    pt_graph *graph;
    float *weights, *input, *dlogits;
    int32_t *labels;
    int images;
    pt_threads *pool;
    pt_net *net;
    pt_h5file *out;
} dump;

static pt_status find_kernels(const char *name, pt_kernels *k)
{
    if (strcmp(name, "winograd") == 0)
        *k = (pt_kernels){.conv = PT_WINOGRAD};
    else if (strcmp(name, "direct") == 0)
        *k = (pt_kernels){.conv = PT_DIRECT};
    else if (strcmp(name, "bf16") == 0)
        *k = (pt_kernels){.conv = PT_WINOGRAD_BF16};
    else if (strcmp(name, "direct_bf16") == 0)
        *k = (pt_kernels){.conv = PT_DIRECT_BF16};
    else if (strcmp(name, "blas") == 0)
        *k = (pt_kernels){.conv = PT_WINOGRAD, .blas = true};
    else
        return pt_fail(PT_ERR_CONFIG, "%s: no such method", name);
    return PT_OK;
}

static size_t node_floats(const pt_node *n)
{
    return (size_t)n->h * (size_t)n->w * (size_t)n->c;
}

static pt_status read_model(dump *d, const char *path)
{
    pt_status s = pt_weights_inspect(path, NULL, &d->info);

    if (s == PT_OK) s = pt_graph_create(d->info.network, &d->info.options, &d->graph);
    if (s != PT_OK) return s;
    d->weights = pt_calloc(d->graph->n_floats, sizeof *d->weights);
    if (!d->weights) return pt_fail(PT_ERR_NOMEM, "%s: no memory for it", path);
    return pt_weights_load(path, NULL, d->graph, true, d->weights, NULL);
}

static pt_status read_case(dump *d, const char *path)
{
    size_t one = node_floats(&d->graph->nodes[0]), n = 0, floats = 0;
    pt_h5file *file = NULL;
    pt_status s = pt_h5file_open(path, &file);

    if (s == PT_OK) s = pt_h5file_read_i32(file, "labels", MAX_IMAGES, &d->labels, &n);
    if (s == PT_OK)
        s = pt_h5file_read_f32(file, "input", MAX_IMAGES * one, &d->input, &floats);
    if (s == PT_OK && (n < 1 || floats != n * one))
        s = pt_fail(PT_ERR_SHAPE, "%s: %zu floats for %zu images", path, floats, n);
    for (size_t i = 0; s == PT_OK && i < n; i++)
        if (d->labels[i] < 0 || d->labels[i] >= d->graph->n_classes)
            s = pt_fail(PT_ERR_DATA, "%s: label %d", path, (int)d->labels[i]);
    d->images = (int)n;
    pt_h5file_destroy(&file);
    return s;
}

/* d(mean cross-entropy)/d(logits) of one image. */
static void image_gradient(const float *z, int classes, int label, int images, float *dz)
{
    double max = (double)z[0], sum = 0;

    for (int k = 1; k < classes; k++)
        if ((double)z[k] > max) max = (double)z[k];
    for (int k = 0; k < classes; k++) sum += pt_exp((double)z[k] - max);
    for (int k = 0; k < classes; k++)
        dz[k] = (float)((pt_exp((double)z[k] - max) / sum - (k == label)) / images);
}

static pt_status write_logits(dump *d)
{
    const uint64_t dims[2] = {(uint64_t)d->images, (uint64_t)d->graph->n_classes};

    return pt_h5file_write_f32(d->out, "logits", 2, dims,
                               pt_net_output(d->net, d->graph->logits));
}

static pt_status forward(dump *d, pt_kernel kernel)
{
    const pt_net_options opt = {.graph = d->graph,
                                .pool = d->pool,
                                .weights = d->weights,
                                .max_images = d->images,
                                .n_shards = N_SHARDS,
                                .hi = N_SHARDS,
                                .training = true,
                                .bn_mode = PT_BN_SYNC,
                                .kernel = kernel};
    const pt_span all = {N_SHARDS, 0, N_SHARDS, d->images, false};
    pt_status s = pt_net_create(&opt, &d->net);

    return s == PT_OK ? pt_net_forward(d->net, &all, d->input, 0) : s;
}

static pt_status backward(dump *d)
{
    int classes = d->graph->n_classes;
    const float *z = pt_net_output(d->net, d->graph->logits), *drep;

    d->dlogits = malloc((size_t)d->images * (size_t)classes * sizeof *d->dlogits);
    if (!d->dlogits) return pt_fail(PT_ERR_NOMEM, "no memory for %d images", d->images);
    for (int i = 0; i < d->images; i++)
        image_gradient(z + i * classes, classes, d->labels[i], d->images,
                       d->dlogits + i * classes);
    pt_status s = pt_net_backward_head(d->net, d->dlogits, &drep);
    return s == PT_OK ? pt_net_backward(d->net, drep) : s;
}

static pt_status write_gradients(dump *d)
{
    pt_status s = PT_OK;

    for (int i = 0; i < d->graph->n_params && s == PT_OK; i++) {
        const pt_tensor *t = &d->graph->tensors[i];
        float *file = malloc(t->count * sizeof *file);
        uint64_t dims[4];
        char name[PT_NAME_MAX + 16];

        if (!file) return pt_fail(PT_ERR_NOMEM, "%s: no memory for it", t->name);
        for (int k = 0; k < t->n_dims; k++) dims[k] = (uint64_t)t->dims[k];
        snprintf(name, sizeof name, "gradients/%s", t->name);
        pt_tensor_to_file(t, pt_net_gradient(d->net, i, 0), file);
        s = pt_h5file_write_f32(d->out, name, t->n_dims, dims, file);
        free(file);
    }
    return s;
}

static pt_status run(dump *d, char **argv, bool relus)
{
    pt_kernels k = {0};
    pt_status s = find_kernels(argv[4], &k);

    if (s == PT_OK) s = read_model(d, argv[1]);
    if (s == PT_OK) s = read_case(d, argv[2]);
    if (s == PT_OK) s = pt_h5file_create(argv[3], &d->out);
    if (s == PT_OK) s = pt_threads_create(THREADS, &d->pool);
    pt_kernels_use(k);
    if (s == PT_OK) s = forward(d, k.conv);
    if (s == PT_OK) s = write_logits(d);
    if (s == PT_OK && relus) s = write_relus(d->net, d->graph, d->images, d->out);
    if (s == PT_OK) s = backward(d);
    if (s == PT_OK) s = write_gradients(d);
    if (s == PT_OK) s = pt_h5file_commit(&d->out);
    return s;
}

int main(int argc, char **argv)
{
    dump d = {0};
    bool relus = argc == 6 && strcmp(argv[5], "relus") == 0;
    pt_status s;

    if (argc != 5 && !relus) {
        fprintf(stderr, "usage: gradient_dump MODEL CASE OUT METHOD [relus]\n");
        return 2;
    }
    s = run(&d, argv, relus);
    if (s != PT_OK) fprintf(stderr, "error: %s\n", pt_fail_text());
    pt_h5file_destroy(&d.out);
    pt_net_destroy(&d.net);
    pt_threads_destroy(&d.pool);
    pt_graph_destroy(&d.graph);
    free(d.weights);
    free(d.input);
    free(d.labels);
    free(d.dlogits);
    return s == PT_OK ? 0 : 1;
}
