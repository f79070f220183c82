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

/* The values of an enum: on the key's own line, or one per line where they have help. */
static void print_values(FILE *out, const ProtobufCEnumDescriptor *e, int indent,
                         bool with_help)
{
    char lower[64];

    for (unsigned i = 0; i < e->n_values; i++) {
        const char *words = words_of(e->short_name, e->values[i].name);

        pt_enum_lower(e->values[i].name, lower);
        if (!with_help)
            fprintf(out, " %s", lower);
        else if (words[0])
            fprintf(out, "%*s%s: %s\n", indent, "", lower, words);
    }
}

static void print_keys(FILE *out, const ProtobufCMessageDescriptor *d, const char *prefix)
{
    char sub[PT_CONFIG_MAX_PATH];

    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const pt_key_help *h = pt_key_help_of(d->short_name, f->name);
        const char *words = h->text;
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;

        if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            const ProtobufCMessageDescriptor *m = f->descriptor;
            const char *about = words_of(m->short_name, "");

            fprintf(out, "\n%s%s:%s%s%s%s%s%s\n", prefix, f->name, list ? " list;" : "",
                    words[0] ? " " : "", words, words[0] ? "." : "", about[0] ? " " : "",
                    about);
            snprintf(sub, sizeof sub, "%s%s.%s", prefix, f->name, list ? "N." : "");
            print_keys(out, m, sub);
            continue;
        }
        fprintf(out, "  %s%s  (%s%s%s", prefix, f->name, list ? "list of " : "",
                type_of(f), list ? "s" : "");
        if (h->range.text && !isinf(h->range.low)) fprintf(out, " %s", h->range.text);
        if (f->type == PROTOBUF_C_TYPE_ENUM) print_values(out, f->descriptor, 0, false);
        print_default(out, d->short_name, f);
        fprintf(out, ")\n");
        if (words[0]) fprintf(out, "      %s\n", words);
        if (f->type == PROTOBUF_C_TYPE_ENUM) print_values(out, f->descriptor, 8, true);
    }
}

void pt_config_schema(FILE *out)
{
    fprintf(
        out,
        "Keys of a configuration, as in --set optimizer.lr=0.01. A file may also "
        "have\n`base: FILE` or `base: [FILE, FILE]`, read first, relative to the "
        "file;\n`ptrain:network/resnet50` is one that comes with the program.\nWithout "
        "an upper bound an integer is at most 4294967295, a seed at "
        "most\n18446744073709551615, and the magnitude of any other number at most "
        "1000000000.\n\n");
    print_keys(out, &pt__config__config__descriptor, "");
}
