#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/parts.h"

/* The shortest decimal that reads back to the same bits; 300 rather than 3e+02. */
static void print_number(FILE *out, double x, bool single, pt_config_style style)
{
    char text[40], *e;

    if (x != 0 && fabs(x) < 1e15 && x == (double)(int64_t)x) { /* -0 keeps its sign */
        fprintf(out, "%" PRId64, (int64_t)x);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x) break;
    }
    e = strchr(text, '.') ? NULL : strchr(text, 'e');
    if (e && style == PT_CONFIG_YAML)
        fprintf(out, "%.*s.0%s", (int)(e - text), text, e); /* YAML 1.1 wants a point */
    else
        fputs(text, out);
}

/* true for a word that every YAML reader takes as this text, unquoted. */
static bool is_plain_word(const char *s)
{
    static const char *const special[] = {"null", "true", "false", "yes", "no",
                                          "on",   "off",  "y",     "n",   NULL};
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *more = "0123456789_./+-";

    for (size_t i = 0; special[i]; i++)
        if (strcasecmp(s, special[i]) == 0) return false;
    if (!strchr(letters, s[0]) && s[0] != '/' && strncmp(s, "./", 2) != 0 &&
        strncmp(s, "../", 3) != 0)
        return false;
    for (; *s; s++)
        if (!strchr(letters, *s) && !strchr(more, *s)) return false;
    return true;
}

/* The code point at s of valid UTF-8; *n its bytes. */
static unsigned code_point(const char *s, size_t *n)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned c = u[0];

    *n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (*n > 1) c &= 0xffu >> (*n + 1);
    for (size_t i = 1; i < *n; i++) {
        if (!u[i]) { /* cut short: not UTF-8, print byte by byte */
            *n = 1;
            return u[0];
        }
        c = c << 6 | (u[i] & 0x3f);
    }
    return c;
}

static void print_text(FILE *out, const char *s)
{
    size_t n;

    if (s[0] && is_plain_word(s)) {
        fputs(s, out);
        return;
    }
    fputc('"', out);
    for (; *s; s += n) {
        unsigned c = code_point(s, &n);

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", (int)c);
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
                 c == 0xfeff || c == 0xfffe || c == 0xffff)
            fprintf(out, "\\u%04x", c);
        else
            fwrite(s, 1, n, out);
    }
    fputc('"', out);
}

static void print_enum(FILE *out, const ProtobufCEnumDescriptor *e, int value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(e, value);
    char lower[64];

    pt_enum_lower(v ? v->name : "?", lower);
    fputs(lower, out);
}

void pt_value_print(FILE *out, const ProtobufCFieldDescriptor *f, const void *at,
                    pt_config_style style)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        fprintf(out, "%" PRIu32, *(const uint32_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT64:
        fprintf(out, "%" PRIu64, *(const uint64_t *)at);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        print_number(out, *(const float *)at, true, style);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        print_number(out, *(const double *)at, false, style);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        fputs(*(const protobuf_c_boolean *)at ? "true" : "false", out);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        print_enum(out, f->descriptor, *(const int *)at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        if (style == PT_CONFIG_YAML)
            print_text(out, *(char *const *)at);
        else
            fputs(*(char *const *)at, out);
        return;
    default:
        pt_field_size(f);
    }
}

/* true if the message has anything to print. */
static bool has_lines(const ProtobufCMessage *m);

static bool is_printed(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return pt_field_count(m, f) > 0;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *sub = *(ProtobufCMessage **)pt_field_at(m, f);

        return sub && has_lines(sub);
    }
    if (pt_field_count(m, f) > 0) return true;
    /* If the weights determine the preprocessing, a default would be misleading. */
    return f->default_value && m->descriptor != &pt__config__preprocess__descriptor;
}

static bool has_lines(const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (is_printed(m, &m->descriptor->fields[i])) return true;
    return false;
}

/* A field of one or of several plain values. */
static void print_field(FILE *out, const ProtobufCMessage *m,
                        const ProtobufCFieldDescriptor *f, pt_config_style style)
{
    size_t n = pt_field_count(m, f);

    if (pt_value_is_auto(m->descriptor->short_name, f, pt_field_at(m, f))) {
        fputs("auto", out);
        return;
    }
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        pt_value_print(out, f, pt_field_at(m, f), style);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        fputs(k ? ", " : "[", out);
        pt_value_print(out, f, pt_field_element(m, f, k), style);
    }
    fputc(']', out);
}

/* Lines of m; the first without indent if `in_list` (it follows "- "). */
static void print_message(FILE *out, const ProtobufCMessage *m, int indent, bool in_list)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        size_t n = pt_field_count(m, f);

        if (!is_printed(m, f)) continue;
        fprintf(out, "%*s%s:", in_list ? 0 : indent, "", f->name);
        in_list = false;
        if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            bool list = f->label == PROTOBUF_C_LABEL_REPEATED;

            fputc('\n', out);
            for (size_t k = 0; k < n; k++) {
                if (list) fprintf(out, "%*s- ", indent + 2, "");
                print_message(out, *(ProtobufCMessage **)pt_field_element(m, f, k),
                              indent + (list ? 4 : 2), list);
            }
            continue;
        }
        fputc(' ', out);
        print_field(out, m, f, PT_CONFIG_YAML);
        fputc('\n', out);
    }
    if (in_list) fputs("{}\n", out); /* an item with nothing in it */
}

pt_status pt_config_print(const pt_config *c, char **text)
{
    size_t n;
    FILE *out;
    bool failed;

    *text = NULL;
    out = open_memstream(text, &n);
    if (!out) return pt_fail(PT_ERR_NOMEM, "no memory to print the configuration");
    print_message(out, &c->base, 0, false);
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return pt_fail(PT_ERR_NOMEM, "no memory to print the configuration");
    }
    return PT_OK;
}

/* ---- one key at a time ------------------------------------------------------------- */

typedef struct {
    pt_config_style style;
    void (*each)(void *context, const char *path, const char *value);
    void *context;
    bool failed;
} visitor;

static void visit_field(visitor *v, const ProtobufCMessage *m,
                        const ProtobufCFieldDescriptor *f, const char *path)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out) print_field(out, m, f, v->style);
    if (!out || fclose(out) != 0)
        v->failed = true;
    else
        v->each(v->context, path, text);
    free(text);
}

static void visit(visitor *v, const ProtobufCMessage *m, const char *prefix)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        char path[PT_CONFIG_MAX_PATH];

        if (!is_printed(m, f)) continue;
        snprintf(path, sizeof path, "%s%s", prefix, f->name);
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) visit_field(v, m, f, path);
        for (size_t k = 0, n = pt_field_count(m, f);
             f->type == PROTOBUF_C_TYPE_MESSAGE && k < n; k++) {
            if (list)
                snprintf(path, sizeof path, "%s%s.%zu.", prefix, f->name, k);
            else
                snprintf(path, sizeof path, "%s%s.", prefix, f->name);
            visit(v, *(ProtobufCMessage **)pt_field_element(m, f, k), path);
        }
    }
}

pt_status pt_config_each(const pt_config *c, pt_config_style style,
                         void (*each)(void *context, const char *path, const char *value),
                         void *context)
{
    visitor v = {style, each, context, false};

    visit(&v, &c->base, "");
    return v.failed ? pt_fail(PT_ERR_NOMEM, "no memory to print the configuration")
                    : PT_OK;
}
