#include "launch/sweep/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/comm.h"
#include "common/file.h"
#include "common/log.h"
#include "common/stop.h"

static volatile sig_atomic_t child, stopped;

/* The run has a group of its own, so that a terminal's ^C reaches only us. */
static void pass_on(int sig)
{
    stopped = 1;
    if (child > 0) kill((pid_t)child, sig);
}

static void become_train(char *const *line, const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (fd < 0) {
        fprintf(stderr, "error: %s cannot be written: %s\n", log, strerror(errno));
        _exit(1);
    }
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv("/proc/self/exe", line);
    _exit(1);
}

/* Runs to the end; its exit code, 128 + the signal where one ended it. */
static int train(const char *config, const char *log, int workers)
{
    char count[16];
    const char *line[] = {"ptrain", "train", config, NULL, NULL, NULL};
    int status = 0;
    pid_t pid;

    snprintf(count, sizeof count, "%d", workers);
    if (workers > 0) {
        line[3] = "--workers";
        line[4] = count;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) become_train((char *const *)line, log);
    if (pid < 0) return 1;
    child = pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The last line of the log with `error:`, malloc'd, or NULL. */
static char *error_of(const char *log)
{
    uint8_t *text = NULL;
    char *found = NULL, *end;
    size_t n;

    if (pt_file_load_path(log, (size_t)64 << 20, &text, &n) != PT_OK) return NULL;
    for (char *at = (char *)text; (at = strstr(at, "error:")); at++) {
        free(found);
        found = strdup(at);
    }
    if (found && (end = strchr(found, '\n'))) *end = '\0';
    free(text);
    return found;
}

/* "1 h 20 min", "40 s". */
static void say_time(double s, char out[32])
{
    if (s >= 3600)
        snprintf(out, 32, "%d h %d min", (int)(s / 3600), (int)(fmod(s, 3600) / 60));
    else if (s >= 120)
        snprintf(out, 32, "%.0f min", s / 60);
    else
        snprintf(out, 32, "%.0f s", s);
}

static void say_done(const pt_sweep_run *r, size_t k, size_t n, double seconds,
                     double left)
{
    char took[32], more[32];

    say_time(seconds, took);
    say_time(left, more);
    pt_log_info("[%zu/%zu] %s: %.2f %% in %s%s%s%s", k, n, r->name, 100 * r->accuracy,
                took, left > 0 ? ", about " : "", left > 0 ? more : "",
                left > 0 ? " left" : "");
}

/* One run; its exit code. */
static int run_one(pt_sweep_run *r, int workers)
{
    char *config = NULL, *log = NULL;
    int code = 1;

    if (pt_sweep_write_config(r) != PT_OK) {
        pt_log_error(pt_fail_text());
        return 1;
    }
    if (asprintf(&config, "%s.yaml", r->dir) >= 0 &&
        asprintf(&log, "%s.log", r->dir) >= 0)
        code = train(config, log, workers);
    if (code == 0 && pt_sweep_look(r) == PT_OK && r->state != PT_SWEEP_DONE) code = 1;
    if (code != 0 && code != 75) {
        char *why = error_of(log);

        pt_log_warn("%s failed (%s): %s", r->name, log, why ? why : "without a line");
        free(why);
    }
    free(config);
    free(log);
    return code;
}

static int finish(const pt_sweep *s, size_t done, size_t failed)
{
    if (failed == 0)
        pt_log_info("%zu of %zu runs are done; compare them: ptrain report %s/*%s/*/",
                    done, s->n, s->table->dir, s->table->n_axes > 1 ? "/*" : "");
    else
        pt_log_info("%zu of %zu runs failed; the same command runs them again", failed,
                    s->n);
    return failed == 0 ? 0 : 1;
}

int pt_sweep_run_all(pt_sweep *s, int workers)
{
    size_t done = 0, failed = 0, ran = 0;
    double spent = 0;

    for (size_t i = 0; i < s->n; i++) done += s->runs[i].state == PT_SWEEP_DONE;
    if (done > 0) pt_log_info("%zu of %zu runs are done already", done, s->n);
    pt_stop_signals_to(pass_on);
    for (size_t i = 0; i < s->n; i++) {
        pt_sweep_run *r = &s->runs[i];
        double start = pt_clock(), took;
        int code;

        if (r->state == PT_SWEEP_DONE) continue;
        code = stopped ? 75 : run_one(r, workers);
        took = pt_clock() - start;
        if (code == 75 || stopped) {
            pt_log_info("stopped in %s; the same command goes on", r->name);
            return 75;
        }
        failed += code != 0;
        done += code == 0;
        if (code != 0) continue;
        spent += took;
        ran++;
        say_done(r, done + failed, s->n, took,
                 spent / (double)ran * (double)(s->n - done - failed));
    }
    return finish(s, done, failed);
}
