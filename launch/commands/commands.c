#include "launch/commands/commands.h"

static const pt_command list[] = {
    {"train", "fine-tune a network, with or without mpirun or srun", .run = pt_cmd_train},
    {"status", "say how far runs are", .run = pt_cmd_status},
    {"tail", "print the last steps of a run, or follow it", .run = pt_cmd_tail},
    {"predict", "print the most likely classes of images", .run = pt_cmd_predict},
    {"eval", "test a model on a data set", .run = pt_cmd_eval},
    {"soup", "average models of one start", .run = pt_cmd_soup},
    {"export", "write a model for PyTorch or ONNX", .run = pt_cmd_export},
    {"config", "show, check or explain a configuration", .own = &pt_config_commands},
    {"pack", "pack a folder of images into one file", .run = pt_cmd_pack},
    {"inspect", "describe a packed data set", .run = pt_cmd_inspect},
    {"borrow", "select source images that look like those of a target",
     .run = pt_cmd_borrow},
    {"attention", "measure how much each channel matters, for DELTA",
     .run = pt_cmd_attention},
    {"demo-data", "draw pictures for a quick demonstration", .run = pt_cmd_demo_data},
    {"sweep", "run the experiments of a table that are not yet done",
     .run = pt_cmd_sweep},
    {"scale", "measure a run with different numbers of workers", .run = pt_cmd_scale},
    {"submit", "write a batch script for Slurm or PBS, and submit it",
     .run = pt_cmd_submit},
    {"doctor", "check a job and its machines before a run", .run = pt_cmd_doctor},
    {"report", "compare finished runs, in tables like the paper's", .run = pt_cmd_report},
    {"plan", "predict the step of a job of many nodes", .run = pt_cmd_plan},
    {"bench", "measure the speed of this machine", .own = &pt_bench_commands},
};

const pt_commands pt_all_commands = {
    .name = "",
    .choice = "COMMAND [ARGUMENT...]",
    .about = "Fine-tunes convolutional networks with Pseudo-task Regularization, on one "
             "machine or on many.",
    .example = "ptrain train my.yaml",
    .list = list,
    .n = sizeof list / sizeof *list};
