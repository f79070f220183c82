#include "launch/support/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/program.h"
#include "common/comm/stop.h"
#include "common/data/dataset.h"
#include "common/run/method.h"
#include "common/weights/weights.h"

/* An exit code of the child from here on is REFUSED + the reader's status. HARD_S: from
 * SIGXCPU, which says what happened, to SIGKILL. */
enum { REFUSED = 64, TEXT_MAX = 1 << 16, HARD_S = 5 };

#ifdef PT_SANITIZED
enum { LIMIT_MEMORY = false }; /* the shadow takes terabytes of addresses */
#else
enum { LIMIT_MEMORY = true };
#endif

/* ---- the child -------------------------------------------------------------------- */

static bool limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit old, r = {soft, hard};

    if (getrlimit(what, &old) != 0) return false;
    if (old.rlim_max < r.rlim_max) r.rlim_max = old.rlim_max;
    if (r.rlim_max < r.rlim_cur) r.rlim_cur = r.rlim_max;
    return setrlimit(what, &r) == 0;
}

/* The signal does not come where the parent died before it was asked for; then nobody
 * reads our output any more. */
static void die_with_parent(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&out, 1, 0) > 0 && (out.revents & POLLERR)) _exit(2);
}

static pt_status set_limits(const char *path)
{
    struct stat st = {0};
    uint64_t bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;

    uint64_t memory = PT_PROBE_BYTES + 8 * bytes;

    die_with_parent();
    alarm(PT_PROBE_WALL_S);
    if (limit(RLIMIT_CORE, 0, 0) &&
        limit(RLIMIT_CPU, PT_PROBE_CPU_S, PT_PROBE_CPU_S + HARD_S) &&
        (!LIMIT_MEMORY || limit(RLIMIT_AS, memory, memory)))
        return PT_OK;
    return pt_fail(PT_ERR_IO, "%s: cannot limit the process that tests it: %s", path,
                   strerror(errno));
}

/* As a method of the table reads a file of this kind; *known: out, is it of one? */
static pt_status try_method_file(const char *kind, const char *path, bool *known)
{
    for (int m = 0; m < PT_N_METHODS; m++) {
        *known = pt_run_methods[m] && strcmp(kind, pt_run_methods[m]->what) == 0;
        if (*known) return pt_run_methods[m]->try(path);
    }
    return PT_OK;
}

int pt_probe_main(int argc, char **argv)
{
    pt_dataset *d = NULL;
    bool known = false;
    pt_status s;

    if (argc < 3) return 2;
    s = set_limits(argv[2]);
    if (s == PT_OK) s = try_method_file(argv[1], argv[2], &known);
    if (s == PT_OK && strcmp(argv[1], "dataset") == 0)
        s = pt_dataset_open(argv[2], &d);
    else if (s == PT_OK && !known)
        s = pt_weights_try(argv[2], argc > 3 ? argv[3] : NULL);
    pt_dataset_destroy(&d);
    if (s == PT_OK) return 0;
    if (fputs(pt_fail_text(), stdout) < 0 || fflush(stdout) != 0) return 2;
    return REFUSED + (int)s;
}

/* ---- the parent ------------------------------------------------------------------- */

/* A process group of its own, and signals that ask a run to stop are held back: mpirun,
 * srun and terminals signal groups, Slurm every process. The rank stops, the trial ends
 * by itself soon. */
static int set_signals(posix_spawnattr_t *a)
{
    sigset_t held;
    int e = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

    pt_stop_signals(&held);
    if (!e) e = posix_spawnattr_setsigmask(a, &held);
    return e ? e : posix_spawnattr_setpgroup(a, 0);
}

/* Starts the child: its stdout is `out`, its stderr nobody's (libc has last words too).
 * An error number, as posix_spawn. */
static int start(char **argv, int out, pid_t *pid)
{
    char self[4096];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int e;

    if (pt_program_path(self, sizeof self) != PT_OK) return ENOENT;
    if ((e = posix_spawn_file_actions_init(&files)) != 0) return e;
    if ((e = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return e;
    }
    e = set_signals(&attributes);
    if (!e) e = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!e)
        e = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY,
                                             0);
    if (!e) e = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (!e) e = posix_spawn(pid, self, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

/* All that comes, cut to TEXT_MAX - 1 bytes: a text. */
static void read_text(int fd, char text[TEXT_MAX])
{
    char rest[512];
    size_t at = 0;

    for (;;) {
        bool full = at == TEXT_MAX - 1;
        ssize_t n =
            read(fd, full ? rest : text + at, full ? sizeof rest : TEXT_MAX - 1 - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (!full) at += (size_t)n;
    }
    text[at] = '\0';
}

/* What the signal that ended the child means: only some are the file's fault. */
static pt_status judge_signal(const char *path, int sig)
{
    switch (sig) {
    case SIGXCPU:
    case SIGALRM:
        return pt_fail(PT_ERR_DATA,
                       "%s: libhdf5 does not finish reading it (given up after "
                       "%d s of computing or %d s)",
                       path, PT_PROBE_CPU_S, PT_PROBE_WALL_S);
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
        return pt_fail(PT_ERR_DATA,
                       "%s: libhdf5 crashed reading it (signal %d, %s): the file is "
                       "damaged or malicious",
                       path, sig, strsignal(sig));
    case SIGKILL:
        return pt_fail(PT_ERR_NOMEM,
                       "%s: the process that tests it was killed: this host is "
                       "out of memory, or it was killed by hand",
                       path);
    default:
        return pt_fail(PT_ERR_IO,
                       "%s: the process that tests it was ended by signal %d "
                       "(%s); this says nothing about the file",
                       path, sig, strsignal(sig));
    }
}

/* What the child's end says about the file. */
static pt_status judge(const char *path, int status, const char *text)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

    if (WIFSIGNALED(status)) return judge_signal(path, WTERMSIG(status));
    if (code > REFUSED && code < REFUSED + (int)PT_STATUS_COUNT)
        return pt_fail((pt_status)(code - REFUSED), "%s", text);
    if (code)
        return pt_fail(PT_ERR_DATA,
                       "%s: libhdf5 ended the process that tests it, code %d", path,
                       code);
    return PT_OK;
}

static pt_status probe(const char *kind, const char *path, const char *entry)
{
    char *argv[] = {(char *)"ptrain", (char *)"--probe-h5", (char *)kind,
                    (char *)path,     (char *)entry,        NULL};
    char *text = malloc(TEXT_MAX);
    int fd[2] = {-1, -1}, status = 0, e = 0;
    pid_t pid = -1;
    pt_status s = PT_OK;

    if (!text) return pt_fail(PT_ERR_NOMEM, "%s: no memory to test it", path);
    if (pipe2(fd, O_CLOEXEC) != 0) e = errno;
    if (!e) e = start(argv, fd[1], &pid);
    if (fd[1] >= 0) close(fd[1]);
    if (e) {
        pt_log_warn("%s: read without a test first, as no process can be started: %s",
                    path, strerror(e));
        goto done;
    }
    read_text(fd[0], text);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            s = pt_fail(PT_ERR_IO, "%s: lost the process that tests it: %s", path,
                        strerror(errno));
            goto done;
        }
    s = judge(path, status, text);
done:
    if (fd[0] >= 0) close(fd[0]);
    free(text);
    return s;
}

pt_status pt_probe_dataset(const char *path)
{
    return probe("dataset", path, NULL);
}

pt_status pt_probe_weights(const char *path, const char *entry)
{
    return probe("weights", path, entry);
}

pt_status pt_probe_method_file(const char *what, const char *path)
{
    return probe(what, path, NULL);
}
