#include "launch/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/job.h"
#include "launch/version.h"
#include "worker/step.h"

/* Removes the files of an old run; it has no directories of its own. */
static pt_status clear(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool empty = true, ours = false;
    pt_status s = PT_OK;

    if (!d) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        empty = false;
        ours = ours || strcmp(e->d_name, "identity.json") == 0;
    }
    if (!empty && !ours)
        s = pt_fail(PT_ERR_USAGE,
                    "%s: holds other files than a run's; --overwrite does not "
                    "touch it",
                    dir);
    rewinddir(d);
    while (s == PT_OK && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(d), e->d_name, 0) != 0)
            s = pt_fail(PT_ERR_IO, "%s/%s: %s", dir, e->d_name, strerror(errno));
    }
    closedir(d);
    return s;
}

pt_status pt_run_dir_create(const char *dir, bool overwrite)
{
    pt_status s = pt_file_make_parents(dir);

    if (s != PT_OK) return s;
    if (mkdir(dir, 0777) == 0) return PT_OK;
    if (errno != EEXIST) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    if (!overwrite)
        return pt_fail(PT_ERR_USAGE,
                       "run directory %s exists: choose another run.dir, or give "
                       "--overwrite to replace it",
                       dir);
    return clear(dir);
}

pt_status pt_run_dir_write_json(const char *dir, const char *name, json_t *json)
{
    char *path = pt_file_path(dir, name), *tmp = pt_file_path(dir, ".tmp.json");
    pt_status s = PT_OK;

    if (!json || !path || !tmp)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", name);
    else if (json_dump_file(json, tmp, JSON_INDENT(2)) != 0 || rename(tmp, path) != 0)
        s = pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    json_decref(json);
    free(path);
    free(tmp);
    return s;
}

static pt_status write_config(const pt_config *c)
{
    char *path = pt_file_path(c->run->dir, "config.yaml"), *text = NULL;
    pt_status s = pt_config_print(c, &text);
    FILE *f = NULL;

    if (s == PT_OK) {
        f = path ? fopen(path, "w") : NULL;
        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
            s = pt_fail(PT_ERR_IO, "%s/config.yaml: %s", c->run->dir, strerror(errno));
    }
    free(path);
    free(text);
    return s;
}

static json_t *identity(const pt_setup *u)
{
    const pt_run *r = u->run;

    return json_pack(
        "{s:s, s:s, s:I, s:i, s:i, s:s, s:s, s:s, s:s}", "program", "ptrain " PT_VERSION,
        "network", r->config->network->name, "seed", (json_int_t)r->config->seed,
        "shards", r->plan->n_shards, "batch", r->plan->batch, "data_checksum",
        pt_dataset_checksum(u->data), "start_weights_hash", u->start_hash, "gemm",
        pt_method_identity(pt_worker_method(r->config)), "config", "config.yaml");
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
                              const char *hosts)
{
    const char *dir = u->run->config->run->dir;
    pt_status s = pt_run_dir_write_json(dir, "identity.json", identity(u));

    if (s == PT_OK) s = write_config(u->run->config);
    if (s == PT_OK)
        s = pt_run_dir_write_json(dir, "environment.json", environment(args, hosts));
    return s;
}
