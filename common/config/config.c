#include "common/config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config/parts.h"
#include "common/config/shipped.h"

typedef struct {
    pt_arena arena;
    pt_faults faults;
    struct {
        dev_t device;
        ino_t inode;
    } chain[PT_CONFIG_MAX_BASES]; /* files that are waiting for their bases */
    int n_chain, n_files;
    bool incomplete; /* a file or an override is missing from the tree */
} loader;

static pt_yaml *load_file(loader *l, const char *path, pt_mark asked);

/* The whole file into the arena; NULL after a fault. */
static char *read_file(loader *l, const char *path, pt_mark asked, size_t *n,
                       struct stat *st)
{
    FILE *file = NULL;
    char *text = NULL;

    *n = 0;
    errno = 0;
    if (stat(path, st) == 0 && S_ISDIR(st->st_mode))
        errno = EISDIR;
    else if (errno == 0)
        file = fopen(path, "rb");
    if (!file) {
        pt_faults_add(&l->faults, asked, "%.200s cannot be read: %s", path,
                      strerror(errno));
        return NULL;
    }
    text = pt_arena_alloc(&l->arena, PT_CONFIG_MAX_BYTES + 1);
    if (text) *n = fread(text, 1, PT_CONFIG_MAX_BYTES + 1, file);
    if (text && ferror(file)) {
        pt_faults_add(&l->faults, asked, "%.200s cannot be read: %s", path,
                      strerror(errno));
        text = NULL;
    }
    if (text && *n > PT_CONFIG_MAX_BYTES) {
        pt_faults_add(&l->faults, asked, "%.200s is longer than %d bytes", path,
                      PT_CONFIG_MAX_BYTES);
        text = NULL;
    }
    fclose(file);
    return text;
}

/* `under` with the base file that `name` gives laid over it. */
static pt_yaml *load_base(loader *l, const char *file, const pt_yaml *name,
                          pt_yaml *under)
{
    pt_yaml *t = NULL;
    const char *path;

    if (name->kind != PT_YAML_SCALAR || !name->text[0] || pt_yaml_is_null(name)) {
        pt_faults_add(&l->faults, name->mark,
                      "base must be a file name or a list of file names");
        return under;
    }
    path = pt_config_is_shipped(name->text)
               ? name->text
               : pt_config_beside(&l->arena, file, name->text);
    if (path) t = load_file(l, path, name->mark);
    return t ? pt_yaml_merge(&l->arena, under, t) : under;
}

/* Takes `base` out of the tree and returns the tree laid over its bases. */
static pt_yaml *over_bases(loader *l, const char *file, pt_yaml *t)
{
    pt_yaml_item *item = pt_yaml_find(t, "base");
    pt_yaml *base, *under = NULL;

    if (!item) return t;
    base = item->value;
    t->n_items--;
    memmove(item, item + 1, (size_t)(t->items + t->n_items - item) * sizeof *item);
    if (base->kind == PT_YAML_LIST)
        for (size_t i = 0; i < base->n_items; i++)
            under = load_base(l, file, base->items[i].value, under);
    else
        under = load_base(l, file, base, under);
    return under ? pt_yaml_merge(&l->arena, under, t) : t;
}

static bool in_chain(const loader *l, const struct stat *st)
{
    for (int i = 0; i < l->n_chain; i++)
        if (l->chain[i].device == st->st_dev && l->chain[i].inode == st->st_ino)
            return true;
    return false;
}

/* The file of a name that begins with "ptrain:", in the arena; NULL after a fault. Any
 * other name is a path already. */
static const char *find_file(loader *l, const char *name, pt_mark asked)
{
    char *path = NULL, *kept = NULL;

    if (!pt_config_is_shipped(name)) return name;
    if (pt_config_shipped(name, &path) != PT_OK)
        pt_faults_add(&l->faults, asked, "%s", pt_fail_text());
    else
        kept = pt_arena_text(&l->arena, path, strlen(path));
    free(path);
    return kept;
}

/* A mapping with everything that the file and its bases give; NULL after a fault. */
static pt_yaml *load_file(loader *l, const char *name, pt_mark asked)
{
    const char *path = find_file(l, name, asked);
    pt_mark origin = {.source = l->n_files, .line = 1, .column = 1};
    bool incomplete = l->incomplete;
    struct stat st;
    size_t n, before = l->faults.n;
    char *text = path ? read_file(l, path, asked, &n, &st) : NULL;
    pt_yaml *t;

    l->incomplete = true; /* until its keys are there */
    if (!text) return NULL;
    if (in_chain(l, &st)) {
        pt_faults_add(&l->faults, asked, "%.200s is its own base", path);
        return NULL;
    }
    if (l->n_chain == PT_CONFIG_MAX_BASES || l->n_files == PT_CONFIG_MAX_FILES) {
        pt_faults_add(&l->faults, asked,
                      "more than %d files, or bases nested deeper than %d",
                      PT_CONFIG_MAX_FILES, PT_CONFIG_MAX_BASES);
        return NULL;
    }
    l->n_files++;
    origin.where = pt_arena_text(&l->arena, path, strlen(path));
    t = pt_yaml_read(&l->arena, &l->faults, text, n, origin);
    if (!t) {
        if (l->faults.n == before && !l->arena.failed)
            pt_faults_add(&l->faults, origin, "the file has no keys");
        return NULL;
    }
    if (t->kind != PT_YAML_MAPPING) {
        pt_faults_add(&l->faults, t->mark, "expected keys and values, found a %s",
                      t->kind == PT_YAML_LIST ? "list" : "single value");
        return NULL;
    }
    l->incomplete = incomplete;
    l->chain[l->n_chain].device = st.st_dev;
    l->chain[l->n_chain++].inode = st.st_ino;
    t = over_bases(l, path, t);
    l->n_chain--;
    return t;
}

/* A plain text with a # after a space, of which YAML takes only what is before it. */
static bool is_cut(const pt_yaml *value, const char *text)
{
    return value->kind == PT_YAML_SCALAR && !value->quoted &&
           (strstr(text, " #") || strstr(text, "\t#"));
}

/* Applies the k-th "a.b=value" to the tree; `where` it was given. */
static void override(loader *l, pt_yaml *root, const char *set, size_t k,
                     const char *where)
{
    pt_mark mark = {.source = PT_CONFIG_MAX_FILES + (int)k};
    const char *equals = strchr(set, '=');
    size_t before = l->faults.n + l->faults.n_more, n = 0;
    char *path;
    pt_yaml *value = NULL;

    mark.where = pt_arena_text(&l->arena, where, strlen(where));
    if (!equals || equals == set) {
        pt_faults_add(&l->faults, mark, "'%.100s' is not key=value", set);
        goto done;
    }
    path = pt_arena_text(&l->arena, set, (size_t)(equals - set));
    n = strlen(equals + 1);
    if (n > PT_CONFIG_MAX_BYTES)
        pt_faults_add(&l->faults, mark, "longer than %d bytes", PT_CONFIG_MAX_BYTES);
    else
        value = pt_yaml_read(&l->arena, &l->faults, equals + 1, n, mark);
    if (value && is_cut(value, equals + 1))
        pt_faults_add(&l->faults, mark,
                      "'%.100s' ends before the #, which begins a comment: quote the "
                      "value itself, as in 'run.dir=\"a #b\"'",
                      set);
    else if (value && path)
        pt_yaml_set(&l->arena, root, path, value, &l->faults);
    else if (l->faults.n + l->faults.n_more == before)
        pt_faults_add(&l->faults, mark, "'%.100s' has no value", set);
done:
    if (l->faults.n + l->faults.n_more > before) l->incomplete = true;
}

/* From the tree to a message; a configuration is checked. */
static pt_status build(loader *l, pt_yaml *root, ProtobufCMessage *m)
{
    pt_status s = pt_config_complete(m);

    if (s != PT_OK) return s;
    if (l->arena.failed) return pt_fail(PT_ERR_NOMEM, "no memory for the configuration");
    if (root && m->descriptor == &pt__config__config__descriptor)
        pt_config_paths(&l->arena, root);
    if (root) pt_config_walk(root, m, &l->faults);
    if (root && !l->incomplete && m->descriptor == &pt__config__config__descriptor)
        pt_config_ranges((const pt_config *)m, root, &l->faults);
    return PT_OK;
}

static void loader_fini(loader *l)
{
    pt_arena_fini(&l->arena);
    pt_faults_fini(&l->faults);
}

/* Files laid over each other, then overrides. */
static pt_yaml *load_parts(loader *l, const pt_config_part *files, size_t n_files,
                           const pt_config_part *sets, size_t n_sets)
{
    pt_yaml *root = NULL;
    size_t n_plain = 0;
    char plain[32];

    for (size_t i = 0; i < n_files; i++) {
        pt_mark asked = {.where = files[i].where};
        pt_yaml *t = load_file(l, files[i].text, asked);

        root = root && t ? pt_yaml_merge(&l->arena, root, t) : t ? t : root;
    }
    for (size_t k = 0; root && k < n_sets && !l->arena.failed; k++) {
        if (!sets[k].where) snprintf(plain, sizeof plain, "--set #%zu", ++n_plain);
        override(l, root, sets[k].text, k, sets[k].where ? sets[k].where : plain);
    }
    return root;
}

pt_status pt_config_load_all(const pt_config_part *files, size_t n_files,
                             const pt_config_part *sets, size_t n_sets, pt_config **out)
{
    loader *l = calloc(1, sizeof *l);
    pt_config *c = calloc(1, sizeof *c);
    pt_status s;

    *out = NULL;
    if (!l || !c) {
        free(l);
        free(c);
        return pt_fail(PT_ERR_NOMEM, "no memory for the configuration");
    }
    pt__config__config__init(c);
    s = build(l, load_parts(l, files, n_files, sets, n_sets), &c->base);
    if (s == PT_OK) s = pt_faults_report(&l->faults);
    if (s == PT_OK) {
        *out = c;
        c = NULL;
    }
    loader_fini(l);
    free(l);
    pt_config_destroy(&c);
    return s;
}

pt_status pt_config_load(const char *path, const char *const *sets, size_t n_sets,
                         pt_config **out)
{
    pt_config_part file = {path, NULL}, *parts = calloc(n_sets + 1, sizeof *parts);
    pt_status s;

    *out = NULL;
    if (!parts) return pt_fail(PT_ERR_NOMEM, "no memory for the configuration");
    for (size_t i = 0; i < n_sets; i++) parts[i].text = sets[i];
    s = pt_config_load_all(&file, 1, parts, n_sets, out);
    free(parts);
    return s;
}

/* ---- files of other schemas -------------------------------------------------------- */

struct pt_config_file {
    loader loader;
    pt_yaml *root; /* NULL: could not be read */
    ProtobufCMessage *message;
};

pt_status pt_config_file_open(const char *path, const ProtobufCMessageDescriptor *schema,
                              pt_config_file **out)
{
    pt_config_file *f = calloc(1, sizeof *f);
    pt_config_part file = {path, NULL};
    pt_status s;

    *out = NULL;
    if (f) f->message = calloc(1, schema->sizeof_message);
    if (!f || !f->message) {
        free(f);
        return pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    }
    protobuf_c_message_init(schema, f->message);
    f->root = load_parts(&f->loader, &file, 1, NULL, 0);
    s = build(&f->loader, f->root, f->message);
    if (s == PT_OK)
        *out = f;
    else
        pt_config_file_close(&f);
    return s;
}

void pt_config_file_close(pt_config_file **f)
{
    if (!f || !*f) return;
    protobuf_c_message_free_unpacked((*f)->message, NULL);
    loader_fini(&(*f)->loader);
    free(*f);
    *f = NULL;
}

const ProtobufCMessage *pt_config_file_message(const pt_config_file *f)
{
    return f->message;
}

/* The tree of the value at path, or of the closest one around it. NULL where a list in
 * the path has a hole: its indices then name no element. */
static pt_yaml *around(const pt_config_file *f, const char *path)
{
    char part[PT_CONFIG_MAX_PATH];
    pt_yaml *found = f->root, *t;
    size_t n = 0;

    if (!found) return NULL;
    do {
        n += strcspn(path + n, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        t = pt_yaml_at(f->root, part);
        if (!t) break;
        if (t->kind == PT_YAML_LIST && t->bad) return NULL;
        found = t;
    } while (path[n++]);
    return found;
}

void pt_config_file_fault(pt_config_file *f, const char *path, const char *fmt, ...)
{
    pt_yaml *t = around(f, path);
    char text[256];
    va_list ap;

    if (!t || t->bad) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pt_faults_add(&f->loader.faults, t->mark, "%s", text);
}

void pt_config_file_where(const pt_config_file *f, const char *path, char *out, size_t n)
{
    pt_yaml *t = around(f, path);

    if (t && t->mark.where)
        snprintf(out, n, "%s:%d:%d", t->mark.where, t->mark.line, t->mark.column);
    else
        snprintf(out, n, "%s", path);
}

pt_status pt_config_file_report(pt_config_file *f)
{
    return pt_faults_report(&f->loader.faults);
}

void pt_config_destroy(pt_config **c)
{
    if (!c || !*c) return;
    pt__config__config__free_unpacked(*c, NULL);
    *c = NULL;
}

pt_status pt_config_pack(const pt_config *c, uint8_t **bytes, size_t *n)
{
    size_t size = pt__config__config__get_packed_size(c);

    *bytes = malloc(size > 0 ? size : 1);
    *n = 0;
    if (!*bytes) return pt_fail(PT_ERR_NOMEM, "no memory to pack the configuration");
    *n = pt__config__config__pack(c, *bytes);
    return PT_OK;
}

/* true if m or a message in it holds fields that this version does not know. */
static bool has_unknown(const ProtobufCMessage *m)
{
    if (m->n_unknown_fields > 0) return true;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        size_t n = f->type == PROTOBUF_C_TYPE_MESSAGE ? pt_field_count(m, f) : 0;

        for (size_t k = 0; k < n; k++)
            if (has_unknown(*(ProtobufCMessage **)pt_field_element(m, f, k))) return true;
    }
    return false;
}

pt_status pt_config_unpack(const uint8_t *bytes, size_t n, pt_config **out)
{
    pt_faults faults = {0};
    pt_config *c = NULL;
    pt_status s;

    *out = NULL;
    if (n > PT_CONFIG_MAX_BYTES)
        return pt_fail(PT_ERR_CONFIG, "packed configuration has %zu bytes, limit %d", n,
                       PT_CONFIG_MAX_BYTES);
    c = pt__config__config__unpack(NULL, n, bytes);
    if (!c) return pt_fail(PT_ERR_CONFIG, "packed configuration is damaged");
    if (has_unknown(&c->base)) {
        s = pt_fail(PT_ERR_CONFIG, "packed configuration has keys of another version");
        goto done;
    }
    s = pt_config_complete(&c->base);
    if (s != PT_OK) goto done;
    pt_config_ranges(c, NULL, &faults);
    s = pt_faults_report(&faults);
    if (s != PT_OK) goto done;
    *out = c;
    c = NULL;
done:
    pt_faults_fini(&faults);
    pt_config_destroy(&c);
    return s;
}

pt_status pt_config_copy(const pt_config *given, pt_config **out)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_config_pack(given, &bytes, &n);

    *out = NULL;
    if (s == PT_OK) s = pt_config_unpack(bytes, n, out);
    free(bytes);
    return s;
}
