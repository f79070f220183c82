/* A configuration as a flat list of keys and values, and what each key means when runs
 * are compared. */
#ifndef PT_LAUNCH_REPORT_SETTINGS_H
#define PT_LAUNCH_REPORT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config/methods.h"

typedef struct {
    char *key, *value; /* "optimizer.lr", "0.01"; lists: "[0.5, 0.75]" */
} pt_setting;

/* In schema order; stages are stages.0.epochs and so on. */
typedef struct {
    pt_setting *list; /* [n] */
    size_t n;
    bool on[PT_N_METHODS];
    unsigned asks; /* what these methods ask for */
    char *methods; /* pt_methods_title */
} pt_settings;

/* Every key that has a value, given or by default. Keys without a default that are not
 * given are left out, and all of data.preprocess that is not given. On failure *out is
 * empty. */
PT_MUST_USE pt_status pt_settings_create(const pt_config *c, pt_settings *out);
void pt_settings_fini(pt_settings *s);

/* Appends what a run was besides its configuration: its data's checksum. */
PT_MUST_USE pt_status pt_settings_add(pt_settings *s, const char *key, const char *value);

/* Borrowed; NULL where the key has no value. */
const char *pt_settings_get(const pt_settings *s, const char *key);

typedef enum {
    PT_ROLE_NONE,    /* no part in a comparison: seed, run, threads, ... or without effect
                        beside the other settings, such as the ratio of a plain run */
    PT_ROLE_METHOD,  /* which method: pseudo_task, cross_entropy, regularizers, stages */
    PT_ROLE_VARIANT, /* of a method and its baseline alike: weight decay, batch norm */
    PT_ROLE_PROTOCOL, /* everything else: runs that differ in it are not compared */
} pt_setting_role;

pt_setting_role pt_settings_role(const pt_settings *s, const char *key);

/* Does no method take part: plain fine-tuning? */
bool pt_settings_is_plain(const pt_settings *s);

/* "key=value" lines of the keys with this role, in schema order: equal for settings that
 * agree in them. For the protocol, stages are one line, their epochs and steps in all: a
 * method may cut a run into stages. malloc'd; NULL without memory. */
char *pt_settings_text(const pt_settings *s, pt_setting_role role);

#endif
