#include "launch/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/weights/model.h"
#include "launch/soup/soup.h"
#include "launch/support/args.h"
#include "launch/support/class_names.h"
#include "launch/support/image_set.h"
#include "launch/support/probe.h"

typedef struct {
    const char *output, *data, *split, *share, *start;
    pt_words models;
    bool overwrite;
    double wise; /* of --wise; 1 without */
} soup_args;

/* One of the models, as named. */
typedef struct {
    const char *name;
    char *path;
    size_t right; /* greedy: of the validation images */
} candidate;

typedef struct {
    const soup_args *args;
    candidate *list; /* [n] */
    size_t n;
    pt_dataset *data; /* greedy */
    const uint32_t *images;
    size_t n_images;
    pt_classifier model; /* the first; its weights become the soup's */
    pt_soup soup;
    size_t right; /* greedy: of the validation images, by the soup */
} kitchen;

static pt_status check(const void *given)
{
    const soup_args *a = given;
    char *end;

    if ((a->share == NULL) != (a->start == NULL))
        return pt_fail(PT_ERR_USAGE, "--wise and --start belong together");
    if (a->share) {
        double x = strtod(a->share, &end);

        if (*end || end == a->share || !(x >= 0 && x <= 1))
            return pt_fail(PT_ERR_USAGE, "--wise %s: must be a number from 0 to 1",
                           a->share);
    }
    if (a->split && !a->data)
        return pt_fail(PT_ERR_USAGE, "--split %s: only with --greedy", a->split);
    return PT_OK;
}

static bool read_args(int argc, char **argv, soup_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_REST("MODEL|RUN", &a->models),
        PT_ARG_TEXT("output", "FILE.h5", &a->output, "The model file to write",
                    .letter = 'o', .required = true),
        PT_ARG_TEXT("greedy", "DATA.h5", &a->data,
                    "Take a model only if the mean with it classifies no fewer of these "
                    "images right, best models first"),
        PT_ARG_TEXT("split", "NAME", &a->split,
                    "Images of --greedy (default: val): not the test's"),
        PT_ARG_TEXT("wise", "SHARE", &a->share,
                    "Go from --start to the mean by this share (WiSE-FT; 0.5 is usual); "
                    "the head is the mean's"),
        PT_ARG_TEXT("start", "FILE", &a->start, "The weights that the runs started from"),
        PT_ARG_FLAG("overwrite", &a->overwrite, "Replace FILE.h5 if it exists")};
    const pt_args args = {
        .command = "soup",
        .about = "Averages the weights of models that were fine-tuned from one start: "
                 "often better than the best of them, at the cost of one.",
        .example = "ptrain soup runs/seed-* --output soup.h5",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = a};

    if (!pt_args_read(&args, argc, argv, code)) return false;
    a->wise = a->share ? strtod(a->share, NULL) : 1;
    return true;
}

static void close_kitchen(kitchen *k)
{
    for (size_t i = 0; i < k->n; i++) free(k->list[i].path);
    free(k->list);
    pt_dataset_destroy(&k->data);
    pt_classifier_fini(&k->model);
    pt_soup_fini(&k->soup);
}

static pt_status open_data(kitchen *k)
{
    const soup_args *a = k->args;
    pt_status s = pt_probe_dataset(a->data);

    if (s == PT_OK) s = pt_dataset_open(a->data, &k->data);
    if (s == PT_OK)
        s = pt_dataset_split(k->data, a->split ? a->split : "val", &k->images,
                             &k->n_images);
    if (s != PT_OK) return s;
    return pt_class_names_check(k->list[0].path, k->model.info.format,
                                k->model.graph->n_classes, a->data, k->data);
}

/* Neither there, unless --overwrite, nor one of the files that are read. */
static pt_status check_output(const kitchen *k)
{
    const soup_args *a = k->args;
    pt_status s = pt_check_output(a->output, a->overwrite, &a->data, a->data != NULL);

    if (s == PT_OK) s = pt_check_output(a->output, true, &a->start, a->start != NULL);
    for (size_t i = 0; i < k->n && s == PT_OK; i++) {
        const char *path = k->list[i].path;

        s = pt_check_output(a->output, true, &path, 1);
    }
    return s;
}

static pt_status open_kitchen(kitchen *k)
{
    size_t n = k->args->models.n;
    pt_status s;

    k->list = pt_calloc(n, sizeof *k->list);
    if (!k->list) return pt_fail(PT_ERR_NOMEM, "no memory for the models");
    for (; k->n < n; k->n++) {
        candidate *c = &k->list[k->n];

        c->name = k->args->models.list[k->n];
        c->path = pt_classifier_path(c->name);
        if (!c->path) return pt_fail(PT_ERR_NOMEM, "%s: no memory", c->name);
    }
    s = check_output(k);
    if (s == PT_OK) s = pt_classifier_open(k->list[0].path, NULL, NULL, true, &k->model);
    if (s == PT_OK) s = pt_soup_init(k->model.graph->n_floats, &k->soup);
    return s == PT_OK && k->args->data ? open_data(k) : s;
}

/* Calls cook for the model of each candidate. */
static pt_status for_each(kitchen *k, pt_status (*cook)(kitchen *k, candidate *c,
                                                        const pt_classifier *m))
{
    pt_status s = PT_OK;

    for (size_t i = 0; i < k->n && s == PT_OK; i++) {
        pt_classifier m;

        s = pt_classifier_open(k->list[i].path, NULL, NULL, true, &m);
        if (s == PT_OK)
            s = pt_soup_check(&k->model, k->list[0].name, &m, k->list[i].name);
        if (s == PT_OK)
            s = pt_class_names_check_models(k->list[0].path, k->list[i].path,
                                            m.graph->n_classes);
        if (s == PT_OK) s = cook(k, &k->list[i], &m);
        pt_classifier_fini(&m);
    }
    return s;
}

static pt_status add(kitchen *k, candidate *c, const pt_classifier *m)
{
    pt_soup_add(&k->soup, m->flat);
    return PT_OK;
}

static pt_status taste(kitchen *k, candidate *c, const pt_classifier *m)
{
    return pt_soup_right(m, k->data, k->images, k->n_images, &c->right);
}

static pt_status add_if_better(kitchen *k, candidate *c, const pt_classifier *m)
{
    size_t right = 0;
    bool taken;
    pt_status s;

    pt_soup_mean(&k->soup, m->flat, k->model.flat);
    s = pt_soup_right(&k->model, k->data, k->images, k->n_images, &right);
    if (s != PT_OK) return s;
    taken = right >= k->right;
    pt_log_info("%s: %.2f %% alone, %.2f %% with those before it: %s", c->name,
                100.0 * (double)c->right / (double)k->n_images,
                100.0 * (double)right / (double)k->n_images,
                taken ? "taken" : "left out");
    if (!taken) return PT_OK;
    k->right = right;
    return add(k, c, m);
}

static int best_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    int order = (x->right < y->right) - (x->right > y->right);

    return order ? order : strcmp(x->name, y->name);
}

static pt_status cook(kitchen *k)
{
    pt_status s = k->args->data ? for_each(k, taste) : for_each(k, add);

    if (s == PT_OK && k->args->data) {
        qsort(k->list, k->n, sizeof *k->list, best_first);
        s = for_each(k, add_if_better);
    }
    if (s != PT_OK) return s;
    pt_soup_mean(&k->soup, NULL, k->model.flat);
    return k->args->start ? pt_soup_towards(&k->model, k->args->start, k->args->wise) : s;
}

static pt_status save(kitchen *k)
{
    const pt_classifier *m = &k->model;
    pt_weights_info info = {
        .options = m->info.options,
        .has_preprocess = true,
        .preprocess = m->augment.preprocess,
        .has_geometry = true,
        .geometry = {m->augment.resize_mode, m->augment.resize},
        .direct = m->info.direct,
    };
    char **classes = NULL, hash[65];
    size_t n = 0;
    pt_status s = pt_model_class_names(k->list[0].path, &classes, &n);

    if (s == PT_OK)
        s = pt_model_save(k->args->output, m->graph, &info, m->flat,
                          (const char *const *)classes);
    free(classes);
    if (s == PT_OK) s = pt_graph_hash(m->graph, m->flat, hash);
    if (s == PT_OK)
        pt_log_info("%s: the mean of %d of %zu models; weight hash %s", k->args->output,
                    k->soup.n, k->n, hash);
    return s;
}

int pt_cmd_soup(int argc, char **argv)
{
    soup_args a = {0};
    kitchen k = {.args = &a};
    pt_status s;
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    s = open_kitchen(&k);
    if (s == PT_OK && k.model.info.format != PT_FORMAT_MODEL)
        s = pt_fail(PT_ERR_USAGE, "%s: is not a model file of ptrain", k.list[0].path);
    if (s == PT_OK) s = cook(&k);
    if (s == PT_OK) s = save(&k);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    close_kitchen(&k);
    pt_words_fini(&a.models);
    return pt_status_exit_code(s);
}
