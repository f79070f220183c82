/* `--set` overrides over a small configuration, one a line. */
#include "common/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/faults/fuzz/fuzz.h"

enum { SETS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char base[] = "stages: [{epochs: 2}]\noptimizer: {lr: 0.1}\n";
    const char *sets[SETS_MAX];
    char *text = malloc(n + 1), *rest = text, *line;
    pt_config *c = NULL;
    size_t n_sets = 0;

    PT_CHECK(text, "no memory");
    memcpy(text, bytes, n);
    text[n] = '\0';
    while (n_sets < SETS_MAX && (line = strsep(&rest, "\n"))) sets[n_sets++] = line;
    pt_fuzz_file("base.yaml", (const uint8_t *)base, sizeof base - 1);
    if (pt_config_load("base.yaml", sets, n_sets, &c) != PT_OK)
        PT_CHECK(!c, "a configuration that failed is there");
    pt_config_destroy(&c);
    free(text);
    return 0;
}
