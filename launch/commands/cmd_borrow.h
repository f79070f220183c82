/* `ptrain borrow`: the part of a source data set that looks like a target data set. */
#ifndef PT_LAUNCH_COMMANDS_CMD_BORROW_H
#define PT_LAUNCH_COMMANDS_CMD_BORROW_H

/* argv[0] is "borrow"; returns the exit code. */
int pt_cmd_borrow(int argc, char **argv);

#endif
