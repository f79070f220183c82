#include "common/base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance, case ignored; both words shorter than WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX], nb = strlen(b);

    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j];
            int x = tolower((unsigned char)a[i - 1]),
                y = tolower((unsigned char)b[j - 1]);

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (x != y));
            diagonal = above;
        }
    }
    return row[nb];
}

const char *pt_suggest(const char *word, const char *const *names)
{
    size_t n = strlen(word);
    size_t limit = n / 3 > 2 ? n / 3 : 2;
    const char *best = NULL;

    if (n >= WORD_MAX) return NULL;
    if (limit >= n) limit = n > 0 ? n - 1 : 0;
    for (; *names; names++) {
        size_t d = strlen(*names) < WORD_MAX ? distance(word, *names) : limit + 1;

        if (d <= limit && (!best || d < distance(word, best))) best = *names;
    }
    return best;
}

const char *pt_did_you_mean(const char *word, const char *const *names,
                            const char *dashes, char out[PT_DID_YOU_MEAN])
{
    const char *near = pt_suggest(word, names);

    out[0] = '\0';
    if (near) snprintf(out, PT_DID_YOU_MEAN, "; did you mean '%s%s'?", dashes, near);
    return out;
}
