#include "launch/support/agree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/comm/job.h"
#include "launch/support/repack.h"
#include "worker/input/fingerprint.h"

enum { SHOWN = 16, MAX_RANKS = 16 }; /* characters of a digest, ranks of a line */

/* all: [ranks][PT_JOB_TEXT_BYTES], "DIGEST HOST" each. */
static pt_status compare(const char *what, const char *all)
{
    int n = pt_job_size(), other = 0;
    char text[2048];
    size_t at = 0;

    for (int i = 1; i < n && !other; i++)
        if (strncmp(all, all + (size_t)i * PT_JOB_TEXT_BYTES, SHOWN) != 0) other = i;
    if (!other) return PT_OK;
    for (int i = 0; i < n && i < MAX_RANKS && at + 1 < sizeof text; i++) {
        const char *t = all + (size_t)i * PT_JOB_TEXT_BYTES;
        int k = snprintf(text + at, sizeof text - at, "%srank %d (%s) %.*s",
                         i ? ", " : "", i, t + SHOWN + 1, SHOWN, t);

        at += k > 0 ? (size_t)k : 0;
    }
    return pt_fail(PT_ERR_USAGE, "ranks 0 and %d do not have the same %s: %s%s", other,
                   what, text, n > MAX_RANKS ? ", ..." : "");
}

pt_status pt_agree_on(const char *what, const char *digest)
{
    char mine[PT_JOB_TEXT_BYTES], *all;
    pt_status s = PT_OK;

    snprintf(mine, sizeof mine, "%-*.*s %s", SHOWN, SHOWN, digest, pt_job_host());
    all = pt_job_gather_text(mine);
    if (all) s = compare(what, all);
    free(all);
    return pt_job_agree(s);
}

/* In JPEG and WebP pixels are the decoder's. */
static pt_status agree_on_decoders(void)
{
    char text[16];
    uint32_t crc;
    pt_status s = pt_job_agree(pt_input_fingerprint(&crc));

    if (s != PT_OK) return s;
    snprintf(text, sizeof text, "%08x", crc);
    return pt_agree_on("decoders of pictures (libjpeg, libwebp)", text);
}

pt_status pt_agree_on_data(const char *what, const char *path, const pt_dataset *d)
{
    char digest[PT_DIGEST_HEX] = "";
    pt_status s = pt_job_agree(pt_dataset_digest(d, digest));

    if (s == PT_OK) s = pt_agree_on(what, digest);
    if (s == PT_OK) s = agree_on_decoders();
    if (s == PT_OK && pt_job_rank() == 0) pt_repack_advise(path, d);
    return s;
}

pt_status pt_agree_on_program(int argc, char **argv)
{
    char program[PT_DIGEST_HEX] = "", line[PT_DIGEST_HEX] = "";
    pt_digest *d = NULL;
    pt_status s = pt_digest_file("/proc/self/exe", program);

    if (s == PT_OK) s = pt_digest_create(&d);
    for (int i = 0; s == PT_OK && i < argc; i++)
        pt_digest_add(d, argv[i], strlen(argv[i]) + 1);
    if (s == PT_OK) pt_digest_finish(&d, line);
    s = pt_job_agree(s);
    if (s == PT_OK) s = pt_agree_on("program", program);
    return s == PT_OK ? pt_agree_on("command line", line) : s;
}
