#include "launch/commands/commands.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/demo/scene.h"
#include "launch/support/args.h"
#include "worker/input/jpeg.h"

enum { PATH_BYTES = 4096, QUALITY = 92, MAX_PER_CLASS = 10000 };

typedef struct {
    const char *dir;
    uint64_t seed;
    int per_class[2][2]; /* [task][split] */
} options;

static const char *const tasks[] = {"source", "target"};
static const char *const splits[] = {"train", "test"};

static bool read_options(int argc, char **argv, options *o, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("DIR", &o->dir),
        PT_ARG_SEED("seed", "N", &o->seed,
                    "Draw other pictures of the same kind (default: 1)"),
        PT_ARG_NUMBER("source-per-class", "N", &o->per_class[0][0], 0, MAX_PER_CLASS,
                      "Training pictures of each source class (default: 250)"),
        PT_ARG_NUMBER("source-test-per-class", "N", &o->per_class[0][1], 0, MAX_PER_CLASS,
                      "Test pictures of each source class (default: 40)"),
        PT_ARG_NUMBER("target-per-class", "N", &o->per_class[1][0], 0, MAX_PER_CLASS,
                      "Training pictures of each target class (default: 12)"),
        PT_ARG_NUMBER("target-test-per-class", "N", &o->per_class[1][1], 0, MAX_PER_CLASS,
                      "Test pictures of each target class (default: 50)")};
    const pt_args args = {
        .command = "demo-data",
        .about = "Draws pictures as DIR/{source,target}/{train,test}/CLASS/NNNN.jpg: a "
                 "source task of shapes and textures to pretrain on, and a target task "
                 "of flowers that differ in petals and texture, with few training "
                 "pictures, to fine-tune on.",
        .example = "ptrain demo-data pictures --seed 2",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

/* "a/b/c" and everything above it. */
static pt_status make_directory(const char *path)
{
    pt_status s = pt_file_make_parents(path);

    return s == PT_OK ? pt_file_make_dir(path) : s;
}

static pt_status claim(const char *dir)
{
    struct dirent *entry;
    DIR *d;
    bool used = false;
    pt_status s = dir[0] ? make_directory(dir)
                         : pt_fail(PT_ERR_USAGE, "demo-data: the directory has no name");

    if (s != PT_OK) return s;
    d = opendir(dir);
    if (!d) return pt_fail(PT_ERR_IO, "%s cannot be read: %s", dir, strerror(errno));
    while ((entry = readdir(d)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            used = true;
    closedir(d);
    return used ? pt_fail(PT_ERR_USAGE,
                          "%s holds files; demo-data needs an empty directory", dir)
                : PT_OK;
}

static pt_status write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    bool whole;

    if (!f) return pt_fail(PT_ERR_IO, "%s cannot be created: %s", path, strerror(errno));
    whole = fwrite(bytes, 1, n, f) == n;
    if (fclose(f) != 0 || !whole)
        return pt_fail(PT_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    return PT_OK;
}

static pt_status write_class(const options *o, pt_demo_task task, pt_demo_split split,
                             int label)
{
    uint8_t pixels[PT_CANVAS_MAX * PT_CANVAS_MAX * 3], *file;
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
    pt_status s;
    size_t n;

    snprintf(folder, sizeof folder, "%s/%s/%s/%s", o->dir, tasks[task], splits[split],
             pt_demo_class(task, label));
    s = make_directory(folder);
    for (int i = 0; s == PT_OK && i < o->per_class[task][split]; i++) {
        pt_image im = {.pixels = pixels};

        im.width = pt_demo_picture(o->seed, task, split, label, (uint32_t)i, pixels);
        im.height = im.width;
        s = pt_jpeg_encode(&im, QUALITY, &file, &n);
        if (s != PT_OK) break;
        snprintf(path, sizeof path, "%s/%04d.jpg", folder, i);
        s = write_file(path, file, n);
        free(file);
    }
    return s;
}

static pt_status write_all(const options *o)
{
    pt_status s;

    if (strlen(o->dir) > PATH_BYTES - 64)
        return pt_fail(PT_ERR_USAGE, "%.60s...: the path is too long", o->dir);
    s = claim(o->dir);
    for (int task = 0; task < 2; task++)
        for (int split = 0; split < 2; split++) {
            int label = 0;

            for (; s == PT_OK && pt_demo_class((pt_demo_task)task, label); label++)
                s = write_class(o, (pt_demo_task)task, (pt_demo_split)split, label);
            if (s == PT_OK)
                pt_log_info("%s/%s/%s: %d classes of %d pictures", o->dir, tasks[task],
                            splits[split], label, o->per_class[task][split]);
        }
    return s;
}

int pt_cmd_demo_data(int argc, char **argv)
{
    options o = {.seed = 1, .per_class = {{250, 40}, {12, 50}}};
    pt_status s;
    int code;

    if (!read_options(argc, argv, &o, &code)) return code;
    s = write_all(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
