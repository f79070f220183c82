#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/config/parts.h"

/* A message as an object that has no other keys. */
static json_t *object_of(const ProtobufCMessageDescriptor *d);

/* {"type": "number", "minimum": ...}; an open end is exclusive. */
static json_t *number(const ProtobufCFieldDescriptor *f, const pt_range *r)
{
    bool whole = f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_UINT64;
    json_t *j = json_pack("{s:s}", "type", whole ? "integer" : "number");

    if (!r->text) return j;
    if (isfinite(r->low))
        json_object_set_new(j, r->left == '[' ? "minimum" : "exclusiveMinimum",
                            whole ? json_integer((json_int_t)r->low) : json_real(r->low));
    if (isfinite(r->high))
        json_object_set_new(j, r->right == ']' ? "maximum" : "exclusiveMaximum",
                            whole ? json_integer((json_int_t)r->high)
                                  : json_real(r->high));
    return r->or_auto ? json_pack("{s:[o,{s:s}]}", "anyOf", j, "const", "auto") : j;
}

static json_t *words(const ProtobufCEnumDescriptor *e)
{
    json_t *list = json_array();
    char lower[64];

    for (unsigned i = 0; i < e->n_values; i++) {
        pt_enum_lower(e->values[i].name, lower);
        json_array_append_new(list, json_string(lower));
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *value_of(const ProtobufCFieldDescriptor *f, const pt_range *r)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return object_of(f->descriptor);
    case PROTOBUF_C_TYPE_ENUM:
        return words(f->descriptor);
    case PROTOBUF_C_TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case PROTOBUF_C_TYPE_STRING:
        return json_pack("{s:s}", "type", "string");
    default:
        return number(f, r);
    }
}

/* The default as it is printed: JSON reads numbers and truth values as YAML does. */
static json_t *default_of(const char *scope, const ProtobufCFieldDescriptor *f)
{
    const void *d = f->default_value;
    char text[256] = "";
    FILE *out;
    json_t *j;

    if (!d) return NULL;
    if (pt_value_is_auto(scope, f, d)) return json_string("auto");
    out = fmemopen(text, sizeof text, "w");
    if (!out) return NULL;
    pt_value_print(out, f, f->type == PROTOBUF_C_TYPE_STRING ? (const void *)&d : d,
                   PT_CONFIG_PLAIN);
    fclose(out);
    j = json_loads(text, JSON_DECODE_ANY, NULL);
    return j ? j : json_string(text);
}

/* null, and an absent key, are the default. */
static json_t *property(const char *scope, const ProtobufCFieldDescriptor *f)
{
    const pt_key_help *h = pt_key_help_of(scope, f->name);
    json_t *value = value_of(f, &h->range), *j, *d = default_of(scope, f);

    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        value = json_pack("{s:s,s:o}", "type", "array", "items", value);
    j = json_pack("{s:[o,{s:s}]}", "anyOf", value, "type", "null");
    if (h->text[0]) json_object_set_new(j, "description", json_string(h->text));
    if (d) json_object_set_new(j, "default", d);
    return j;
}

static json_t *object_of(const ProtobufCMessageDescriptor *d)
{
    const char *about = pt_key_help_of(d->short_name, "")->text;
    json_t *properties = json_object(), *j;

    for (unsigned i = 0; i < d->n_fields; i++)
        json_object_set_new(properties, d->fields[i].name,
                            property(d->short_name, &d->fields[i]));
    j = json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties,
                  "additionalProperties", 0);
    if (about[0]) json_object_set_new(j, "description", json_string(about));
    return j;
}

/* Failed allocations of jansson leave NULL or less; the last dump then fails. */
pt_status pt_config_json_schema(FILE *out)
{
    json_t *j = object_of(&pt__config__config__descriptor);
    int failed;

    json_object_set_new(j, "$schema",
                        json_string("http://json-schema.org/draft-07/schema#"));
    json_object_set_new(j, "title", json_string("a configuration of ptrain"));
    json_object_set_new(
        json_object_get(j, "properties"), "base",
        json_pack("{s:s,s:[{s:s},{s:s,s:{s:s}}]}", "description",
                  "read first, relative to the file; ptrain:NAME is one that comes "
                  "with the program",
                  "anyOf", "type", "string", "type", "array", "items", "type", "string"));
    failed = !j || json_dumpf(j, out, JSON_INDENT(2)) != 0;
    json_decref(j);
    if (failed) return pt_fail(PT_ERR_NOMEM, "no memory for the schema");
    fputc('\n', out);
    return PT_OK;
}
