/* Checks that all ranks have the same inputs. */
#ifndef PT_LAUNCH_SUPPORT_AGREE_H
#define PT_LAUNCH_SUPPORT_AGREE_H

#include "common/base/status.h"
#include "common/data/dataset.h"

/* Collective: compares every rank's digest of `what` ("program", "data set"). If they
 * differ, PT_ERR_USAGE on all ranks, and one line from rank 0 with each rank's digest and
 * host. digest is cut to its first 16 characters. */
PT_MUST_USE pt_status pt_agree_on(const char *what, const char *digest);

/* Collective: all ranks read the same index of `what` from `path`, and decode pictures to
 * the same pixels. Rank 0 warns if the
 * file is too old for damage to be detected. */
PT_MUST_USE pt_status pt_agree_on_data(const char *what, const char *path,
                                       const pt_dataset *d);

/* Collective: the program file and the command line are the same on all ranks. */
PT_MUST_USE pt_status pt_agree_on_program(int argc, char **argv);

#endif
