#include "common/weights/pickle_store.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = (PT_PICKLE_SHOWN - 2) / 2 }; /* bytes of a module or a name in messages */

static const char *const kinds[] = {"None",           "a boolean", "an integer",
                                    "a long integer", "a number",  "a string",
                                    "a tuple",        "a list",    "a dictionary",
                                    "a global",       "an object", "a persistent id"};

const char *pt_pickle_kind_text(pt_pickle_kind kind)
{
    return kinds[kind];
}

pt_pickle *pt_pickle_create(size_t items_max)
{
    pt_pickle *p = calloc(1, sizeof *p);

    if (!p) return NULL;
    p->items_max = items_max;
    p->yes = (pt_pickle_value){.kind = PT_PICKLE_BOOL, .integer = 1};
    p->no = (pt_pickle_value){.kind = PT_PICKLE_BOOL};
    p->empty = (pt_pickle_value){.kind = PT_PICKLE_TUPLE};
    return p;
}

void pt_pickle_destroy(pt_pickle **p)
{
    if (!p || !*p) return;
    for (size_t i = 0; i < (*p)->n_values; i++)
        free((*p)->blocks[i / PT_PICKLE_BLOCK][i % PT_PICKLE_BLOCK].items);
    for (size_t i = 0; i < PT_PICKLE_BLOCKS; i++) free((*p)->blocks[i]);
    free(*p);
    *p = NULL;
}

pt_pickle_value *pt_pickle_make(pt_pickle *p, pt_pickle_kind kind)
{
    pt_pickle_value **block, *v;

    if (p->n_values == PT_PICKLE_VALUES_MAX) return NULL;
    block = &p->blocks[p->n_values / PT_PICKLE_BLOCK];
    if (!*block) *block = calloc(PT_PICKLE_BLOCK, sizeof **block);
    if (!*block) return NULL;
    v = *block + p->n_values++ % PT_PICKLE_BLOCK;
    v->kind = kind;
    return v;
}

bool pt_pickle_append(pt_pickle *p, pt_pickle_value *to, pt_pickle_value *item)
{
    pt_pickle_value **items;

    if (p->n_items == p->items_max) return false;
    items = pt_grow(to->items, to->n, &to->capacity, sizeof *items);
    if (!items) return false;
    to->items = items;
    to->items[to->n++] = item;
    p->n_items++;
    return true;
}

bool pt_pickle_is(const char *word, const char *text, size_t n)
{
    return strlen(word) == n && memcmp(word, text, n) == 0;
}

const pt_pickle_value *pt_pickle_root(const pt_pickle *p)
{
    return p->root;
}

const pt_pickle_value *pt_pickle_value_at(const pt_pickle *p, size_t i)
{
    if (i >= p->n_values) return NULL;
    return &p->blocks[i / PT_PICKLE_BLOCK][i % PT_PICKLE_BLOCK];
}

const pt_pickle_value *pt_pickle_lookup(const pt_pickle_value *dict, const char *key)
{
    for (size_t i = dict->n; i >= 2; i -= 2) {
        const pt_pickle_value *k = dict->items[i - 2];

        if (k->kind == PT_PICKLE_TEXT && pt_pickle_is(key, k->text, k->n))
            return dict->items[i - 1];
    }
    return NULL;
}

bool pt_pickle_is_stranger(const pt_pickle_value *v)
{
    return (v->kind == PT_PICKLE_GLOBAL || v->kind == PT_PICKLE_OBJECT) &&
           v->global == PT_PICKLE_STRANGER;
}

/* Adds a name from the file to a message. */
static void show(char *to, const char *text, size_t n)
{
    size_t at = strlen(to);

    for (size_t i = 0; i < n && i < SHOWN; i++)
        to[at++] = text[i] > 32 && text[i] < 127 ? text[i] : '?';
    to[at] = '\0';
}

void pt_pickle_stranger_text(const pt_pickle_value *v, char text[PT_PICKLE_SHOWN])
{
    *text = '\0';
    show(text, v->text, v->n);
    show(text, ".", 1);
    show(text, v->of->text, v->of->n);
}
