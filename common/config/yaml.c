#include <libfyaml.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/config/parts.h"

/* Events of one YAML text become a tree: a stack of open mappings and lists. */
typedef struct {
    pt_arena *arena;
    pt_faults *faults;
    pt_mark origin;
    pt_yaml *root;
    struct {
        pt_yaml *tree;
        const char *key; /* read, its value is still to come */
        pt_mark key_mark;
    } open[PT_CONFIG_MAX_DEPTH];
    int depth;
    int n_documents;
    bool failed; /* what follows cannot be read */
} reader;

static pt_mark mark_at(const reader *r, int line, int column)
{
    pt_mark m = r->origin;

    if (m.line > 0) {
        m.line = line;
        m.column = column;
    }
    return m;
}

static pt_mark mark_of(const reader *r, struct fy_event *e)
{
    const struct fy_mark *m = fy_event_start_mark(e);

    struct fy_token *token = e->type == FYET_SCALAR ? e->scalar.value : NULL;
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_ANY;
    bool inside = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;

    if (m) return mark_at(r, m->line + 1, m->column + (inside ? 0 : 1)); /* the quote */
    if (r->depth > 0 && r->open[r->depth - 1].key) return r->open[r->depth - 1].key_mark;
    return r->origin;
}

/* libfyaml lets some malformed characters pass; protobuf's texts must not hold any. */
static bool is_utf8(reader *r, const char *text, size_t n)
{
    int line = 1, column = 1;

    for (size_t i = 0, bytes; i < n; i += bytes) {
        bytes = pt_utf8_bytes(text + i, n - i);
        if (bytes == 0) {
            pt_faults_add(r->faults, mark_at(r, line, column), "this is not UTF-8 text");
            return false;
        }
        column++;
        if (text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return true;
}

/* The scalar's text as a tree; NULL after a fault. */
static pt_yaml *scalar(reader *r, struct fy_event *e, pt_mark mark)
{
    struct fy_token *token = e->scalar.value;
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
    size_t n = 0;
    const char *text = token ? fy_token_get_text(token, &n) : "";
    pt_yaml *t = pt_yaml_create(r->arena, PT_YAML_SCALAR, mark);

    if (!text) text = "";
    if (memchr(text, 0, n)) {
        pt_faults_add(r->faults, mark, "a string must not contain a zero byte");
        return NULL;
    }
    if (!t) return NULL;
    t->quoted = style != FYSS_PLAIN && style != FYSS_ANY;
    t->text = pt_arena_text(r->arena, text, n);
    return t->text ? t : NULL;
}

/* Puts a finished or just opened value where it belongs; false ends the reading. */
static bool put(reader *r, pt_yaml *value)
{
    pt_yaml *t;
    pt_yaml_item *twice;

    if (r->depth == 0) {
        r->root = value;
        return true;
    }
    t = r->open[r->depth - 1].tree;
    if (t->n_items == PT_CONFIG_MAX_ITEMS) {
        pt_faults_add(r->faults, value->mark, "more than %d items", PT_CONFIG_MAX_ITEMS);
        return false;
    }
    if (t->kind == PT_YAML_LIST) {
        pt_yaml_add(r->arena, t, NULL, value->mark, value);
        return true;
    }
    if (!r->open[r->depth - 1].key) {
        if (value->kind != PT_YAML_SCALAR) {
            pt_faults_add(r->faults, value->mark, "a key must be a plain string");
            return false;
        }
        r->open[r->depth - 1].key = value->text;
        r->open[r->depth - 1].key_mark = value->mark;
        return true;
    }
    twice = pt_yaml_find(t, r->open[r->depth - 1].key);
    if (twice)
        pt_faults_add(r->faults, r->open[r->depth - 1].key_mark,
                      "key '%.60s' is given twice (first at line %d)", twice->key,
                      twice->mark.line);
    else
        pt_yaml_add(r->arena, t, r->open[r->depth - 1].key,
                    r->open[r->depth - 1].key_mark, value);
    r->open[r->depth - 1].key = NULL;
    return true;
}

static bool open_value(reader *r, pt_yaml_kind kind, pt_mark mark)
{
    pt_yaml *t = pt_yaml_create(r->arena, kind, mark);

    if (!t || !put(r, t)) return false;
    if (r->depth == PT_CONFIG_MAX_DEPTH) {
        pt_faults_add(r->faults, mark, "nested deeper than %d", PT_CONFIG_MAX_DEPTH);
        return false;
    }
    r->open[r->depth].tree = t;
    r->open[r->depth++].key = NULL;
    return true;
}

/* false ends the reading. */
static bool take(reader *r, struct fy_event *e)
{
    pt_mark mark = mark_of(r, e);
    pt_yaml *t;

    if (fy_event_get_anchor_token(e) || e->type == FYET_ALIAS) {
        pt_faults_add(r->faults, mark,
                      "anchors and aliases are not supported; use base:");
        return false;
    }
    if (fy_event_get_tag_token(e)) {
        pt_faults_add(r->faults, mark, "tags are not supported");
        return false;
    }
    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (r->n_documents++ == 0) return true;
        pt_faults_add(r->faults, mark,
                      "a second document starts here; only one is allowed");
        return false;
    case FYET_SCALAR:
        t = scalar(r, e, mark);
        return t && put(r, t);
    case FYET_MAPPING_START:
        return open_value(r, PT_YAML_MAPPING, mark);
    case FYET_SEQUENCE_START:
        return open_value(r, PT_YAML_LIST, mark);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        r->depth--;
        return true;
    default:
        return true;
    }
}

/* The parser's own complaint, which is at most one: it stops there. */
static void take_errors(reader *r, struct fy_diag *diag)
{
    void *at = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(diag, &at);

    if (e)
        pt_faults_add(r->faults, mark_at(r, e->line, e->column), "%s", e->msg);
    else
        pt_faults_add(r->faults, r->origin, "this is not YAML");
}

pt_yaml *pt_yaml_read(pt_arena *p, pt_faults *f, const char *text, size_t n,
                      pt_mark origin)
{
    reader r = {.arena = p, .faults = f, .origin = origin};
    struct fy_diag_cfg quiet;
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE};
    struct fy_parser *parser = NULL;
    struct fy_event *e;

    if (!is_utf8(&r, text, n)) return NULL;
    if (n == 0) return NULL; /* libfyaml would take 0 for "until the zero byte" */
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    cfg.diag = fy_diag_create(&quiet);
    if (cfg.diag) {
        fy_diag_set_collect_errors(cfg.diag, true);
        parser = fy_parser_create(&cfg);
    }
    if (!parser || fy_parser_set_string(parser, text, n) != 0) {
        p->failed = true;
        goto done;
    }
    while (!r.failed && (e = fy_parser_parse(parser)) != NULL) {
        r.failed = !take(&r, e);
        fy_parser_event_free(parser, e);
    }
    if (!r.failed && fy_parser_get_stream_error(parser)) {
        take_errors(&r, cfg.diag);
        r.failed = true;
    }
done:
    fy_parser_destroy(parser);
    fy_diag_destroy(cfg.diag);
    return p->failed || r.failed ? NULL : r.root;
}
