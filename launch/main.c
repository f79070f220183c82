#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/suggest.h"
#include "common/config/config.h"
#include "common/base/log.h"
#include "common/comm/stop.h"
#include "launch/commands/cmd_attention.h"
#include "launch/commands/cmd_bench.h"
#include "launch/commands/cmd_borrow.h"
#include "launch/commands/cmd_config.h"
#include "launch/commands/cmd_inspect.h"
#include "launch/commands/cmd_pack.h"
#include "launch/commands/cmd_demo_data.h"
#include "launch/commands/cmd_report.h"
#include "launch/commands/cmd_sweep.h"
#include "launch/commands/cmd_predict.h"
#include "launch/commands/cmd_train.h"
#include "launch/support/probe.h"
#include "launch/support/version.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"train", pt_cmd_train, "fine-tune a network, alone or under mpirun or srun"},
    {"predict", pt_cmd_predict, "print the most likely classes of images"},
    {"config", pt_cmd_config, "show, check or explain a configuration"},
    {"pack", pt_cmd_pack, "pack a folder of images into one file"},
    {"inspect", pt_cmd_inspect, "tell what is in a packed data set"},
    {"borrow", pt_cmd_borrow, "choose from a source set what looks like a target set"},
    {"attention", pt_cmd_attention, "measure how much channels count, for DELTA"},
    {"demo-data", pt_cmd_demo_data, "make pictures for a quick demonstration"},
    {"sweep", pt_cmd_sweep, "run a table of experiments, what is not done yet"},
    {"report", pt_cmd_report, "compare finished runs in the paper's kind of table"},
    {"bench", pt_cmd_bench, "measure the speed of a training step on this machine"},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int usage(FILE *out)
{
    fprintf(out, "usage: ptrain COMMAND [ARGUMENT...]\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out,
            "\n`ptrain COMMAND --help` tells more; `ptrain --version` the version.\n");
    return out == stdout ? 0 : 2;
}

static int unknown(const char *word)
{
    const char *names[N_COMMANDS + 1] = {NULL}, *near;
    char text[256];

    for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
    near = pt_suggest(word, names);
    snprintf(text, sizeof text, "unknown command '%.100s'%s%s%s", word,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    pt_log_error(text);
    return 2;
}

/* Whoever started us may have closed them: the next file that is opened would be taken
 * for a standard stream. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(1);
}

/* Output that cannot be written is a failure of every command, also of --help. */
static void end_output(int code, void *context)
{
    const char *why = pt_log_end();

    if (!why || code != 0) return; /* one line is enough */
    pt_log_error(why);
    _exit(1);
}

/* `train` hears from its first moment that it is to stop; the others just end. */
static void hear_signals(const char *command)
{
    sigset_t held;

    if (strcmp(command, "train") == 0) pt_stop_on_signals();
    pt_stop_signals(&held);
    sigprocmask(SIG_UNBLOCK, &held, NULL);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    on_exit(end_output, NULL);
    if (argc < 2) return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        pt_log_info("ptrain " PT_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--probe-h5") == 0) return pt_probe_main(argc - 1, argv + 1);
    hear_signals(argv[1]);
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
