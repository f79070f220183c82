/* `ptrain inspect`: what is in a file. */
#ifndef PT_LAUNCH_COMMANDS_CMD_INSPECT_H
#define PT_LAUNCH_COMMANDS_CMD_INSPECT_H

/* argv[0] = "inspect"; returns the exit code. */
int pt_cmd_inspect(int argc, char **argv);

#endif
