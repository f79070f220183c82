/* `ptrain predict`: the most likely classes of images. */
#ifndef PT_LAUNCH_COMMANDS_CMD_PREDICT_H
#define PT_LAUNCH_COMMANDS_CMD_PREDICT_H

/* argv[0] is "predict"; returns the exit code. */
int pt_cmd_predict(int argc, char **argv);

#endif
