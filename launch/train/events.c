#include "launch/train/events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/fscall.h"
#include "common/base/log.h"
#include "launch/train/tfrecord.h"
#include "proto/tensorboard.pb-c.h"
#include "worker/input/thumbnail.h"

typedef Pt__Tensorboard__Event event;
typedef Pt__Tensorboard__Value value;

enum {
    MAX_VALUES = 64,
    MAX_TAG = 128,
    BUCKETS = 30,
    PICTURES = 8,
    SIDE = 256,
    QUALITY = 90
};

struct pt_events {
    int fd;
    char *path;
    bool failed;
    off_t end;
    double *w; /* [n_w] of the steps of this epoch at which it acted */
    size_t n_w, capacity;
    double epoch; /* that w is of; NAN: of none, or one that began before this job */
};

void pt_events_close(pt_events **pe)
{
    pt_events *e = pe ? *pe : NULL;

    if (!e) return;
    if (e->fd >= 0) close(e->fd);
    free(e->path);
    free(e->w);
    free(e);
    *pe = NULL;
}

/* ---- writing ---------------------------------------------------------------------- */

static void give_up(pt_events *e, const char *why)
{
    pt_log_warn("%s: %s; TensorBoard gets no more of this run, metrics.jsonl goes on",
                e->path, why);
    e->failed = true;
    if (e->fd >= 0 && ftruncate(e->fd, e->end) != 0)
        return; /* readers skip half a record */
}

static bool write_all(pt_events *e, const uint8_t *bytes, size_t n)
{
    size_t done = 0;

    pt_fscall_begin("write", e->path);
    while (done < n) {
        ssize_t k = pwrite(e->fd, bytes + done, n - done, e->end + (off_t)done);

        if (k > 0)
            done += (size_t)k;
        else if (errno != EINTR)
            break;
    }
    pt_fscall_end();
    if (done == n) e->end += (off_t)n;
    return done == n;
}

static void put(pt_events *e, event *x)
{
    size_t n;
    uint8_t *record;

    if (e->failed) return;
    x->has_wall_time = x->has_step = true;
    x->wall_time = pt_date();
    n = pt__tensorboard__event__get_packed_size(x);
    record = malloc(PT_TFRECORD_HEAD + n + PT_TFRECORD_TAIL);
    if (!record) {
        give_up(e, "no memory for an event");
        return;
    }
    pt__tensorboard__event__pack(x, record + PT_TFRECORD_HEAD);
    pt_tfrecord_close(record, n);
    if (!write_all(e, record, PT_TFRECORD_HEAD + n + PT_TFRECORD_TAIL))
        give_up(e, strerror(errno));
    free(record);
}

static void put_values(pt_events *e, int64_t step, value **values, size_t n)
{
    Pt__Tensorboard__Summary summary = PT__TENSORBOARD__SUMMARY__INIT;
    event x = PT__TENSORBOARD__EVENT__INIT;

    summary.value = values;
    summary.n_value = n;
    x.step = step;
    x.summary = &summary;
    if (n > 0) put(e, &x);
}

/* ---- numbers ---------------------------------------------------------------------- */

static bool is_scalar(const char *key, const json_t *v)
{
    static const char *const others[] = {"step",  "stage", "images",
                                         "epoch", "right", "of"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0) return false;
    return json_is_number(v);
}

static bool is_time(const char *key)
{
    size_t n = strlen(key);

    return strcmp(key, "seconds") == 0 || (n > 2 && strcmp(key + n - 2, "_s") == 0);
}

/* "train/ce", "time/compute_s", "test/accuracy", "ema/test/accuracy". */
static void name(const json_t *line, const char *key, char tag[MAX_TAG])
{
    const char *of = json_string_value(json_object_get(line, "test_of"));
    const char *second = json_string_value(json_object_get(line, "weights"));

    if (second) of = json_string_value(json_object_get(line, "tested_on"));
    snprintf(tag, MAX_TAG, "%s%s%s/%s", second ? second : "", second ? "/" : "",
             of             ? of
             : is_time(key) ? "time"
                            : "train",
             key);
}

static void put_scalars(pt_events *e, int64_t step, const json_t *line)
{
    static const value none = PT__TENSORBOARD__VALUE__INIT;
    value values[MAX_VALUES], *list[MAX_VALUES];
    char tags[MAX_VALUES][MAX_TAG];
    size_t n = 0;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)line, key, v)
    {
        if (n == MAX_VALUES || !is_scalar(key, v)) continue;
        name(line, key, tags[n]);
        values[n] = none;
        values[n].tag = tags[n];
        values[n].has_simple_value = true;
        values[n].simple_value = (float)json_number_value(v);
        list[n] = &values[n];
        n++;
    }
    put_values(e, step, list, n);
}

/* ---- w over an epoch -------------------------------------------------------------- */

static void count(const double *x, size_t n, double low, double width, double *bucket)
{
    for (size_t i = 0; i < n; i++) {
        int at = width > 0 ? (int)((x[i] - low) / width) : 0;

        bucket[at < BUCKETS ? at : BUCKETS - 1]++;
    }
}

static void put_histogram(pt_events *e, int64_t step)
{
    Pt__Tensorboard__Histogram h = PT__TENSORBOARD__HISTOGRAM__INIT;
    value v = PT__TENSORBOARD__VALUE__INIT, *list[] = {&v};
    double limit[BUCKETS], bucket[BUCKETS] = {0}, width;

    h.min = h.max = e->w[0];
    for (size_t i = 0; i < e->n_w; i++) {
        h.min = fmin(h.min, e->w[i]);
        h.max = fmax(h.max, e->w[i]);
        h.sum += e->w[i];
        h.sum_squares += e->w[i] * e->w[i];
    }
    h.num = (double)e->n_w;
    width = (h.max - h.min) / BUCKETS;
    count(e->w, e->n_w, h.min, width, bucket);
    for (int i = 0; i < BUCKETS; i++) limit[i] = h.min + width * (i + 1);
    h.has_min = h.has_max = h.has_num = h.has_sum = h.has_sum_squares = true;
    h.bucket_limit = limit;
    h.bucket = bucket;
    h.n_bucket_limit = h.n_bucket = width > 0 ? BUCKETS : 1;
    limit[h.n_bucket - 1] = h.max;
    v.tag = (char[]){"train/w of an epoch"};
    v.histo = &h;
    put_values(e, step, list, 1);
}

static void keep_w(pt_events *e, double w)
{
    double *list = pt_grow(e->w, e->n_w, &e->capacity, sizeof *list);

    if (!list) return;
    e->w = list;
    e->w[e->n_w++] = w;
}

/* The line of the first step of an epoch ends the one before it. */
static void take_w(pt_events *e, int64_t step, const json_t *line)
{
    double at = json_number_value(json_object_get(line, "epoch")),
           epoch = floor(at + 1e-6);
    double w = json_number_value(json_object_get(line, "w"));

    if (epoch != e->epoch) {
        if (e->n_w > 0 && isfinite(e->epoch)) put_histogram(e, step - 1);
        e->n_w = 0;
        e->epoch = fabs(at - epoch) < 1e-6 ? epoch : NAN;
    }
    if (w > 0 && isfinite(w) && isfinite(e->epoch)) keep_w(e, w);
}

void pt_events_line(void *context, const json_t *line)
{
    pt_events *e = context;
    int64_t step = json_integer_value(json_object_get(line, "step")) + 1;

    if (json_is_number(json_object_get(line, "epoch"))) take_w(e, step, line);
    put_scalars(e, step, line);
}

/* ---- pictures --------------------------------------------------------------------- */

static void put_picture(pt_events *e, const pt_dataset *d, size_t image)
{
    Pt__Tensorboard__Image shown = PT__TENSORBOARD__IMAGE__INIT;
    value v = PT__TENSORBOARD__VALUE__INIT, *list[] = {&v};
    pt_thumbnail t;
    char tag[MAX_TAG];

    if (pt_thumbnail_create(d, image, SIDE, QUALITY, &t) == PT_OK) {
        snprintf(tag, sizeof tag, "pictures/%s",
                 pt_dataset_class_name(d, pt_dataset_label(d, image)));
        shown.has_height = shown.has_width = shown.has_colorspace = shown.has_encoded =
            true;
        shown.height = t.height;
        shown.width = t.width;
        shown.colorspace = 3;
        shown.encoded = (ProtobufCBinaryData){t.bytes, t.file};
        v.tag = tag;
        v.image = &shown;
        put_values(e, 0, list, 1);
    }
    pt_thumbnail_fini(&t);
}

void pt_events_pictures(pt_events *e, const pt_dataset *d, const uint32_t *images,
                        size_t n)
{
    bool *seen = pt_calloc((size_t)pt_dataset_classes(d), sizeof *seen);
    int shown = 0;

    for (size_t i = 0; seen && i < n && shown < PICTURES; i++) {
        int label = pt_dataset_label(d, images[i]);

        if (seen[label]) continue;
        seen[label] = true;
        put_picture(e, d, images[i]);
        shown++;
    }
    free(seen);
}

/* ---- files of this job and those before ------------------------------------------- */

/* Is it of a step that is done, and of no test that will be done again? */
static bool stays(const event *x, int64_t first_step, bool test_owed)
{
    const char *tag =
        x->summary && x->summary->n_value > 0 ? x->summary->value[0]->tag : NULL;
    bool test = tag && strncmp(tag, "train/", 6) != 0 && strncmp(tag, "time/", 5) != 0 &&
                strncmp(tag, "pictures/", 9) != 0;

    return x->step < first_step || (x->step == first_step && !(test && test_owed));
}

/* Cuts a file at the first event that does not stay, or cannot be read. */
static void prune(const char *path, int64_t first_step, bool test_owed)
{
    FILE *f = fopen(path, "r+e");
    uint8_t *bytes = NULL;
    size_t n;
    off_t end = 0;
    bool more = f != NULL;

    while (more && pt_tfrecord_read(f, &bytes, &n)) {
        event *x = pt__tensorboard__event__unpack(NULL, n, bytes);

        more = x && stays(x, first_step, test_owed);
        if (more) end = ftello(f);
        if (x) pt__tensorboard__event__free_unpacked(x, NULL);
    }
    if (!f || ftruncate(fileno(f), end) != 0)
        pt_log_warn("%s: cannot be cut after step %lld: %s; TensorBoard may show later "
                    "steps twice",
                    path, (long long)first_step, strerror(errno));
    free(bytes);
    if (f) fclose(f);
}

static void prune_all(const char *dir, int64_t first_step, bool test_owed)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d))) {
        char *path;

        if (strncmp(entry->d_name, PT_EVENTS_PREFIX, sizeof PT_EVENTS_PREFIX - 1) != 0)
            continue;
        path = pt_file_path(dir, entry->d_name);
        if (path) prune(path, first_step, test_owed);
        free(path);
    }
    if (d) closedir(d);
}

/* A new file whose name sorts after those of jobs before this one; -1 on failure. */
static int make(const char *dir, char **path)
{
    char host[64] = "";
    long long second = (long long)pt_date();

    if (gethostname(host, sizeof host - 1) != 0) strcpy(host, "host");
    for (int i = 0; i < 10; i++) {
        char name[128];
        int fd;

        snprintf(name, sizeof name, PT_EVENTS_PREFIX "%010lld.%s", second + i, host);
        free(*path);
        *path = pt_file_path(dir, name);
        fd = *path ? open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* What a file begins with; a resumed job also makes void what a reader has seen of steps
 * that it repeats. */
static void begin(pt_events *e, int64_t first_step, bool test_owed)
{
    Pt__Tensorboard__SessionLog start = PT__TENSORBOARD__SESSION_LOG__INIT;
    event version = PT__TENSORBOARD__EVENT__INIT, resumed = PT__TENSORBOARD__EVENT__INIT;

    version.file_version = (char[]){"brain.Event:2"};
    put(e, &version);
    if (first_step == 0) return;
    start.has_status = true;
    start.status = PT__TENSORBOARD__SESSION_LOG__STATUS__START;
    resumed.session_log = &start;
    resumed.step = first_step + !test_owed;
    put(e, &resumed);
}

pt_status pt_events_open(const char *dir, uint64_t first_step, bool test_owed,
                         pt_events **out)
{
    pt_events *e = pt_calloc(1, sizeof *e);

    *out = NULL;
    if (!e) return pt_fail(PT_ERR_NOMEM, "no memory for events");
    e->epoch = NAN;
    prune_all(dir, (int64_t)first_step, test_owed);
    e->fd = make(dir, &e->path);
    if (!e->path) {
        pt_events_close(&e);
        return pt_fail(PT_ERR_NOMEM, "no memory for events");
    }
    if (e->fd < 0)
        give_up(e, strerror(errno));
    else
        begin(e, (int64_t)first_step, test_owed);
    *out = e;
    return PT_OK;
}
