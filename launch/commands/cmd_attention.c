#include "launch/commands/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/attention/measure.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"
#include "launch/support/class_names.h"
#include "launch/support/classifier.h"
#include "launch/support/mpirun.h"

enum { MODEL, DATA, OUT, N_FILES };

typedef struct {
    const char *file[N_FILES], *split;
    pt_words nodes;
    int images, ranks, threads, per_class;
    bool overwrite;
    int argc;
    char **argv;
} attention_args;

static bool read_args(int argc, char **argv, attention_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("MODEL|RUN", &a->file[MODEL]),
        PT_ARG_OPERAND("DATA.h5", &a->file[DATA]),
        PT_ARG_OPERAND("OUT.h5", &a->file[OUT]),
        PT_ARG_WORDS(
            "node", "NAME", &a->nodes,
            "A layer whose output DELTA compares, by its name in torchvision, such as "
            "layer1.2.conv3 or features.4 (repeatable; default: the last "
            "convolution of each stage of torchvision's ResNets)"),
        PT_ARG_NUMBER("images", "N", &a->images, 1, 100000000,
                      "Measure on N images, spread evenly over the split (default: 640)"),
        PT_ARG_TEXT("split", "NAME", &a->split,
                    "Split that the images come from (default: train)"),
        PT_ARG_NUMBER("per-class", "N", &a->per_class, 1, 1000000,
                      "Only the first N images of each class"),
        PT_ARG_NUMBER("threads", "N", &a->threads, 1, 1024,
                      "Threads of each rank (default: 1)"),
        PT_ARG_RANKS(&a->ranks),
        PT_ARG_OVERWRITE(&a->overwrite)};
    const pt_args args = {
        .command = "attention",
        .about =
            "Measures by how much the loss of MODEL on images of DATA.h5 grows without "
            "each channel of the compared layers: DELTA's attention (Li et al., ICLR "
            "2019), for regularizers.delta.attention=OUT.h5. MODEL, or RUN's, comes from "
            "a run that trained the head alone (stages=[{epochs: 10, frozen: [trunk]}]). "
            "Under mpirun or srun the ranks share the channels; otherwise the command "
            "starts mpirun itself. The result does not depend on the number of ranks.",
        .example = "ptrain attention runs/head flowers.h5 attention.h5",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

/* ---- the work --------------------------------------------------------------------- */

/* Keeps `max` images of the set, evenly spread. */
static void thin(pt_image_set *set, size_t max)
{
    if (set->n <= max) return;
    for (size_t i = 0; i < max; i++) set->images[i] = set->images[i * set->n / max];
    set->n = max;
}

/* Collective: the model and the images that it is measured on. */
static pt_status open_files(const attention_args *a, pt_classifier *m, pt_image_set *set,
                            pt_attention_task *task, int **nodes)
{
    pt_status s = pt_job_agree(pt_check_output(a->file[OUT], a->overwrite, a->file, OUT));

    if (s == PT_OK) s = pt_classifier_open_all(a->file[MODEL], NULL, true, m);
    if (s == PT_OK)
        s = pt_image_set_open(a->file[DATA], a->split, (uint32_t)a->per_class, set);
    if (s == PT_OK)
        s = pt_job_agree(pt_class_names_check(a->file[MODEL], m->info.format,
                                              m->graph->n_classes, a->file[DATA],
                                              set->data));
    if (s != PT_OK) return s;
    thin(set, (size_t)a->images);
    *task = (pt_attention_task){.maps.graph = m->graph,
                                .weights = m->flat,
                                .augment = &m->augment,
                                .data = set->data,
                                .images = set->images,
                                .n = set->n,
                                .threads = a->threads};
    s = pt_job_agree(pt_delta_find(m->graph, "--node", (char *const *)a->nodes.list,
                                   a->nodes.n, nodes, &task->maps.n));
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
        pt_log_info("%s: %zu channels of %d layer%s; the loss is %.4f, and grows without "
                    "%zu of them",
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
    char *model;
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    model = pt_classifier_path(a.file[MODEL]);
    if (model) a.file[MODEL] = model;
    code = pt_as_job(argc, argv, a.ranks, attend, &a);
    free(model);
    pt_words_fini(&a.nodes);
    return code;
}
