#include "launch/bench/options.h"

#include <string.h>

#include "common/base/suggest.h"
#include "common/run/shards.h"
#include "launch/support/network_arg.h"
#include "worker/engine/threads.h"

static const char *const kernels[] = {"winograd", "direct", "blas", NULL};

static const char *const precisions[] = {"fp32", "bf16", NULL};

typedef struct {
    pt_bench_step_options *o;
    const char *method, *precision;
} given_options;

static pt_status check_method(const char *name)
{
    char near[PT_DID_YOU_MEAN];

    for (int i = 0; kernels[i]; i++)
        if (strcmp(name, kernels[i]) == 0) return PT_OK;
    return pt_fail(PT_ERR_USAGE,
                   "--method is '%.100s', must be winograd, direct or blas%s", name,
                   pt_did_you_mean(name, kernels, "", near));
}

static pt_status check_precision(const char *name, const char *method)
{
    char near[PT_DID_YOU_MEAN];
    bool bf16 = strcmp(name, "bf16") == 0;

    if (!bf16 && strcmp(name, "fp32") != 0)
        return pt_fail(PT_ERR_USAGE, "--precision is '%.100s', must be fp32 or bf16%s",
                       name, pt_did_you_mean(name, precisions, "", near));
    if (bf16 && strcmp(method, "blas") == 0)
        return pt_fail(PT_ERR_USAGE,
                       "--precision bf16 needs our kernels, but --method is blas");
    return PT_OK;
}

static pt_kernels kernels_of(const given_options *g)
{
    bool direct = strcmp(g->method, "direct") == 0;
    pt_kernel fp32 = direct ? PT_DIRECT : PT_WINOGRAD;
    pt_kernel bf16 = direct ? PT_DIRECT_BF16 : PT_WINOGRAD_BF16;

    return (pt_kernels){.conv = strcmp(g->precision, "bf16") == 0 ? bf16 : fp32,
                        .blas = strcmp(g->method, "blas") == 0};
}

static pt_status check(const void *given)
{
    pt_status s;
    const given_options *g = given;
    const pt_bench_step_options *o = g->o;

    if ((o->shards & (o->shards - 1)) != 0)
        return pt_fail(PT_ERR_USAGE, "--shards must be a power of two, not %d",
                       o->shards);
    if (o->shards > o->batch)
        return pt_fail(PT_ERR_USAGE,
                       "--shards is %d, more than the %d images of the batch", o->shards,
                       o->batch);
    if (o->workers > o->shards)
        return pt_fail(PT_ERR_USAGE, "--workers is %d, more than the %d shards",
                       o->workers, o->shards);
    s = check_method(g->method);
    if (s == PT_OK) s = check_precision(g->precision, g->method);
    return s == PT_OK ? pt_network_arg_check(o->network) : s;
}

bool pt_bench_read_step(int argc, char **argv, pt_bench_step_options *o, int *code)
{
    given_options g = {o, "winograd", "fp32"};
    const pt_arg table[] = {
        PT_ARG_NETWORK(&o->network),
        PT_ARG_NUMBER("batch", "B", &o->batch, 1, 4096,
                      "Images per batch, over all workers (default: 16)"),
        PT_ARG_NUMBER("threads", "T", &o->threads, 1, PT_MAX_THREADS,
                      "Compute threads per worker (default: 1)"),
        PT_ARG_NUMBER("workers", "W", &o->workers, 0, PT_MAX_SHARDS,
                      "Worker ranks (default: 0, one process without messages)"),
        PT_ARG_NUMBER("shards", "V", &o->shards, 1, PT_MAX_SHARDS,
                      "Virtual shards of the batch (default: 8)"),
        PT_ARG_TEXT("method", "NAME", &g.method,
                    "winograd, direct or blas (default: winograd)"),
        PT_ARG_TEXT("precision", "NAME", &g.precision,
                    "fp32 or bf16: engine.precision (default: fp32)"),
        PT_ARG_NUMBER("steps", "N", &o->steps, 1, 10000, "Steps to measure (default: 5)"),
        PT_ARG_NUMBER("warmup", "N", &o->warmup, 0, 10000,
                      "Warm-up steps before those (default: 2)"),
        PT_ARG_FLAG("copies", &o->copies,
                    "Ranks send copies, as between hosts (server.shared_memory: false)"),
        PT_BENCH_JSON(&o->json)};
    const pt_args args = {
        .command = "bench step",
        .about =
            "Times a whole training step with PtR on synthetic images: forward, losses, "
            "norms, backward, update. Without --workers in one process, by kind of "
            "layer; with it in a job of 1 server and W workers, which mpirun starts.",
        .example = "ptrain bench step --network resnet50 --batch 16 --workers 2",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = &g};

    *o = (pt_bench_step_options){.network = "resnet50",
                                 .batch = 16,
                                 .shards = 8,
                                 .threads = 1,
                                 .steps = 5,
                                 .warmup = 2};
    if (!pt_args_read(&args, argc, argv, code)) return false;
    o->kernels = kernels_of(&g);
    return true;
}
