/* Reading the configuration: YAML (libfyaml) into the messages of proto/config.proto,
 * with `base:` inheritance and --set overrides; the descriptors are the only list of
 * keys. */
#ifndef PT_COMMON_CONFIG_CONFIG_H
#define PT_COMMON_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/status.h"
#include "proto/config.pb-c.h"

typedef Pt__Config__Config pt_config;

/* Reads `path`; sets: "optimizer.lr=0.01" (list index: stages.0.epochs=3; the value is
 * YAML), applied in order. `base: other.yaml` (relative to the file, at the top level)
 * or one of ours, shipped.h) is read first: mappings merge, everything else replaces.
 * Then checks every range named in config.proto. Every sub-message exists in the result;
 * keys that were not given keep has_x = 0 and hold the schema's default.
 *
 * A value of null (or ~) means that the key is not given, even if a base gives it.
 * The base may be a list of files, each overriding those before it. Anchors, aliases and
 * tags are refused.
 *
 * All faults are collected, one line each, as file:line:column: error: ... ("--set #2:
 * error: ..." for overrides); then PT_ERR_CONFIG. A file that cannot be read is
 * PT_ERR_CONFIG too. Local: only rank 0 of a job calls this. */
PT_MUST_USE pt_status pt_config_load(const char *path, const char *const *sets,
                                     size_t n_sets, pt_config **out);
void pt_config_destroy(pt_config **c);

/* A file's path or a "key=value", and where it was asked for ("table.yaml:3:9"; NULL: on
 * the command line), for its faults. */
typedef struct {
    const char *text, *where;
} pt_config_part;

/* The same with several files, n_files >= 1, each overriding those before it. */
PT_MUST_USE pt_status pt_config_load_all(const pt_config_part *files, size_t n_files,
                                         const pt_config_part *sets, size_t n_sets,
                                         pt_config **out);

/* A file of another schema with the same syntax, with the locations of its values, so
 * that faults of its own rules are reported together with the others. */
typedef struct pt_config_file pt_config_file;

/* Reads. Faults wait for pt_config_file_report; fails only without memory. */
PT_MUST_USE pt_status pt_config_file_open(const char *path,
                                          const ProtobufCMessageDescriptor *schema,
                                          pt_config_file **out);
void pt_config_file_close(pt_config_file **f);

/* Every sub-message exists. Dies with the file; after faults it may lack anything. */
const ProtobufCMessage *pt_config_file_message(const pt_config_file *f);

/* Adds a fault for the value at path ("rows.0.name"), or for its section if it was not
 * given; none if that is already faulty. */
void pt_config_file_fault(pt_config_file *f, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "FILE:LINE:COLUMN" of the value at path, or of what is around it. */
void pt_config_file_where(const pt_config_file *f, const char *path, char *out, size_t n);

/* PT_OK, or PT_ERR_CONFIG with all faults so far, in the file's order. */
PT_MUST_USE pt_status pt_config_file_report(pt_config_file *f);

/* What `ptrain train` requires (run.dir, data.path, network.name or .graph): PT_ERR_CONFIG
 * with a line for each that is not given. */
PT_MUST_USE pt_status pt_config_check_train(const pt_config *c);

/* The resolved configuration as YAML: every key with its value, in schema order, also
 * those left at their default (keys without default that are unset are left out).
 * What it prints reads back to the same message. *text is malloc'd. */
PT_MUST_USE pt_status pt_config_print(const pt_config *c, char **text);

/* How a value is written: as in YAML ("a b" in quotes, 1.0e-05), or plain (a b, 1e-05).
 * identity.json holds the former: it must not change. */
typedef enum { PT_CONFIG_YAML, PT_CONFIG_PLAIN } pt_config_style;

/* Every key that pt_config_print prints, alone: each(context, "stages.0.epochs", "3"), in
 * schema order; lists as "[0.5, 0.7]". */
PT_MUST_USE pt_status pt_config_each(const pt_config *c, pt_config_style style,
                                     void (*each)(void *context, const char *path,
                                                  const char *value),
                                     void *context);

/* Packed, for other ranks and files: *bytes is malloc'd. Unpacking checks the ranges and
 * creates absent sub-messages; damaged bytes, or keys of another version, are
 * PT_ERR_CONFIG. */
PT_MUST_USE pt_status pt_config_pack(const pt_config *c, uint8_t **bytes, size_t *n);
PT_MUST_USE pt_status pt_config_unpack(const uint8_t *bytes, size_t n, pt_config **out);

/* What `given` gives, as pt_config_unpack completes it: for messages that code puts
 * together, whose parts may be on the stack. `out` owns all of its parts. */
PT_MUST_USE pt_status pt_config_copy(const pt_config *given, pt_config **out);

/* Help of every key (name, type, range, default, comment), or of one key or section
 * ("optimizer", "stages.0.epochs"), in lines of at most `width` (0: not folded).
 * PT_ERR_CONFIG where there is no such key. */
PT_MUST_USE pt_status pt_config_schema(FILE *out, const char *key, int width);

/* The same as a JSON Schema (draft 7) of the file's form, for editors. */
PT_MUST_USE pt_status pt_config_json_schema(FILE *out);

/* The same as a page in Markdown: a table for each section. */
void pt_config_reference(FILE *out);

#endif
