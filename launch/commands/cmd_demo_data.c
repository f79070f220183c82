#include "launch/commands/cmd_demo_data.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/demo/scene.h"
#include "worker/input/jpeg.h"

enum { PATH_BYTES = 4096, QUALITY = 92, MOST_PER_CLASS = 10000 };

static const char usage[] =
    "usage: ptrain demo-data DIR [--seed N]\n"
    "\n"
    "Writes made pictures as DIR/{source,target}/{train,test}/CLASS/NNNN.jpg: a source "
    "task\n"
    "of shapes and textures to pretrain on, and a target task of flowers that differ in\n"
    "petals and texture, with few training pictures, to fine-tune on.\n"
    "\n"
    "  --seed N                   other pictures of the same kind (default 1)\n"
    "  --source-per-class N       training pictures, default 250\n"
    "  --source-test-per-class N  test pictures, default 40\n"
    "  --target-per-class N       training pictures, default 12\n"
    "  --target-test-per-class N  test pictures, default 50\n";

typedef struct {
    const char *dir;
    uint64_t seed;
    uint32_t per_class[2][2]; /* [task][split] */
    bool help;
} options;

static const char *const tasks[] = {"source", "target"};
static const char *const splits[] = {"train", "test"};

static pt_status read_number(const char *name, const char *text, uint64_t max,
                             uint64_t *out)
{
    size_t n = strlen(text);

    errno = 0;
    *out = strtoull(text, NULL, 10);
    if (n == 0 || strspn(text, "0123456789") != n || errno != 0 || *out > max)
        return pt_fail(PT_ERR_USAGE,
                       "demo-data: --%s '%s' is not a number from 0 to %llu", name, text,
                       (unsigned long long)max);
    return PT_OK;
}

static pt_status read_options(int argc, char **argv, options *o)
{
    /* The place of a count's option is 2 task + split. */
    static const struct option known[] = {
        {"source-per-class", required_argument, NULL, 1},
        {"source-test-per-class", required_argument, NULL, 1},
        {"target-per-class", required_argument, NULL, 1},
        {"target-test-per-class", required_argument, NULL, 1},
        {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    pt_status s = PT_OK;
    uint64_t number = 0;
    int c, which = 0;

    optind = 0; /* glibc: start over */
    opterr = 0;
    while (s == PT_OK && (c = getopt_long(argc, argv, ":h", known, &which)) != -1) {
        if (c == 1) {
            s = read_number(known[which].name, optarg, MOST_PER_CLASS, &number);
            o->per_class[which / 2][which % 2] = (uint32_t)number;
        } else if (c == 's') {
            s = read_number("seed", optarg, UINT64_MAX, &o->seed);
        } else if (c == 'h') {
            o->help = true;
        } else {
            s = pt_fail(PT_ERR_USAGE, "demo-data: %s '%s' (see ptrain demo-data --help)",
                        c == ':' ? "a value is missing after" : "unknown option",
                        argv[optind - 1]);
        }
    }
    if (s != PT_OK || o->help) return s;
    if (optind + 1 != argc)
        return pt_fail(PT_ERR_USAGE,
                       "demo-data: expected one directory, got %d arguments",
                       argc - optind);
    o->dir = argv[optind];
    return PT_OK;
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
                          "%s holds files; demo-data wants an empty directory", dir)
                : PT_OK;
}

static pt_status write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    bool whole;

    if (!f) return pt_fail(PT_ERR_IO, "%s cannot be made: %s", path, strerror(errno));
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
    for (uint32_t i = 0; s == PT_OK && i < o->per_class[task][split]; i++) {
        pt_image im = {.pixels = pixels};

        im.width = pt_demo_picture(o->seed, task, split, label, i, pixels);
        im.height = im.width;
        s = pt_jpeg_encode(&im, QUALITY, &file, &n);
        if (s != PT_OK) break;
        snprintf(path, sizeof path, "%s/%04u.jpg", folder, (unsigned)i);
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
                pt_log_info("%s/%s/%s: %d classes of %u pictures", o->dir, tasks[task],
                            splits[split], label, o->per_class[task][split]);
        }
    return s;
}

int pt_cmd_demo_data(int argc, char **argv)
{
    options o = {.seed = 1, .per_class = {{250, 40}, {12, 50}}};
    pt_status s = read_options(argc, argv, &o);

    if (s == PT_OK && o.help)
        fputs(usage, stdout);
    else if (s == PT_OK)
        s = write_all(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
