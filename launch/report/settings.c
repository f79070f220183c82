#include "launch/report/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pt_settings *out;
    size_t capacity;
    bool failed; /* no memory */
} collector;

static void add(void *context, const char *key, const char *value)
{
    collector *c = context;
    pt_settings *s = c->out;
    pt_setting x = {strdup(key), strdup(value)};
    pt_setting *list = pt_grow(s->list, s->n, &c->capacity, sizeof *list);

    if (list) s->list = list;
    if (x.key && x.value && list) {
        s->list[s->n++] = x;
        return;
    }
    c->failed = true;
    free(x.key);
    free(x.value);
}

pt_status pt_settings_create(const pt_config *c, pt_settings *out)
{
    collector all = {.out = out};
    pt_status s;

    *out = (pt_settings){0};
    out->methods = pt_methods_title(c);
    out->asks = pt_methods_ask(c);
    for (int m = 0; m < PT_N_METHODS; m++) out->on[m] = pt_methods[m].is_on(c);
    s = pt_config_each(c, PT_CONFIG_PLAIN, add, &all);
    if (s == PT_OK && (all.failed || !out->methods))
        s = pt_fail(PT_ERR_NOMEM, "no memory for the settings of a run");
    if (s != PT_OK) pt_settings_fini(out);
    return s;
}

pt_status pt_settings_add(pt_settings *s, const char *key, const char *value)
{
    collector all = {.out = s, .capacity = s->n};

    add(&all, key, value);
    return all.failed ? pt_fail(PT_ERR_NOMEM, "no memory for the settings of a run")
                      : PT_OK;
}

void pt_settings_fini(pt_settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->list[i].key);
        free(s->list[i].value);
    }
    free(s->list);
    free(s->methods);
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

/* Is `key` the switch of method m, or one of its section, which has its name? */
static bool owns(int m, const char *key)
{
    const char *own = pt_methods[m].key, *name = pt_methods[m].name;
    size_t section = (size_t)(strrchr(own, '.') - own), n = strlen(name);

    if (strcmp(key, own) == 0) return true;
    return section >= n && strncmp(own + section - n, name, n) == 0 &&
           strncmp(key, own, section + 1) == 0;
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

static bool stops_early(const pt_settings *s)
{
    return !is(s, "early_stopping.patience", "0");
}

pt_setting_role pt_settings_role(const pt_settings *s, const char *key)
{
    /* What changes neither the weights nor how they are judged. */
    static const char *const none[] = {"format_version",
                                       "seed",
                                       "run.",
                                       "evaluation.",
                                       "server.ranks",
                                       "server.factors",
                                       "engine.threads",
                                       "server.placement",
                                       "data.input_threads",
                                       "engine.workers",
                                       "server.shared_memory"};

    if (strcmp(key, "evaluation.every_epochs") == 0 && stops_early(s))
        return PT_ROLE_PROTOCOL;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (starts(key, none[i])) return PT_ROLE_NONE;
    if (starts(key, "pseudo_task.")) return role_of_pseudo_task(s, key);
    for (int m = 0; m < PT_N_METHODS; m++) /* what is off has no part in it */
        if (owns(m, key)) return s->on[m] ? PT_ROLE_METHOD : PT_ROLE_NONE;
    if (starts(key, "source")) /* which data beside the target's */
        return s->asks & PT_ASKS_SOURCE ? PT_ROLE_METHOD : PT_ROLE_NONE;
    if (starts(key, "stages.")) return role_of_stage(s, key);
    if (starts(key, "early_stopping.") && !stops_early(s)) return PT_ROLE_NONE;
    if (strcmp(key, "schedule.per_stage") == 0)
        return is(s, key, "false") ? PT_ROLE_NONE : PT_ROLE_METHOD;
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
