#include "launch/support/pace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---------------------------------------------------------------------- */

const char *const pt_pace_modes[] = {"lines", "both", "bar"};

pt_pace_mode pt_pace_asked(void)
{
    const char *asked = getenv(PT_PACE_VARIABLE);

    for (int m = PT_PACE_BOTH; asked && m <= PT_PACE_BAR_ALONE; m++)
        if (strcmp(asked, pt_pace_modes[m]) == 0) return (pt_pace_mode)m;
    return PT_PACE_LINES;
}

#define MARK "\001pace "

void pt_pace_record(const pt_pace *p, char text[PT_PACE_RECORD])
{
    snprintf(text, PT_PACE_RECORD,
             MARK "%" PRIu64 " %" PRIu64 " %.9g %.9g %.9g %.9g %.9g %.9g\n", p->step,
             p->steps, p->elapsed_s, p->left_s, p->images_per_s, p->ce, p->accuracy,
             p->w);
}

bool pt_pace_parse(const char *line, pt_pace *out)
{
    return strncmp(line, MARK, sizeof MARK - 1) == 0 &&
           sscanf(line + sizeof MARK - 1,
                  "%" SCNu64 " %" SCNu64 " %lf %lf %lf %lf %lf %lf", &out->step,
                  &out->steps, &out->elapsed_s, &out->left_s, &out->images_per_s,
                  &out->ce, &out->accuracy, &out->w) == 8;
}

/* ---- the bar ---------------------------------------------------------------------- */

enum { LEAST = 8, MOST = 40, FIELDS = 7, FIELD = 40 }; /* characters of the bar; fields */

/* "1:48", "2:03:20", "3 d 2:03:20". */
static void duration(double seconds, char text[FIELD])
{
    long s = isfinite(seconds) && seconds < 1e9 ? lrint(fmax(seconds, 0)) : 0;

    if (s < 3600)
        snprintf(text, FIELD, "%ld:%02ld", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, FIELD, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, FIELD, "%ld d %ld:%02ld", s / 86400, s / 3600 % 24, s / 60 % 60);
}

/* In the order in which they stand. */
static void fill(const pt_pace *p, char field[FIELDS][FIELD])
{
    char left[FIELD];

    duration(p->elapsed_s, field[0]);
    duration(p->left_s, left);
    snprintf(field[1], FIELD, "%.20s left", isfinite(p->left_s) ? left : "?");
    snprintf(field[2], FIELD, p->images_per_s < 10 ? "%.1f img/s" : "%.0f img/s",
             p->images_per_s);
    snprintf(field[3], FIELD, p->ce < 100 ? "ce %.3f" : "ce %.3g", p->ce);
    snprintf(field[4], FIELD, "acc %.3f", p->accuracy);
    *field[5] = '\0';
    if (p->w > 0) snprintf(field[5], FIELD, "w %.2g", p->w);
    snprintf(field[6], FIELD, "%" PRIu64 "/%" PRIu64, p->step, p->steps);
}

/* Which fields there is room for, the most important first; their width. */
static int choose(char field[FIELDS][FIELD], int room, bool shown[FIELDS])
{
    static const int order[FIELDS] = {1, 3, 4, 0, 2, 5, 6};
    int used = 0;

    for (int i = 0; i < FIELDS; i++) {
        int n = (int)strlen(field[order[i]]);

        shown[order[i]] = n > 0 && used + n + 2 <= room;
        if (shown[order[i]]) used += n + 2;
    }
    return used;
}

static size_t print_bar(char *text, double share, int width, bool colour)
{
    int done = (int)(share * width);
    char drawn[MOST + 1];

    memset(drawn, ' ', (size_t)width);
    memset(drawn, '=', (size_t)done);
    if (done > 0 && done < width) drawn[done - 1] = '>';
    drawn[width] = '\0';
    return (size_t)snprintf(text, PT_PACE_BAR, " [%s%s%s]", colour ? "\033[32m" : "",
                            drawn, colour ? "\033[0m" : "");
}

void pt_pace_bar(const pt_pace *p, int columns, bool colour, char text[PT_PACE_BAR])
{
    double share = p->steps > 0 ? fmin((double)p->step / (double)p->steps, 1) : 0;
    int room = columns - 1 - 5, width; /* "100 %" */
    char field[FIELDS][FIELD];
    bool shown[FIELDS];
    size_t n;

    fill(p, field);
    width = room - choose(field, room - LEAST - 3, shown) - 3;
    n = (size_t)snprintf(text, PT_PACE_BAR, "%3d %%", (int)(100 * share));
    if (room < 0) text[n = 0] = '\0';
    if (width >= LEAST)
        n += print_bar(text + n, share, width < MOST ? width : MOST, colour);
    for (int i = 0; i < FIELDS && width >= LEAST; i++)
        if (shown[i]) n += (size_t)snprintf(text + n, PT_PACE_BAR - n, "  %s", field[i]);
}
