/* `ptrain demo-data`: made pictures for a quick demonstration, as class folders. */
#ifndef PT_LAUNCH_COMMANDS_CMD_DEMO_DATA_H
#define PT_LAUNCH_COMMANDS_CMD_DEMO_DATA_H

/* argv[0] is the command's name:
 *
 *     demo-data DIR [--seed N] [--source-per-class N] [--source-test-per-class N]
 *                   [--target-per-class N] [--target-test-per-class N]
 *
 * Writes DIR/{source,target}/{train,test}/CLASS/NNNN.jpg (launch/demo/scene.h). DIR is
 * made; it must not exist or be empty. The same arguments give the same pixels on every
 * machine (and the same files with the same libjpeg); more images per class leave the
 * others as they are. Returns the exit code: 0, 2 for a bad command line, 1 for a failed
 * write. */
int pt_cmd_demo_data(int argc, char **argv);

#endif
