#include "launch/commands/cmd_attention.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/comm/job.h"
#include "common/base/log.h"
#include "launch/support/agree.h"
#include "launch/attention/measure.h"
#include "launch/support/classifier.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"

enum {
    OPT_NODE = 256,
    OPT_IMAGES,
    OPT_SPLIT,
    OPT_PER_CLASS,
    OPT_RANKS,
    OPT_THREADS,
    OPT_OVER
};

enum { MODEL, DATA, OUT, N_FILES };

typedef struct {
    const char *file[N_FILES];
    int n_files;
    const char *split;
    char **nodes;
    size_t n_nodes;
    int images, ranks, threads;
    uint32_t per_class;
    bool overwrite;
    int argc;
    char **argv;
} attention_args;

static const struct argp_option options[] = {
    {"node", OPT_NODE, "NAME", 0,
     "A layer whose output DELTA compares, by torchvision's name (layer1.2.conv3, "
     "features.4; repeatable; default: the last convolution of each stage of resnet50, "
     "101 and 152)",
     0},
    {"images", OPT_IMAGES, "N", 0,
     "Measure on N images, spread evenly over the split (default: 640)", 0},
    {"per-class", OPT_PER_CLASS, "N", 0,
     "Only of the first N images of each class, as data.per_class", 0},
    {"split", OPT_SPLIT, "NAME", 0, "Split of the images (default: train)", 0},
    {"ranks", OPT_RANKS, "N", 0, "Ranks to start, without mpirun (default: one per core)",
     0},
    {"threads", OPT_THREADS, "N", 0, "Threads of each rank (default: 1)", 0},
    {"overwrite", OPT_OVER, 0, 0, "Replace OUT.h5 if it is there", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    attention_args *a = state->input;

    switch (key) {
    case OPT_NODE:
        a->nodes[a->n_nodes++] = arg;
        return 0;
    case OPT_IMAGES:
        a->images = pt_args_count("--images", arg, 1, 100000000, state);
        return 0;
    case OPT_PER_CLASS:
        a->per_class = (uint32_t)pt_args_count("--per-class", arg, 1, 1000000, state);
        return 0;
    case OPT_SPLIT:
        a->split = arg;
        return 0;
    case OPT_RANKS:
        a->ranks = pt_args_count("--ranks", arg, 1, 100000, state);
        return 0;
    case OPT_THREADS:
        a->threads = pt_args_count("--threads", arg, 1, 1024, state);
        return 0;
    case OPT_OVER:
        a->overwrite = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_files == N_FILES) argp_error(state, "three files, not '%s' too", arg);
        a->file[a->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n_files < N_FILES)
            argp_error(state, "MODEL.h5, DATA.h5 and OUT.h5, please");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse_option,
    "MODEL.h5 DATA.h5 OUT.h5",
    "Measures by how much the loss of MODEL.h5 on images of DATA.h5 grows without each "
    "channel of the compared layers: DELTA's attention (Li et al., ICLR 2019), for "
    "regularizers.delta.attention=OUT.h5. MODEL.h5 is of a run that trained the head "
    "alone (stages=[{epochs: 10, frozen: [trunk]}]). Under mpirun or srun the ranks "
    "share the channels; alone it starts mpirun itself. The result does not depend on "
    "the ranks.",
    NULL,
    NULL,
    NULL};

/* ---- the work --------------------------------------------------------------------- */

/* Keeps `most` images of the set, evenly spread. */
static void thin(pt_image_set *set, size_t most)
{
    if (set->n <= most) return;
    for (size_t i = 0; i < most; i++) set->images[i] = set->images[i * set->n / most];
    set->n = most;
}

static pt_status check_classes(const attention_args *a, const pt_classifier *m,
                               const pt_image_set *set)
{
    if (m->graph->n_classes == pt_dataset_classes(set->data)) return PT_OK;
    return pt_fail(PT_ERR_USAGE, "%s has %d classes, %s has %d", a->file[MODEL],
                   m->graph->n_classes, a->file[DATA], pt_dataset_classes(set->data));
}

/* Collective: the model and the images that it is measured on. */
static pt_status open_files(const attention_args *a, pt_classifier *m, pt_image_set *set,
                            pt_attention_task *task, int **nodes)
{
    pt_status s = pt_job_agree(pt_check_output(a->file[OUT], a->overwrite, a->file, OUT));

    if (s == PT_OK) s = pt_classifier_open_all(a->file[MODEL], NULL, true, m);
    if (s == PT_OK) s = pt_image_set_open(a->file[DATA], a->split, a->per_class, set);
    if (s == PT_OK) s = pt_job_agree(check_classes(a, m, set));
    if (s != PT_OK) return s;
    thin(set, (size_t)a->images);
    *task = (pt_attention_task){.maps.graph = m->graph,
                                .weights = m->flat,
                                .augment = &m->augment,
                                .data = set->data,
                                .images = set->images,
                                .n = set->n,
                                .threads = a->threads};
    s = pt_job_agree(
        pt_delta_find(m->graph, "--node", a->nodes, a->n_nodes, nodes, &task->maps.n));
    task->maps.nodes = *nodes;
    return s;
}

static pt_status write_file(const attention_args *a, const pt_attention_task *t,
                            const float *increase, double loss)
{
    size_t n = pt_delta_channels(&t->maps), grows = 0;
    pt_status s;

    if (pt_job_rank() > 0) return PT_OK;
    for (size_t i = 0; i < n; i++) grows += increase[i] > 0;
    s = pt_delta_write_attention(a->file[OUT], &t->maps, increase, loss, t->n);
    if (s == PT_OK)
        pt_log_info("%s: %zu channels of %d layer%s; the loss is %.4f, and grows "
                    "without %zu of them",
                    a->file[OUT], n, t->maps.n, t->maps.n == 1 ? "" : "s", loss, grows);
    return s;
}

static pt_status attend(const void *context)
{
    const attention_args *a = context;
    pt_classifier m = {0};
    pt_image_set set = {0};
    pt_attention_task task = {0};
    float *increase = NULL;
    int *nodes = NULL;
    double loss = 0;
    pt_status s = pt_agree_on_program(a->argc, a->argv);

    if (s == PT_OK) s = open_files(a, &m, &set, &task, &nodes);
    if (s == PT_OK) {
        increase = pt_calloc(pt_delta_channels(&task.maps), sizeof *increase);
        s = pt_job_agree(increase ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory"));
    }
    if (s == PT_OK) s = pt_attention_measure(&task, increase, &loss);
    if (s == PT_OK) s = pt_job_agree(write_file(a, &task, increase, loss));
    free(increase);
    free(nodes);
    pt_image_set_fini(&set);
    pt_classifier_fini(&m);
    return s;
}

int pt_cmd_attention(int argc, char **argv)
{
    attention_args a = {
        .argc = argc, .argv = argv, .split = "train", .images = 640, .threads = 1};
    int code;

    a.nodes = calloc((size_t)argc + 1, sizeof *a.nodes);
    if (!a.nodes) return 1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    code = pt_as_job(argc, argv, a.ranks, attend, &a);
    free(a.nodes);
    return code;
}
