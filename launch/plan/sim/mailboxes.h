/* A mailbox of SimGrid's for each sender, receiver and tag, so that a message finds its
 * receive at once. SMPI has one for each receiver and searches it from the start. */
#ifndef PT_LAUNCH_PLAN_SIM_MAILBOXES_H
#define PT_LAUNCH_PLAN_SIM_MAILBOXES_H

#include <simgrid/mailbox.h>

typedef struct pt_mailboxes pt_mailboxes;

/* NULL without memory. They live as long as the process. */
pt_mailboxes *pt_mailboxes_create(void);

/* NULL without memory. Another rank may run in between. */
sg_mailbox_t pt_mailboxes_find(pt_mailboxes *m, int from, int to, int tag);

#endif
