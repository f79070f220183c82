#include "common/base/fscall.h"

#include <stdio.h>

#include "common/base/clock.h"

static _Thread_local pt_fscall *mine;

void pt_fscall_init(pt_fscall *c)
{
    *c = (pt_fscall){.mutex = PTHREAD_MUTEX_INITIALIZER, .since_s = pt_clock()};
}

void pt_fscall_here(pt_fscall *c)
{
    mine = c;
}

static void begin(const char *call, const char *path, bool library)
{
    if (!mine) return;
    pthread_mutex_lock(&mine->mutex);
    mine->call = call;
    snprintf(mine->path, sizeof mine->path, "%s", path);
    mine->inside = true;
    mine->library = library;
    mine->since_s = pt_clock();
    pthread_mutex_unlock(&mine->mutex);
}

void pt_fscall_begin(const char *call, const char *path)
{
    begin(call, path, false);
}

void pt_fscall_begin_library(const char *call, const char *path)
{
    begin(call, path, true);
}

void pt_fscall_end(void)
{
    if (!mine) return;
    pthread_mutex_lock(&mine->mutex);
    mine->inside = mine->library = false;
    mine->since_s = pt_clock();
    pthread_mutex_unlock(&mine->mutex);
}

double pt_fscall_quiet_s(pt_fscall *c)
{
    double s;

    pthread_mutex_lock(&c->mutex);
    s = pt_clock() - c->since_s;
    pthread_mutex_unlock(&c->mutex);
    return s;
}

bool pt_fscall_in_library(pt_fscall *c)
{
    bool yes;

    pthread_mutex_lock(&c->mutex);
    yes = c->library;
    pthread_mutex_unlock(&c->mutex);
    return yes;
}

void pt_fscall_describe(pt_fscall *c, char out[PT_FSCALL_TEXT])
{
    *out = '\0';
    pthread_mutex_lock(&c->mutex);
    if (c->inside)
        snprintf(out, PT_FSCALL_TEXT, "%s of %s has not returned for %.0f s", c->call,
                 c->path, pt_clock() - c->since_s);
    pthread_mutex_unlock(&c->mutex);
}
