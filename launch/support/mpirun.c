#include "launch/support/mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/cores.h"
#include "common/base/log.h"
#include "common/base/program.h"
#include "common/base/status.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "common/comm/stop.h"
#include "launch/support/ending.h"
#include "launch/support/relay.h"
#include "launch/support/screen.h"

/* mpirun, and the signals that it gets when this process is asked to stop: `ask`; on the
 * second ^C `insist`, on a third SIGTERM, upon which mpirun kills its ranks. heard: a
 * rank has printed something, so they exist; told: they did when mpirun got a signal. */
static volatile sig_atomic_t child, ask, insist, asked, insisted, sent, heard, told;

static void pass_on(int sig)
{
    insisted += asked == SIGINT && sig == SIGINT;
    if (!asked || sig == SIGINT) asked = sig;
    if (child == 0) return;
    told = heard;
    kill((pid_t)child, insisted > 1 ? SIGTERM : insisted ? (int)insist : (int)ask);
    sent = 1;
}

/* In the child: a group of its own, so that a terminal's ^C reaches only us, nothing to
 * read, and no life after ours. */
static void become_mpirun(char **line, const int out[2], const int err[2],
                          const sigset_t *mask, pt_pace_mode shows)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    pt_stop_signals_to(SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    setpgid(0, 0);
    setenv(PT_PACE_VARIABLE, pt_pace_modes[shows], 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (null >= 0) dup2(null, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execvp(line[0], line);
    dprintf(STDERR_FILENO, "error: %s is not installed or not in PATH: %s\n", line[0],
            strerror(errno));
    _exit(1);
}

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        int n = (int)strcspn(path, ":");
        char file[4096];

        snprintf(file, sizeof file, "%.*s/%s", n, path, name);
        if (access(file, X_OK) == 0) return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* mpirun refuses to start without a remote shell, even if all ranks are local. A choice
 * by the user is not overruled. */
static bool has_no_ssh(void)
{
    return !getenv("OMPI_MCA_plm_rsh_agent") && !getenv("OMPI_MCA_plm") &&
           !in_path("ssh") && !in_path("rsh");
}

/* How to start ranks on this host with Open MPI. No binding: ranks share cores with the
 * server, which sleeps; oversubscribed: one rank more than cores is the normal layout. */
static size_t open_mpi(char **line)
{
    static char *fixed[] = {"mpirun",    "--oversubscribe",
                            "--bind-to", "none",
                            "--mca",     "btl_vader_single_copy_mechanism",
                            "none"};
    size_t at = 0;

    for (; at < sizeof fixed / sizeof *fixed; at++) line[at] = fixed[at];
    if (geteuid() == 0) line[at++] = "--allow-run-as-root";
    if (has_no_ssh()) {
        line[at++] = "--mca";
        line[at++] = "plm_rsh_agent";
        line[at++] = "/bin/false"; /* is never run on one host */
    }
    return at;
}

/* The same with MPICH's Hydra, which neither binds nor counts slots; if several MPIs are
 * installed `mpiexec` may belong to another one. */
static size_t hydra(char **line)
{
    static char *names[] = {"mpiexec.hydra", "mpiexec.mpich", "mpiexec"};
    size_t n = 0;

    while (n < 2 && !in_path(names[n])) n++;
    line[0] = names[n];
    return 1;
}

enum { MAX_WORDS = 16 }; /* before ptrain's own */

static char **command_line(int ranks, int argc, char **argv, char count[16], char *self)
{
    char **line = calloc((size_t)argc + MAX_WORDS, sizeof *line);
    size_t at;

    if (!line) return NULL;
    at = strcmp(pt_job_mpi(), "Open MPI") == 0 ? open_mpi(line) : hydra(line);
    snprintf(count, 16, "%d", ranks);
    line[at++] = "-n";
    line[at++] = count;
    line[at++] = self;
    for (int i = 0; i < argc; i++) line[at++] = argv[i];
    return line;
}

/* ---- the job ---------------------------------------------------------------------- */

/* AGAIN_S: mpirun loses a signal that arrives before its ranks exist, so it is repeated
 * until they do; not longer, as one that arrives while mpirun ends kills it. AT_ONCE_S:
 * for rank 0 to end the job, before mpirun has to; KILL_S: for mpirun. TICK_MS: how often
 * the clock is checked. */
static const double AGAIN_S = 0.2, AT_ONCE_S = 5, KILL_S = 10;
enum { TICK_MS = 100, LAST_TICK_MS = 5 };

typedef struct {
    pid_t pid;
    int out, err; /* what the job prints, -1: at its end */
    bool stops;   /* `ask` stops a run with a checkpoint */
    bool ended;
    int status;
    pt_relay relay;
    pt_screen screen;
    double asked_s, insisted_s, killed_s; /* when; 0: not yet */
} job;

static void send_signal(const job *j, int sig, double *when)
{
    kill(j->pid, sig);
    *when = pt_clock();
}

/* What the handler cannot do: repeat signals, and escalate. */
static void press(job *j)
{
    double now = pt_clock();
    bool hard = insisted || !j->stops;

    if (pt_log_lost() == EPIPE && !asked) asked = SIGPIPE; /* as head does */
    if (!asked || j->ended) return;
    if (sent && j->asked_s == 0) j->asked_s = now;
    if (hard && j->insisted_s == 0) j->insisted_s = now;
    if (j->asked_s == 0 || (!hard && !told && now - j->asked_s > AGAIN_S)) {
        told = heard;
        send_signal(j, ask, &j->asked_s);
    }
    if (hard && j->killed_s == 0 && now - j->insisted_s > AT_ONCE_S)
        send_signal(j, SIGTERM, &j->killed_s);
    if (j->killed_s > 0 && now - j->killed_s > KILL_S)
        send_signal(j, SIGKILL, &j->killed_s);
}

/* Copies what came; -1 in *fd at its end. */
static void copy(job *j, int *fd)
{
    char buffer[4096];
    ssize_t n = read(*fd, buffer, sizeof buffer);

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        close(*fd);
        *fd = -1;
    } else if (fd == &j->out) {
        heard = 1;
        pt_screen_out(&j->screen, buffer, (size_t)n);
    } else {
        pt_screen_clear(&j->screen);
        pt_relay_put(&j->relay, buffer, (size_t)n);
        pt_screen_draw(&j->screen);
    }
}

/* Has mpirun ended? From then on its process id is not signalled. */
static void look(job *j)
{
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return;
    child = 0;
    while (waitpid(j->pid, &j->status, 0) < 0 && errno == EINTR) continue;
    j->ended = true;
}

/* Until mpirun has ended and all that it printed is copied. */
static void attend(job *j)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = j->out, .events = POLLIN},
                               {.fd = j->err, .events = POLLIN}};
        bool dry = j->out < 0 && j->err < 0;
        int ready = poll(fds, 2, j->ended ? 0 : dry ? LAST_TICK_MS : TICK_MS);

        if (ready > 0 && fds[0].revents) copy(j, &j->out);
        if (ready > 0 && fds[1].revents) copy(j, &j->err);
        if (ready == 0 && j->ended) break;
        if (!j->ended) look(j);
        press(j);
        pt_screen_tick(&j->screen);
    }
    pt_screen_end(&j->screen);
    pt_relay_end(&j->relay);
}

static int finish(const job *j)
{
    pt_ending e = {.status = j->status,
                   .reported = j->relay.reported,
                   .stops = j->stops,
                   .asked = asked != 0,
                   .heard = heard != 0,
                   .at_once = insisted != 0,
                   .no_ssh = has_no_ssh(),
                   .reader_gone = pt_log_lost() == EPIPE,
                   .lost = pt_log_lost() ? pt_log_end() : NULL,
                   .own = j->relay.held};
    pt_verdict v = pt_ending_judge(&e);

    if (v.show) pt_relay_show(&j->relay);
    if (v.text[0]) pt_log_error(v.text);
    return v.code;
}

/* Starts mpirun; -1 on failure. */
static pid_t start(char **line, job *j)
{
    int out[2], err[2];
    sigset_t held, was;
    pid_t pid = -1;

    if (pipe2(out, O_CLOEXEC) != 0) return -1;
    if (pipe2(err, O_CLOEXEC) == 0) {
        pt_stop_signals(&held);
        sigprocmask(SIG_BLOCK, &held, &was);
        pid = fork();
        if (pid == 0) become_mpirun(line, out, err, &was, j->screen.mode);
        child = pid > 0 ? pid : 0;
        sigprocmask(SIG_SETMASK, &was, NULL);
        close(err[1]);
        j->err = err[0];
    }
    close(out[1]);
    j->out = out[0];
    return pid;
}

static int run(char **line, bool stops)
{
    job *j = calloc(1, sizeof *j);
    int code = 1;

    ask = stops ? SIGUSR1 : SIGTERM;
    insist = stops ? SIGUSR2 : SIGTERM;
    pt_stop_signals_to(pass_on);
    signal(SIGPIPE, SIG_IGN); /* a closed standard output is reported */
    signal(SIGCHLD, SIG_DFL); /* the parent may have set it to be ignored */
    if (j) {
        pt_relay_init(&j->relay, STDERR_FILENO);
        pt_screen_init(&j->screen, stops);
        j->stops = stops;
        if (pt_stop_asked()) asked = SIGUSR1;
        j->pid = start(line, j);
    }
    if (!j || j->pid < 0) {
        pt_log_error("cannot start mpirun: out of memory, descriptors or processes");
    } else {
        attend(j);
        code = finish(j);
    }
    free(j);
    return code;
}

int pt_mpirun(int ranks, bool stops, int argc, char **argv)
{
    char count[16], self[4096];
    pt_status s = pt_program_path(self, sizeof self);
    char **line = s == PT_OK ? command_line(ranks, argc, argv, count, self) : NULL;
    int code;

    if (s == PT_OK && !line) s = pt_fail(PT_ERR_NOMEM, "no memory to start mpirun");
    if (s != PT_OK) {
        pt_log_error(pt_fail_text());
        return pt_status_exit_code(s);
    }
    code = run(line, stops);
    free(line);
    return code;
}

int pt_as_job(int argc, char **argv, int ranks, pt_status (*work)(const void *context),
              const void *context)
{
    pt_status s;

    if (!pt_under_launcher())
        return pt_mpirun(ranks > 0 ? ranks : pt_cores_cpus(), false, argc, argv);
    s = pt_job_start(&argc, &argv);
    return pt_job_end(s == PT_OK ? work(context) : s);
}
