#include "launch/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/comm/stop.h"

/* Whoever started us may have closed them: the next file that is opened would be taken
 * for a standard stream. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(1);
}

static void end_output(int code, void *context)
{
    const char *why = pt_log_end();

    if (!why || code != 0) return; /* one line is enough */
    pt_log_error(why);
    _exit(1);
}

void pt_process_begin(void)
{
    open_standard_streams();
    on_exit(end_output, NULL);
}

void pt_process_listen(bool stops)
{
    sigset_t held;

    if (stops) pt_stop_on_signals();
    pt_stop_signals(&held);
    sigprocmask(SIG_UNBLOCK, &held, NULL);
}
