#include "launch/plan/sim/mailboxes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/status.h"

typedef struct {
    uint64_t key; /* 0: free */
    sg_mailbox_t box;
} place;

struct pt_mailboxes {
    place *places; /* [room], a power of two: a hash table, at most half full */
    size_t room, n;
};

pt_mailboxes *pt_mailboxes_create(void)
{
    return pt_calloc(1, sizeof(pt_mailboxes));
}

static uint64_t key_of(int from, int to, int tag)
{
    return 1 + ((uint64_t)from << 40 | (uint64_t)to << 20 | (uint64_t)tag);
}

/* Where the key is, or would be. */
static place *find(place *places, size_t room, uint64_t key)
{
    uint64_t mixed = (key ^ key >> 31) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(mixed ^ mixed >> 32);

    while (places[at &= room - 1].key != 0 && places[at].key != key) at++;
    return &places[at];
}

static bool grow(pt_mailboxes *m)
{
    size_t room = m->room ? 2 * m->room : 1024;
    place *places = pt_calloc(room, sizeof *places);

    if (!places) return false;
    for (size_t i = 0; i < m->room; i++)
        if (m->places[i].key) *find(places, room, m->places[i].key) = m->places[i];
    free(m->places);
    m->places = places;
    m->room = room;
    return true;
}

sg_mailbox_t pt_mailboxes_find(pt_mailboxes *m, int from, int to, int tag)
{
    uint64_t key = key_of(from, to, tag);
    place *p = m->room ? find(m->places, m->room, key) : NULL;
    sg_mailbox_t box;
    char name[32];

    if (p && p->key) return p->box;
    snprintf(name, sizeof name, "%d.%d.%d", from, to, tag);
    box = sg_mailbox_by_name(name);
    if (2 * m->n >= m->room && !grow(m)) return NULL;
    p = find(m->places, m->room, key);
    if (!p->key) m->n++;
    *p = (place){key, box};
    return box;
}
