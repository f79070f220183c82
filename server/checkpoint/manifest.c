#include "server/checkpoint/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/base/file.h"
#include "common/base/fscall.h"
#include "server/methods/methods.h"

enum { FORMAT_VERSION = 1, MAX_MANIFEST = 1 << 24, PREFIX = 22, CHUNK = 1 << 20 };

#define FORMAT        "ptrain-checkpoint"
#define PREFIX_FORMAT "{\"crc32c\": \"%08x\","

void pt_checkpoint_fini(pt_checkpoint *c)
{
    free(c->path);
    json_decref(c->identity);
    *c = (pt_checkpoint){0};
}

static const char *byte_order(void)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "little" : "big";
}

/* ---- parts ------------------------------------------------------------------------ */

static char *part_path(const char *path, int server, const char *suffix)
{
    char name[48];

    snprintf(name, sizeof name, "part-%d.%s", server, suffix);
    return pt_file_path(path, name);
}

char *pt_checkpoint_part_path(const char *path, int server)
{
    return part_path(path, server, "h5");
}

/* Checksum and length of a file on disk. */
static pt_status measure(const char *path, uint32_t *crc, uint64_t *bytes)
{
    pt_file *f = NULL;
    uint8_t *buffer = malloc(CHUNK);
    pt_status s = buffer ? pt_file_open(path, &f) : PT_ERR_NOMEM;

    *crc = 0;
    *bytes = 0;
    if (!buffer) return pt_fail(PT_ERR_NOMEM, "%s: no memory to read it", path);
    while (s == PT_OK && *bytes < f->size) {
        uint64_t n = f->size - *bytes < CHUNK ? f->size - *bytes : CHUNK;

        s = pt_file_read(f, *bytes, buffer, (size_t)n);
        if (s == PT_OK) *crc = pt_crc32c(*crc, buffer, (size_t)n);
        *bytes += n;
    }
    pt_file_destroy(&f);
    free(buffer);
    return s;
}

pt_status pt_checkpoint_record_part(const char *path, int server, const char *failed)
{
    char *part = pt_checkpoint_part_path(path, server),
         *to = part_path(path, server, "json");
    char crc_text[16], name[48];
    json_t *json = NULL;
    uint64_t bytes = 0;
    uint32_t crc = 0;
    pt_status s = part && to ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);

    if (s == PT_OK && !failed) s = measure(part, &crc, &bytes);
    snprintf(crc_text, sizeof crc_text, "%08x", crc);
    snprintf(name, sizeof name, "part-%d.h5", server);
    if (s == PT_OK)
        json = failed ? json_pack("{s:s}", "failed", failed)
                      : json_pack("{s:s, s:I, s:s}", "file", name, "bytes",
                                  (json_int_t)bytes, "crc32c", crc_text);
    if (s == PT_OK && !json) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (s == PT_OK) {
        char *text = json_dumps(json, JSON_COMPACT);

        s = text ? pt_file_replace(to, text, strlen(text))
                 : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
        free(text);
    }
    json_decref(json);
    free(part);
    free(to);
    return s;
}

/* The record of a part, NULL if it does not exist yet. */
static json_t *part_record(const char *path, int server)
{
    char *name = part_path(path, server, "json");
    json_t *j = NULL;

    pt_fscall_begin("read", path);
    if (name) j = json_load_file(name, 0, NULL);
    pt_fscall_end();

    free(name);
    return j;
}

pt_status pt_checkpoint_part_done(const char *path, int server, bool *done)
{
    json_t *j = part_record(path, server);
    const char *failed = json_string_value(json_object_get(j, "failed"));
    pt_status s = failed ? pt_fail(PT_ERR_IO, "server %d: %s", server, failed) : PT_OK;

    *done = j != NULL;
    json_decref(j);
    return s;
}

/* ---- writing the manifest --------------------------------------------------------- */

static json_t *manifest_of(const char *path, int n_parts, const pt_progress *p,
                           const json_t *identity)
{
    json_t *parts = json_array(), *tally = pt_tally_to_json(&p->tally);

    for (int i = 0; i < n_parts; i++) json_array_append_new(parts, part_record(path, i));
    return json_pack("{s:s, s:i, s:s, s:I, s:b, s:f, s:b, s:b, s:i, s:i, s:o, s:o, s:O}",
                     "format", FORMAT, "format_version", FORMAT_VERSION, "byte_order",
                     byte_order(), "step", (json_int_t)p->step, "test_owed", p->test_owed,
                     "ema", p->ema, "gate_started", p->gate_started, "gate_open",
                     p->gate_open, "skipped", (int)p->skipped, "skipped_in_a_row",
                     (int)p->skipped_in_a_row, "journal", tally, "parts", parts,
                     "identity", identity);
}

pt_status pt_checkpoint_seal(const char *path, int n_parts, const pt_progress *p,
                             const json_t *identity)
{
    json_t *json = manifest_of(path, n_parts, p, identity);
    char *to = pt_file_path(path, "manifest.json"), *whole = NULL;
    char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    pt_status s;

    if (!to || !text ||
        asprintf(&whole, PREFIX_FORMAT "%s\n", 0u, text + 1) < 0) { /* without its { */
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for the manifest", path);
        whole = NULL;
    } else {
        char prefix[PREFIX + 1];

        snprintf(prefix, sizeof prefix, PREFIX_FORMAT,
                 pt_crc32c(0, whole + PREFIX, strlen(whole + PREFIX)));
        memcpy(whole, prefix, PREFIX);
        s = pt_file_replace(to, whole, strlen(whole));
    }
    if (s == PT_OK) s = pt_file_sync_parent(path);
    json_decref(json);
    free(to);
    free(text);
    free(whole);
    return s;
}

/* ---- reading ---------------------------------------------------------------------- */

/* The manifest's object, its checksum compared first. */
static pt_status read_manifest(const char *path, json_t **out)
{
    char prefix[PREFIX + 1];
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_file_load_path(path, MAX_MANIFEST, &bytes, &n);

    *out = NULL;
    if (s != PT_OK) return s;
    snprintf(prefix, sizeof prefix, PREFIX_FORMAT,
             n > PREFIX ? pt_crc32c(0, bytes + PREFIX, n - PREFIX) : 0);
    if (n <= PREFIX || memcmp(bytes, prefix, PREFIX) != 0)
        s = pt_fail(PT_ERR_DATA, "%s: its checksum does not match", path);
    if (s == PT_OK) {
        *out = json_loadb((char *)bytes, n, 0, NULL);
        if (!*out) s = pt_fail(PT_ERR_DATA, "%s: is not JSON", path);
    }
    free(bytes);
    return s;
}

static pt_status check_format(const char *path, const json_t *j)
{
    const char *format = json_string_value(json_object_get(j, "format"));
    const char *order = json_string_value(json_object_get(j, "byte_order"));
    long version = (long)json_integer_value(json_object_get(j, "format_version"));

    if (!format || strcmp(format, FORMAT) != 0)
        return pt_fail(PT_ERR_DATA, "%s: format is '%s', not " FORMAT, path,
                       format ? format : "");
    if (version != FORMAT_VERSION)
        return pt_fail(PT_ERR_DATA, "%s: format_version is %ld, this program reads %d",
                       path, version, FORMAT_VERSION);
    if (!order || strcmp(order, byte_order()) != 0)
        return pt_fail(PT_ERR_DATA, "%s: byte_order is '%s', this machine's is '%s'",
                       path, order ? order : "", byte_order());
    return PT_OK;
}

/* Compares every part with its record. */
static pt_status check_parts(const char *path, const json_t *parts)
{
    pt_status s = PT_OK;

    for (size_t i = 0; i < json_array_size(parts) && s == PT_OK; i++) {
        const json_t *part = json_array_get(parts, i);
        const char *crc = json_string_value(json_object_get(part, "crc32c"));
        uint64_t bytes,
            wanted = (uint64_t)json_integer_value(json_object_get(part, "bytes"));
        char *file = pt_checkpoint_part_path(path, (int)i), found[16];
        uint32_t sum;

        if (!file || !crc)
            s = pt_fail(PT_ERR_DATA, "%s: part %zu has no record", path, i);
        if (s == PT_OK) s = measure(file, &sum, &bytes);
        if (s == PT_OK && bytes != wanted)
            s = pt_fail(PT_ERR_DATA, "%s: has %llu bytes, %llu were written", file,
                        (unsigned long long)bytes, (unsigned long long)wanted);
        if (s == PT_OK) {
            snprintf(found, sizeof found, "%08x", sum);
            if (strcmp(found, crc) != 0)
                s = pt_fail(PT_ERR_DATA, "%s: its checksum does not match", file);
        }
        free(file);
    }
    return s;
}

static bool flag(const json_t *j, const char *name)
{
    return json_is_true(json_object_get(j, name));
}

pt_status pt_checkpoint_verify(const char *path, pt_checkpoint *out)
{
    char *name = pt_file_path(path, "manifest.json");
    json_t *j = NULL;
    pt_status s =
        name ? read_manifest(name, &j) : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    const json_t *parts = json_object_get(j, "parts");

    *out = (pt_checkpoint){0};
    if (s == PT_OK) s = check_format(name, j);
    if (s == PT_OK) s = check_parts(path, parts);
    if (s == PT_OK) {
        out->path = strdup(path);
        out->n_parts = (int)json_array_size(parts);
        out->identity = json_incref(json_object_get(j, "identity"));
        out->progress = (pt_progress){
            .step = (uint64_t)json_integer_value(json_object_get(j, "step")),
            .test_owed = flag(j, "test_owed"),
            .ema = json_number_value(json_object_get(j, "ema")),
            .gate_started = flag(j, "gate_started"),
            .gate_open = flag(j, "gate_open"),
            .skipped = (uint32_t)json_integer_value(json_object_get(j, "skipped")),
            .skipped_in_a_row =
                (uint32_t)json_integer_value(json_object_get(j, "skipped_in_a_row")),
            .tally = pt_tally_of_json(json_object_get(j, "journal"))};
        if (!out->path) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    }
    json_decref(j);
    free(name);
    return s;
}

pt_status pt_checkpoint_load(const pt_checkpoint *c, pt_state *state)
{
    const pt_graph *g = state->run->graph;
    size_t n[PT_PART_SETS] = {0}, second = state->second ? g->n_param_floats : 0;
    size_t squares = state->optimizer.squares ? g->n_param_floats : 0;
    pt_status s = PT_OK;

    for (int i = 0; i < c->n_parts && s == PT_OK; i++) {
        char *file = pt_checkpoint_part_path(c->path, i);

        s = file ? pt_part_read(file, state, n)
                 : pt_fail(PT_ERR_NOMEM, "%s: no memory", c->path);
        free(file);
    }
    if (s == PT_OK && (n[0] != g->n_floats || n[1] != g->n_param_floats))
        s = pt_fail(PT_ERR_DATA,
                    "%s: holds %zu weights and %zu of momentum, the network needs %zu "
                    "and %zu",
                    c->path, n[0], n[1], g->n_floats, g->n_param_floats);
    if (s == PT_OK && n[2] != squares)
        s = pt_fail(PT_ERR_DATA, "%s: holds %zu second moments, adamw needs %zu", c->path,
                    n[2], squares);
    if (s == PT_OK && n[3] != second)
        s = pt_fail(PT_ERR_DATA, "%s: holds %zu of %s, the network needs %zu", c->path,
                    n[3], pt_server_methods_second_name(state->run), second);
    if (s == PT_OK && n[4] + n[5] != pt_kept_floats(state->run))
        s = pt_fail(PT_ERR_DATA,
                    "%s: holds %zu of the best weights, early stopping needs %zu",
                    c->path, n[4] + n[5], pt_kept_floats(state->run));
    return s;
}
