#include "launch/commands/commands.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "launch/evaluate/calibration.h"
#include "launch/evaluate/evaluate.h"
#include "launch/evaluate/folder.h"
#include "launch/evaluate/ranks.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"
#include "launch/support/class_names.h"
#include "launch/support/mpirun.h"
#include "launch/support/probe.h"
#include "launch/train/predictions.h"

enum { MOST_CONFUSED = 10 };

typedef struct {
    const char *model, *data, *split, *network, *views;
    bool json, per_class, confused;
    int ranks, argc;
    char **argv;
} eval_args;

/* What was found out. */
typedef struct {
    pt_classifier model;
    pt_dataset *data;
    const uint32_t *images;
    size_t n;
    float *logits; /* [n][c] */
    int *labels;   /* [n] */
    pt_score score;
    pt_calibration calibration;
    uint32_t *confused; /* [c][c]: label, prediction */
    char hash[65];
    bool reported; /* a failure has been printed */
} evaluation;

static const char *const view_names[] = {
    [PT_VIEWS_CENTRE] = "centre", [PT_VIEWS_FLIP] = "flip", [PT_VIEWS_TEN] = "ten"};

/* -1: there is none of that name. */
static int find_views(const char *name)
{
    for (size_t i = 0; i < sizeof view_names / sizeof *view_names; i++)
        if (strcmp(name, view_names[i]) == 0) return (int)i;
    return -1;
}

static pt_status check(const void *given)
{
    const eval_args *a = given;

    if (find_views(a->views) >= 0) return PT_OK;
    return pt_fail(PT_ERR_USAGE, "--views %s: must be centre, flip or ten", a->views);
}

static bool read_args(int argc, char **argv, eval_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("MODEL|RUN", &a->model),
        PT_ARG_OPERAND("DATA.h5|FOLDER", &a->data),
        PT_ARG_TEXT("split", "NAME", &a->split,
                    "Images of this split (default: the only one, test, or val)",
                    .letter = 's'),
        PT_ARG_TEXT("views", "VIEWS", &a->views,
                    "centre (default), flip (and its mirror image), or ten (centre and "
                    "corners, mirrored too): probabilities are averaged"),
        PT_ARG_FLAG("per-class", &a->per_class, "A line for each class"),
        PT_ARG_FLAG("confusion", &a->confused, "The pairs of classes most confused"),
        PT_ARG_FLAG("json", &a->json,
                    "Everything, calibration and confusion included, as one object"),
        PT_ARG_TEXT("network", "NAME", &a->network,
                    "The network of the weights; a ptrain model file names its own",
                    .letter = 'n'),
        PT_ARG_NUMBER("ranks", "N", &a->ranks, 1, 100000,
                      "Start N ranks, without mpirun (default: this process alone)")};
    const pt_args args = {
        .command = "eval",
        .about = "Tests a model on a packed data set, or a folder as `ptrain pack` takes "
                 "it, on all cores of this machine. RUN is the directory of a finished "
                 "run: its model.h5. Under mpirun or srun the ranks share the images of "
                 "a packed data set; what is printed does not depend on their number.",
        .example = "ptrain eval runs/mine photos.h5 --views flip",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = a};

    a->views = view_names[PT_VIEWS_CENTRE];
    return pt_args_read(&args, argc, argv, code);
}

/* ---- the two files ---------------------------------------------------------------- */

/* The only split, or test, or val where there is no test. */
static const char *choose_split(const pt_dataset *d)
{
    bool val = false;

    if (pt_dataset_splits(d) == 1) return pt_dataset_split_name(d, 0);
    for (size_t i = 0; i < pt_dataset_splits(d); i++) {
        if (strcmp(pt_dataset_split_name(d, i), "test") == 0) return "test";
        val = val || strcmp(pt_dataset_split_name(d, i), "val") == 0;
    }
    return val ? "val" : "test";
}

static const char *split_of(const eval_args *a, const evaluation *e)
{
    return a->split ? a->split : choose_split(e->data);
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static pt_status open_data(const eval_args *a, evaluation *e)
{
    pt_status s;

    if (is_folder(a->data))
        s = pt_folder_open(a->data, &e->data, &e->reported);
    else {
        s = pt_probe_dataset(a->data);
        if (s == PT_OK) s = pt_dataset_open(a->data, &e->data);
    }
    if (s != PT_OK) return s;
    return pt_dataset_split(e->data, split_of(a, e), &e->images, &e->n);
}

/* ---- what comes out --------------------------------------------------------------- */

static pt_status count(evaluation *e)
{
    int c = e->model.graph->n_classes;

    e->confused = pt_calloc((size_t)c * (size_t)c, sizeof *e->confused);
    e->labels = pt_calloc(e->n + 1, sizeof *e->labels);
    if (!e->confused || !e->labels)
        return pt_fail(PT_ERR_NOMEM, "no memory for %d classes", c);
    for (size_t i = 0; i < e->n; i++) {
        int best = pt_logits_best(e->logits + i * (size_t)c, c);

        e->labels[i] = pt_dataset_label(e->data, e->images[i]);
        e->confused[(size_t)e->labels[i] * (size_t)c + (size_t)best]++;
    }
    return PT_OK;
}

static pt_status make_room(evaluation *e)
{
    size_t c = (size_t)e->model.graph->n_classes;

    e->logits = pt_calloc(e->n * c + 1, sizeof *e->logits);
    if (e->logits) return PT_OK;
    return pt_fail(PT_ERR_NOMEM, "no memory for the logits of %zu images", e->n);
}

static pt_status judge(evaluation *e)
{
    int c = e->model.graph->n_classes;
    pt_status s = pt_score_rows(e->data, e->images, e->n, e->logits, &e->score);

    if (s == PT_OK) s = count(e);
    if (s == PT_OK) s = pt_calibration_of(e->logits, e->labels, e->n, c, &e->calibration);
    if (s == PT_OK) s = pt_predictions_hash(e->data, e->images, e->n, e->logits, e->hash);
    return s;
}

static json_t *calibration_json(const pt_calibration *c)
{
    json_t *bins = json_array();

    for (int k = 0; k < PT_CALIBRATION_BINS; k++)
        json_array_append_new(bins, json_pack("{s:f, s:I, s:f, s:f}", "up_to",
                                              (k + 1.0) / PT_CALIBRATION_BINS, "images",
                                              (json_int_t)c->bin[k].n, "confidence",
                                              c->bin[k].confidence, "accuracy",
                                              c->bin[k].accuracy));
    return json_pack("{s:f, s:f, s:o}", "error", c->error, "mean_confidence",
                     c->confidence, "bins", bins);
}

static json_t *confusion_json(const evaluation *e)
{
    json_t *rows = json_array();
    int c = e->model.graph->n_classes;

    for (int i = 0; i < c; i++) {
        json_t *row = json_array();

        for (int k = 0; k < c; k++)
            json_array_append_new(row, json_integer(e->confused[i * c + k]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static pt_status print_json(const eval_args *a, const char *path, const evaluation *e)
{
    const pt_score *sc = &e->score;
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:o, s:o, s:o, s:s}",
                  "model", path, "network", e->model.graph->network, "data_checksum",
                  pt_dataset_checksum(e->data), "views", a->views, "images",
                  (json_int_t)e->n, "right", (json_int_t)sc->n_right, "accuracy",
                  sc->top1, "top5", sc->top5, "ce", sc->ce, "calibration",
                  calibration_json(&e->calibration), "per_class", pt_score_per_class(sc),
                  "confusion", confusion_json(e), "predictions_hash", e->hash);

    if (!o || json_dumpf(o, stdout, JSON_INDENT(1)) != 0) {
        json_decref(o);
        return pt_fail(PT_ERR_NOMEM, "the results cannot be printed");
    }
    putchar('\n');
    json_decref(o);
    return PT_OK;
}

static void print_classes(const evaluation *e)
{
    for (int k = 0; k < e->score.n_classes; k++)
        if (e->score.of[k])
            printf("  %6.2f %%  %u of %u  %s\n",
                   100.0 * e->score.right[k] / e->score.of[k], e->score.right[k],
                   e->score.of[k], pt_dataset_class_name(e->data, k));
}

/* The largest entries beside the diagonal, largest first; equal ones in order. */
static void print_confused(const evaluation *e)
{
    int c = e->model.graph->n_classes;
    uint32_t before = UINT32_MAX;
    int shown = 0;

    while (shown < MOST_CONFUSED) {
        uint32_t most = 0;

        for (int i = 0; i < c * c; i++)
            if (i / c != i % c && e->confused[i] < before && e->confused[i] > most)
                most = e->confused[i];
        if (most == 0) return;
        for (int i = 0; i < c * c && shown < MOST_CONFUSED; i++) {
            if (i / c == i % c || e->confused[i] != most) continue;
            printf("  %4u of %s taken for %s\n", most,
                   pt_dataset_class_name(e->data, i / c),
                   pt_dataset_class_name(e->data, i % c));
            shown++;
        }
        before = most;
    }
}

static void print_text(const eval_args *a, const char *path, const evaluation *e)
{
    const pt_score *sc = &e->score;
    const char *split = split_of(a, e);
    bool test = strcmp(split, "test") == 0;

    printf("%s: accuracy %.2f %%, top-5 %.2f %%, ce %.4f (%zu of %zu images%s%s)\n", path,
           100 * sc->top1, 100 * sc->top5, sc->ce, sc->n_right, e->n,
           test ? "" : " of split ", test ? "" : split);
    printf("calibration: %.2f %% sure on average, expected error %.2f points\n",
           100 * e->calibration.confidence, 100 * e->calibration.error);
    printf("predictions: sha256 %s\n", e->hash);
    if (a->per_class) print_classes(e);
    if (a->confused) print_confused(e);
}

static pt_status print(const eval_args *a, const char *path, const evaluation *e)
{
    if (a->json) return print_json(a, path, e);
    print_text(a, path, e);
    return PT_OK;
}

static void close_evaluation(evaluation *e)
{
    pt_score_fini(&e->score);
    pt_classifier_fini(&e->model);
    pt_dataset_destroy(&e->data);
    free(e->logits);
    free(e->labels);
    free(e->confused);
}

/* ---- by one process, or by ranks -------------------------------------------------- */

static pt_status check_classes(const eval_args *a, const char *path, const evaluation *e)
{
    return pt_class_names_check(path, e->model.info.format, e->model.graph->n_classes,
                                a->data, e->data);
}

static pt_status evaluate(const eval_args *a, const char *path, evaluation *e)
{
    const pt_looking how = {.views = (pt_views)find_views(a->views)};
    pt_status s = open_data(a, e);

    if (s == PT_OK) s = pt_classifier_open(path, NULL, a->network, true, &e->model);
    if (s == PT_OK) s = check_classes(a, path, e);
    if (s == PT_OK) s = make_room(e);
    if (s == PT_OK)
        s = pt_evaluate_model(&e->model, e->data, e->images, e->n, &how, e->logits);
    if (s == PT_OK) s = judge(e);
    return s == PT_OK ? print(a, path, e) : s;
}

static pt_status alone(const eval_args *a)
{
    char *path = pt_classifier_path(a->model);
    evaluation e = {0};
    pt_status s =
        path ? evaluate(a, path, &e) : pt_fail(PT_ERR_NOMEM, "%s: no memory", a->model);

    if (s != PT_OK && !e.reported) pt_log_error(pt_fail_text());
    close_evaluation(&e);
    free(path);
    return s;
}

/* Collective: the same data on every rank. A folder would be packed by each of them. */
static pt_status open_data_all(const eval_args *a, evaluation *e)
{
    char digest[PT_DIGEST_HEX] = "";
    pt_status s = pt_job_agree(is_folder(a->data)
                                   ? pt_fail(PT_ERR_USAGE,
                                             "%s: is a folder, ranks share a packed data "
                                             "set: make one with ptrain pack",
                                             a->data)
                                   : open_data(a, e));

    if (s == PT_OK) s = pt_job_agree(pt_dataset_digest(e->data, digest));
    return s == PT_OK ? pt_agree_on(a->data, digest) : s;
}

/* Collective. */
static pt_status evaluate_all(const eval_args *a, const char *path, evaluation *e)
{
    bool first = pt_job_rank() == 0;
    pt_status s = open_data_all(a, e);

    if (s == PT_OK) s = pt_classifier_open_all(path, a->network, true, &e->model);
    if (s == PT_OK) s = pt_job_agree(check_classes(a, path, e));
    if (s == PT_OK) s = pt_job_agree(first ? make_room(e) : PT_OK);
    if (s == PT_OK)
        s = pt_evaluate_on_ranks(&e->model, e->data, e->images, e->n,
                                 (pt_views)find_views(a->views), e->logits);
    if (s != PT_OK) return s;
    if (first) s = judge(e);
    if (s == PT_OK && first) s = print(a, path, e);
    return pt_job_agree(s);
}

static pt_status on_ranks(const void *context)
{
    const eval_args *a = context;
    evaluation e = {0};
    char *path;
    pt_status s;

    if (pt_job_size() == 1) {
        pt_job_set_deadline((double)INFINITY); /* nobody waits for it */
        return alone(a);
    }
    s = pt_agree_on_program(a->argc, a->argv);
    if (s != PT_OK) return s;
    path = pt_classifier_path(a->model);
    s = pt_job_agree(path ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", a->model));
    if (s == PT_OK) s = evaluate_all(a, path, &e);
    close_evaluation(&e);
    free(path);
    return s;
}

int pt_cmd_eval(int argc, char **argv)
{
    eval_args a = {.argc = argc, .argv = argv};
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    if (a.ranks == 0 && !pt_under_launcher()) return pt_status_exit_code(alone(&a));
    return pt_as_job(argc, argv, a.ranks, on_ranks, &a);
}
