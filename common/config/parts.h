/* The parts of pt_config_load: faults with marks, a tree of YAML values (pt_yaml), and
 * the walk from the tree to the message. Private to common/config; yaml.c alone knows
 * libfyaml.
 *
 * Local, one thread. */
#ifndef PT_COMMON_CONFIG_PARTS_H
#define PT_COMMON_CONFIG_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"

enum {
    PT_CONFIG_MAX_BYTES = 1 << 20, /* of one file */
    PT_CONFIG_MAX_FILES = 64,      /* of one load, bases included */
    PT_CONFIG_MAX_BASES = 16,      /* files on one chain of bases */
    PT_CONFIG_MAX_DEPTH = 16,      /* mappings and lists inside each other */
    PT_CONFIG_MAX_ITEMS = 1024,    /* of one mapping or list */
    PT_CONFIG_MAX_FAULTS = 100,    /* reported; the rest is counted */
    PT_CONFIG_MAX_PATH = 160       /* bytes of "data.preprocess.mean.2" */
};

/* Memory that is freed all at once. After a failed allocation `failed` stays set. */
typedef struct pt_arena {
    struct pt_arena_block *blocks;
    size_t used, capacity;
    bool failed;
} pt_arena;

/* Zeroed memory, aligned for any type, or NULL. */
void *pt_arena_alloc(pt_arena *p, size_t bytes);
/* A copy of text [n] with a final zero, or NULL. */
char *pt_arena_text(pt_arena *p, const char *text, size_t n);
void pt_arena_fini(pt_arena *p);

/* Where a value was given. line 0: `where` is not a file ("--set #2", or a file as a
 * whole); where NULL: it was not given. Sources are ordered by `source`. */
typedef struct {
    const char *where;
    int source, line, column;
} pt_mark;

typedef struct {
    struct pt_fault *list; /* [n] */
    size_t n, n_more;      /* n_more: counted, not kept */
    bool failed;           /* no memory for one of them */
} pt_faults;

/* Adds one fault: a single line whatever the text holds. */
void pt_faults_add(pt_faults *f, pt_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* PT_OK without faults; else records them as pt_fail's text, by source, line and column.
 */
PT_MUST_USE pt_status pt_faults_report(pt_faults *f);
void pt_faults_fini(pt_faults *f);

typedef enum { PT_YAML_SCALAR, PT_YAML_MAPPING, PT_YAML_LIST } pt_yaml_kind;

/* One YAML value. Lives in an arena. */
typedef struct pt_yaml {
    pt_yaml_kind kind;
    pt_mark mark;
    bool bad;         /* a fault was found in it: no further checks */
    bool quoted;      /* scalar in quotes or a block */
    const char *text; /* scalar; ends with a zero */
    struct pt_yaml_item *items;
    size_t n_items, capacity;
} pt_yaml;

typedef struct pt_yaml_item {
    const char *key; /* NULL in a list */
    pt_mark mark;    /* of the key */
    pt_yaml *value;
} pt_yaml_item;

pt_yaml *pt_yaml_create(pt_arena *p, pt_yaml_kind kind, pt_mark mark);
void pt_yaml_add(pt_arena *p, pt_yaml *t, const char *key, pt_mark mark, pt_yaml *value);
/* The value of `key` in a mapping, or NULL. */
pt_yaml_item *pt_yaml_find(const pt_yaml *t, const char *key);
/* The value at "stages.0.epochs", or NULL. */
pt_yaml *pt_yaml_at(pt_yaml *root, const char *path);
/* A plain null or ~ : the key counts as not given. */
bool pt_yaml_is_null(const pt_yaml *t);
/* `from` over `onto` (either may change): mappings merge, everything else replaces. */
pt_yaml *pt_yaml_merge(pt_arena *p, pt_yaml *onto, pt_yaml *from);
/* Merges `value` at "a.b" or "stages.0.epochs"; an index is at most the list's length. */
void pt_yaml_set(pt_arena *p, pt_yaml *root, const char *path, pt_yaml *value,
                 pt_faults *f);

/* YAML text [n] to a tree; line 0 in `origin` keeps line numbers out of the marks.
 * Anchors, aliases and tags are refused. NULL after a fault, or where the text holds no
 * value. */
pt_yaml *pt_yaml_read(pt_arena *p, pt_faults *f, const char *text, size_t n,
                      pt_mark origin);

/* `name` relative to the directory of `file`; in the arena. NULL without memory. */
char *pt_config_beside(pt_arena *p, const char *file, const char *name);
/* Files to be read that a file of the configuration names: where there is one relative to
 * that file's directory, this one is meant, else one of the current directory. A warning
 * where both are there. */
void pt_config_paths(pt_arena *p, pt_yaml *root);

/* The tree's values into `c`; marks the trees of faulty values as bad. */
void pt_config_walk(pt_yaml *root, ProtobufCMessage *c, pt_faults *f);
/* Creates every sub-message that is absent. */
PT_MUST_USE pt_status pt_config_complete(ProtobufCMessage *c);
/* Checks all ranges. root, for the marks and the bad values, may be NULL. */
void pt_config_ranges(const pt_config *c, pt_yaml *root, pt_faults *f);

/* A range of numbers as config.proto states it: "> 0", "in [0, 1)", ">= 1 or auto". [ and
 * ] include the end, ( and ) do not; no end: infinity. */
typedef struct {
    const char *text; /* NULL: not a number */
    char left;
    double low, high;
    char right;
    bool or_auto; /* the word auto may stand for the number; it is kept as 0 */
} pt_range;

/* The comment of a key (scope: its message, name), of a message (name: "") or of an
 * enum's value, without the range. */
typedef struct {
    const char *scope, *name, *text;
    pt_range range;
} pt_key_help;

/* text is "" where there is no comment. */
const pt_key_help *pt_key_help_of(const char *scope, const char *name);

/* What the generic code knows of a field's storage in the message at `m`. */
void *pt_field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* Bytes of one element. */
size_t pt_field_size(const ProtobufCFieldDescriptor *f);
/* Elements present: 0 or 1, or the length of a repeated field. A string counts as given
 * where it is not the default. */
size_t pt_field_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* Element i, or the field itself where it is not repeated. */
void *pt_field_element(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       size_t i);
/* The value of f at `at`, one element where it is repeated. Not for messages. */
void pt_value_print(FILE *out, const ProtobufCFieldDescriptor *f, const void *at,
                    pt_config_style style);
/* Is the value of f, a field of the message `scope`, the word auto? */
bool pt_value_is_auto(const char *scope, const ProtobufCFieldDescriptor *f,
                      const void *at);
/* "short_side" for SHORT_SIDE. */
void pt_enum_lower(const char *name, char out[64]);

#endif
