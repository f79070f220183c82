/* Clocks, and the growing sleep of loops that wait. */
#ifndef PT_COMMON_BASE_CLOCK_H
#define PT_COMMON_BASE_CLOCK_H

/* Seconds of the monotonic clock; of CPU time of this thread, and of this process. */
double pt_clock(void);
double pt_cpu_clock(void);
double pt_process_cpu_clock(void);

/* Seconds since 1970. */
double pt_date(void);

/* "0:03:20", "2 d 3:00:00". */
enum { PT_DURATION = 40 };
void pt_duration_text(double seconds, char text[PT_DURATION]);

/* A growing sleep for loops that look at several things: call pt_idle_begin once, then
 * pt_idle_pause after every look that found nothing, pt_idle_begin after every find. */
typedef struct {
    double since;   /* seconds of the monotonic clock: last progress */
    unsigned looks; /* without progress */
} pt_idle;
enum { PT_IDLE_LOOKS = 50 }; /* without progress, before the first sleep */
void pt_idle_begin(pt_idle *i);
void pt_idle_pause(pt_idle *i);
void pt_idle_pause_briefly(pt_idle *i); /* the same, but it sleeps 0.5 ms at most */
double pt_idle_seconds(const pt_idle *i);

#endif
