/* Which method wins, and is it real? A block's answer in words. Pure.
 *
 * A method gains or loses where the p of its paired differences stays below 0.05 after
 * Holm's correction for the number of methods that were compared (Holm, Scand. J. Stat.
 * 6, 1979), over PT_VERDICT_SEEDS seeds or more. The best of those that gain wins only
 * where it is also better than each other method with its baseline, paired by seed. */
#ifndef PT_LAUNCH_REPORT_VERDICT_H
#define PT_LAUNCH_REPORT_VERDICT_H

#include "launch/report/block.h"

enum { PT_VERDICT_SEEDS = 3 };

typedef enum {
    PT_JUDGED_NOT, /* plain itself, or without plain runs at the same seeds */
    PT_JUDGED_FEW, /* too few seeds */
    PT_JUDGED_OPEN,
    PT_JUDGED_GAIN,
    PT_JUDGED_LOSS
} pt_judgement;

pt_judgement pt_verdict_of(const pt_block *b, const pt_method_runs *m);

/* m->p after Holm's correction; NAN where m is not judged. */
double pt_verdict_holm(const pt_block *b, const pt_method_runs *m);

/* One or more sentences, without a line break, malloc'd; NULL without memory. No gain is
 * named that the seeds do not show. */
char *pt_verdict_text(const pt_block *b);

#endif
