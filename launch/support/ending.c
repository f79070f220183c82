#include "launch/support/ending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/comm/stop.h"

/* A shell's exit code for signal N, which mpirun uses for its ranks; above are its own.
 */
enum { SIGNAL = 128, LAST_SIGNAL = SIGNAL + 64 };

/* Where mpirun puts its files, and what is wrong with it. */
static void format_no_directory(char text[PT_ENDING_TEXT])
{
    static const char *const names[] = {"TMPDIR", "TEMP", "TMP"};
    const char *name = "TMPDIR", *dir = "/tmp";

    for (size_t i = sizeof names / sizeof *names; i-- > 0;)
        if (getenv(names[i])) {
            name = names[i];
            dir = getenv(name);
        }
    snprintf(
        text, PT_ENDING_TEXT,
        "mpirun cannot create its files in %s%s%s; set %s to a directory that can be "
        "written to",
        dir, access(dir, W_OK | X_OK) != 0 ? ": " : "",
        access(dir, W_OK | X_OK) != 0 ? strerror(errno) : "", name);
}

static void format_lost(const pt_ending *e, int code, char text[PT_ENDING_TEXT])
{
    if (e->reader_gone)
        snprintf(text, PT_ENDING_TEXT,
                 "standard output was closed by its reader, as head does: %s",
                 code == 75
                     ? "stopped, checkpoint written; run the same command again to resume"
                 : code == 0 ? "the end of the output is lost"
                             : "the job was ended");
    else
        snprintf(text, PT_ENDING_TEXT, "%s", e->lost);
}

/* A signal came: what it ended. False where the signal does not explain the end. */
static bool format_asked(const pt_ending *e, int code, char text[PT_ENDING_TEXT])
{
    const char *why = NULL;

    if (e->stops && (e->at_once || code == SIGNAL + SIGUSR2))
        why = PT_STOP_AT_ONCE;
    else if (e->stops && code == SIGNAL + SIGUSR1)
        why = e->heard
                  ? "mpirun was ended by the signal as the run ended: the same command "
                    "resumes it, or says that it is finished"
                  : "stopped while it was starting, before the first step: no "
                    "checkpoint was written";
    else if (e->asked && !e->stops)
        why = "interrupted";
    if (why) snprintf(text, PT_ENDING_TEXT, "%s", why);
    return why != NULL;
}

static void format_status(int code, char text[PT_ENDING_TEXT])
{
    if (code > SIGNAL && code <= LAST_SIGNAL)
        snprintf(text, PT_ENDING_TEXT, "the job was killed by signal %d (%s)%s",
                 code - SIGNAL, strsignal(code - SIGNAL),
                 code == SIGNAL + SIGKILL ? ": out of memory, or killed by hand" : "");
    else
        snprintf(text, PT_ENDING_TEXT, "%s ended with status %d without reporting why",
                 code > LAST_SIGNAL ? "mpirun" : "the job", code);
}

pt_verdict pt_ending_judge(const pt_ending *e)
{
    int code =
        WIFEXITED(e->status) ? WEXITSTATUS(e->status) : SIGNAL + WTERMSIG(e->status);
    bool fine = code == 0 || code == 75;
    pt_verdict v = {.code = fine || code == 2 ? code : 1};

    if (e->reported && !fine) return v;
    if (e->lost) {
        format_lost(e, code, v.text);
        if (code == 0) v.code = 1;
        return v;
    }
    if (fine || format_asked(e, code, v.text)) return v;
    if (strstr(e->own, "session_dir")) {
        format_no_directory(v.text);
    } else if (e->no_ssh && strstr(e->own, "daemons")) {
        snprintf(v.text, sizeof v.text,
                 "mpirun starts ranks on other hosts through ssh, which is not in PATH");
    } else {
        format_status(code, v.text);
        v.show = true;
    }
    return v;
}
