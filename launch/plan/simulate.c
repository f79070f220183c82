#include "launch/plan/simulate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/program.h"

extern char **environ;

/* The path of the simulator, beside this program's. */
static pt_status find(char path[PATH_MAX])
{
    static const char name[] = "/ptrain-plan";
    pt_status s = pt_program_path(path, PATH_MAX - sizeof name);

    if (s != PT_OK) return s;
    memcpy(strrchr(path, '/'), name, sizeof name);
    if (access(path, X_OK) == 0) return PT_OK;
    return pt_fail(PT_ERR_USAGE,
                   "ptrain plan needs its simulator, %s, which is built where SimGrid "
                   "is: install libsimgrid-dev (Debian's name) and build ptrain again",
                   path);
}

pt_status pt_simulator_find(void)
{
    char path[PATH_MAX];

    return find(path);
}

/* The request as the simulator's standard input, at its start. */
static pt_status make_input(const pt_trial *t, const pt_costs *c, int *in)
{
    int fd = memfd_create("request", MFD_CLOEXEC), again = fd < 0 ? -1 : dup(fd);
    FILE *f = again < 0 ? NULL : fdopen(again, "w");
    pt_status s = f ? pt_question_write(t, c, f)
                    : pt_fail(PT_ERR_IO, "no file in memory: %s", strerror(errno));

    if (f) fclose(f);
    if (fd >= 0) lseek(fd, 0, SEEK_SET);
    *in = fd;
    return s;
}

static pt_status spawn(int in, int out, pid_t *pid)
{
    char path[PATH_MAX], name[] = "ptrain-plan", *argv[] = {name, NULL};
    posix_spawn_file_actions_t files;
    pt_status s = find(path);
    int code;

    if (s != PT_OK) return s;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    code = posix_spawn(pid, path, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return code == 0 ? PT_OK
                     : pt_fail(PT_ERR_IO, "%s cannot start: %s", path, strerror(code));
}

pt_status pt_simulation_start(const pt_trial *t, const pt_costs *c, pt_simulation *s)
{
    int in, out[2];
    pt_status st;

    *s = (pt_simulation){.since = pt_clock()};
    if (pipe2(out, O_CLOEXEC) != 0)
        return pt_fail(PT_ERR_IO, "no pipe to the simulator: %s", strerror(errno));
    st = make_input(t, c, &in);
    if (st == PT_OK) st = spawn(in, out[1], &s->pid);
    if (in >= 0) close(in);
    close(out[1]);
    s->answer = fdopen(out[0], "r");
    if (st == PT_OK && !s->answer) st = pt_fail(PT_ERR_NOMEM, "no memory for a stream");
    if (st != PT_OK) pt_simulation_stop(s);
    return st;
}

/* Is there an answer, or its end, before the time is over? */
static bool comes(const pt_simulation *s, double limit_s)
{
    struct pollfd p = {.fd = fileno(s->answer), .events = POLLIN};
    int n;

    do {
        double left = s->since + limit_s - pt_clock();

        n = poll(&p, 1, left > 0 ? (int)(1e3 * left) + 1 : 0);
    } while (n < 0 && errno == EINTR);
    return n != 0;
}

pt_status pt_simulation_end(pt_simulation *s, const pt_trial *t, double limit_s,
                            pt_answer *a, bool *answered)
{
    pt_status st;
    int code = 0;

    *answered = comes(s, limit_s);
    if (!*answered) {
        pt_simulation_stop(s);
        return PT_OK;
    }
    st = pt_answer_read(s->answer, a);
    fclose(s->answer);
    s->answer = NULL;
    waitpid(s->pid, &code, 0);
    s->pid = 0;
    if (code == 0) return st;
    return pt_fail(PT_ERR_DATA, "the simulation of %d nodes and %d server%s failed (%s)",
                   t->nodes, t->servers, t->servers == 1 ? "" : "s",
                   WIFSIGNALED(code) ? strsignal(WTERMSIG(code)) : "its line is above");
}

void pt_simulation_stop(pt_simulation *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    if (s->answer) fclose(s->answer);
    *s = (pt_simulation){0};
}
