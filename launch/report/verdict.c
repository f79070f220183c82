#include "launch/report/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "launch/report/significance.h"

#define LEVEL 0.05

/* ---- methods ---------------------------------------------------------------------- */

static bool is_compared(const pt_method_runs *m)
{
    return m->baseline && m->gain.n > 0;
}

static bool is_tested(const pt_method_runs *m)
{
    return m->baseline && m->gain.n >= PT_VERDICT_SEEDS && isfinite(m->p);
}

/* The methods that are tested and whose p is at least that of m. */
static size_t behind(const pt_block *b, const pt_method_runs *m)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_methods; i++)
        n += is_tested(&b->methods[i]) && b->methods[i].p >= m->p;
    return n;
}

double pt_verdict_holm(const pt_block *b, const pt_method_runs *m)
{
    double p = 0;

    if (!is_tested(m)) return NAN;
    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_method_runs *other = &b->methods[i];

        if (is_tested(other) && other->p <= m->p)
            p = fmax(p, other->p * (double)behind(b, other));
    }
    return fmin(p, 1);
}

pt_judgement pt_verdict_of(const pt_block *b, const pt_method_runs *m)
{
    if (!is_compared(m)) return PT_JUDGED_NOT;
    if (!is_tested(m)) return PT_JUDGED_FEW;
    if (pt_verdict_holm(b, m) >= LEVEL) return PT_JUDGED_OPEN;
    return m->gain.mean > 0 ? PT_JUDGED_GAIN : PT_JUDGED_LOSS;
}

/* The highest gain among the methods that are tested. */
static const pt_method_runs *best_of(const pt_block *b)
{
    const pt_method_runs *best = NULL;

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_method_runs *m = &b->methods[i];

        if (is_tested(m) && (!best || m->gain.mean > best->gain.mean)) best = m;
    }
    return best;
}

/* Do the seeds of both show that a is better? scratch [n_runs of a]. */
static bool is_better(const pt_method_runs *a, const pt_method_runs *b, double *scratch)
{
    size_t n = pt_method_runs_differences(a, b, scratch);

    return n >= PT_VERDICT_SEEDS && pt_stat_of(scratch, n).mean > 0 &&
           pt_paired_p(scratch, n) < LEVEL;
}

/* ---- sentences -------------------------------------------------------------------- */

static void say_p(FILE *out, double p)
{
    if (p < 0.001)
        fputs("p < 0.001", out);
    else
        fprintf(out, "p = %.2g", p);
}

/* "+1.50 points over plain (95 % interval +0.26 to +2.74, 3 of 3 seeds gain, p = 0.035)"
 */
static void say_gain(FILE *out, const pt_method_runs *m)
{
    double gain = m->gain.mean, half = m->half_width;

    fprintf(out, "%+.2f points over %s (", pt_rounded(gain), m->baseline->name);
    if (isfinite(half))
        fprintf(out, "95 %% interval %+.2f to %+.2f, %zu of %zu seeds gain, ",
                pt_rounded(gain - half), pt_rounded(gain + half), m->n_up, m->gain.n);
    else
        fprintf(out, "the same at each of %zu seeds, ", m->gain.n);
    say_p(out, m->p);
    fputc(')', out);
}

/* "A, B and C": the methods chosen by pick, after a prefix if there are any, and before a
 * full stop. */
static void say_list(FILE *out, const pt_block *b, const char *prefix, const bool *pick)
{
    size_t left = 0;

    for (size_t i = 0; i < b->n_methods; i++) left += pick[i];
    if (left == 0) return;
    fputs(prefix, out);
    for (size_t i = 0; i < b->n_methods; i++) {
        if (!pick[i]) continue;
        left--;
        fprintf(out, "%s%s", b->methods[i].name,
                left == 0   ? "."
                : left == 1 ? " and "
                            : ", ");
    }
}

/* best gains; another baseline's methods are no rivals. pick [n_methods], scratch [its
 * runs]. */
static void say_winner(FILE *out, const pt_block *b, const pt_method_runs *best,
                       bool *pick, double *scratch)
{
    bool alone = true;

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_method_runs *m = &b->methods[i];

        pick[i] = m != best && is_tested(m) && m->baseline == best->baseline &&
                  !is_better(best, m, scratch);
        alone = alone && !pick[i];
    }
    fprintf(out, "%s %s: ", best->name, alone ? "wins" : "gains");
    say_gain(out, best);
    fputc('.', out);
    say_list(out, b, " These seeds do not tell it apart from ", pick);
}

/* best is the highest of gains of which none is shown. */
static void say_open(FILE *out, const pt_block *b, const pt_method_runs *best)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_methods; i++) n += is_tested(&b->methods[i]);
    if (n > 1)
        fprintf(out, "No method is shown to gain. The best of %zu, %s, has ", n,
                best->name);
    else
        fprintf(out, "%s is not shown to gain: ", best->name);
    say_gain(out, best);
    if (best->p >= LEVEL)
        fputs("; seeds alone vary as much.", out);
    else
        fprintf(out, "; among %zu methods that is no surprise (p after Holm: %.2g).", n,
                pt_verdict_holm(b, best));
}

static void say_losses(FILE *out, const pt_block *b)
{
    for (size_t i = 0; i < b->n_methods; i++) {
        if (pt_verdict_of(b, &b->methods[i]) != PT_JUDGED_LOSS) continue;
        fprintf(out, " %s loses: ", b->methods[i].name);
        say_gain(out, &b->methods[i]);
        fputc('.', out);
    }
}

/* Nothing is tested: why. */
static void say_nothing(FILE *out, const pt_block *b)
{
    size_t runs = 0, with_baseline = 0, plain = 0, seeds = 0, tested = 0;

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_method_runs *m = &b->methods[i];

        runs += m->n_runs;
        tested += m->test.n;
        plain += m->runs[0]->plain;
        with_baseline += m->baseline != NULL;
        if (is_compared(m) && m->gain.n > seeds) seeds = m->gain.n;
    }
    if (tested == 0)
        fputs("Nothing was tested, as the data have no test split: no gain can be named.",
              out);
    else if (runs == 1)
        fputs("One run: there is nothing to compare it with.", out);
    else if (plain == b->n_methods)
        fputs("Plain fine-tuning alone: there is nothing to compare it with.", out);
    else if (with_baseline == 0)
        fputs("No plain runs with the same settings: no gain can be named.", out);
    else if (seeds == 0)
        fputs("No seed in common with plain runs: no gain can be named.", out);
    else if (seeds == 1)
        fputs("One seed: no gain can be named, since two runs differ by chance alone; "
              "run at least 3 seeds, better 5.",
              out);
    else
        fprintf(out, "%zu seeds are too few to name a gain; run at least 3, better 5.",
                seeds);
}

static void say_all(FILE *out, const pt_block *b, bool *pick, double *scratch)
{
    const pt_method_runs *best = best_of(b);

    if (!best) {
        say_nothing(out, b);
        return;
    }
    if (pt_verdict_of(b, best) == PT_JUDGED_GAIN)
        say_winner(out, b, best, pick, scratch);
    else if (pt_verdict_of(b, best) == PT_JUDGED_OPEN)
        say_open(out, b, best);
    else
        fputs("No method is shown to gain.", out);
    say_losses(out, b);
    for (size_t i = 0; i < b->n_methods; i++)
        pick[i] = pt_verdict_of(b, &b->methods[i]) == PT_JUDGED_FEW;
    say_list(out, b, " Too few seeds to judge ", pick);
}

char *pt_verdict_text(const pt_block *b)
{
    size_t runs = 1, bytes;
    char *text = NULL;
    FILE *out = open_memstream(&text, &bytes);
    bool *pick = pt_calloc(b->n_methods, sizeof *pick);
    double *scratch;

    for (size_t i = 0; i < b->n_methods; i++)
        if (b->methods[i].n_runs > runs) runs = b->methods[i].n_runs;
    scratch = pt_calloc(runs, sizeof *scratch);
    if (out && pick && scratch) say_all(out, b, pick, scratch);
    if ((out && fclose(out) != 0) || !pick || !scratch) {
        free(text);
        text = NULL;
    }
    free(pick);
    free(scratch);
    return text;
}
