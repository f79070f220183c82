#include "launch/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/job.h"
#include "launch/version.h"
#include "server/checkpoint/manifest.h"

/* Names of a run's files, and what a crash leaves of them. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"identity.json",
                                        "config.yaml",
                                        "environment.json",
                                        "metrics.jsonl",
                                        "model.h5",
                                        "best.h5",
                                        "predictions.h5",
                                        "train_predictions.h5",
                                        "result.json",
                                        "checkpoints",
                                        ".lock"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(name, names[i], n) == 0 &&
            (!name[n] || strncmp(name + n, ".tmp.", 5) == 0))
            return true;
    }
    return false;
}

bool pt_run_dir_has(const char *dir, const char *name)
{
    char *path = pt_file_path(dir, name);
    bool yes = path && access(path, F_OK) == 0;

    free(path);
    return yes;
}

/* Whose is it? *empty: nothing, or only what was left before identity.json came. */
static pt_status look(const char *dir, bool *empty, bool *ours)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    *empty = *ours = true;
    if (!d) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (!is_ours(e->d_name)) *ours = false;
        if (strcmp(e->d_name, ".lock") != 0 &&
            strncmp(e->d_name, "identity.json.tmp.", 18) != 0)
            *empty = false;
    }
    closedir(d);
    if (!*empty && !pt_run_dir_has(dir, "identity.json")) *ours = false;
    return PT_OK;
}

/* Removes the files of an old run; identity.json last, so that a crash leaves a run's
 * directory. */
static pt_status clear(const char *dir)
{
    char *checkpoints = pt_file_path(dir, "checkpoints"), *identity = NULL;
    DIR *d = opendir(dir);
    struct dirent *e;
    pt_status s = PT_OK;

    if (checkpoints) pt_checkpoint_prune(checkpoints, 0);
    free(checkpoints);
    if (!d) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    while (s == PT_OK && (e = readdir(d))) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "identity.json") == 0 ||
            strcmp(e->d_name, "checkpoints") == 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) != 0)
            s = pt_fail(PT_ERR_IO, "%s/%s: %s", dir, e->d_name, strerror(errno));
    }
    closedir(d);
    identity = pt_file_path(dir, "identity.json");
    if (s == PT_OK && identity) unlink(identity);
    free(identity);
    return s;
}

/* The lock lasts as long as this process: its descriptor stays open. */
static pt_status lock(const char *dir)
{
    char *path = pt_file_path(dir, ".lock");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    pt_status s = PT_OK;

    if (fd < 0)
        s = pt_fail(PT_ERR_IO, "%s/.lock: %s", dir, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        s = pt_fail(PT_ERR_USAGE, "run directory %s is in use by another job", dir);
    if (s != PT_OK && fd >= 0) close(fd);
    free(path);
    return s;
}

pt_status pt_run_dir_open(const char *dir, bool overwrite, bool *exists)
{
    bool empty, ours;
    pt_status s = pt_file_make_parents(dir);

    *exists = false;
    if (s == PT_OK) s = pt_file_make_dir(dir);
    if (s != PT_OK) return s;
    s = look(dir, &empty, &ours);
    if (s == PT_OK && !empty && !ours)
        s = pt_fail(PT_ERR_USAGE,
                    "%s: holds other files than a run's: choose another run.dir", dir);
    if (s == PT_OK) s = lock(dir);
    if (s == PT_OK && overwrite && !empty) return clear(dir);
    *exists = !empty;
    return s;
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

static json_t *environment(const pt_train_args *args, const char *hosts)
{
    json_t *ranks = json_array(), *line = json_array();
    struct utsname os = {0};
    char self[65] = "";

    uname(&os);
    if (pt_digest_file("/proc/self/exe", self) != PT_OK) self[0] = '\0';
    for (int i = 0; i < pt_job_size(); i++)
        json_array_append_new(ranks, json_string(hosts + (size_t)i * PT_JOB_TEXT_BYTES));
    for (int i = 0; i < args->argc; i++)
        json_array_append_new(line, json_string(args->argv[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "version", PT_VERSION,
                     "commit", PT_COMMIT, "compiler", "gcc " __VERSION__,
                     "program_sha256", self, "system", os.release, "command", line,
                     "ranks", ranks);
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
