/* Do all ranks hold the same thing? */
#ifndef PT_LAUNCH_AGREE_H
#define PT_LAUNCH_AGREE_H

#include "common/status.h"

/* Collective: compares every rank's digest of `what` ("program", "data set"). Where they
 * differ, PT_ERR_USAGE on all ranks, and one line from rank 0 with a digest for each rank
 * and its host. digest is cut to its first 16 characters. */
PT_MUST_USE pt_status pt_agree_on(const char *what, const char *digest);

/* Collective: the program file and the command line are the same on all ranks. */
PT_MUST_USE pt_status pt_agree_on_program(int argc, char **argv);

#endif
