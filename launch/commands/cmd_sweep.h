/* `ptrain sweep TABLE.yaml`. */
#ifndef PT_LAUNCH_COMMANDS_CMD_SWEEP_H
#define PT_LAUNCH_COMMANDS_CMD_SWEEP_H

int pt_cmd_sweep(int argc, char **argv);

#endif
