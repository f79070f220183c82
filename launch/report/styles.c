#include "launch/report/styles.h"

#include <stdio.h>

/* By the methods' names alone (FNV-1a), so that it does not depend on other runs. */
static int colour_of(const pt_settings *s)
{
    uint32_t h = 2166136261u;

    if (pt_settings_is_plain(s)) return 0;
    for (const char *c = s->methods; *c; c++) h = (h ^ (unsigned char)*c) * 16777619u;
    return 1 + (int)(h % (PT_COLOURS - 1));
}

static bool is_taken(const pt_block *b, int style)
{
    for (size_t i = 0; i < b->n_methods; i++)
        if (b->methods[i].style == style) return true;
    return false;
}

/* Another colour if there is one left, then the same with dashes; plain is always gray.
 */
static int next_free(const pt_block *b, int colour)
{
    for (int dash = 0; dash < PT_DASHES; dash++) {
        int own = colour + PT_COLOURS * dash;

        if (!is_taken(b, own)) return own;
        for (int c = 1; c < PT_COLOURS && colour > 0; c++)
            if (!is_taken(b, c + PT_COLOURS * dash)) return c + PT_COLOURS * dash;
    }
    return colour;
}

void pt_styles_assign(pt_block *b)
{
    for (size_t i = 0; i < b->n_methods; i++) b->methods[i].style = -1;
    for (size_t i = 0; i < b->n_methods; i++) {
        int colour = colour_of(&b->methods[i].runs[0]->settings);

        if (!is_taken(b, colour)) b->methods[i].style = colour;
    }
    for (size_t i = 0; i < b->n_methods; i++) {
        pt_method_runs *m = &b->methods[i];

        if (m->style < 0) m->style = next_free(b, colour_of(&m->runs[0]->settings));
    }
}

void pt_style_class(int style, char out[PT_STYLE_CLASS])
{
    snprintf(out, PT_STYLE_CLASS, "k%d d%d", style % PT_COLOURS, style / PT_COLOURS);
}
