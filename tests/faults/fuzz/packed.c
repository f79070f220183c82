/* The configuration as rank 0 sends it: damaged, or of a program that is not ours. What
 * is accepted has passed the checks of a file, so it prints and its text loads. */
#include "common/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_config *c = NULL, *again = NULL;
    char *text = NULL;

    if (pt_config_unpack(bytes, n, &c) != PT_OK) {
        PT_CHECK(!c, "a configuration that failed is there");
        return 0;
    }
    PT_CHECK(pt_config_print(c, &text) == PT_OK, "%s", pt_fail_text());
    pt_fuzz_file("printed.yaml", (const uint8_t *)text, strlen(text));
    PT_CHECK(pt_config_load("printed.yaml", NULL, 0, &again) == PT_OK, "%s",
             pt_fail_text());
    free(text);
    pt_config_destroy(&again);
    pt_config_destroy(&c);
    return 0;
}
