#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/parts.h"

enum { BLOCK_BYTES = 1 << 16 };

struct pt_arena_block {
    struct pt_arena_block *next;
    max_align_t data[];
};

void *pt_arena_alloc(pt_arena *p, size_t bytes)
{
    const size_t unit = sizeof(max_align_t);
    size_t need = (bytes / unit + 1) * unit;
    void *at;

    if (need > p->capacity - p->used) {
        size_t capacity = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct pt_arena_block *b = calloc(1, sizeof *b + capacity);

        if (!b) {
            p->failed = true;
            return NULL;
        }
        b->next = p->blocks;
        p->blocks = b;
        p->used = 0;
        p->capacity = capacity;
    }
    at = (char *)p->blocks->data + p->used;
    p->used += need;
    return at;
}

char *pt_arena_text(pt_arena *p, const char *text, size_t n)
{
    char *t = pt_arena_alloc(p, n + 1);

    if (t && n > 0) memcpy(t, text, n);
    return t;
}

void pt_arena_fini(pt_arena *p)
{
    while (p->blocks) {
        struct pt_arena_block *next = p->blocks->next;

        free(p->blocks);
        p->blocks = next;
    }
    *p = (pt_arena){0};
}

pt_yaml *pt_yaml_create(pt_arena *p, pt_yaml_kind kind, pt_mark mark)
{
    pt_yaml *t = pt_arena_alloc(p, sizeof *t);

    if (!t) return NULL;
    t->kind = kind;
    t->mark = mark;
    return t;
}

void pt_yaml_add(pt_arena *p, pt_yaml *t, const char *key, pt_mark mark, pt_yaml *value)
{
    if (t->n_items == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 8;
        pt_yaml_item *items = pt_arena_alloc(p, capacity * sizeof *items);

        if (!items) return;
        if (t->n_items > 0) memcpy(items, t->items, t->n_items * sizeof *items);
        t->items = items;
        t->capacity = capacity;
    }
    t->items[t->n_items++] = (pt_yaml_item){key, mark, value};
}

pt_yaml_item *pt_yaml_find(const pt_yaml *t, const char *key)
{
    if (t->kind != PT_YAML_MAPPING) return NULL;
    for (size_t i = 0; i < t->n_items; i++)
        if (strcmp(t->items[i].key, key) == 0) return &t->items[i];
    return NULL;
}

/* The next name of a dotted path into name; false at the end. */
static bool next_name(const char **path, char name[PT_CONFIG_MAX_PATH])
{
    size_t n = strcspn(*path, ".");

    if (n == 0 || n >= PT_CONFIG_MAX_PATH) return false;
    memcpy(name, *path, n);
    name[n] = '\0';
    *path += n;
    if (**path == '.') *path += 1;
    return true;
}

/* The index that a name denotes, or -1. */
static int index_of(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < 5 && strspn(name, "0123456789") == n ? atoi(name) : -1;
}

pt_yaml *pt_yaml_at(pt_yaml *root, const char *path)
{
    char name[PT_CONFIG_MAX_PATH];

    while (root && next_name(&path, name)) {
        if (root->kind == PT_YAML_LIST) {
            int i = index_of(name);

            root = i >= 0 && (size_t)i < root->n_items ? root->items[i].value : NULL;
        } else {
            pt_yaml_item *item = pt_yaml_find(root, name);

            root = item ? item->value : NULL;
        }
    }
    return root;
}

bool pt_yaml_is_null(const pt_yaml *t)
{
    return t->kind == PT_YAML_SCALAR && !t->quoted &&
           (strcmp(t->text, "null") == 0 || strcmp(t->text, "~") == 0);
}

pt_yaml *pt_yaml_merge(pt_arena *p, pt_yaml *onto, pt_yaml *from)
{
    if (!onto || onto->kind != PT_YAML_MAPPING || from->kind != PT_YAML_MAPPING)
        return from;
    for (size_t i = 0; i < from->n_items; i++) {
        const pt_yaml_item *x = &from->items[i];
        pt_yaml_item *old = pt_yaml_find(onto, x->key);

        if (old) {
            old->value = pt_yaml_merge(p, old->value, x->value);
            old->mark = x->mark;
        } else {
            pt_yaml_add(p, onto, x->key, x->mark, x->value);
        }
    }
    onto->mark = from->mark;
    return onto;
}

/* The place for item `name` of t, made if absent; NULL after a fault. */
static pt_yaml **place(pt_arena *p, pt_yaml *t, const char *name, pt_mark mark,
                       pt_faults *f)
{
    pt_yaml_item *item = NULL;
    int i = index_of(name);

    if (t->kind == PT_YAML_LIST) {
        if (i < 0 || (size_t)i > t->n_items || i >= PT_CONFIG_MAX_ITEMS) {
            pt_faults_add(f, mark, "'%.60s' is not an index of a list of %zu", name,
                          t->n_items);
            return NULL;
        }
        if ((size_t)i == t->n_items) pt_yaml_add(p, t, NULL, mark, NULL);
        return p->failed ? NULL : &t->items[i].value;
    }
    item = pt_yaml_find(t, name);
    if (!item) {
        char *key = pt_arena_text(p, name, strlen(name));

        if (key) pt_yaml_add(p, t, key, mark, NULL);
        if (p->failed) return NULL;
        item = &t->items[t->n_items - 1];
    }
    item->mark = mark;
    return &item->value;
}

/* true if `path` is names with single dots between them. */
static bool is_path(const char *path)
{
    size_t n = strlen(path);
    int depth = 1;

    if (n == 0 || n >= PT_CONFIG_MAX_PATH || path[0] == '.' || path[n - 1] == '.' ||
        strstr(path, ".."))
        return false;
    for (; *path; path++) depth += *path == '.';
    return depth < PT_CONFIG_MAX_DEPTH;
}

void pt_yaml_set(pt_arena *p, pt_yaml *root, const char *path, pt_yaml *value,
                 pt_faults *f)
{
    char name[PT_CONFIG_MAX_PATH];
    const char *rest = path;
    pt_yaml **at = &root;

    if (!is_path(path)) {
        pt_faults_add(f, value->mark, "'%.100s' is not a path of keys", path);
        return;
    }
    while (next_name(&rest, name)) {
        if (!*at || (*at)->kind == PT_YAML_SCALAR)
            *at = pt_yaml_create(p, index_of(name) >= 0 ? PT_YAML_LIST : PT_YAML_MAPPING,
                                 value->mark);
        if (!*at) return;
        at = place(p, *at, name, value->mark, f);
        if (!at) return;
    }
    *at = pt_yaml_merge(p, *at, value);
}
