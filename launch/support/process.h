/* The process from its first moment to its last: standard streams, signals, and the end
 * of its output. */
#ifndef PT_LAUNCH_SUPPORT_PROCESS_H
#define PT_LAUNCH_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* First in main. Opens standard streams that are closed; output that cannot be written
 * ends in an error line and code 1, also after a command that succeeded. */
void pt_process_begin(void);

/* Signals that ask to stop, which the parent may have held back, arrive from now on.
 * stops: they ask for a checkpoint; else they end the process. */
void pt_process_listen(bool stops);

#endif
