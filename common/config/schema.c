#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/config/parts.h"

/* Made by proto/config_help.awk. */
static const pt_key_help help[] = {
#include "common/config/help.inc"
};

const pt_key_help *pt_key_help_of(const char *scope, const char *name)
{
    static const pt_key_help none = {.text = ""};

    for (size_t i = 0; i < sizeof help / sizeof help[0]; i++)
        if (strcmp(help[i].scope, scope) == 0 && strcmp(help[i].name, name) == 0)
            return &help[i];
    return &none;
}

bool pt_value_is_auto(const char *scope, const ProtobufCFieldDescriptor *f,
                      const void *at)
{
    return f->type == PROTOBUF_C_TYPE_UINT32 && *(const uint32_t *)at == 0 &&
           pt_key_help_of(scope, f->name)->range.or_auto;
}

static const char *words_of(const char *scope, const char *name)
{
    return pt_key_help_of(scope, name)->text;
}

static const char *type_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
        return "integer";
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return "number";
    case PROTOBUF_C_TYPE_BOOL:
        return "true or false";
    case PROTOBUF_C_TYPE_ENUM:
        return "one of";
    case PROTOBUF_C_TYPE_STRING:
        return "string";
    default:
        return "section";
    }
}

static void print_default(FILE *out, const char *scope, const ProtobufCFieldDescriptor *f)
{
    const void *d = f->default_value;

    if (!d) return;
    fputs(", default ", out);
    if (pt_value_is_auto(scope, f, d)) {
        fputs("auto", out);
        return;
    }
    pt_value_print(out, f, f->type == PROTOBUF_C_TYPE_STRING ? (const void *)&d : d,
                   PT_CONFIG_PLAIN);
}

/* What is printed, and how. */
typedef struct {
    FILE *out;
    const char *only; /* a key, or NULL: all */
    int width;        /* at which text is folded; 0: nowhere */
    int at;           /* characters of the line so far */
    bool any;
} page;

/* The words of `text`, after those that stand on the line, folded at p->width. */
static void say(page *p, const char *text, int indent)
{
    while (*text) {
        int n = (int)strcspn(text, " ");

        if (p->at > 0 && p->width > 0 && p->at + 1 + n > p->width) {
            fputc('\n', p->out);
            p->at = 0;
        }
        p->at += fprintf(p->out, "%*s%.*s", p->at ? 1 : indent, "", n, text);
        text += n + (text[n] == ' ');
    }
}

static void end_line(page *p)
{
    fputc('\n', p->out);
    p->at = 0;
}

/* The values of an enum: on the key's own line, or one per line where they have help. */
static void print_values(page *p, const ProtobufCEnumDescriptor *e, int indent,
                         bool with_help)
{
    char lower[66];

    for (unsigned i = 0; i < e->n_values; i++) {
        const char *words = words_of(e->short_name, e->values[i].name);

        pt_enum_lower(e->values[i].name, lower);
        if (!with_help)
            fprintf(p->out, " %s", lower);
        else if (words[0]) {
            say(p, strcat(lower, ":"), indent);
            say(p, words, indent);
            end_line(p);
        }
    }
}

/* Is `path` the wanted key, or below it? */
static bool is_wanted(const page *p, const char *path)
{
    size_t n = p->only ? strlen(p->only) : 0;

    return n == 0 ||
           (strncmp(path, p->only, n) == 0 && (path[n] == '\0' || path[n] == '.'));
}

/* "number > 0, default 0.01" */
static void print_type(page *p, const ProtobufCMessageDescriptor *d,
                       const ProtobufCFieldDescriptor *f)
{
    const pt_range *r = &pt_key_help_of(d->short_name, f->name)->range;
    bool list = f->label == PROTOBUF_C_LABEL_REPEATED;

    fprintf(p->out, "%s%s%s", list ? "list of " : "", type_of(f), list ? "s" : "");
    if (r->text && !isinf(r->low)) fprintf(p->out, " %s", r->text);
    if (f->type == PROTOBUF_C_TYPE_ENUM) print_values(p, f->descriptor, 0, false);
    print_default(p->out, d->short_name, f);
}

static void print_key(page *p, const ProtobufCMessageDescriptor *d,
                      const ProtobufCFieldDescriptor *f, const char *path)
{
    const pt_key_help *h = pt_key_help_of(d->short_name, f->name);

    if (!is_wanted(p, path)) return;
    p->any = true;
    fprintf(p->out, "  %s  (", path);
    print_type(p, d, f);
    fputs(")\n", p->out);
    say(p, h->text, 6);
    if (h->text[0]) end_line(p);
    if (f->type == PROTOBUF_C_TYPE_ENUM) print_values(p, f->descriptor, 8, true);
}

static void print_section(page *p, const ProtobufCFieldDescriptor *f, const char *path,
                          const char *words)
{
    const ProtobufCMessageDescriptor *m = f->descriptor;

    if (!is_wanted(p, path)) return;
    p->any = true;
    end_line(p);
    p->at = fprintf(p->out, "%s:%s", path,
                    f->label == PROTOBUF_C_LABEL_REPEATED ? " list;" : "");
    say(p, words, 0);
    if (words[0]) p->at += fprintf(p->out, ".");
    say(p, words_of(m->short_name, ""), 0);
    end_line(p);
}

static void print_keys(page *p, const ProtobufCMessageDescriptor *d, const char *prefix)
{
    char path[PT_CONFIG_MAX_PATH], below[PT_CONFIG_MAX_PATH + 4];

    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];

        snprintf(path, sizeof path, "%s%s", prefix, f->name);
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
            print_key(p, d, f, path);
            continue;
        }
        print_section(p, f, path, words_of(d->short_name, f->name));
        snprintf(below, sizeof below, "%s.%s", path,
                 f->label == PROTOBUF_C_LABEL_REPEATED ? "N." : "");
        print_keys(p, f->descriptor, below);
    }
}

/* stages.0.epochs -> stages.N.epochs, as this page calls it. */
static void name_of(const char *key, char out[PT_CONFIG_MAX_PATH])
{
    size_t n = 0;

    for (const char *k = key; *k && n + 2 < PT_CONFIG_MAX_PATH; k++) {
        bool digits = k > key && k[-1] == '.' && *k >= '0' && *k <= '9';

        out[n++] = digits ? 'N' : *k;
        if (digits) k += strspn(k, "0123456789") - 1;
    }
    out[n] = '\0';
}

pt_status pt_config_schema(FILE *out, const char *key, int width)
{
    char only[PT_CONFIG_MAX_PATH];
    page p = {.out = out, .width = width};

    if (key) {
        name_of(key, only);
        p.only = only;
    } else
        say(&p,
            "Keys of a configuration, as in --set optimizer.lr=0.01. A file may "
            "also have `base: FILE` or `base: [FILE, FILE]`, read first, "
            "relative to the file; `ptrain:network/resnet50` is one that comes "
            "with the program. Without an upper bound an integer is at most "
            "4294967295, a seed at most 18446744073709551615, and the magnitude "
            "of any other number at most 1000000000.",
            0);
    if (!key) fputs("\n\n", out);
    p.at = 0;
    print_keys(&p, &pt__config__config__descriptor, "");
    return p.any ? PT_OK
                 : pt_fail(PT_ERR_CONFIG,
                           "there is no key %s; `ptrain config schema` lists all", key);
}

/* ---- as Markdown ------------------------------------------------------------------- */

/* A cell: a bar would end it. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', out);
        fputc(*text, out);
    }
}

/* `more`: something stands before them. */
static void print_cell_values(FILE *out, const ProtobufCEnumDescriptor *e, bool more)
{
    char lower[64];

    for (unsigned i = 0; i < e->n_values; i++) {
        const char *words = words_of(e->short_name, e->values[i].name);

        if (!words[0]) continue;
        pt_enum_lower(e->values[i].name, lower);
        fprintf(out, "%s`%s`: ", more ? "<br>" : "", lower);
        print_cell(out, words);
        more = true;
    }
}

/* The keys of a section that are values. */
static void print_table(page *p, const ProtobufCMessageDescriptor *d)
{
    fputs("| key | is | meaning |\n|---|---|---|\n", p->out);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const char *words = words_of(d->short_name, f->name);

        if (f->type == PROTOBUF_C_TYPE_MESSAGE) continue;
        fprintf(p->out, "| `%s` | ", f->name);
        print_type(p, d, f);
        fputs(" | ", p->out);
        print_cell(p->out, words);
        if (f->type == PROTOBUF_C_TYPE_ENUM)
            print_cell_values(p->out, f->descriptor, words[0] != '\0');
        fputs(" |\n", p->out);
    }
}

static bool has_values(const ProtobufCMessageDescriptor *d)
{
    for (unsigned i = 0; i < d->n_fields; i++)
        if (d->fields[i].type != PROTOBUF_C_TYPE_MESSAGE) return true;
    return false;
}

static void print_sections(page *p, const ProtobufCMessageDescriptor *d,
                           const char *prefix)
{
    char path[PT_CONFIG_MAX_PATH], below[PT_CONFIG_MAX_PATH + 4];

    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const char *words, *about;

        if (f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        words = words_of(d->short_name, f->name);
        about =
            words_of(((const ProtobufCMessageDescriptor *)f->descriptor)->short_name, "");
        snprintf(path, sizeof path, "%s%s", prefix, f->name);
        fprintf(p->out, "\n## %s\n\n%s%s%s%s%s", path,
                f->label == PROTOBUF_C_LABEL_REPEATED ? "A list. " : "", words,
                words[0] ? "." : "", words[0] && about[0] ? " " : "", about);
        fputs(words[0] || about[0] ? "\n\n" : "", p->out);
        if (has_values(f->descriptor)) print_table(p, f->descriptor);
        snprintf(below, sizeof below, "%s.", path);
        print_sections(p, f->descriptor, below);
    }
}

void pt_config_reference(FILE *out)
{
    page p = {.out = out};

    fputs("# Keys of a configuration\n\n"
          "Printed by `ptrain config schema --markdown`. A key is written below its "
          "section, as in\n`optimizer: {lr: 0.01}`, or as `--set optimizer.lr=0.01`.\n\n",
          out);
    print_table(&p, &pt__config__config__descriptor);
    print_sections(&p, &pt__config__config__descriptor, "");
}
