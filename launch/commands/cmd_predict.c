#include "launch/commands/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/evaluate/evaluate.h"
#include "launch/evaluate/files.h"
#include "launch/evaluate/heat.h"
#include "launch/support/args.h"
#include "launch/support/classifier.h"
#include "worker/objective/cross_entropy.h"

enum { TOP = 5, MOST_TOP = 1000 };

typedef struct {
    const char *weights, *network, *classes, *list, *heat;
    pt_words images;
    int top;
    bool tsv, csv, json, flip;
} predict_args;

typedef struct {
    const predict_args *args;
    pt_classifier model;
    char **names; /* [n_classes], or NULL */
    pt_files *files;
    pt_pictures pictures;
    double *p;     /* [n_classes] */
    int *order;    /* [n_classes]: the most likely ones first */
    pt_heat *heat; /* NULL: not asked for */
    size_t n_printed;
    pt_status bad; /* of the last picture that could not be read */
} predictor;

static pt_status check(const void *given)
{
    const predict_args *a = given;

    if (a->tsv + a->csv + a->json > 1)
        return pt_fail(PT_ERR_USAGE, "--tsv, --csv and --json: only one of them");
    if (a->heat && a->flip)
        return pt_fail(PT_ERR_USAGE, "--heat is of one view: not with --flip");
    if (a->images.n == 0 && !a->list)
        return pt_fail(PT_ERR_USAGE, "no pictures: name some, a folder, a packed data "
                                     "set, or a --list");
    return PT_OK;
}

static bool read_args(int argc, char **argv, predict_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_TEXT("weights", "MODEL|RUN", &a->weights,
                    "A run's directory; a ptrain model file, PyTorch .pth, safetensors, "
                    "ONNX, Keras .h5, TensorFlow.js model.json",
                    .letter = 'w', .required = true),
        PT_ARG_REST("PICTURE|FOLDER|DATA.h5", &a->images, .optional = true),
        PT_ARG_TEXT("list", "FILE", &a->list,
                    "Pictures named in FILE too, one a line, up to a comma"),
        PT_ARG_TEXT("network", "NAME", &a->network,
                    "The network of the weights; a ptrain model file names its own",
                    .letter = 'n'),
        PT_ARG_TEXT("classes", "FILE", &a->classes,
                    "Class names, one per line; a model file may include them",
                    .letter = 'c'),
        PT_ARG_NUMBER("top", "N", &a->top, 1, MOST_TOP,
                      "The N most likely classes of each (default: 5)"),
        PT_ARG_FLAG("flip", &a->flip, "Average with the mirror image"),
        PT_ARG_TEXT("heat", "DIR", &a->heat,
                    "A PNG file of each in DIR: where its most likely class is seen"),
        PT_ARG_FLAG("tsv", &a->tsv,
                    "A line per picture: file, then class number and probability",
                    .letter = 't'),
        PT_ARG_FLAG("csv", &a->csv,
                    "A line per picture and class: file, rank, class, name, probability"),
        PT_ARG_FLAG("json", &a->json, "An array of objects")};
    const pt_args args = {
        .command = "predict",
        .about = "Prints the most likely classes of pictures, on all cores. One that "
                 "cannot be read gets a line on standard error, and the exit code is 1.",
        .example = "ptrain predict --weights runs/mine photo.jpg more-photos --top 3",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = a};

    a->top = TOP;
    return pt_args_read(&args, argc, argv, code);
}

static void close_predictor(predictor *p)
{
    pt_files_destroy(&p->files);
    pt_heat_destroy(&p->heat);
    pt_classifier_fini(&p->model);
    free(p->names);
    free(p->p);
    free(p->order);
}

static pt_status open_predictor(const char *path, predictor *p)
{
    const predict_args *a = p->args;
    pt_status s = pt_classifier_open(path, NULL, a->network, true, &p->model);

    if (s == PT_OK) s = pt_classifier_names(&p->model, path, a->classes, &p->names);
    if (s == PT_OK) s = pt_files_create(a->images.list, a->images.n, a->list, &p->files);
    if (s == PT_OK && a->heat) s = pt_heat_create(&p->model, &p->heat);
    if (s == PT_OK && a->heat) s = pt_file_make_dir(a->heat);
    if (s != PT_OK) return s;
    p->pictures = pt_files_pictures(p->files);
    p->p = pt_calloc((size_t)p->model.graph->n_classes, sizeof *p->p);
    p->order = pt_calloc((size_t)p->model.graph->n_classes, sizeof *p->order);
    if (!p->p || !p->order) return pt_fail(PT_ERR_NOMEM, "no memory for the classes");
    return PT_OK;
}

/* ---- one picture ------------------------------------------------------------------ */

/* Puts the n largest of p first in order; equal ones in the order of classes. */
static void sort_first(const double *p, int n_classes, int n, int *order)
{
    for (int i = 0; i < n_classes; i++) order[i] = i;
    for (int i = 0; i < n; i++) {
        int best = i, class;

        for (int k = i + 1; k < n_classes; k++)
            if (p[order[k]] > p[order[best]] ||
                (p[order[k]] == p[order[best]] && order[k] < order[best]))
                best = k;
        class = order[best];
        order[best] = order[i];
        order[i] = class;
    }
}

static const char *class_name(const predictor *p, int class)
{
    return p->names ? p->names[class] : "";
}

/* A field of RFC 4180. */
static void print_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        printf("%s", text);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv(const predictor *p, const char *file, int n)
{
    if (p->n_printed == 0) printf("file,rank,class,name,probability\n");
    for (int i = 0; i < n; i++) {
        int class = p->order[i];

        print_field(file);
        printf(",%d,%d,", i + 1, class);
        print_field(class_name(p, class));
        printf(",%.6f\n", p->p[class]);
    }
}

static pt_status print_json(const predictor *p, const char *file, int n)
{
    json_t *top = json_array(), *o;
    int failed;

    for (int i = 0; i < n; i++) {
        int class = p->order[i];
        json_t *one = json_pack("{s:i, s:f}", "class", class, "p", p->p[class]);

        if (p->names) json_object_set_new(one, "name", json_string(class_name(p, class)));
        json_array_append_new(top, one);
    }
    o = json_pack("{s:s, s:o}", "file", file, "top", top);
    printf(p->n_printed ? ",\n" : "[\n");
    failed = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;
    json_decref(o);
    if (failed) return pt_fail(PT_ERR_DATA, "%s: its name is not UTF-8", file);
    return PT_OK;
}

static void print_text(const predictor *p, const char *file, int n)
{
    printf(p->args->tsv ? "%s" : "%s\n", file);
    for (int i = 0; i < n; i++) {
        int class = p->order[i];
        const char *name = class_name(p, class);

        if (p->args->tsv)
            printf("\t%d\t%.6f", class, p->p[class]);
        else
            printf("  %6.2f %%  class %d%s%s\n", 100 * p->p[class], class,
                   *name ? "  " : "", name);
    }
    if (p->args->tsv) putchar('\n');
}

/* DIR/NUMBER-NAME.png: two pictures may have one name. */
static pt_status write_heat(const predictor *p, size_t i, const pt_seen *seen, int class)
{
    const pt_node *n = &p->model.graph->nodes[pt_heat_node(p->heat)];
    const char *file = p->pictures.name(p->pictures.context, i);
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    float *heat = pt_calloc((size_t)n->h * (size_t)n->w, sizeof *heat);
    char *path = NULL;
    pt_status s = PT_OK;

    if (!heat || asprintf(&path, "%s/%zu-%.*s.png", p->args->heat, i + 1,
                          dot ? (int)(dot - name) : 200, name) < 0)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for its heat map", file);
    if (s == PT_OK) s = pt_heat_of(p->heat, seen->map, class, heat);
    if (s == PT_OK) s = pt_heat_write(&p->model, seen->pixels, heat, n->h, n->w, path);
    free(path);
    free(heat);
    return s;
}

static pt_status print_picture(void *context, size_t i, const pt_seen *seen)
{
    predictor *p = context;
    int c = p->model.graph->n_classes, n = p->args->top < c ? p->args->top : c;
    const char *file = p->pictures.name(p->pictures.context, i);
    pt_status s = PT_OK;

    if (!seen) {
        pt_log_error(pt_fail_text());
        p->bad = PT_ERR_DATA;
        return PT_OK;
    }
    pt_softmax(seen->logits, c, p->p);
    sort_first(p->p, c, n, p->order);
    if (p->args->json)
        s = print_json(p, file, n);
    else if (p->args->csv)
        print_csv(p, file, n);
    else
        print_text(p, file, n);
    p->n_printed++;
    if (s == PT_OK && p->args->heat) s = write_heat(p, i, seen, p->order[0]);
    return s;
}

static pt_status predict(const predict_args *a)
{
    predictor p = {.args = a};
    pt_looking how = {.views = a->flip ? PT_VIEWS_FLIP : PT_VIEWS_CENTRE};
    char *path = pt_classifier_path(a->weights);
    pt_status s = path ? open_predictor(path, &p)
                       : pt_fail(PT_ERR_NOMEM, "%s: no memory", a->weights);

    if (p.heat) how.map = pt_heat_node(p.heat);
    if (s == PT_OK)
        s = pt_evaluate_pictures(&p.model, &p.pictures, &how, print_picture, &p);
    if (s == PT_OK && a->json) printf(p.n_printed ? "\n]\n" : "[]\n");
    if (s != PT_OK) pt_log_error(pt_fail_text());
    free(path);
    close_predictor(&p);
    return s != PT_OK ? s : p.bad;
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
