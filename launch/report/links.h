/* Where a page finds a run's directory. */
#ifndef PT_LAUNCH_REPORT_LINKS_H
#define PT_LAUNCH_REPORT_LINKS_H

/* The relative address of directory `dir` for a page that is the file `page`, which need
 * not exist yet: "../runs/sml1-1/", with what a URL may not hold as %XX. malloc'd; NULL
 * where one of them is not there, or without memory. */
char *pt_link_to(const char *page, const char *dir);

#endif
