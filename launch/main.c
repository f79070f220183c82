#include <string.h>

#include "common/base/float_mode.h"
#include "launch/commands/commands.h"
#include "launch/support/probe.h"
#include "launch/support/process.h"

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    pt_float_mode_standard();
    pt_process_begin();
    if (strcmp(word, "--probe-h5") == 0) return pt_probe_main(argc - 1, argv + 1);
    pt_process_listen(strcmp(word, "train") == 0);
    return pt_commands_run(&pt_all_commands, argc, argv);
}
