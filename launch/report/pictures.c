#include "launch/report/pictures.h"

#include <stdio.h>
#include <stdlib.h>

#include "launch/report/html.h"
#include "worker/input/thumbnail.h"

enum { SIDE = 144, QUALITY = 80 };

static void base64(FILE *out, const uint8_t *bytes, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        unsigned long b = (unsigned long)bytes[i] << 16;

        if (i + 1 < n) b |= (unsigned long)bytes[i + 1] << 8;
        if (i + 2 < n) b |= bytes[i + 2];
        fputc(letters[b >> 18], out);
        fputc(letters[b >> 12 & 63], out);
        fputc(i + 1 < n ? letters[b >> 6 & 63] : '=', out);
        fputc(i + 2 < n ? letters[b & 63] : '=', out);
    }
}

static void print_picture(FILE *out, const pt_dataset *d, size_t number, const char *alt)
{
    pt_thumbnail t = {0};

    if (number >= pt_dataset_images(d) ||
        pt_thumbnail_create(d, number, SIDE, QUALITY, &t) != PT_OK) {
        fputs("<span class=\"no\">", out);
        pt_html_print(out, alt);
        fputs("</span>", out);
    } else {
        fprintf(out, "<img width=\"%d\" height=\"%d\" alt=\"", t.width, t.height);
        pt_html_print(out, alt);
        fputs("\" src=\"data:image/jpeg;base64,", out);
        base64(out, t.file, t.bytes);
        fputs("\">", out);
    }
    pt_thumbnail_fini(&t);
}

char *pt_picture(const pt_dataset *d, size_t number, const char *alt)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out) print_picture(out, d, number, alt);
    if (out && fclose(out) == 0) return text;
    free(text);
    return NULL;
}

long pt_picture_of_class(const pt_dataset *d, const char *split, int label)
{
    const uint32_t *images;
    size_t n;

    if (pt_dataset_split(d, split, &images, &n) == PT_OK)
        for (size_t i = 0; i < n; i++)
            if (pt_dataset_label(d, images[i]) == label) return images[i];
    for (size_t i = 0; i < pt_dataset_images(d); i++)
        if (pt_dataset_label(d, i) == label) return (long)i;
    return -1;
}
