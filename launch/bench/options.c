#include "launch/bench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/config/config.h"
#include "common/run/shards.h"
#include "worker/engine/threads.h"

static pt_status take(const char *bench, const pt_bench_option *o, const char *value)
{
    char *end;
    long n;

    if (o->flag) {
        *o->flag = true;
        return PT_OK;
    }
    if (o->text) {
        *o->text = value;
        return PT_OK;
    }
    errno = 0;
    n = strtol(value, &end, 10);
    if (*end || end == value || errno || n < o->least || n > o->most)
        return pt_fail(PT_ERR_USAGE, "bench %s: --%s is '%s', must be %d to %d", bench,
                       o->name, value, o->least, o->most);
    *o->number = (int)n;
    return PT_OK;
}

pt_status pt_bench_read_options(const pt_bench_option *table, int n, int argc,
                                char **argv)
{
    struct option known[PT_BENCH_MAX_OPTIONS + 1] = {{0}};
    int c, which = 0;
    pt_status s = PT_OK;

    PT_CHECK(n <= PT_BENCH_MAX_OPTIONS, "%d options", n);
    for (int i = 0; i < n; i++)
        known[i] =
            (struct option){.name = table[i].name,
                            .has_arg = table[i].flag ? no_argument : required_argument,
                            .val = 1};
    optind = 0; /* glibc: start over, another command may have used getopt */
    opterr = 0;
    while (s == PT_OK && (c = getopt_long(argc, argv, ":", known, &which)) != -1) {
        if (c == 1)
            s = take(argv[0], &table[which], optarg);
        else
            s = pt_fail(PT_ERR_USAGE, "bench %s: %s '%s' (see ptrain bench %s --help)",
                        argv[0], c == ':' ? "a value is missing after" : "unknown option",
                        argv[optind - 1], argv[0]);
    }
    if (s == PT_OK && optind < argc)
        s = pt_fail(PT_ERR_USAGE, "bench %s: '%s' is one argument too many", argv[0],
                    argv[optind]);
    return s;
}

/* ---- step ------------------------------------------------------------------------- */

static pt_status check_step(const pt_bench_step_options *o)
{
    if ((o->shards & (o->shards - 1)) != 0)
        return pt_fail(PT_ERR_USAGE,
                       "bench step: --shards must be a power of two, not %d", o->shards);
    if (o->shards > o->batch)
        return pt_fail(PT_ERR_USAGE, "bench step: %d shards for a batch of %d images",
                       o->shards, o->batch);
    if (o->workers > o->shards)
        return pt_fail(PT_ERR_USAGE, "bench step: %d workers for %d shards", o->workers,
                       o->shards);
    return PT_OK;
}

static pt_status kernels_named(const char *name, pt_kernels *out)
{
    static const char *const names[] = {"winograd", "direct", "blas", NULL};
    const char *near;

    for (int i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (pt_kernels){.conv = i == 1 ? PT_DIRECT : PT_WINOGRAD, .blas = i == 2};
        return PT_OK;
    }
    near = pt_suggest(name, names);
    return pt_fail(PT_ERR_USAGE,
                   "bench step: --method is '%s'%s%s%s, must be winograd, direct or blas",
                   name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

pt_status pt_bench_read_step(int argc, char **argv, pt_bench_step_options *o)
{
    const char *method = "winograd";
    const pt_bench_option table[] = {
        {.name = "network", .text = &o->network},
        {.name = "batch", .number = &o->batch, .least = 1, .most = 4096},
        {.name = "threads", .number = &o->threads, .least = 1, .most = PT_MAX_THREADS},
        {.name = "workers", .number = &o->workers, .least = 0, .most = PT_MAX_SHARDS},
        {.name = "shards", .number = &o->shards, .least = 1, .most = PT_MAX_SHARDS},
        {.name = "steps", .number = &o->steps, .least = 1, .most = 10000},
        {.name = "warmup", .number = &o->warmup, .least = 0, .most = 10000},
        {.name = "method", .text = &method},
        {.name = "json", .flag = &o->json},
        {.name = "help", .flag = &o->help}};
    pt_status s;

    *o = (pt_bench_step_options){.network = "resnet50",
                                 .batch = 16,
                                 .shards = 8,
                                 .threads = 1,
                                 .steps = 5,
                                 .warmup = 2};
    s = pt_bench_read_options(table, sizeof table / sizeof *table, argc, argv);
    if (s == PT_OK) s = kernels_named(method, &o->kernels);
    return s == PT_OK && !o->help ? check_step(o) : s;
}
