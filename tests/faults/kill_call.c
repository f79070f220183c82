/* Runs a program and kills it before its n-th system call that touches a directory:
 *
 *   kill_call DIR N COUNT PROGRAM ARG...
 *
 * A call touches DIR where it makes, opens for writing, writes, cuts, moves, removes,
 * syncs or locks something that lies in it, whoever of the program's threads and children
 * makes the call; calls of libraries and of the C library itself count as well. N = 0: it
 * is not killed. The number of calls seen is written to COUNT. The exit is the program's.
 *
 * By ptrace; a seccomp filter stops the program at these calls alone. 77: this machine
 * does not let us. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT = 77, MAX_PATH_BYTES = PATH_MAX };

/* Where a call says what it touches: in which argument, and how. */
typedef enum { FD, PATH, AT, FLAGGED_PATH, FLAGGED_AT } where;

typedef struct {
    long nr;
    where where;
    int arg; /* of the descriptor or path; of AT: of the directory, the path follows */
} call;

static const call calls[] = {
    {SYS_openat, FLAGGED_AT, 0}, {SYS_mkdirat, AT, 0},    {SYS_unlinkat, AT, 0},
    {SYS_renameat2, AT, 2},      {SYS_linkat, AT, 2},     {SYS_write, FD, 0},
    {SYS_pwrite64, FD, 0},       {SYS_writev, FD, 0},     {SYS_pwritev, FD, 0},
    {SYS_fsync, FD, 0},          {SYS_fdatasync, FD, 0},  {SYS_ftruncate, FD, 0},
    {SYS_fallocate, FD, 0},      {SYS_flock, FD, 0},
#ifdef SYS_renameat
    {SYS_renameat, AT, 2},
#endif
#ifdef SYS_open /* older kernels' */
    {SYS_open, FLAGGED_PATH, 0}, {SYS_creat, PATH, 0},    {SYS_mkdir, PATH, 0},
    {SYS_rmdir, PATH, 0},        {SYS_unlink, PATH, 0},   {SYS_rename, PATH, 1},
    {SYS_link, PATH, 1},         {SYS_truncate, PATH, 0},
#endif
};

enum { N_CALLS = sizeof calls / sizeof *calls };

static void give_up(const char *what)
{
    fprintf(stderr, "kill_call: %s: %s\n", what, strerror(errno));
    exit(CANNOT);
}

/* ---- the program ------------------------------------------------------------------ */

/* From here on the kernel asks the tracer about our calls. */
static bool filter(void)
{
    struct sock_filter f[2 * N_CALLS + 2];
    struct sock_fprog program = {.filter = f};
    unsigned short n = 0;

    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                          offsetof(struct seccomp_data, nr));
    for (int i = 0; i < N_CALLS; i++) {
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                              (uint32_t)calls[i].nr, 0, 1);
        f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = n;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static pid_t start(char **argv)
{
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
                         PTRACE_O_EXITKILL;
    pid_t child = fork();
    int status;

    if (child < 0) give_up("fork");
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(CANNOT);
        raise(SIGSTOP);
        if (!filter()) _exit(CANNOT);
        execv(argv[0], argv);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, NULL, options) != 0)
        give_up("ptrace");
    ptrace(PTRACE_CONT, child, NULL, 0L);
    return child;
}

/* ---- what a call touches ---------------------------------------------------------- */

/* A text at `at` of the memory of pid. */
static void read_text(pid_t pid, uint64_t at, char out[MAX_PATH_BYTES])
{
    char name[64];
    int fd;
    ssize_t got = -1;

    snprintf(name, sizeof name, "/proc/%d/mem", (int)pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    /* to the end of the page at most: the next may not be there */
    for (size_t n = 0; fd >= 0 && n + 1 < MAX_PATH_BYTES; n += (size_t)got) {
        size_t page = 4096 - (size_t)((at + n) % 4096);

        got =
            pread(fd, out + n, page < MAX_PATH_BYTES - n ? page : MAX_PATH_BYTES - n - 1,
                  (off_t)(at + n));
        if (got <= 0 || memchr(out + n, '\0', (size_t)got)) break;
    }
    if (got <= 0) out[0] = '\0';
    out[MAX_PATH_BYTES - 1] = '\0';
    if (fd >= 0) close(fd);
}

/* The path of a descriptor of pid; of AT_FDCWD its working directory. */
static void path_of(pid_t pid, int fd, char out[MAX_PATH_BYTES])
{
    char name[64];
    ssize_t n;

    if (fd == AT_FDCWD)
        snprintf(name, sizeof name, "/proc/%d/cwd", (int)pid);
    else
        snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)pid, fd);
    n = readlink(name, out, MAX_PATH_BYTES - 1);
    out[n > 0 ? n : 0] = '\0';
}

static bool touched_path(pid_t pid, const struct __ptrace_syscall_info *info, char *out)
{
    const uint64_t *args = info->seccomp.args;
    char text[MAX_PATH_BYTES];
    const call *c = calls;
    bool at;
    uint64_t flags;

    while (c->nr != (long)info->seccomp.nr) c++;
    at = c->where == AT || c->where == FLAGGED_AT;
    flags = args[c->arg + at + 1];
    if (c->where == FD) {
        path_of(pid, (int)args[c->arg], out);
        return true;
    }
    if ((c->where == FLAGGED_AT || c->where == FLAGGED_PATH) &&
        (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) == 0)
        return false;
    read_text(pid, args[c->arg + at], text);
    path_of(pid, at ? (int)args[c->arg] : AT_FDCWD, out);
    if (text[0] == '/') out[0] = '\0';
    strncat(out, text[0] == '/' ? "" : "/", MAX_PATH_BYTES - strlen(out) - 1);
    strncat(out, text, MAX_PATH_BYTES - strlen(out) - 1);
    return true;
}

static bool touches(pid_t pid, const char *dir)
{
    struct __ptrace_syscall_info info;
    static char path[MAX_PATH_BYTES];
    size_t n = strlen(dir);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_SECCOMP)
        give_up("PTRACE_GET_SYSCALL_INFO");
    return touched_path(pid, &info, path) && strncmp(path, dir, n) == 0 &&
           (path[n] == '/' || path[n] == '\0');
}

/* ---- the tracer ------------------------------------------------------------------- */

/* Lets the program run to its end, or to the n-th call; returns its status. */
static int follow(pid_t child, const char *dir, long n, long *count)
{
    int status;

    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        int sig = 0;

        if (pid < 0) give_up("waitpid");
        if (pid == child && !WIFSTOPPED(status)) return status;
        if (!WIFSTOPPED(status)) continue; /* a thread or child has ended */
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
            if (touches(pid, dir) && ++*count == n) kill(child, SIGKILL);
        } else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
            sig = WSTOPSIG(status); /* SIGSTOP: a new thread or child begins */
        }
        ptrace(PTRACE_CONT, pid, NULL, (long)sig);
    }
}

int main(int argc, char **argv)
{
    long count = 0;
    int status;
    FILE *f;

    if (argc < 5) return 2;
    status = follow(start(argv + 4), argv[1], atol(argv[2]), &count);
    f = fopen(argv[3], "w");
    if (f) fprintf(f, "%ld\n", count);
    if (f) fclose(f);
    if (WIFSIGNALED(status)) raise(WTERMSIG(status));
    return WEXITSTATUS(status);
}
