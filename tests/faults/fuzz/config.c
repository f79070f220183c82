/* Configuration files. What loads must print, and what is printed or packed must load
 * again and print the same. */
#include "common/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/faults/fuzz/fuzz.h"

static char *print(const pt_config *c)
{
    char *text = NULL;

    PT_CHECK(pt_config_print(c, &text) == PT_OK, "%s", pt_fail_text());
    return text;
}

/* c prints as text; destroyed. */
static void prints_as(pt_config *c, const char *text, const char *what)
{
    char *mine = print(c);

    PT_CHECK(strcmp(mine, text) == 0, "what was %s is another", what);
    free(mine);
    pt_config_destroy(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_config *c = NULL, *again = NULL;
    char *text = NULL;
    uint8_t *packed = NULL;
    size_t n_packed;

    if (pt_config_load(pt_fuzz_file("run.yaml", bytes, n), NULL, 0, &c) != PT_OK) {
        PT_CHECK(!c, "a configuration that failed is there");
        return 0;
    }
    if (pt_config_check_train(c) != PT_OK) text = NULL;
    PT_CHECK(pt_config_pack(c, &packed, &n_packed) == PT_OK, "%s", pt_fail_text());
    text = print(c);
    pt_fuzz_file("printed.yaml", (const uint8_t *)text, strlen(text));
    PT_CHECK(pt_config_load("printed.yaml", NULL, 0, &again) == PT_OK, "%s",
             pt_fail_text());
    prints_as(again, text, "printed");
    PT_CHECK(pt_config_unpack(packed, n_packed, &again) == PT_OK, "%s", pt_fail_text());
    prints_as(again, text, "packed");
    free(text);
    free(packed);
    pt_config_destroy(&c);
    return 0;
}
