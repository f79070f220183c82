#include "launch/mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/job.h"
#include "common/log.h"
#include "common/status.h"
#include "common/stop.h"
#include "worker/engine/pool.h"

bool pt_under_launcher(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK") ||
           (getenv("SLURM_STEP_ID") && getenv("SLURM_PROCID"));
}

static volatile sig_atomic_t child, interrupted;

/* mpirun passes SIGUSR1 on to every rank, and the run stops with a checkpoint; SIGTERM it
 * answers by killing them within a second. */
static void pass_on(int sig)
{
    bool again = sig == SIGINT && interrupted;

    interrupted = interrupted || sig == SIGINT;
    if (child > 0) kill((pid_t)child, again ? SIGTERM : SIGUSR1);
}

/* In the child: a group of its own, so that a terminal's ^C reaches only us, nothing to
 * read, and no life after ours. */
static void become_mpirun(char **line, const int fd[2])
{
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (null >= 0) dup2(null, STDIN_FILENO);
    dup2(fd[1], STDERR_FILENO);
    close(fd[0]);
    close(fd[1]);
    execvp(line[0], line);
    dprintf(STDERR_FILENO, "error: mpirun is not installed or not in PATH: %s\n",
            strerror(errno));
    _exit(1);
}

/* -q: our line is the only one; no binding: ranks share cores with the server, which
 * sleeps; oversubscribed: one rank more than cores is the normal layout. */
static char **command_line(int ranks, int argc, char **argv, char count[16])
{
    static char *fixed[] = {"mpirun",
                            "-q",
                            "--oversubscribe",
                            "--bind-to",
                            "none",
                            "--mca",
                            "btl_vader_single_copy_mechanism",
                            "none"};
    size_t n = sizeof fixed / sizeof *fixed, at = 0;
    char **line = calloc(n + (size_t)argc + 8, sizeof *line);

    if (!line) return NULL;
    for (; at < n; at++) line[at] = fixed[at];
    if (geteuid() == 0) line[at++] = "--allow-run-as-root";
    snprintf(count, 16, "%d", ranks);
    line[at++] = "-n";
    line[at++] = count;
    line[at++] = "/proc/self/exe";
    for (int i = 0; i < argc; i++) line[at++] = argv[i];
    return line;
}

/* Copies the job's stderr to ours; true if an `error:` line came by. */
static bool relay(int fd)
{
    char buffer[4096], last[8] = "";
    bool seen = false;

    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return seen;
        for (ssize_t i = 0; i < n; i++) {
            memmove(last, last + 1, 6);
            last[6] = buffer[i];
            seen = seen || memcmp(last + 1, "error:", 6) == 0;
        }
        for (ssize_t at = 0; at < n;) {
            ssize_t done = write(STDERR_FILENO, buffer + at, (size_t)(n - at));
            if (done <= 0) break;
            at += done;
        }
    }
}

static int finish(int status, bool said)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    char text[160];

    if (code == 0 || code == 75 || said) return code;
    if (interrupted || code == 128 + SIGUSR1) {
        pt_log_error("interrupted before a checkpoint was written; the last one stays");
        return 1;
    }
    if (code > 128)
        snprintf(text, sizeof text, "the job was ended by signal %d (%s)%s", code - 128,
                 strsignal(code - 128),
                 code == 137 ? ": out of memory, or killed by hand" : "");
    else
        snprintf(text, sizeof text, "the job ended with status %d without saying why",
                 code);
    pt_log_error(text);
    return code > 128 ? 1 : code;
}

int pt_mpirun(int ranks, int argc, char **argv)
{
    char count[16], self[4096];
    char **line = command_line(ranks, argc, argv, count);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int fd[2], status = 0;
    bool said;
    pid_t pid;

    if (!line || n < 0 || pipe(fd) != 0) {
        free(line);
        pt_log_error("cannot start mpirun: out of memory or descriptors");
        return 1;
    }
    self[n] = '\0';
    for (char **a = line; *a; a++)
        if (strcmp(*a, "/proc/self/exe") == 0) *a = self;
    pid = fork();
    if (pid == 0) become_mpirun(line, fd);
    close(fd[1]);
    free(line);
    if (pid < 0) {
        pt_log_error("cannot start mpirun: fork failed");
        close(fd[0]);
        return 1;
    }
    child = pid;
    pt_stop_signals_to(pass_on);
    said = relay(fd[0]);
    close(fd[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return finish(status, said);
}

int pt_as_job(int argc, char **argv, int ranks, pt_status (*work)(const void *context),
              const void *context)
{
    pt_status s;

    if (!pt_under_launcher())
        return pt_mpirun(ranks > 0 ? ranks : pt_usable_cores(), argc, argv);
    s = pt_job_start(&argc, &argv);
    return pt_job_end(s == PT_OK ? work(context) : s);
}
