#include "launch/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/run/wire.h"
#include "common/weights/model.h"
#include "launch/support/args.h"
#include "launch/support/classifier.h"
#include "launch/support/lines.h"
#include "worker/engine/net/net.h"
#include "worker/engine/threads.h"
#include "worker/input/picture.h"
#include "worker/objective/cross_entropy.h"

enum { TOP = 5, MAX_FILE_BYTES = 1 << 30 };

typedef struct {
    const char *weights, *network, *classes;
    pt_words images;
    bool tsv;
} predict_args;

typedef struct {
    pt_classifier model;
    char **names; /* [n_classes], or NULL */
    size_t n_names;
    pt_threads *pool;
    pt_net *net;
    float *pixels; /* [PT_EVAL_BLOCK][crop][crop][3] */
    double *p;     /* [n_classes] */
} predictor;

static bool read_args(int argc, char **argv, predict_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_TEXT(
            "weights", "FILE", &a->weights,
            "ptrain model file, PyTorch .pth, safetensors, ONNX, Keras .h5, TensorFlow.js "
            "model.json",
            .letter = 'w', .required = true),
        PT_ARG_REST("IMAGE", &a->images),
        PT_ARG_TEXT("network", "NAME", &a->network,
                    "The network of the weights; a ptrain model file names its own",
                    .letter = 'n'),
        PT_ARG_TEXT("classes", "FILE", &a->classes,
                    "Class names, one per line; a model file may include them",
                    .letter = 'c'),
        PT_ARG_FLAG(
            "tsv", &a->tsv,
            "One line per image: file, then class number and probability, 5 times",
            .letter = 't')};
    const pt_args args = {
        .command = "predict",
        .about = "Prints the five most likely classes of each JPEG image.",
        .example = "ptrain predict --weights runs/mine/model.h5 photo.jpg",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

static void close_predictor(predictor *p)
{
    pt_net_destroy(&p->net);
    pt_threads_destroy(&p->pool);
    pt_classifier_fini(&p->model);
    free(p->names);
    free(p->pixels);
    free(p->p);
}

static pt_status open_predictor(const predict_args *a, predictor *p)
{
    const pt_graph *g;
    size_t side;
    pt_status s = pt_classifier_open(a->weights, NULL, a->network, true, &p->model);

    if (s == PT_OK) s = pt_threads_create(pt_usable_cores(), &p->pool);
    if (s != PT_OK) return s;
    g = p->model.graph;
    side = (size_t)g->nodes[0].h;
    p->pixels = pt_calloc(PT_EVAL_BLOCK * side * side * 3, sizeof *p->pixels);
    p->p = pt_calloc((size_t)g->n_classes, sizeof *p->p);
    if (!p->pixels || !p->p) return pt_fail(PT_ERR_NOMEM, "no memory for the images");
    if (s == PT_OK && a->classes) s = pt_lines_read(a->classes, &p->names, &p->n_names);
    if (s == PT_OK && !a->classes && p->model.info.format == PT_FORMAT_MODEL)
        s = pt_model_class_names(a->weights, &p->names, &p->n_names);
    if (s != PT_OK) return s;
    if (p->names && p->n_names != (size_t)g->n_classes)
        return pt_fail(PT_ERR_DATA, "%zu class names, the network has %d classes",
                       p->n_names, g->n_classes);
    return pt_net_create(&(pt_net_options){.graph = g,
                                           .pool = p->pool,
                                           .weights = p->model.flat,
                                           .max_images = PT_EVAL_BLOCK,
                                           .n_shards = 1,
                                           .hi = 1},
                         &p->net);
}

static pt_status read_pixels(const predictor *p, const char *path, float *out)
{
    pt_image im = {0};
    uint8_t *bytes = NULL;
    size_t n = 0;
    char why[512];
    pt_status s = pt_file_load_path(path, MAX_FILE_BYTES, &bytes, &n);

    if (s != PT_OK) return s;
    s = pt_picture_decode(bytes, n, &im, NULL);
    if (s == PT_OK) s = pt_augment_test(&p->model.augment, &im, out);
    if (s != PT_OK) {
        snprintf(why, sizeof why, "%s", pt_fail_text());
        s = pt_fail(s, "%s: %s", path, why);
    }
    pt_image_fini(&im);
    free(bytes);
    return s;
}

/* The TOP largest of p [n], largest first. */
static int best(const double *p, int n, int top[TOP])
{
    int found = 0;

    for (; found < TOP && found < n; found++) {
        int at = -1;

        for (int i = 0; i < n; i++) {
            bool taken = false;

            for (int k = 0; k < found; k++) taken = taken || top[k] == i;
            if (!taken && (at < 0 || p[i] > p[at])) at = i;
        }
        top[found] = at;
    }
    return found;
}

static void print_image(const predictor *p, const char *path, const float *logits,
                        bool tsv)
{
    int top[TOP], n;

    pt_softmax(logits, p->model.graph->n_classes, p->p);
    n = best(p->p, p->model.graph->n_classes, top);
    printf(tsv ? "%s" : "%s\n", path);
    for (int i = 0; i < n; i++) {
        const char *name = p->names ? p->names[top[i]] : "";

        if (tsv)
            printf("\t%d\t%.6f", top[i], p->p[top[i]]);
        else
            printf("  %6.2f %%  class %d%s%s\n", 100 * p->p[top[i]], top[i],
                   *name ? "  " : "", name);
    }
    if (tsv) putchar('\n');
}

static pt_status predict(const predict_args *a)
{
    predictor p = {0};
    pt_status s = open_predictor(a, &p), bad = PT_OK;
    size_t side = s == PT_OK ? (size_t)p.model.graph->nodes[0].h : 0;
    size_t image = side * side * 3;

    for (size_t at = 0; at < a->images.n && s == PT_OK; at += PT_EVAL_BLOCK) {
        const char *paths[PT_EVAL_BLOCK];
        int n = 0;

        for (size_t i = at; i < a->images.n && i < at + PT_EVAL_BLOCK; i++) {
            pt_status one =
                read_pixels(&p, a->images.list[i], p.pixels + (size_t)n * image);

            if (one == PT_OK)
                paths[n++] = a->images.list[i];
            else {
                pt_log_error(pt_fail_text());
                bad = one;
            }
        }
        if (n == 0) continue;
        s = pt_net_evaluate(p.net, n, p.pixels);
        for (int i = 0; i < n && s == PT_OK; i++)
            print_image(&p, paths[i],
                        pt_net_output(p.net, p.model.graph->logits) +
                            (size_t)i * (size_t)p.model.graph->n_classes,
                        a->tsv);
    }
    if (s != PT_OK) pt_log_error(pt_fail_text());
    close_predictor(&p);
    return s != PT_OK ? s : bad;
}

int pt_cmd_predict(int argc, char **argv)
{
    predict_args a = {0};
    pt_status s;
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    s = predict(&a);
    pt_words_fini(&a.images);
    return pt_status_exit_code(s);
}
