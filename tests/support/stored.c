#include "tests/support/stored.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float operand(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    u = pt_bf16_operand(u);
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Numbers as they may be stored. */
static float *numbers(uint64_t seed, size_t n)
{
    float *x = layer_random(seed, n);

    for (size_t i = 0; i < n; i++) x[i] = operand(x[i]);
    return x;
}

static pt_values copy_of(const float *x, size_t n, bool bf16)
{
    pt_values v = {malloc((n > 0 ? n : 1) * pt_value_bytes(bf16)), bf16};

    assert_non_null(v.at);
    if (bf16)
        pt_values_narrow(x, n, v.at);
    else
        memcpy(v.at, x, n * sizeof *x);
    return v;
}

/* The case with in[i] stored where bit i of `stored` is set, and out where bit
 * STORED_MAX_IN is; want: what floats give. */
static void run_case(const stored_case *c, int stored, const float *want)
{
    pt_values in[STORED_MAX_IN], out;
    float *start = numbers(99, c->out);

    for (size_t i = 0; i < STORED_MAX_IN; i++) {
        float *x = numbers(1 + i, c->in[i]);

        in[i] = copy_of(x, c->in[i], stored >> i & 1);
        free(x);
    }
    out = copy_of(start, c->out, stored >> STORED_MAX_IN & 1);
    c->work(c, in, out);
    for (size_t i = 0; i < c->out; i++) {
        float got = out.bf16 ? 0 : ((const float *)out.at)[i], expected = want[i];

        if (out.bf16) pt_values_widen((const uint16_t *)out.at + i, 1, &got);
        if (out.bf16) expected = operand(expected);
        if (memcmp(&got, &expected, sizeof got) != 0)
            fail_msg("%s %s, stored %d: [%zu] is %a, not %a", c->name,
                     c->l.w_floats ? layer_text(&c->l) : "", stored, i, (double)got,
                     (double)expected);
    }
    for (size_t i = 0; i < STORED_MAX_IN; i++) free(in[i].at);
    free(out.at), free(start);
}

void stored_check(const stored_case *c)
{
    float *want = numbers(99, c->out);
    pt_values in[STORED_MAX_IN];

    for (size_t i = 0; i < STORED_MAX_IN; i++)
        in[i] = pt_floats(numbers(1 + i, c->in[i]));
    c->work(c, in, pt_floats(want));
    for (int stored = 1; stored < 2 << STORED_MAX_IN; stored++) {
        bool exists = !(c->float_out && stored >> STORED_MAX_IN & 1);

        for (int i = 0; i < STORED_MAX_IN; i++)
            if (c->in[i] == 0 && stored >> i & 1) exists = false;
        if (exists) run_case(c, stored, want);
    }
    for (size_t i = 0; i < STORED_MAX_IN; i++) free(in[i].at);
    free(want);
}
