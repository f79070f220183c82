/* What went wrong, recorded once: status codes and the text that explains them. */
#ifndef PT_COMMON_BASE_STATUS_H
#define PT_COMMON_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>

#include "common/base/sizes.h"

#define PT_MUST_USE __attribute__((warn_unused_result))

/* The only list of failures; enum and exit codes come from it. */
#define PT_STATUS_LIST(X)                                                                \
    X(PT_OK, 0)          /* success */                                                   \
    X(PT_ERR_NOMEM, 1)   /* out of memory */                                             \
    X(PT_ERR_IO, 1)      /* input or output failed */                                    \
    X(PT_ERR_DATA, 1)    /* data are not valid */                                        \
    X(PT_ERR_SHAPE, 1)   /* shapes do not agree */                                       \
    X(PT_ERR_WEIGHTS, 1) /* weights do not fit the network */                            \
    X(PT_ERR_COMM, 1)    /* communication failed */                                      \
    X(PT_ERR_NUMERIC, 1) /* a number is not finite */                                    \
    X(PT_ERR_BUG, 1)     /* an invariant does not hold */                                \
    X(PT_ERR_CONFIG, 2)  /* configuration is not valid */                                \
    X(PT_ERR_USAGE, 2)   /* command line is not valid */                                 \
    X(PT_STOPPED, 75)    /* stopped, checkpoint written */

typedef enum {
#define X(name, code) name,
    PT_STATUS_LIST(X)
#undef X
        PT_STATUS_COUNT
} pt_status;

/* The exit code that a process should end with for `s`. */
int pt_status_exit_code(pt_status s);

/* Records why, for this thread, and returns `s`. The text is one fault: lower case,
 * names the thing and both numbers, no full stop. Several faults of one input are
 * several lines separated by '\n' (pt_fail_more); pt_log_error prints one `error:`
 * line for each. */
PT_MUST_USE pt_status pt_fail(pt_status s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends one more line to this thread's text (starts it where it is empty or where
 * *failed is still PT_OK) and sets *failed = s. For collecting all faults of one file. */
void pt_fail_more(pt_status *failed, pt_status s, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* This thread's text of the last failure; never NULL; valid until the next pt_fail. */
const char *pt_fail_text(void);

/* A broken invariant of our own: kept in release builds. Calls the handler, which does
 * not return. The main points it at pt_job_die; the default prints one line and exits 1.
 */
#define PT_CHECK(cond, ...)                                                              \
    do {                                                                                 \
        if (!(cond)) pt_check_failed(__FILE__, __LINE__, __VA_ARGS__);                   \
    } while (0)

_Noreturn void pt_check_failed(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pt_check_set_handler(void (*handler)(const char *text));

/* Zeroed, 64-byte aligned memory for n * size bytes, or NULL (n * size == 0 gives one
 * line). Released with free(). */
void *pt_calloc(size_t n, size_t size);

#endif
