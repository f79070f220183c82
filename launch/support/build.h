/* What this program is: version, commit, how it was built, what it runs with. Local. */
#ifndef PT_LAUNCH_SUPPORT_BUILD_H
#define PT_LAUNCH_SUPPORT_BUILD_H

#include <stdio.h>

/* The answer to `ptrain --version`; its first line is "ptrain VERSION". */
void pt_version_print(FILE *out);

#endif
