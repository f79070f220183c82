#include "launch/bench/input.h"
#include "launch/bench/step.h"
#include "launch/commands/commands.h"

static const pt_command list[] = {
    {"step", "a training step, alone or with workers, by kind of layer",
     .run = pt_bench_step},
    {"input", "from picture files to network input, on one thread", .run = pt_bench_input},
};

const pt_commands pt_bench_commands = {
    .name = "bench",
    .choice = "step|input [ARGUMENT...]",
    .about = "Measures the speed of this machine, and of ptrain on it.",
    .example = "ptrain bench step --threads 2",
    .list = list,
    .n = sizeof list / sizeof *list};
