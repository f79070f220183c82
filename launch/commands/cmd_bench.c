#include "launch/commands/cmd_bench.h"

#include <stdio.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/config/config.h"
#include "common/base/log.h"
#include "launch/bench/input.h"
#include "launch/bench/step.h"

/* One line a benchmark; each reads the rest of the command line itself. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} benches[] = {
    {"step", pt_bench_step, "a training step, alone or with workers, by kind of layer"},
    {"input", pt_bench_input, "JPEG files to network input on one thread"},
};

enum { N_BENCHES = sizeof benches / sizeof benches[0] };

static int usage(void)
{
    printf("usage: ptrain bench NAME [OPTION...]\n\n");
    for (int i = 0; i < N_BENCHES; i++)
        printf("  %-10s %s\n", benches[i].name, benches[i].help);
    printf("\n`ptrain bench NAME --help` tells more.\n");
    return 0;
}

static int unknown(const char *word)
{
    const char *names[N_BENCHES + 1] = {NULL}, *near;
    char text[256];

    for (int i = 0; i < N_BENCHES; i++) names[i] = benches[i].name;
    near = pt_suggest(word, names);
    snprintf(text, sizeof text,
             "bench: unknown name '%.100s'%s%s%s (see ptrain bench "
             "--help)",
             word, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    pt_log_error(text);
    return 2;
}

int pt_cmd_bench(int argc, char **argv)
{
    if (argc < 2) {
        pt_log_error("bench: which benchmark? (see ptrain bench --help)");
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0) return usage();
    for (int i = 0; i < N_BENCHES; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
