#include "common/comm/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HUGE = 2 << 20, LINE = 64 };

typedef struct {
    char *base; /* NULL: not mapped */
    size_t bytes;
    void *room; /* the mapping, with what aligns it; NULL: another's */
    size_t room_bytes;
} segment;

struct pt_segments {
    int rank, size;
    int fd; /* of this rank's; -1: none, or closed */
    size_t used;
    uint64_t mark; /* of this rank's */
    segment of[];  /* [size] */
};

/* A mark follows the bytes: the file that has it is the one that was described. */
static size_t mark_at(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t file_bytes(size_t bytes)
{
    return mark_at(bytes) + sizeof(uint64_t);
}

/* At a multiple of the size of huge pages, without which there are none. */
static pt_status map_file(int fd, size_t bytes, segment *out)
{
    segment g = {.bytes = bytes, .room_bytes = file_bytes(bytes) + HUGE};

    g.room = mmap(NULL, g.room_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.room == MAP_FAILED)
        return pt_fail(PT_ERR_IO, "mmap of %zu bytes: %s", g.room_bytes, strerror(errno));
    g.base = (char *)g.room + (HUGE - (uintptr_t)g.room % HUGE) % HUGE;
    *out = g;
    if (mmap(g.base, file_bytes(bytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             fd, 0) == MAP_FAILED)
        return pt_fail(PT_ERR_IO, "mmap of %zu shared bytes: %s", bytes, strerror(errno));
    madvise(g.base, bytes, MADV_HUGEPAGE); /* a wish */
    return PT_OK;
}

static void unmap(segment *g)
{
    if (g->room) munmap(g->room, g->room_bytes);
    *g = (segment){0};
}

/* ---- this rank's ------------------------------------------------------------------- */

static pt_status create_own(pt_segments *s, size_t bytes)
{
    segment *mine = &s->of[s->rank];
    pt_status st;

    s->fd = memfd_create("ptrain", MFD_CLOEXEC);
    if (s->fd < 0) return pt_fail(PT_ERR_IO, "memfd_create: %s", strerror(errno));
    if (ftruncate(s->fd, (off_t)file_bytes(bytes)) != 0)
        return pt_fail(PT_ERR_IO, "memory of %zu bytes to share: %s", bytes,
                       strerror(errno));
    if (getrandom(&s->mark, sizeof s->mark, 0) != sizeof s->mark)
        return pt_fail(PT_ERR_IO, "getrandom: %s", strerror(errno));
    st = map_file(s->fd, bytes, mine);
    if (st == PT_OK) memcpy(mine->base + mark_at(bytes), &s->mark, sizeof s->mark);
    return st;
}

pt_status pt_segments_create(int rank, int size, size_t bytes, pt_segments **out)
{
    pt_segments *s = calloc(1, sizeof *s + (size_t)size * sizeof s->of[0]);
    pt_status st = PT_OK;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "no memory for the list of segments");
    s->rank = rank;
    s->size = size;
    s->fd = -1;
    if (bytes > 0) st = create_own(s, bytes);
    if (st == PT_OK)
        *out = s;
    else
        pt_segments_destroy(&s);
    return st;
}

void pt_segments_destroy(pt_segments **s)
{
    if (!s || !*s) return;
    pt_segments_close(*s);
    for (int i = 0; i < (*s)->size; i++) unmap(&(*s)->of[i]);
    free(*s);
    *s = NULL;
}

void pt_segments_close(pt_segments *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

void *pt_segments_take(pt_segments *s, size_t bytes)
{
    const segment *mine = s ? &s->of[s->rank] : NULL;
    void *p;

    if (!mine || !mine->base || bytes > mine->bytes - s->used) return NULL;
    p = mine->base + s->used;
    bytes = mark_at(bytes); /* whole cache lines */
    s->used = bytes < mine->bytes - s->used ? s->used + bytes : mine->bytes;
    return p;
}

/* ---- the others' ------------------------------------------------------------------- */

void pt_segments_describe(const pt_segments *s, char *out, size_t n)
{
    *out = '\0';
    if (s->fd >= 0)
        snprintf(out, n, "%ld %d %zu %" PRIx64, (long)getpid(), s->fd,
                 s->of[s->rank].bytes, s->mark);
}

/* Opens the file and maps it if it is the one. */
static pt_status map_described(const char *path, size_t bytes, uint64_t mark, segment *g)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st = {0};
    pt_status s;

    if (fd < 0) return pt_fail(PT_ERR_IO, "open %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != file_bytes(bytes))
        s = pt_fail(PT_ERR_IO, "%s is another file", path);
    else
        s = map_file(fd, bytes, g);
    if (s == PT_OK && memcmp(g->base + mark_at(bytes), &mark, sizeof mark) != 0)
        s = pt_fail(PT_ERR_IO, "%s is another process's", path);
    close(fd);
    return s;
}

pt_status pt_segments_map(pt_segments *s, int rank, const char *described)
{
    char path[64];
    uint64_t mark;
    size_t bytes;
    long pid;
    int fd;

    if (*described == '\0') return PT_OK;
    if (sscanf(described, "%ld %d %zu %" SCNx64, &pid, &fd, &bytes, &mark) != 4)
        return pt_fail(PT_ERR_COMM, "rank %d describes its memory as '%.100s'", rank,
                       described);
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", pid, fd);
    return map_described(path, bytes, mark, &s->of[rank]);
}

void pt_segments_join(pt_segments *s, int rank, const pt_segments *of)
{
    const segment *g = &of->of[rank];

    s->of[rank] = (segment){.base = g->base, .bytes = g->bytes};
}

bool pt_segments_has(const pt_segments *s, int rank)
{
    return s && s->of[rank].base;
}

uint64_t pt_segments_place(const pt_segments *s, const void *data, size_t bytes)
{
    const segment *mine = &s->of[s->rank];
    uintptr_t at = (uintptr_t)data - (uintptr_t)mine->base;

    PT_CHECK(mine->base && at <= mine->bytes && bytes <= mine->bytes - at,
             "%zu bytes to lend are not in this rank's segment", bytes);
    return at;
}

void *pt_segments_at(const pt_segments *s, int rank, uint64_t place, size_t bytes)
{
    const segment *g = &s->of[rank];

    if (place > g->bytes || bytes > g->bytes - place) return NULL;
    return g->base + place;
}
