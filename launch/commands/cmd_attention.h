/* `ptrain attention`: how much each channel of DELTA's feature maps counts. */
#ifndef PT_LAUNCH_COMMANDS_CMD_ATTENTION_H
#define PT_LAUNCH_COMMANDS_CMD_ATTENTION_H

/* argv[0] is "attention"; returns the exit code. */
int pt_cmd_attention(int argc, char **argv);

#endif
