#include "launch/report/labels.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *get(const pt_settings *s, const char *key)
{
    const char *v = pt_settings_get(s, key);

    return v ? v : "";
}

static bool is(const pt_settings *s, const char *key, const char *value)
{
    return strcmp(get(s, key), value) == 0;
}

/* Ends the text that out collects; NULL if anything failed. */
static char *finish(FILE *out, char **text)
{
    bool failed = ferror(out) != 0;

    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
    }
    return *text;
}

/* Does any of all [n], where the key has the same role, hold another value? */
static bool differs(const pt_settings *of, const pt_setting *x,
                    const pt_settings *const *all, size_t n)
{
    pt_setting_role role = pt_settings_role(of, x->key);

    for (size_t i = 0; i < n; i++) {
        const char *other = pt_settings_get(all[i], x->key);

        if (other && pt_settings_role(all[i], x->key) == role &&
            strcmp(other, x->value) != 0)
            return true;
    }
    return false;
}

/* How a method's setting is written after its name. */
static void print_short(FILE *out, const pt_setting *x)
{
    static const struct {
        const char *key, *word;
    } words[] = {{"pseudo_task.ratio", "R"},
                 {"pseudo_task.target_per", "per"},
                 {"optimizer.weight_decay", "wd"},
                 {"network.batch_norm", "bn"}};
    const char *word = strrchr(x->key, '.');

    if (strcmp(x->key, "pseudo_task.gate") == 0 && strcmp(x->value, "always") == 0) {
        fputs(" no gate", out);
        return;
    }
    word = word ? word + 1 : x->key;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(x->key, words[i].key) == 0) word = words[i].word;
    fprintf(out, " %s=%s", word, x->value);
}

/* "PtR-SML1 + L2-SP", or "plain". Stages alone are a method too; others have stages. */
static void print_methods(FILE *out, const pt_settings *of)
{
    if (of->methods[0])
        fputs(of->methods, out);
    else if (is(of, "schedule.per_stage", "true"))
        fputs("LP-FT", out);
    else
        fputs(pt_settings_is_plain(of) ? "plain" : "other", out);
}

char *pt_label_method(const pt_settings *of, const pt_settings *const *all, size_t n)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out) return NULL;
    print_methods(out, of);
    for (size_t i = 0; i < of->n; i++) {
        const pt_setting *x = &of->list[i];
        pt_setting_role role = pt_settings_role(of, x->key);
        bool shown = role == PT_ROLE_METHOD || role == PT_ROLE_VARIANT;

        if (strncmp(x->key, "stages.", 7) == 0) continue;
        if (shown && differs(of, x, all, n) && strcmp(x->key, "pseudo_task.loss") != 0)
            print_short(out, x);
    }
    return finish(out, &text);
}

static const char *const title_keys[] = {"network.name", "network.graph", "data.path",
                                         "data.per_class"};

enum { N_TITLE_KEYS = sizeof title_keys / sizeof title_keys[0] };

static bool same_head(const pt_settings *a, const pt_settings *b)
{
    for (int i = 0; i < N_TITLE_KEYS; i++)
        if (!is(b, title_keys[i], get(a, title_keys[i]))) return false;
    return true;
}

/* Of the blocks with the head of `of`: does one before `end` set this key? */
static bool set_before(const pt_settings *of, const pt_settings *const *all, size_t end,
                       const char *key)
{
    for (size_t i = 0; i < end; i++)
        if (same_head(of, all[i]) && pt_settings_get(all[i], key)) return true;
    return false;
}

char *pt_label_block(const pt_settings *of, const pt_settings *const *all, size_t n)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out) return NULL;
    fprintf(out, "%s%s on %s", get(of, "network.name"), get(of, "network.graph"),
            get(of, "data.path"));
    if (!is(of, "data.per_class", "0"))
        fprintf(out, ", %s images per class", get(of, "data.per_class"));
    for (size_t i = 0; i < n; i++) {
        if (!same_head(of, all[i])) continue;
        for (size_t k = 0; k < all[i]->n; k++) {
            const pt_setting *x = &all[i]->list[k];

            if (pt_settings_role(all[i], x->key) == PT_ROLE_PROTOCOL &&
                !pt_settings_get(of, x->key) && !set_before(of, all, i, x->key))
                fprintf(out, ", no %s", x->key);
        }
    }
    for (size_t k = 0; k < of->n; k++) {
        const pt_setting *x = &of->list[k];
        bool other = false;

        if (pt_settings_role(of, x->key) != PT_ROLE_PROTOCOL) continue;
        for (size_t i = 0; i < n && !other; i++)
            other = same_head(of, all[i]) && !is(all[i], x->key, x->value);
        if (other) fprintf(out, ", %s=%s", x->key, x->value);
    }
    return finish(out, &text);
}
