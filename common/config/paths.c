#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/config/parts.h"

char *pt_config_beside(pt_arena *p, const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    size_t dir = slash && name[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    char *path = pt_arena_alloc(p, dir + strlen(name) + 1);

    if (!path) return NULL;
    memcpy(path, file, dir);
    strcpy(path + dir, name);
    return path;
}

/* The path becomes that of the file beside the one that names it, where there is one. */
static void resolve(pt_arena *p, const char *key, pt_yaml *v)
{
    bool given = v && v->kind == PT_YAML_SCALAR && !pt_yaml_is_null(v) && v->mark.line;
    char *path = given ? pt_config_beside(p, v->mark.where, v->text) : NULL;
    struct stat there, here;

    if (!path || strcmp(path, v->text) == 0 || stat(path, &there) != 0) return;
    if (stat(v->text, &here) == 0 &&
        (here.st_dev != there.st_dev || here.st_ino != there.st_ino))
        pt_log_warn("%s:%d: %s: %s is taken, which is beside this file, and not %s of "
                    "the current directory",
                    v->mark.where, v->mark.line, key, path, v->text);
    v->text = path;
}

/* Keys whose help says so name files to read. */
static bool is_read(const char *scope, const ProtobufCFieldDescriptor *f)
{
    static const char words[] = "file to read";

    return f->type == PROTOBUF_C_TYPE_STRING &&
           strncmp(pt_key_help_of(scope, f->name)->text, words, strlen(words)) == 0;
}

static void visit(pt_arena *p, pt_yaml *root, const ProtobufCMessageDescriptor *d,
                  const char *prefix)
{
    char path[PT_CONFIG_MAX_PATH], below[PT_CONFIG_MAX_PATH + 1];

    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];

        snprintf(path, sizeof path, "%s%s", prefix, f->name);
        snprintf(below, sizeof below, "%s.", path);
        if (is_read(d->short_name, f))
            resolve(p, path, pt_yaml_at(root, path));
        else if (f->type == PROTOBUF_C_TYPE_MESSAGE &&
                 f->label != PROTOBUF_C_LABEL_REPEATED)
            visit(p, root, f->descriptor, below);
    }
}

void pt_config_paths(pt_arena *p, pt_yaml *root)
{
    visit(p, root, &pt__config__config__descriptor, "");
}
