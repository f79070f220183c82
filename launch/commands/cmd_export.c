#include "launch/commands/commands.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "launch/export/export.h"
#include "launch/support/args.h"
#include "launch/support/classifier.h"

typedef struct {
    const char *model, *to, *output, *network, *classes;
    bool overwrite;
} export_args;

typedef struct {
    const char *name, *ending;
    pt_status (*write)(const pt_export *e, const char *path);
} format;

static const format formats[] = {{"onnx", ".onnx", pt_export_onnx},
                                 {"safetensors", ".safetensors", pt_export_safetensors},
                                 {"pth", ".pth", pt_export_pth}};

static const format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0) return &formats[i];
    return NULL;
}

static pt_status check(const void *given)
{
    const export_args *a = given;

    if (find_format(a->to)) return PT_OK;
    return pt_fail(PT_ERR_USAGE, "--to %s: must be onnx, safetensors or pth", a->to);
}

static bool read_args(int argc, char **argv, export_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("MODEL|RUN", &a->model),
        PT_ARG_TEXT("to", "FORMAT", &a->to,
                    "onnx (opset 13), safetensors, or pth (a state dict of PyTorch)",
                    .letter = 't', .required = true),
        PT_ARG_TEXT(
            "output", "FILE", &a->output,
            "Default: the name of the model or run, here, with the format's ending",
            .letter = 'o'),
        PT_ARG_TEXT("network", "NAME", &a->network,
                    "The network of the weights; a ptrain model file names its own",
                    .letter = 'n'),
        PT_ARG_TEXT("classes", "FILE", &a->classes,
                    "Class names, one per line; a model file may include them",
                    .letter = 'c'),
        PT_ARG_FLAG("overwrite", &a->overwrite, "Replace the file if it exists")};
    const pt_args args = {
        .command = "export",
        .about = "Writes a trained network for other programs: its tensors under "
                 "torchvision's names in PyTorch's layout, with the names of the classes "
                 "and the preprocessing where the format has room for them. RUN is the "
                 "directory of a finished run: its model.h5.",
        .example = "ptrain export runs/mine --to onnx",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "runs/mine" as "mine.onnx", "best.h5" as "best.onnx": a run's directory holds the run's
 * files and nothing else. malloc'd. */
static char *output_path(const char *model, const char *ending)
{
    char *copy = strdup(model), *path = NULL, *name, *dot;

    if (!copy) return NULL;
    name = basename(copy);
    dot = strrchr(name, '.');
    if (dot && dot > name && !is_directory(model)) *dot = '\0';
    if (asprintf(&path, "%s%s", name, ending) < 0) path = NULL;
    free(copy);
    return path;
}

static pt_status check_output(const export_args *a, const char *path, const char *output)
{
    struct stat in, out;

    if (stat(output, &out) != 0) return PT_OK;
    if (stat(path, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return pt_fail(PT_ERR_USAGE, "%s: is the model itself: name another --output",
                       output);
    if (a->overwrite) return PT_OK;
    return pt_fail(PT_ERR_USAGE, "%s: exists: name another --output, or --overwrite it",
                   output);
}

static void say(const pt_classifier *m, const char *output)
{
    struct stat st = {0};
    bool own_head = strcmp(m->graph->network, "squeezenet1_1") == 0 &&
                    pt_graph_find_tensor(m->graph, "head.weight") >= 0;

    if (stat(output, &st) != 0) st.st_size = 0;
    pt_log_info("%s: %s, %d classes, input %d x %d, %.1f MB", output, m->graph->network,
                m->graph->n_classes, m->graph->nodes[0].h, m->graph->nodes[0].w,
                (double)st.st_size * 1e-6);
    if (own_head)
        pt_log_info("its head is a mean and then a linear layer, head.weight; "
                    "torchvision's SqueezeNet has a convolution before the mean: not the "
                    "same function");
}

static pt_status export_model(const export_args *a, const char *path, const char *output)
{
    pt_classifier m;
    char **names = NULL;
    pt_status s = check_output(a, path, output);

    if (s != PT_OK) return s;
    s = pt_classifier_open(path, NULL, a->network, true, &m);
    if (s == PT_OK) s = pt_classifier_names(&m, path, a->classes, &names);
    if (s == PT_OK) {
        const pt_geometry geometry = {m.augment.resize_mode, m.augment.resize};
        const pt_export e = {.graph = m.graph,
                             .flat = m.flat,
                             .preprocess = &m.augment.preprocess,
                             .geometry = &geometry,
                             .classes = (const char *const *)names};

        s = find_format(a->to)->write(&e, output);
    }
    if (s == PT_OK) say(&m, output);
    free(names);
    pt_classifier_fini(&m);
    return s;
}

int pt_cmd_export(int argc, char **argv)
{
    export_args a = {0};
    char *path, *output;
    pt_status s;
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    path = pt_classifier_path(a.model);
    output =
        a.output ? strdup(a.output) : output_path(a.model, find_format(a.to)->ending);
    s = path && output ? export_model(&a, path, output)
                       : pt_fail(PT_ERR_NOMEM, "%s: no memory", a.model);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    free(path);
    free(output);
    return pt_status_exit_code(s);
}
