#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/parts.h"

enum { BLOCK_BYTES = 1 << 16 };

struct pt_pool_block {
    struct pt_pool_block *next;
    max_align_t data[];
};

void *pt_pool_alloc(pt_pool *p, size_t bytes)
{
    const size_t unit = sizeof(max_align_t);
    size_t need = (bytes / unit + 1) * unit;
    void *at;

    if (need > p->room - p->used) {
        size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct pt_pool_block *b = calloc(1, sizeof *b + room);

        if (!b) {
            p->failed = true;
            return NULL;
        }
        b->next = p->blocks;
        p->blocks = b;
        p->used = 0;
        p->room = room;
    }
    at = (char *)p->blocks->data + p->used;
    p->used += need;
    return at;
}

char *pt_pool_text(pt_pool *p, const char *text, size_t n)
{
    char *t = pt_pool_alloc(p, n + 1);

    if (t && n > 0) memcpy(t, text, n);
    return t;
}

void pt_pool_fini(pt_pool *p)
{
    while (p->blocks) {
        struct pt_pool_block *next = p->blocks->next;

        free(p->blocks);
        p->blocks = next;
    }
    *p = (pt_pool){0};
}

pt_tree *pt_tree_create(pt_pool *p, pt_tree_kind kind, pt_mark mark)
{
    pt_tree *t = pt_pool_alloc(p, sizeof *t);

    if (!t) return NULL;
    t->kind = kind;
    t->mark = mark;
    return t;
}

void pt_tree_add(pt_pool *p, pt_tree *t, const char *key, pt_mark mark, pt_tree *value)
{
    if (t->n_items == t->room) {
        size_t room = t->room ? 2 * t->room : 8;
        pt_tree_item *items = pt_pool_alloc(p, room * sizeof *items);

        if (!items) return;
        if (t->n_items > 0) memcpy(items, t->items, t->n_items * sizeof *items);
        t->items = items;
        t->room = room;
    }
    t->items[t->n_items++] = (pt_tree_item){key, mark, value};
}

pt_tree_item *pt_tree_find(const pt_tree *t, const char *key)
{
    if (t->kind != PT_TREE_MAPPING) return NULL;
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

/* The index that a name stands for, or -1. */
static int index_of(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < 5 && strspn(name, "0123456789") == n ? atoi(name) : -1;
}

pt_tree *pt_tree_at(pt_tree *root, const char *path)
{
    char name[PT_CONFIG_MAX_PATH];

    while (root && next_name(&path, name)) {
        if (root->kind == PT_TREE_LIST) {
            int i = index_of(name);

            root = i >= 0 && (size_t)i < root->n_items ? root->items[i].value : NULL;
        } else {
            pt_tree_item *item = pt_tree_find(root, name);

            root = item ? item->value : NULL;
        }
    }
    return root;
}

bool pt_tree_is_null(const pt_tree *t)
{
    return t->kind == PT_TREE_SCALAR && !t->quoted &&
           (strcmp(t->text, "null") == 0 || strcmp(t->text, "~") == 0);
}

pt_tree *pt_tree_merge(pt_pool *p, pt_tree *onto, pt_tree *from)
{
    if (!onto || onto->kind != PT_TREE_MAPPING || from->kind != PT_TREE_MAPPING)
        return from;
    for (size_t i = 0; i < from->n_items; i++) {
        const pt_tree_item *x = &from->items[i];
        pt_tree_item *old = pt_tree_find(onto, x->key);

        if (old) {
            old->value = pt_tree_merge(p, old->value, x->value);
            old->mark = x->mark;
        } else {
            pt_tree_add(p, onto, x->key, x->mark, x->value);
        }
    }
    onto->mark = from->mark;
    return onto;
}

/* The place for item `name` of t, made if absent; NULL after a fault. */
static pt_tree **place(pt_pool *p, pt_tree *t, const char *name, pt_mark mark,
                       pt_faults *f)
{
    pt_tree_item *item = NULL;
    int i = index_of(name);

    if (t->kind == PT_TREE_LIST) {
        if (i < 0 || (size_t)i > t->n_items || i >= PT_CONFIG_MAX_ITEMS) {
            pt_faults_add(f, mark, "'%.60s' is not an index of a list of %zu", name,
                          t->n_items);
            return NULL;
        }
        if ((size_t)i == t->n_items) pt_tree_add(p, t, NULL, mark, NULL);
        return p->failed ? NULL : &t->items[i].value;
    }
    item = pt_tree_find(t, name);
    if (!item) {
        char *key = pt_pool_text(p, name, strlen(name));

        if (key) pt_tree_add(p, t, key, mark, NULL);
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

void pt_tree_set(pt_pool *p, pt_tree *root, const char *path, pt_tree *value,
                 pt_faults *f)
{
    char name[PT_CONFIG_MAX_PATH];
    const char *rest = path;
    pt_tree **at = &root;

    if (!is_path(path)) {
        pt_faults_add(f, value->mark, "'%.100s' is not a path of keys", path);
        return;
    }
    while (next_name(&rest, name)) {
        if (!*at || (*at)->kind == PT_TREE_SCALAR)
            *at = pt_tree_create(p, index_of(name) >= 0 ? PT_TREE_LIST : PT_TREE_MAPPING,
                                 value->mark);
        if (!*at) return;
        at = place(p, *at, name, value->mark, f);
        if (!at) return;
    }
    *at = pt_tree_merge(p, *at, value);
}
