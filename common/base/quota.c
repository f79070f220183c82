#include "common/base/quota.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 1024, LINE_BYTES = 512 };

/* The first two numbers in a file; false: it has no two (as "max 100000"), or is not
 * there. */
static bool two_numbers(const char *path, long long *a, long long *b)
{
    FILE *f = fopen(path, "re");
    bool two = f && fscanf(f, "%lld %lld", a, b) == 2;

    if (f) fclose(f);
    return two;
}

static bool one_number(const char *dir, const char *name, long long *x)
{
    char path[PATH_BYTES + 32];
    FILE *f;
    bool one;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "re");
    one = f && fscanf(f, "%lld", x) == 1;
    if (f) fclose(f);
    return one;
}

/* The limit of the group whose directory this is; 0: none. */
static int limit_of(const char *dir)
{
    char path[PATH_BYTES + 32];
    long long quota = 0, period = 0;
    bool limited;

    snprintf(path, sizeof path, "%s/cpu.max", dir);
    limited = two_numbers(path, &quota, &period) ||
              (one_number(dir, "cpu.cfs_quota_us", &quota) &&
               one_number(dir, "cpu.cfs_period_us", &period));
    if (!limited || quota <= 0 || period <= 0) return 0;
    return quota < period ? 1 : (int)(quota / period);
}

static int lesser(int a, int b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* The least limit of the group and those above it, below a mount. In a container the
 * group's name may be the host's, of which only the top is there. */
static int least_of(const char *mount, const char *group)
{
    char dir[PATH_BYTES];
    int least = 0;
    size_t top = strlen(mount);

    if (snprintf(dir, sizeof dir, "%s%s", mount, group) >= (int)sizeof dir) return 0;
    for (;;) {
        char *slash;

        least = lesser(least, limit_of(dir));
        slash = strrchr(dir + top, '/');
        if (!slash) return least;
        *slash = '\0';
    }
}

/* Is "cpu" in a list like "cpu,cpuacct"? */
static bool names_cpu(const char *list)
{
    const char *at = strstr(list, "cpu");

    for (; at; at = strstr(at + 1, "cpu"))
        if ((at == list || at[-1] == ',') && (at[3] == ',' || at[3] == '\0')) return true;
    return false;
}

/* A line of /proc/self/cgroup, "4:cpu,cpuacct:/group", or "0::/group" of version 2. */
static int limit_in(const char *root, char *line)
{
    char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
    char mount[2][PATH_BYTES / 2];

    if (!group) return 0;
    *group++ = '\0';
    list++;
    group[strcspn(group, "\n")] = '\0';
    if (*list && !names_cpu(list)) return 0;
    snprintf(mount[0], sizeof mount[0], "%s/sys/fs/cgroup%s%s", root, *list ? "/" : "",
             list);
    snprintf(mount[1], sizeof mount[1], "%s/sys/fs/cgroup/%s", root,
             *list ? "cpu" : "unified");
    return lesser(least_of(mount[0], group), least_of(mount[1], group));
}

int pt_quota_cpus(const char *root)
{
    char path[PATH_BYTES / 2], line[LINE_BYTES];
    int least = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) least = lesser(least, limit_in(root, line));
    if (f) fclose(f);
    return least;
}

int pt_quota_at_most(int n)
{
    int limit = pt_quota_cpus("");

    return limit > 0 && limit < n ? limit : n;
}
