#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/config/parts.h"

typedef struct {
    pt_faults *faults;
    char path[PT_CONFIG_MAX_PATH]; /* of the value being read */
} walker;

void *pt_field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (char *)m + f->offset;
}

size_t pt_field_size(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(double);
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(char *);
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(ProtobufCMessage *);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    default:
        PT_CHECK(false, "config.proto: %s has a type without a reader", f->name);
    }
    return 0;
}

size_t pt_field_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const char *quantifier = (const char *)m + f->quantifier_offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED) return *(const size_t *)quantifier;
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
        const void *p = *(void **)pt_field_at(m, f);

        return p && p != f->default_value;
    }
    return *(const protobuf_c_boolean *)quantifier ? 1 : 0;
}

void *pt_field_element(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       size_t i)
{
    char *at = pt_field_at(m, f);

    return f->label == PROTOBUF_C_LABEL_REPEATED ? *(char **)at + i * pt_field_size(f)
                                                 : at;
}

void pt_enum_lower(const char *name, char out[64])
{
    size_t i = 0;

    for (; name[i] && i < 63; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    out[i] = '\0';
}

static void wrong(walker *w, pt_yaml *t, const char *what)
{
    t->bad = true;
    if (t->kind != PT_YAML_SCALAR)
        pt_faults_add(w->faults, t->mark, "%s: expected %s, found a %s", w->path, what,
                      t->kind == PT_YAML_LIST ? "list" : "mapping");
    else if (!t->text[0] && !t->quoted)
        pt_faults_add(w->faults, t->mark, "%s has no value (null leaves a key unset)",
                      w->path);
    else
        pt_faults_add(w->faults, t->mark, "%s: %s'%.60s' is not %s", w->path,
                      t->quoted ? "the string " : "", t->text, what);
}

static bool is_plain(const pt_yaml *t)
{
    return t->kind == PT_YAML_SCALAR && !t->quoted && t->text[0];
}

static void read_unsigned(walker *w, pt_yaml *t, uint64_t max, uint64_t *out)
{
    size_t n = is_plain(t) ? strlen(t->text) : 0;

    if (n == 0 || strspn(t->text, "0123456789") != n) {
        wrong(w, t, "an unsigned integer");
        return;
    }
    errno = 0;
    *out = strtoull(t->text, NULL, 10);
    if (errno == 0 && *out <= max) return;
    t->bad = true;
    pt_faults_add(w->faults, t->mark, "%s: '%.60s' is above %llu", w->path, t->text,
                  (unsigned long long)max);
}

/* A number, or the word auto, which is kept as 0. */
static void read_auto(walker *w, pt_yaml *t, const char *range, uint64_t *out)
{
    *out = 0;
    if (is_plain(t) && strcmp(t->text, "auto") == 0) return;
    read_unsigned(w, t, UINT32_MAX, out);
    if (t->bad || *out > 0) return;
    t->bad = true;
    pt_faults_add(w->faults, t->mark, "%s must be %s, not 0", w->path, range);
}

/* [+-] digits [. digits] [e [+-] digits], with at least one digit before the e. */
static bool is_decimal(const char *s)
{
    size_t whole, part = 0;

    if (*s == '+' || *s == '-') s++;
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        part = strspn(++s, "0123456789");
        s += part;
    }
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-') s++;
        if (strspn(s, "0123456789") == 0) return false;
        s += strspn(s, "0123456789");
    }
    return *s == '\0';
}

static void read_number(walker *w, pt_yaml *t, bool single, void *at)
{
    double d;

    if (!is_plain(t) || !is_decimal(t->text)) {
        wrong(w, t, "a number");
        return;
    }
    d = single ? (double)strtof(t->text, NULL) : strtod(t->text, NULL);
    if (!isfinite(d)) {
        wrong(w, t, single ? "a number that float32 can hold" : "a finite number");
        return;
    }
    if (single)
        *(float *)at = (float)d;
    else
        *(double *)at = d;
}

/* YAML 1.2's core schema: true, True and TRUE, and no yes, on or y. */
static void read_bool(walker *w, pt_yaml *t, protobuf_c_boolean *at)
{
    static const char *const names[] = {"false", "False", "FALSE",
                                        "true",  "True",  "TRUE"};

    for (size_t i = 0; i < 6; i++)
        if (is_plain(t) && strcmp(t->text, names[i]) == 0) {
            *at = i >= 3;
            return;
        }
    wrong(w, t, "true or false");
}

static void read_enum(walker *w, pt_yaml *t, const ProtobufCEnumDescriptor *e, int *at)
{
    enum { MAX = 16 };
    char lower[MAX][64], all[256] = "";
    const char *names[MAX + 1] = {NULL}, *near;

    for (unsigned i = 0; i < e->n_values && i < MAX; i++) {
        pt_enum_lower(e->values[i].name, lower[i]);
        names[i] = lower[i];
        if (is_plain(t) && strcmp(t->text, lower[i]) == 0) {
            *at = e->values[i].value;
            return;
        }
        strncat(all, i ? ", " : "one of ", sizeof all - strlen(all) - 1);
        strncat(all, lower[i], sizeof all - strlen(all) - 1);
    }
    near = is_plain(t) ? pt_suggest(t->text, names) : NULL;
    if (!near) {
        wrong(w, t, all);
        return;
    }
    t->bad = true;
    pt_faults_add(w->faults, t->mark, "%s: '%.60s' is not %s; did you mean '%s'?",
                  w->path, t->text, all, near);
}

static void read_string(walker *w, pt_yaml *t, char **at)
{
    if (t->kind != PT_YAML_SCALAR || !t->text[0]) {
        if (t->quoted)
            pt_faults_add(w->faults, t->mark, "%s must not be empty", w->path);
        else
            wrong(w, t, "a string");
        t->bad = true;
        return;
    }
    *at = strdup(t->text);
    if (!*at) w->faults->failed = true;
}

static void walk_message(walker *w, pt_yaml *t, ProtobufCMessage *m);

static ProtobufCMessage *new_message(const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = calloc(1, d->sizeof_message);

    if (m) protobuf_c_message_init(d, m);
    return m;
}

static void read_message(walker *w, pt_yaml *t, const ProtobufCMessageDescriptor *d,
                         ProtobufCMessage **at)
{
    if (t->kind != PT_YAML_MAPPING) {
        wrong(w, t, "a mapping");
        return;
    }
    if (!*at) *at = new_message(d);
    if (*at)
        walk_message(w, t, *at);
    else
        w->faults->failed = true;
}

/* scope: the message that f is a field of. */
static void read_value(walker *w, pt_yaml *t, const char *scope,
                       const ProtobufCFieldDescriptor *f, void *at)
{
    const pt_range *range = &pt_key_help_of(scope, f->name)->range;
    uint64_t u = 0;

    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        if (range->or_auto)
            read_auto(w, t, range->text, &u);
        else
            read_unsigned(w, t, UINT32_MAX, &u);
        if (!t->bad) *(uint32_t *)at = (uint32_t)u;
        return;
    case PROTOBUF_C_TYPE_UINT64:
        read_unsigned(w, t, UINT64_MAX, &u);
        if (!t->bad) *(uint64_t *)at = u;
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        read_number(w, t, true, at);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        read_number(w, t, false, at);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        read_bool(w, t, at);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        read_enum(w, t, f->descriptor, at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        read_string(w, t, at);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        read_message(w, t, f->descriptor, at);
        return;
    default:
        pt_field_size(f); /* says that the schema has a type too many */
    }
}

/* Appends ".name" to the path and returns where to cut it again. */
static size_t step_in(walker *w, const char *name)
{
    size_t n = strlen(w->path);

    snprintf(w->path + n, sizeof w->path - n, "%s%.60s", n ? "." : "", name);
    return n;
}

static void walk_list(walker *w, pt_yaml *t, const ProtobufCFieldDescriptor *f,
                      ProtobufCMessage *m)
{
    bool messages = f->type == PROTOBUF_C_TYPE_MESSAGE;
    bool pointers = messages || f->type == PROTOBUF_C_TYPE_STRING;
    size_t size = pt_field_size(f), *n, at;
    char *list, index[24];

    if (t->kind != PT_YAML_LIST) {
        wrong(w, t, "a list");
        return;
    }
    if (t->n_items == 0) return;
    list = calloc(t->n_items, size);
    if (!list) {
        w->faults->failed = true;
        return;
    }
    *(char **)pt_field_at(m, f) = list;
    n = (size_t *)((char *)m + f->quantifier_offset);
    for (size_t i = 0; i < t->n_items; i++) {
        void *slot = list + *n * size;

        snprintf(index, sizeof index, "%zu", i);
        at = step_in(w, index);
        read_value(w, t->items[i].value, m->descriptor->short_name, f, slot);
        w->path[at] = '\0';
        /* A faulty string or message leaves no hole: no reader may meet a NULL. */
        if (!pointers || *(void **)slot)
            ++*n;
        else
            t->bad = true;
    }
}

static void unknown_key(walker *w, const pt_yaml_item *item,
                        const ProtobufCMessageDescriptor *d)
{
    const char *names[65] = {NULL};
    char near[PT_DID_YOU_MEAN];

    for (unsigned i = 0; i < d->n_fields && i < 64; i++) names[i] = d->fields[i].name;
    pt_faults_add(w->faults, item->mark, "unknown key '%.60s'%s%s%s", item->key,
                  w->path[0] ? " in " : "", w->path,
                  pt_did_you_mean(item->key, names, "", near));
}

static void walk_message(walker *w, pt_yaml *t, ProtobufCMessage *m)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;

    for (size_t i = 0; i < t->n_items; i++) {
        pt_yaml *value = t->items[i].value;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(d, t->items[i].key);
        size_t at;

        if (!f) {
            unknown_key(w, &t->items[i], d);
            t->bad = true;
            continue;
        }
        if (pt_yaml_is_null(value)) continue;
        at = step_in(w, f->name);
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            walk_list(w, value, f, m);
        } else {
            read_value(w, value, d->short_name, f, pt_field_at(m, f));
            if (f->quantifier_offset && !value->bad)
                *(protobuf_c_boolean *)((char *)m + f->quantifier_offset) = 1;
        }
        w->path[at] = '\0';
    }
}

void pt_config_walk(pt_yaml *root, ProtobufCMessage *c, pt_faults *f)
{
    walker w = {.faults = f};

    walk_message(&w, root, c);
}

static bool complete(ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        ProtobufCMessage **at = pt_field_at(m, f);

        if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        if (!*at) *at = new_message(f->descriptor);
        if (!*at || !complete(*at)) return false;
    }
    return true;
}

pt_status pt_config_complete(ProtobufCMessage *c)
{
    if (!complete(c)) return pt_fail(PT_ERR_NOMEM, "no memory for the configuration");
    return PT_OK;
}
