#include "common/comm/message.h"

#include <limits.h>
#include <stdio.h>

#include "common/base/status.h"

#define ADD_TAGS(kind, tags, share, text) +(tags)
_Static_assert(PT_MSG_LIST(ADD_TAGS) <= PT_MSG_MAX_TAG + 1, "tags that MPI guarantees");

typedef struct {
    int tags, share;
    const char *name;
} description;

#define DESCRIBE(kind, tags, share, text) {tags, share, text},
static const description kinds[PT_MSG_KINDS] = {{0, 1, "a message"},
                                                PT_MSG_LIST(DESCRIBE)};

int pt_msg_tag(pt_msg_kind kind, int index)
{
    int first = 0, at = index / kinds[kind].share;

    PT_CHECK(index >= 0 && at < kinds[kind].tags, "%s: message index %d",
             kinds[kind].name, index);
    for (int k = 0; k < (int)kind; k++) first += kinds[k].tags;
    return first + at;
}

pt_msg_kind pt_msg_kind_of(int tag)
{
    int first = 0;

    for (int k = 0; k < PT_MSG_KINDS && tag >= first; k++) {
        if (tag < first + kinds[k].tags) return (pt_msg_kind)k;
        first += kinds[k].tags;
    }
    return PT_MSG_NONE;
}

const char *pt_msg_name(pt_msg_kind kind)
{
    return kinds[kind > PT_MSG_NONE && kind < PT_MSG_KINDS ? kind : PT_MSG_NONE].name;
}

void pt_msg_which(pt_msg_kind kind, int index, char *out, size_t n)
{
    switch (kind) {
    case PT_MSG_PUSH:
        snprintf(out, n, "key %d", index / PT_MSG_COVERS);
        return;
    case PT_MSG_PULL:
    case PT_MSG_COLLECT:
        snprintf(out, n, "key %d", index);
        return;
    case PT_MSG_FACTORS:
        snprintf(out, n, "node %d", index);
        return;
    case PT_MSG_MOMENTS:
        snprintf(out, n, "node %d", index / 2);
        return;
    case PT_MSG_ROWS:
        snprintf(out, n, "block %d", index);
        return;
    default:
        *out = '\0';
    }
}

void pt_msg_describe(pt_msg_kind kind, int index, char *out, size_t n)
{
    char which[32];

    pt_msg_which(kind, index, which, sizeof which);
    snprintf(out, n, "%s%s%s", pt_msg_name(kind), *which ? " of " : "", which);
}
