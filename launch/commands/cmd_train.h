/* `ptrain train`: the run itself, under mpirun or starting it. */
#ifndef PT_LAUNCH_COMMANDS_CMD_TRAIN_H
#define PT_LAUNCH_COMMANDS_CMD_TRAIN_H

/* argv[0] is "train"; returns the exit code. */
int pt_cmd_train(int argc, char **argv);

#endif
