#include "launch/commands/cmd_borrow.h"

#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/comm/job.h"
#include "common/base/log.h"
#include "launch/support/agree.h"
#include "launch/borrow/filters.h"
#include "launch/borrow/counts.h"
#include "launch/borrow/packed_set.h"
#include "launch/borrow/search.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"

enum {
    OPT_NEIGHBOURS = 256,
    OPT_BINS,
    OPT_FILTERS,
    OPT_NETWORK,
    OPT_LAYER,
    OPT_AFTER,
    OPT_LIST,
    OPT_SPLIT,
    OPT_SOURCE_SPLIT,
    OPT_PER_CLASS,
    OPT_RANKS,
    OPT_OVER
};

typedef struct {
    const char *file[3]; /* target, source, out */
    int n_files;
    const char *list, *split[2];
    const char **after;
    size_t n_after;
    pt_filters_options filters;
    char **layers;
    int neighbours, bins, ranks;
    uint32_t per_class;
    bool overwrite;
    int argc;
    char **argv;
} borrow_args;

static const struct argp_option options[] = {
    {"neighbours", OPT_NEIGHBOURS, "K", 0,
     "Source images for each target image (default: 300)", 0},
    {"after", OPT_AFTER, "RUN", 0,
     "The directory of a run on the target with evaluation.train_split: true. A target "
     "image that it got wrong has 4 K neighbours more, one it was unsure of 2 K "
     "(repeatable: a run for each round)",
     0},
    {"filters", OPT_FILTERS, "FILE", 0,
     "Describe images by layers of a network with the weights of FILE (default: Gabor "
     "filters)",
     0},
    {"network", OPT_NETWORK, "NAME", 0,
     "Its network, where --filters is no model file of ptrain", 0},
    {"layer", OPT_LAYER, "NAME", 0,
     "A layer of it, by torchvision's name (features.1; repeatable; default: the first "
     "two "
     "ReLUs)",
     0},
    {"list", OPT_LIST, "FILE", 0, "Write the neighbours as text too", 0},
    {"per-class", OPT_PER_CLASS, "N", 0,
     "The first N images of each class of the target, as data.per_class (default: all)",
     0},
    {"split", OPT_SPLIT, "NAME", 0, "Split of the target (default: train)", 0},
    {"source-split", OPT_SOURCE_SPLIT, "NAME", 0, "Split of the source (default: train)",
     0},
    {"bins", OPT_BINS, "N", 0, "Bins of a histogram, 2 to 256 (default: 100)", 0},
    {"ranks", OPT_RANKS, "N", 0, "Ranks to start, without mpirun (default: one per core)",
     0},
    {"overwrite", OPT_OVER, 0, 0, "Replace OUT.h5 if it is there", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    borrow_args *a = state->input;

    switch (key) {
    case OPT_NEIGHBOURS:
        a->neighbours = pt_args_count("--neighbours", arg, 1, 1000000, state);
        return 0;
    case OPT_BINS:
        a->bins = pt_args_count("--bins", arg, 2, PT_BANK_MAX_BINS, state);
        return 0;
    case OPT_RANKS:
        a->ranks = pt_args_count("--ranks", arg, 1, 100000, state);
        return 0;
    case OPT_FILTERS:
        a->filters.path = arg;
        return 0;
    case OPT_NETWORK:
        a->filters.network = arg;
        return 0;
    case OPT_LAYER:
        a->layers[a->filters.n_layers++] = arg;
        return 0;
    case OPT_AFTER:
        a->after[a->n_after++] = arg;
        return 0;
    case OPT_PER_CLASS:
        a->per_class = (uint32_t)pt_args_count("--per-class", arg, 1, 1000000, state);
        return 0;
    case OPT_LIST:
        a->list = arg;
        return 0;
    case OPT_SPLIT:
    case OPT_SOURCE_SPLIT:
        a->split[key != OPT_SPLIT] = arg;
        return 0;
    case OPT_OVER:
        a->overwrite = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_files == 3) argp_error(state, "three files, not '%s' too", arg);
        a->file[a->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n_files < 3) argp_error(state, "TARGET.h5, SOURCE.h5 and OUT.h5, please");
        if (!a->filters.path && (a->filters.network || a->filters.n_layers > 0))
            argp_error(state, "--network and --layer go with --filters");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse_option,
    "TARGET.h5 SOURCE.h5 OUT.h5",
    "Writes the images of SOURCE.h5 that look most like those of TARGET.h5, by "
    "histograms of the responses of Gabor filters or of a network's first layers (Ge and "
    "Yu, CVPR 2017), for joint training: source.path=OUT.h5. "
    "Both are made by ptrain pack. Under mpirun or srun the ranks share the work; alone "
    "it starts mpirun itself. The result does not depend on the ranks.",
    NULL,
    NULL,
    NULL};

/* ---- the work --------------------------------------------------------------------- */

/* How many neighbours of each target image, k [target->n]. Rank 0 reads for all. */
static pt_status choose_k(const borrow_args *a, const pt_image_set *target, size_t most,
                          size_t *k)
{
    size_t base = (size_t)a->neighbours;
    pt_status s = PT_OK;

    if (!k) return pt_fail(PT_ERR_NOMEM, "no memory for the neighbours' numbers");
    for (size_t t = 0; t < target->n; t++) k[t] = base;
    for (size_t i = 0; i < a->n_after && s == PT_OK; i++) {
        char *path = pt_file_path(a->after[i], "train_predictions.h5");
        pt_hardness h;

        s = path ? pt_counts_add(path, target->images, target->n, base, k, &h)
                 : pt_fail(PT_ERR_NOMEM, "no memory for a path");
        if (s == PT_OK)
            pt_log_info("%s: %zu target images wrong, %zu unsure, %zu easy", a->after[i],
                        h.wrong, h.unsure, h.easy);
        free(path);
    }
    for (size_t t = 0; t < target->n; t++)
        if (k[t] > most) k[t] = most;
    return s;
}

/* Collective. */
static pt_status agree_on_k(const borrow_args *a, const pt_image_set *target, size_t most,
                            size_t **k)
{
    size_t bytes = target->n * sizeof **k;
    pt_status s = PT_OK;

    if (pt_job_rank() == 0) {
        *k = pt_calloc(target->n, sizeof **k);
        s = choose_k(a, target, most, *k);
    }
    s = pt_job_agree(s);
    return s == PT_OK ? pt_job_broadcast(0, (void **)k, &bytes) : s;
}

static pt_status lend(const borrow_args *a, const pt_image_set *target,
                      const pt_image_set *source, const size_t *k,
                      const pt_neighbour *lists)
{
    size_t n = 0;
    pt_status s;

    if (pt_job_rank() > 0) return PT_OK;
    s = pt_packed_set_write(a->file[2], target, source, k, lists, &n);
    if (s == PT_OK && a->list) s = pt_packed_set_list(a->list, target, source, k, lists);
    if (s != PT_OK) return s;
    pt_log_info("%s: %zu of %zu source images, the %d nearest%s of %zu target images",
                a->file[2], n, source->n, a->neighbours,
                a->n_after > 0 ? " and more of the harder" : "", target->n);
    if (n == source->n)
        pt_log_warn("all source images are borrowed: a smaller --neighbours chooses");
    return PT_OK;
}

static pt_status borrow(const void *context)
{
    const borrow_args *a = context;
    pt_image_set set[2] = {{0}, {0}};
    pt_filters filters = {0};
    pt_neighbour *lists = NULL;
    size_t *k = NULL;
    pt_status s = pt_agree_on_program(a->argc, a->argv);

    if (s == PT_OK)
        s = pt_job_agree(pt_check_output(a->file[2], a->overwrite, a->file, 2));
    for (int i = 0; i < 2 && s == PT_OK; i++)
        s = pt_image_set_open(a->file[i], a->split[i], i == 0 ? a->per_class : 0,
                              &set[i]);
    if (s == PT_OK) s = pt_filters_open(&a->filters, &filters);
    if (s == PT_OK) s = agree_on_k(a, &set[0], set[1].n, &k);
    if (s == PT_OK)
        s = pt_borrow_search(&set[0], &set[1], k, &filters.bank, a->bins, &lists);
    if (s == PT_OK) s = pt_job_agree(lend(a, &set[0], &set[1], k, lists));
    free(lists);
    free(k);
    pt_filters_fini(&filters);
    for (int i = 0; i < 2; i++) pt_image_set_fini(&set[i]);
    return s;
}

int pt_cmd_borrow(int argc, char **argv)
{
    borrow_args a = {.argc = argc,
                     .argv = argv,
                     .split = {"train", "train"},
                     .neighbours = 300,
                     .bins = 100};
    int code;

    a.after = calloc((size_t)argc + 1, sizeof *a.after);
    a.layers = calloc((size_t)argc + 1, sizeof *a.layers);
    if (!a.after || !a.layers) return 1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    a.filters.layers = a.layers;
    code = pt_as_job(argc, argv, a.ranks, borrow, &a);
    free(a.after);
    free(a.layers);
    return code;
}
