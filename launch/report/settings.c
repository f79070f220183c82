#include "launch/report/settings.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pt_settings *out;
    size_t room;
    bool failed; /* no memory */
} flattener;

static const void *field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (const char *)m + f->offset;
}

/* Elements to print: 0 or 1, or the length of a repeated field. */
static size_t count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const char *quantifier = (const char *)m + f->quantifier_offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED) return *(const size_t *)quantifier;
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)field_at(m, f) != NULL;
    if (*(const protobuf_c_boolean *)quantifier) return 1;
    /* Where the weights' own preprocessing stands in, a default is not what was. */
    return f->default_value && m->descriptor != &pt__config__preprocess__descriptor;
}

/* The shortest decimal that reads back to the same number. */
static void print_number(FILE *out, double x, bool single)
{
    char text[40];

    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x) break;
    }
    if (strchr(text, 'e') && x == (double)(int64_t)x && x < 1e15) /* 300, not 3e+02 */
        snprintf(text, sizeof text, "%" PRId64, (int64_t)x);
    fputs(text, out);
}

static void print_enum(FILE *out, const ProtobufCEnumDescriptor *e, int value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(e, value);

    for (const char *p = v ? v->name : "?"; *p; p++)
        fputc(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p, out);
}

/* Prints element i of field f at `at`. */
static void print_element(FILE *out, const ProtobufCFieldDescriptor *f, const void *at,
                          size_t i)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        fprintf(out, "%" PRIu32, ((const uint32_t *)at)[i]);
        return;
    case PROTOBUF_C_TYPE_UINT64:
        fprintf(out, "%" PRIu64, ((const uint64_t *)at)[i]);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        print_number(out, ((const float *)at)[i], true);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        print_number(out, ((const double *)at)[i], false);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        fputs(((const protobuf_c_boolean *)at)[i] ? "true" : "false", out);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        print_enum(out, f->descriptor, ((const int *)at)[i]);
        return;
    case PROTOBUF_C_TYPE_STRING:
        fputs(((char *const *)at)[i], out);
        return;
    default:
        pt_check_failed(__FILE__, __LINE__, "%s: a type that no key has", f->name);
    }
}

static char *value_text(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                        size_t n)
{
    bool list = f->label == PROTOBUF_C_LABEL_REPEATED, failed;
    const void *at = list ? *(const void *const *)field_at(m, f) : field_at(m, f);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out) return NULL;
    if (list) fputc('[', out);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) fputs(", ", out);
        print_element(out, f, at, i);
    }
    if (list) fputc(']', out);
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* Takes key and value; either may be NULL for want of memory. */
static void add(flattener *w, char *key, char *value)
{
    pt_settings *s = w->out;

    if (key && value && s->n == w->room) {
        size_t room = w->room ? 2 * w->room : 64;
        pt_setting *list = realloc(s->list, pt_mul(room, sizeof *list));

        if (list) {
            s->list = list;
            w->room = room;
        }
    }
    if (!key || !value || s->n == w->room) {
        w->failed = true;
        free(key);
        free(value);
        return;
    }
    s->list[s->n++] = (pt_setting){key, value};
}

/* "prefix.name", or "prefix.name.i" for i >= 0; malloc'd. */
static char *join(const char *prefix, const char *name, long i)
{
    const char *dot = prefix[0] ? "." : "";
    char *key = NULL;
    int n = i < 0 ? asprintf(&key, "%s%s%s", prefix, dot, name)
                  : asprintf(&key, "%s%s%s.%ld", prefix, dot, name, i);

    return n < 0 ? NULL : key;
}

static void flatten(flattener *w, const ProtobufCMessage *m, const char *prefix)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        size_t n = count(m, f);

        if (n == 0) continue;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
            add(w, join(prefix, f->name, -1), value_text(m, f, n));
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            ProtobufCMessage *const *at = field_at(m, f);
            char *key = join(prefix, f->name, list ? (long)k : -1);

            if (list) at = *(ProtobufCMessage *const *const *)field_at(m, f);
            if (key) flatten(w, at[k], key);
            w->failed = w->failed || !key;
            free(key);
        }
    }
}

pt_status pt_settings_create(const pt_config *c, pt_settings *out)
{
    flattener w = {.out = out};

    *out = (pt_settings){0};
    flatten(&w, &c->base, "");
    if (!w.failed) return PT_OK;
    pt_settings_fini(out);
    return pt_fail(PT_ERR_NOMEM, "no memory for the settings of a run");
}

void pt_settings_fini(pt_settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->list[i].key);
        free(s->list[i].value);
    }
    free(s->list);
    *s = (pt_settings){0};
}

const char *pt_settings_get(const pt_settings *s, const char *key)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->list[i].key, key) == 0) return s->list[i].value;
    return NULL;
}

static bool starts(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

static bool is(const pt_settings *s, const char *key, const char *value)
{
    const char *mine = pt_settings_get(s, key);

    return mine && strcmp(mine, value) == 0;
}

static pt_setting_role role_of_pseudo_task(const pt_settings *s, const char *key)
{
    bool epoch = is(s, "pseudo_task.gate", "epoch"),
         ema = is(s, "pseudo_task.gate", "ema");

    if (strcmp(key, "pseudo_task.loss") == 0) return PT_ROLE_METHOD;
    if (is(s, "pseudo_task.loss", "none")) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.gate_epoch") && !epoch) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.gate_decay") && !ema) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.gate_fraction") && !ema) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.target_per") && is(s, "pseudo_task.target", "zero"))
        return PT_ROLE_NONE;
    return PT_ROLE_METHOD;
}

/* A regularizer's keys are as good as not there while its own weights are 0. */
static pt_setting_role role_of_regularizer(const pt_settings *s, const char *key)
{
    static const char *const switches[] = {"weight", "alpha", "beta"};
    size_t n = (size_t)(strrchr(key, '.') - key);
    char name[96];

    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        const char *value;

        snprintf(name, sizeof name, "%.*s.%s", (int)n, key, switches[i]);
        value = pt_settings_get(s, name);
        if (value && strcmp(value, "0") != 0) return PT_ROLE_METHOD;
    }
    return PT_ROLE_NONE;
}

/* Several stages are a method (LP-FT); one is how long a run is. */
static pt_setting_role role_of_stage(const pt_settings *s, const char *key)
{
    bool length = strstr(key, ".epochs") || strstr(key, ".steps");

    if (pt_settings_get(s, "stages.1.rate")) return PT_ROLE_METHOD;
    if (strstr(key, ".rate") && is(s, key, "1")) return PT_ROLE_NONE;
    if (strstr(key, ".name")) return PT_ROLE_NONE;
    return length ? PT_ROLE_PROTOCOL : PT_ROLE_METHOD;
}

pt_setting_role pt_settings_role(const pt_settings *s, const char *key)
{
    /* What changes neither the weights nor how they are judged. */
    static const char *const none[] = {"format_version",    "seed",    "run.",
                                       "evaluation.",       "server.", "engine.",
                                       "data.input_threads"};

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (starts(key, none[i])) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.")) return role_of_pseudo_task(s, key);
    if (starts(key, "regularizers.")) return role_of_regularizer(s, key);
    if (starts(key, "source.")) /* which data beside the target's: of joint training */
        return is(s, "regularizers.joint.weight", "0") ? PT_ROLE_NONE : PT_ROLE_METHOD;
    if (starts(key, "cross_entropy."))
        return is(s, key, "0") ? PT_ROLE_NONE : PT_ROLE_METHOD;
    if (starts(key, "stages.")) return role_of_stage(s, key);
    if (strcmp(key, "schedule.per_stage") == 0)
        return is(s, key, "false") ? PT_ROLE_NONE : PT_ROLE_METHOD;
    if (strcmp(key, "network.stoch_norm") == 0)
        return is(s, key, "1") ? PT_ROLE_NONE : PT_ROLE_METHOD;
    if (strcmp(key, "optimizer.weight_decay") == 0) return PT_ROLE_VARIANT;
    if (strcmp(key, "network.batch_norm") == 0) return PT_ROLE_VARIANT;
    return PT_ROLE_PROTOCOL;
}

bool pt_settings_is_plain(const pt_settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *key = s->list[i].key;

        if (pt_settings_role(s, key) == PT_ROLE_METHOD &&
            (strcmp(key, "pseudo_task.loss") != 0 || !is(s, key, "none")))
            return false;
    }
    return true;
}

/* "stages=30 epochs" or "stages=" where none is given. */
static void print_length(FILE *out, const pt_settings *s)
{
    double epochs = 0, steps = 0;

    for (size_t i = 0; i < s->n; i++) {
        const char *key = s->list[i].key;

        if (!starts(key, "stages.")) continue;
        if (strstr(key, ".epochs")) epochs += atof(s->list[i].value);
        if (strstr(key, ".steps")) steps += atof(s->list[i].value);
    }
    fprintf(out, "stages=%g epochs %g steps\n", epochs, steps);
}

char *pt_settings_text(const pt_settings *s, pt_setting_role role)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool failed;

    if (!out) return NULL;
    for (size_t i = 0; i < s->n; i++)
        if (pt_settings_role(s, s->list[i].key) == role &&
            (role != PT_ROLE_PROTOCOL || !starts(s->list[i].key, "stages.")))
            fprintf(out, "%s=%s\n", s->list[i].key, s->list[i].value);
    if (role == PT_ROLE_PROTOCOL) print_length(out, s);
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
