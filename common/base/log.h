/* Lines for people. stdout: progress and results, from one rank only; stderr: `warn:`
 * and `error:` lines. Each call is one write(2), so that lines of several ranks never
 * mix. */
#ifndef PT_COMMON_BASE_LOG_H
#define PT_COMMON_BASE_LOG_H

#include <stddef.h>

/* The rank shown in warn and error lines of a job ("rank 3: "); -1 shows none. world: the
 * number that mpirun and other launchers know it by; shown where it is another one ("rank
 * 3 (world rank 5): "). */
void pt_log_set_rank(int rank, int world);

/* `text` may hold several lines: each becomes a line of its own with `error: ` in it. A
 * line that already contains "error: " (file:line:col: error: ...) is printed as it is.
 */
void pt_log_error(const char *text);

void pt_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on stdout, flushed. */
void pt_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Bytes with one write(2), if the descriptor takes them: a full pipe may cut them short,
 * which cannot be helped. 0, or the errno. */
int pt_log_put(int fd, const char *bytes, size_t n);

/* Bytes on stdout as they are. */
void pt_log_out(const char *bytes, size_t n);

/* The errno of the first write to stdout that failed; 0: none did. */
int pt_log_lost(void);

/* Ends standard output: writes what stdio still holds, and closes it. NULL if all was
 * written, and from the second call on; else why not, as the text of an error line. */
const char *pt_log_end(void);

#endif
