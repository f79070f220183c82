#include "worker/input/decoder.h"

#include <ctype.h>
#include <stdio.h>

pt_status pt_decoder_run(pt_decoder *decoder, const void *file, size_t bytes,
                         bool size_only, pt_image *out, char *warning)
{
    char unused[PT_PICTURE_WARNING];
    pt_status s;

    if (!warning) warning = unused;
    warning[0] = '\0';
    *out = (pt_image){0};
    s = decoder(file, bytes, size_only, out, warning);
    if (s != PT_OK) pt_image_fini(out);
    return s;
}

void pt_decoder_warn(char *warning, const char *text)
{
    if (warning[0]) return;
    snprintf(warning, PT_PICTURE_WARNING, "%s", text);
    warning[0] = pt_decoder_first_letter(warning);
}

void pt_decoder_warn_of_white(char *warning)
{
    pt_decoder_warn(
        warning, "gray of 16 bits is white above 255, as in Pillow: store it in 8 bits");
}

pt_status pt_decoder_check_fit(const pt_image *size, uint64_t least, size_t bytes)
{
    return least > bytes ? pt_fail(PT_ERR_DATA, "%d x %d pixels cannot fit in %zu bytes",
                                   size->width, size->height, bytes)
                         : PT_OK;
}

char pt_decoder_first_letter(const char *text)
{
    bool word = isalpha((unsigned char)text[0]) && islower((unsigned char)text[1]);

    return word ? (char)tolower((unsigned char)text[0]) : text[0];
}
