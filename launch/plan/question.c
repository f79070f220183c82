#include "launch/plan/question.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/run/synthetic.h"

static json_t *array_of(const double *x, int n)
{
    json_t *a = json_array();

    for (int i = 0; i < n; i++) json_array_append_new(a, json_real(x[i]));
    return a;
}

/* Takes j. what: "request". */
static pt_status write_line(json_t *j, FILE *out, const char *what)
{
    int bad = j ? json_dumpf(j, out, JSON_COMPACT) : -1;

    json_decref(j);
    if (bad || fputc('\n', out) == EOF || fflush(out) != 0)
        return pt_fail(PT_ERR_IO, "the simulator's %s cannot be written", what);
    return PT_OK;
}

pt_status pt_question_write(const pt_trial *t, const pt_costs *c, FILE *out)
{
    return write_line(
        json_pack("{ss si si si sb sb si sf sf sf sf sf sf sf sf so}", "network",
                  t->network, "nodes", t->nodes, "servers", t->servers, "batch", t->batch,
                  "apart", t->apart, "sockets", t->sockets, "cores", t->cores, "link",
                  t->link, "latency", t->latency_s, "checksum", c->rates.checksum,
                  "addition", c->rates.addition, "update", c->rates.update, "product",
                  c->rates.product, "send", c->rates.send, "receive", c->rates.receive,
                  "layers", array_of(c->forward, 3 * c->n_nodes)),
        out, "question");
}

static pt_status read_layers(const pt_trial *t, const json_t *layers, pt_costs *c)
{
    pt_graph *graph = NULL;
    pt_status s = pt_synthetic_graph(t->network, 0, &graph);

    if (s == PT_OK) s = pt_costs_init(c, graph);
    pt_graph_destroy(&graph);
    if (s != PT_OK) return s;
    if (json_array_size(layers) != 3 * (size_t)c->n_nodes)
        return pt_fail(PT_ERR_DATA, "times of %zu layers for the %d of %s",
                       json_array_size(layers) / 3, c->n_nodes, t->network);
    for (size_t i = 0; i < json_array_size(layers); i++)
        c->forward[i] = json_number_value(json_array_get(layers, i));
    return PT_OK;
}

pt_status pt_question_read(FILE *in, pt_trial *t, pt_costs *c)
{
    json_error_t error;
    json_t *j = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error), *layers = NULL;
    const char *network = NULL;
    pt_cost_rates r = {0};
    int apart = 0, sockets = 0;
    pt_status s = PT_OK;

    *t = (pt_trial){0};
    *c = (pt_costs){0};
    if (!j ||
        json_unpack(j, "{ss si si si sb sb si sF sF sF sF sF sF sF sF so}", "network",
                    &network, "nodes", &t->nodes, "servers", &t->servers, "batch",
                    &t->batch, "apart", &apart, "sockets", &sockets, "cores", &t->cores,
                    "link", &t->link, "latency", &t->latency_s, "checksum", &r.checksum,
                    "addition", &r.addition, "update", &r.update, "product", &r.product,
                    "send", &r.send, "receive", &r.receive, "layers", &layers) != 0)
        s = pt_fail(PT_ERR_DATA, "the simulator got no request: `ptrain plan` starts it");
    if (s == PT_OK) t->network = strdup(network);
    if (s == PT_OK && !t->network) s = pt_fail(PT_ERR_NOMEM, "no memory for the request");
    if (s == PT_OK) s = read_layers(t, layers, c);
    c->rates = r;
    t->apart = apart != 0;
    t->sockets = sockets != 0;
    json_decref(j);
    return s;
}

pt_status pt_answer_write(const pt_answer *a, FILE *out)
{
    return write_line(json_pack("{sf sI sI}", "step_s", a->step_s, "busiest",
                                (json_int_t)a->busiest, "messages",
                                (json_int_t)a->messages),
                      out, "answer");
}

pt_status pt_answer_read(FILE *in, pt_answer *a)
{
    json_error_t error;
    json_t *j = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
    json_int_t busiest = 0, messages = 0;
    pt_status s = PT_OK;

    *a = (pt_answer){0};
    if (!j || json_unpack(j, "{sF sI sI}", "step_s", &a->step_s, "busiest", &busiest,
                          "messages", &messages) != 0)
        s = pt_fail(PT_ERR_DATA, "the simulator gave no answer");
    a->busiest = (uint64_t)busiest;
    a->messages = (uint64_t)messages;
    json_decref(j);
    return s;
}
