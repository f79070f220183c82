#include "launch/report/template.h"

#include <stdbool.h>
#include <string.h>

#include "launch/report/html.h"

enum { MAX_NAME = 32 };

typedef struct {
    const char *at, *end;
} span;

/* {{name}}, {{{name}}} or a whole part. */
typedef struct {
    char name[MAX_NAME];
    char kind;   /* 0, '{' or '#' */
    span all;    /* at is NULL: there is no place */
    span inside; /* of a part */
} place;

static const char *find(span t, const char *what)
{
    return memmem(t.at, (size_t)(t.end - t.at), what, strlen(what));
}

static const char *behind_line_break(span t, const char *at)
{
    return at < t.end && *at == '\n' ? at + 1 : at;
}

/* The rest of a part, whose first tag ends at p->all.end. */
static pt_status find_end(span t, place *p)
{
    char tag[MAX_NAME + sizeof "{{/}}"];
    const char *begin = behind_line_break(t, p->all.end), *end;

    snprintf(tag, sizeof tag, "{{/%s}}", p->name);
    end = find((span){begin, t.end}, tag);
    if (!end) return pt_fail(PT_ERR_BUG, "template: {{#%s}} has no end", p->name);
    p->inside = (span){begin, end};
    p->all.end = behind_line_break(t, end + strlen(tag));
    return PT_OK;
}

/* The first place in t. */
static pt_status find_place(span t, place *p)
{
    const char *at = find(t, "{{"), *name, *end, *close;

    *p = (place){.all = {at, NULL}};
    if (!at) return PT_OK;
    name = at + 2;
    if (name < t.end && (*name == '{' || *name == '#')) p->kind = *name++;
    close = p->kind == '{' ? "}}}" : "}}";
    end = find((span){name, t.end}, close);
    if (!end || end - name >= MAX_NAME)
        return pt_fail(PT_ERR_BUG, "template: no name at '%.20s'", at);
    memcpy(p->name, name, (size_t)(end - name));
    p->all.end = end + strlen(close);
    return p->kind == '#' ? find_end(t, p) : PT_OK;
}

static pt_status print(FILE *out, span t, json_t *values);

static pt_status print_part(FILE *out, span t, json_t *value)
{
    pt_status s = PT_OK;
    json_t *item;
    size_t i;

    if (json_is_null(value)) return PT_OK;
    if (!json_is_array(value)) return print(out, t, value);
    json_array_foreach(value, i, item) if (s == PT_OK) s = print(out, t, item);
    return s;
}

static pt_status fill(FILE *out, const place *p, json_t *value)
{
    if (p->kind == '#') return print_part(out, p->inside, value);
    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (!json_is_string(value))
        return pt_fail(PT_ERR_BUG, "template: '%s' is no string or integer", p->name);
    else if (p->kind == '{')
        fputs(json_string_value(value), out);
    else
        pt_html_print(out, json_string_value(value));
    return PT_OK;
}

/* Each value has its place in t. */
static pt_status check_use(span t, json_t *values)
{
    const char *key;
    json_t *value;

    json_object_foreach(values, key, value)
    {
        place p;
        span rest = t;

        while (find_place(rest, &p) == PT_OK && p.all.at && strcmp(p.name, key) != 0)
            rest.at = p.all.end;
        if (!p.all.at) return pt_fail(PT_ERR_BUG, "template: no place for '%s'", key);
    }
    return PT_OK;
}

static pt_status print(FILE *out, span t, json_t *values)
{
    pt_status s = check_use(t, values);
    place p;

    while (s == PT_OK && (s = find_place(t, &p)) == PT_OK && p.all.at) {
        bool self = strcmp(p.name, ".") == 0;
        json_t *value = self ? values : json_object_get(values, p.name);

        if (!value) return pt_fail(PT_ERR_BUG, "template: no value for '%s'", p.name);
        fwrite(t.at, 1, (size_t)(p.all.at - t.at), out);
        s = fill(out, &p, value);
        t.at = p.all.end;
    }
    if (s == PT_OK) fwrite(t.at, 1, (size_t)(t.end - t.at), out);
    return s;
}

pt_status pt_template_print(FILE *out, const char *template, json_t *values)
{
    return print(out, (span){template, template + strlen(template)}, values);
}
