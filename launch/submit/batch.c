#include "launch/submit/batch.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/log.h"

char *pt_batch_text(void (*print)(const void *context, FILE *out), const void *context)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    if (!out) return NULL;
    print(context, out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

void pt_batch_quote(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-./=:,@%+";

    if (*text && strspn(text, plain) == strlen(text)) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

unsigned char pt_batch_unfit(const char *text, const char *more)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) || strchr(more, *text))
            return (unsigned char)*text;
    return 0;
}

int pt_batch_seconds(const char *time)
{
    int days = 0, h = 0, m = 0, s = 0;

    if (!time) return 0;
    if (strchr(time, '-'))
        sscanf(time, "%d-%d:%d:%d", &days, &h, &m, &s);
    else
        sscanf(time, "%d:%d:%d", &h, &m, &s);
    return ((24 * days + h) * 60 + m) * 60 + s;
}

static pt_status check_text(const char *option, const char *text, const char *more)
{
    unsigned char c = text ? pt_batch_unfit(text, more) : 0;

    if (!c) return PT_OK;
    if (iscntrl(c))
        return pt_fail(PT_ERR_USAGE,
                       "%s has a control character (0x%02x), which a line of a batch "
                       "script cannot hold",
                       option, c);
    return pt_fail(PT_ERR_USAGE, "%s '%s' has a '%c', which a batch script cannot hold",
                   option, text, c);
}

pt_status pt_batch_check(const pt_batch *b)
{
    static const char words[] = " \t\"'\\";
    pt_status s = check_text("the job's name", b->name, words);

    if (s == PT_OK) s = check_text("--time", b->time, words);
    if (s == PT_OK) s = check_text("--partition", b->queue, words);
    if (s == PT_OK) s = check_text("--account", b->account, words);
    for (size_t i = 0; i < b->n_options && s == PT_OK; i++)
        s = check_text("--option", b->options[i], "");
    return s;
}

pt_status pt_batch_submit(const pt_scheduler *s, const char *const *more,
                          const char *script)
{
    const char *words[10] = {s->submit};
    size_t at = 1, n = strlen(script);
    int fd = memfd_create("script", 0);

    for (; more && *more && at < 9; more++) words[at++] = *more;
    if (fd < 0 || write(fd, script, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0 ||
        dup2(fd, STDIN_FILENO) < 0)
        return pt_fail(PT_ERR_IO, "the script cannot be passed to %s: %s", s->submit,
                       strerror(errno));
    fflush(NULL);
    execvp(s->submit, (char *const *)words);
    return pt_fail(PT_ERR_IO,
                   "%s cannot be started: %s; submit from a node that has %s, or write "
                   "the script with --print",
                   s->submit, strerror(errno), s->name);
}
