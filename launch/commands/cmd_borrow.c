#include "launch/commands/commands.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/borrow/counts.h"
#include "launch/borrow/filters.h"
#include "launch/borrow/packed_set.h"
#include "launch/borrow/search.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"
#include "launch/train/run_dir.h"

enum { TARGET, SOURCE, OUT, N_FILES };

typedef struct {
    const char *file[N_FILES], *split[2], *list;
    pt_words after;
    pt_filters_options filters;
    int neighbours, bins, ranks, per_class;
    bool overwrite;
    int argc;
    char **argv;
} borrow_args;

static pt_status check_args(const void *given)
{
    const pt_filters_options *f = &((const borrow_args *)given)->filters;

    return f->path || (!f->network && f->layers.n == 0)
               ? PT_OK
               : pt_fail(PT_ERR_USAGE, "--network and --layer need --filters FILE");
}

static bool read_args(int argc, char **argv, borrow_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("TARGET.h5", &a->file[TARGET]),
        PT_ARG_OPERAND("SOURCE.h5", &a->file[SOURCE]),
        PT_ARG_OPERAND("OUT.h5", &a->file[OUT]),
        PT_ARG_NUMBER("neighbours", "K", &a->neighbours, 1, 1000000,
                      "Source images for each target image (default: 300)"),
        PT_ARG_WORDS(
            "after", "RUN", &a->after,
            "The directory of a run on the target with evaluation.train_split: "
            "true. A target image that the run got wrong gets 4 K more neighbours, one "
            "it was unsure of 2 K more (repeatable: one run per round)"),
        PT_ARG_TEXT("filters", "FILE", &a->filters.path,
                    "Describe images by layers of a network with the weights in FILE "
                    "(default: by Gabor filters)"),
        PT_ARG_TEXT("network", "NAME", &a->filters.network,
                    "The network of --filters, if FILE is not a ptrain model file"),
        PT_ARG_WORDS("layer", "NAME", &a->filters.layers,
                     "A layer of that network, by its name in torchvision, such as "
                     "features.1 (repeatable; default: the first two ReLUs)"),
        PT_ARG_NUMBER("bins", "N", &a->bins, 2, PT_BANK_MAX_BINS,
                      "Bins per histogram, 2 to 256 (default: 100)"),
        PT_ARG_TEXT("split", "NAME", &a->split[TARGET],
                    "Split of the target (default: train)"),
        PT_ARG_TEXT("source-split", "NAME", &a->split[SOURCE],
                    "Split of the source (default: train)"),
        PT_ARG_NUMBER("per-class", "N", &a->per_class, 1, 1000000,
                      "Only the first N images of each class of the target"),
        PT_ARG_TEXT("list", "FILE", &a->list, "Also write the neighbours as text"),
        PT_ARG_RANKS(&a->ranks),
        PT_ARG_OVERWRITE(&a->overwrite)};
    const pt_args args = {
        .command = "borrow",
        .about = "Writes the images of SOURCE.h5 that look most like those of TARGET.h5, "
                 "by histograms of the responses of Gabor filters or of a network's "
                 "first layers (Ge and Yu, CVPR 2017), for joint training: "
                 "source.path=OUT.h5. Both files are made by ptrain pack. Under mpirun "
                 "or srun the ranks share the work; otherwise the command starts mpirun "
                 "itself. The "
                 "result does not depend on the number of ranks.",
        .example = "ptrain borrow flowers.h5 imagenet.h5 near.h5 --neighbours 100",
        PT_ARGS_TABLE(table),
        .check = check_args,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

/* ---- the work --------------------------------------------------------------------- */

/* PT_ERR_USAGE if the run was trained on other data than the target, whose images its
 * predictions count by number. */
static pt_status check_target(const borrow_args *a, const char *run, const pt_dataset *d)
{
    const char *was, *is = pt_dataset_checksum(d);
    json_t *identity = NULL;
    pt_status s = PT_OK;

    if (!pt_run_dir_has(run, "identity.json")) return PT_OK; /* the predictions alone */
    s = pt_run_dir_read_json(run, "identity.json", &identity);
    was = json_string_value(json_object_get(identity, "data_checksum"));
    if (s == PT_OK && was && strcmp(was, is) != 0)
        s = pt_fail(
            PT_ERR_USAGE,
            "--after %s: this run had other data than %s holds (checksum %.12s..., "
            "is %.12s...)",
            run, a->file[TARGET], was, is);
    json_decref(identity);
    return s;
}

/* How many neighbours of each target image, k [target->n]. Rank 0 reads for all. */
static pt_status choose_k(const borrow_args *a, const pt_image_set *target, size_t max,
                          size_t *k)
{
    size_t base = (size_t)a->neighbours;
    pt_status s = PT_OK;

    if (!k) return pt_fail(PT_ERR_NOMEM, "no memory for the neighbours' numbers");
    for (size_t t = 0; t < target->n; t++) k[t] = base;
    for (size_t i = 0; i < a->after.n && s == PT_OK; i++) {
        char *path = pt_file_path(a->after.list[i], "train_predictions.h5");
        pt_hardness h;

        s = check_target(a, a->after.list[i], target->data);
        if (s == PT_OK)
            s = path ? pt_counts_add(path, target->images, target->n, base, k, &h)
                     : pt_fail(PT_ERR_NOMEM, "no memory for a path");
        if (s == PT_OK)
            pt_log_info("%s: %zu target images wrong, %zu unsure, %zu easy",
                        a->after.list[i], h.wrong, h.unsure, h.easy);
        free(path);
    }
    for (size_t t = 0; t < target->n; t++)
        if (k[t] > max) k[t] = max;
    return s;
}

/* Collective. */
static pt_status agree_on_k(const borrow_args *a, const pt_image_set *target, size_t max,
                            size_t **k)
{
    size_t bytes = target->n * sizeof **k;
    pt_status s = PT_OK;

    if (pt_job_rank() == 0) {
        *k = pt_calloc(target->n, sizeof **k);
        s = choose_k(a, target, max, *k);
    }
    s = pt_job_agree(s);
    return s == PT_OK ? pt_job_broadcast(0, (void **)k, &bytes) : s;
}

static pt_status write_borrowed(const borrow_args *a, const pt_image_set *target,
                                const pt_image_set *source, const size_t *k,
                                const pt_neighbour *lists)
{
    size_t n = 0;
    pt_status s;

    if (pt_job_rank() > 0) return PT_OK;
    s = pt_packed_set_write(a->file[OUT], target, source, k, lists, &n);
    if (s == PT_OK && a->list) s = pt_packed_set_list(a->list, target, source, k, lists);
    if (s != PT_OK) return s;
    pt_log_info("%s: %zu of %zu source images, the %d nearest%s of %zu target images",
                a->file[OUT], n, source->n, a->neighbours,
                a->after.n > 0 ? " and more for harder images" : "", target->n);
    if (n == source->n)
        pt_log_warn("all source images are selected: use a smaller --neighbours to "
                    "choose among them");
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
        s = pt_job_agree(pt_check_output(a->file[OUT], a->overwrite, a->file, OUT));
    for (int i = 0; i < 2 && s == PT_OK; i++)
        s = pt_image_set_open(a->file[i], a->split[i],
                              i == TARGET ? (uint32_t)a->per_class : 0, &set[i]);
    if (s == PT_OK) s = pt_filters_open(&a->filters, &filters);
    if (s == PT_OK) s = agree_on_k(a, &set[0], set[1].n, &k);
    if (s == PT_OK)
        s = pt_borrow_search(&set[0], &set[1], k, &filters.bank, a->bins, &lists);
    if (s == PT_OK) s = pt_job_agree(write_borrowed(a, &set[0], &set[1], k, lists));
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

    if (!read_args(argc, argv, &a, &code)) return code;
    code = pt_as_job(argc, argv, a.ranks, borrow, &a);
    pt_words_fini(&a.after);
    pt_words_fini(&a.filters.layers);
    return code;
}
