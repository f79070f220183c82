/* What a person can type after `ptrain`. */
#ifndef PT_LAUNCH_COMMANDS_COMMANDS_H
#define PT_LAUNCH_COMMANDS_COMMANDS_H

#include "launch/support/command.h"
#include "launch/train/setup.h"

extern const pt_commands pt_all_commands, pt_bench_commands, pt_config_commands;

/* Each in its cmd_NAME.c. argv[0] is the name; they return the exit code. */
int pt_cmd_train(int argc, char **argv);

/* The same in a job that has been started; may be called again in it. Collective; the
 * status is agreed. */
PT_MUST_USE pt_status pt_train_in_job(const pt_train_args *args);

int pt_cmd_predict(int argc, char **argv);
int pt_cmd_pack(int argc, char **argv);
int pt_cmd_inspect(int argc, char **argv);
int pt_cmd_borrow(int argc, char **argv);
int pt_cmd_attention(int argc, char **argv);
int pt_cmd_sweep(int argc, char **argv);
int pt_cmd_plan(int argc, char **argv);
int pt_cmd_scale(int argc, char **argv);
int pt_cmd_report(int argc, char **argv);
int pt_cmd_soup(int argc, char **argv);
int pt_cmd_status(int argc, char **argv);
int pt_cmd_tail(int argc, char **argv);
int pt_cmd_submit(int argc, char **argv);
int pt_cmd_doctor(int argc, char **argv);
int pt_cmd_eval(int argc, char **argv);
int pt_cmd_export(int argc, char **argv);

/* DIR is made; it must not exist or be empty. The same arguments give the same pixels on
 * every machine (and the same files with the same libjpeg); more images per class leave
 * the others as they are. */
int pt_cmd_demo_data(int argc, char **argv);

#endif
