#include "launch/train/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/cores.h"
#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "common/comm/job.h"
#include "launch/support/version.h"
#include "launch/train/events.h"
#include "server/checkpoint/manifest.h"
#include "server/methods/methods.h"

#define LOCK        ".lock"
#define CHECKPOINTS "checkpoints"

enum { LOOKS = 4, LOOK_US = 50000 };

typedef enum { OURS, TEMPORARY, IGNORED, FOREIGN } kind;

/* An open file that was removed, as NFS keeps it: .nfs and hexadecimal digits. */
static bool is_of_nfs(const char *name)
{
    return strncmp(name, ".nfs", 4) == 0 && name[4] &&
           name[4 + strspn(name + 4, "0123456789abcdefABCDEF")] == '\0';
}

/* Is name the file `ours` of a run, or what a crash leaves of it? */
static kind compare(const char *name, const char *ours)
{
    if (strcmp(name, ours) == 0) return OURS;
    return pt_file_is_temporary(name, ours) ? TEMPORARY : FOREIGN;
}

/* Names of a run's files, and of what a crash leaves of them. */
static kind kind_of(const char *name)
{
    static const char *const names[] = {
        "identity.json", "config.yaml", "environment.json", "metrics.jsonl",
        "model.h5",      PT_BEST_FILE,  "predictions.h5",   "train_predictions.h5",
        "result.json",   "jobs.json",   PT_START_FILE,      CHECKPOINTS};

    kind k = FOREIGN;

    if (strcmp(name, LOCK) == 0 || is_of_nfs(name)) return IGNORED;
    if (strncmp(name, PT_EVENTS_PREFIX, sizeof PT_EVENTS_PREFIX - 1) == 0) return OURS;
    for (size_t i = 0; i < sizeof names / sizeof *names && k == FOREIGN; i++)
        k = compare(name, names[i]);
    for (int m = 0; m < PT_N_METHODS && k == FOREIGN; m++) {
        const pt_server_method *h = pt_server_methods_table[m];
        char file[64];

        if (!h || !h->second) continue;
        snprintf(file, sizeof file, "%s.h5", h->second);
        k = compare(name, file);
    }
    return k;
}

bool pt_run_dir_has(const char *dir, const char *name)
{
    char *path = pt_file_path(dir, name);
    bool yes = path && access(path, F_OK) == 0;

    free(path);
    return yes;
}

/* The next entry but . and .., NULL at the end. */
static const char *next_name(DIR *d)
{
    struct dirent *e = readdir(d);

    while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0))
        e = readdir(d);
    return e ? e->d_name : NULL;
}

bool pt_run_dir_checkpoint(const char *dir, uint64_t *step)
{
    char *root = pt_file_path(dir, CHECKPOINTS);
    bool yes = root && pt_checkpoint_exists(root, step);

    free(root);
    return yes;
}

/* What a directory holds. empty: nothing, or only what a crash leaves where there is no
 * identity.json yet, or no longer. */
typedef struct {
    bool empty;
    char foreign[256]; /* a file that does not belong to a run, or "" */
} contents;

static pt_status look(const char *dir, contents *c)
{
    bool run = pt_run_dir_has(dir, "identity.json");
    DIR *d = opendir(dir);
    const char *name;

    *c = (contents){.empty = !pt_run_dir_checkpoint(dir, NULL)};
    if (!d) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    if (!c->empty && !run) snprintf(c->foreign, sizeof c->foreign, CHECKPOINTS);
    while ((name = next_name(d))) {
        kind k = kind_of(name);
        bool counts = k == FOREIGN || (k == OURS && strcmp(name, CHECKPOINTS) != 0);

        if (counts) c->empty = false;
        if (counts && (k == FOREIGN || !run))
            snprintf(c->foreign, sizeof c->foreign, "%s", name);
    }
    closedir(d);
    if (!c->foreign[0]) return PT_OK;
    return pt_fail(
        PT_ERR_USAGE,
        "%s: holds files that do not belong to a run (%s%s): choose another run.dir", dir,
        c->foreign, kind_of(c->foreign) == OURS ? ", but no identity.json" : "");
}

/* Removes what a crash left of files that were being written, and, of a run that has no
 * checkpoint, of these. */
static void sweep(const char *dir, bool empty)
{
    char *root = empty ? pt_file_path(dir, CHECKPOINTS) : NULL;
    DIR *d = opendir(dir);
    const char *name;

    while (d && (name = next_name(d)))
        if (kind_of(name) == TEMPORARY) unlinkat(dirfd(d), name, 0);
    if (d) closedir(d);
    if (root) pt_checkpoint_prune(root, 0);
    free(root);
}

/* Removes a run's checkpoints. */
static pt_status clear_checkpoints(const char *dir)
{
    char *root = pt_file_path(dir, CHECKPOINTS);
    pt_status s = root ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %s", dir);

    if (root) pt_checkpoint_prune(root, 0);
    if (root && pt_checkpoint_exists(root, NULL))
        s = pt_fail(PT_ERR_IO, "%s: checkpoints cannot be removed", root);
    free(root);
    return s;
}

/* Removes the files of an old run; identity.json last, so that a crash leaves a run's
 * directory. */
static pt_status clear(const char *dir)
{
    pt_status s = clear_checkpoints(dir);
    DIR *d = opendir(dir);
    const char *name;

    if (!d) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    while (s == PT_OK && (name = next_name(d))) {
        if (kind_of(name) != OURS || strcmp(name, "identity.json") == 0 ||
            strcmp(name, CHECKPOINTS) == 0)
            continue;
        if (unlinkat(dirfd(d), name, 0) != 0)
            s = pt_fail(PT_ERR_IO, "%s/%s: %s", dir, name, strerror(errno));
    }
    if (s == PT_OK && unlinkat(dirfd(d), "identity.json", 0) != 0)
        s = pt_fail(PT_ERR_IO, "%s/identity.json: %s", dir, strerror(errno));
    closedir(d);
    return s;
}

static bool may_not_write(int error)
{
    return error == EACCES || error == EPERM || error == EROFS;
}

/* flock, retried when a signal interrupts it; 0, or errno. */
static int try_lock(int fd, int how)
{
    int failed;

    do failed = flock(fd, how | LOCK_NB);
    while (failed != 0 && errno == EINTR);
    return failed ? errno : 0;
}

/* The same for a job of its own: who only looks (pt_run_dir_in_use) is gone in a moment.
 */
static int lock_for_job(int fd)
{
    int why = try_lock(fd, LOCK_EX);

    for (int i = 0; i < LOOKS && why == EWOULDBLOCK; i++) {
        usleep(LOOK_US);
        why = try_lock(fd, LOCK_EX);
    }
    return why;
}

bool pt_run_dir_in_use(const char *dir)
{
    char *path = pt_file_path(dir, LOCK);
    int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    bool used = fd >= 0 && try_lock(fd, LOCK_SH) == EWOULDBLOCK;

    if (fd >= 0) close(fd);
    free(path);
    return used;
}

/* *locked: no other job has it. The lock lasts as long as this process: its descriptor
 * stays open. Where the file system has no locks, a warning. */
static pt_status lock(const char *dir, bool *locked)
{
    char *path = pt_file_path(dir, LOCK);
    int fd = path ? open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666) : -1;
    int why = fd < 0 ? errno : lock_for_job(fd);

    free(path);
    *locked = why == 0;
    if (*locked) return PT_OK;
    if (fd < 0 && may_not_write(why) && pt_run_dir_has(dir, "result.json"))
        return PT_OK; /* finished: there is nothing to write */
    if (fd < 0)
        return pt_fail(PT_ERR_IO, "run directory %s cannot be written: " LOCK ": %s", dir,
                       strerror(why));
    close(fd);
    if (why == EWOULDBLOCK)
        return pt_fail(PT_ERR_USAGE, "run directory %s is in use by another job", dir);
    pt_log_warn("run directory %s cannot be locked (flock: %s): make sure that no other "
                "job is using it",
                dir, strerror(why));
    return PT_OK;
}

pt_status pt_run_dir_open(const char *dir, bool overwrite, bool *exists)
{
    bool locked;
    contents c;
    pt_status s = pt_file_make_parents(dir);

    *exists = false;
    if (s == PT_OK) s = pt_file_make_dir(dir);
    if (s == PT_OK) s = look(dir, &c); /* before it is touched */
    if (s == PT_OK) s = lock(dir, &locked);
    if (s == PT_OK) s = look(dir, &c); /* now that nobody else changes it */
    if (s != PT_OK) return s;
    if (locked) sweep(dir, c.empty);
    if (overwrite && !c.empty) return clear(dir);
    *exists = !c.empty;
    return PT_OK;
}

pt_status pt_run_dir_read_json(const char *dir, const char *name, json_t **out)
{
    char *path = pt_file_path(dir, name);
    json_error_t why;
    pt_status s = PT_OK;

    *out = path ? json_load_file(path, 0, &why) : NULL;
    if (!path)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", name);
    else if (!*out)
        s = pt_fail(PT_ERR_DATA, "%s: cannot be read: %s", path, why.text);
    free(path);
    return s;
}

pt_status pt_run_dir_write_json(const char *dir, const char *name, json_t *json)
{
    char *path = pt_file_path(dir, name);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    pt_status s = path && text ? pt_file_replace(path, text, strlen(text))
                               : pt_fail(PT_ERR_NOMEM, "no memory for %s", name);

    json_decref(json);
    free(path);
    free(text);
    return s;
}

static pt_status write_config(const pt_config *c)
{
    char *path = pt_file_path(c->run->dir, "config.yaml"), *text = NULL;
    pt_status s = path ? pt_config_print(c, &text)
                       : pt_fail(PT_ERR_NOMEM, "no memory for config.yaml");

    if (s == PT_OK) s = pt_file_replace(path, text, strlen(text));
    free(path);
    free(text);
    return s;
}

/* JSON has no bytes that are not UTF-8: they are escaped. */
static json_t *text(const char *argument)
{
    char *escaped = pt_utf8_is(argument) ? NULL : pt_utf8_escape(argument);
    json_t *j = json_string(escaped ? escaped : argument);

    free(escaped);
    return j;
}

static json_t *environment(const pt_train_args *args, const char *hosts)
{
    json_t *ranks = json_array(), *line = json_array();
    struct utsname os = {0};
    char self[65] = "", cpu[PT_CPU_BYTES];

    uname(&os);
    if (pt_digest_file("/proc/self/exe", self) != PT_OK) self[0] = '\0';
    for (int i = 0; i < pt_job_size(); i++)
        json_array_append_new(ranks, json_string(hosts + (size_t)i * PT_JOB_TEXT_BYTES));
    for (int i = 0; i < args->argc; i++) json_array_append_new(line, text(args->argv[i]));
    pt_cores_cpu(cpu);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "version", PT_VERSION,
                     "commit", PT_COMMIT, "compiler", "gcc " __VERSION__,
                     "program_sha256", self, "system", os.release, "cpu", text(cpu),
                     "command", line, "ranks", ranks);
}

pt_status pt_run_dir_describe(const pt_setup *u, const pt_train_args *args,
                              json_t *identity, const char *hosts)
{
    const char *dir = u->run->config->run->dir;
    pt_status s = pt_run_dir_write_json(dir, "identity.json", json_incref(identity));

    if (s == PT_OK) s = write_config(u->run->config);
    if (s == PT_OK)
        s = pt_run_dir_write_json(dir, "environment.json", environment(args, hosts));
    return s;
}
