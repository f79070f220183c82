/* `ptrain pack`: a data set as it comes, checked image by image, into one packed file. */
#ifndef PT_LAUNCH_COMMANDS_CMD_PACK_H
#define PT_LAUNCH_COMMANDS_CMD_PACK_H

/* argv[0] = "pack"; returns the exit code. */
int pt_cmd_pack(int argc, char **argv);

#endif
