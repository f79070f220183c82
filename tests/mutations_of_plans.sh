# shellcheck shell=bash
# Sourced by mutations.sh: changes of `ptrain plan` and its simulator (libsimgrid-dev).
mutation gaps_between_packets_are_free launch.plan launch/plan/options.c <<'M'
- return (double)(mtu - IN_PACKET) / (mtu + ON_WIRE);
+ return (double)(mtu - IN_PACKET) / mtu;
M
mutation label_of_a_link_is_its_rate launch.plan launch/plan/options.c <<'M'
- if (o->mtu > 0) o->bytes_per_s *= pt_plan_payload(o->mtu);
M
mutation rdma_goes_through_sockets launch.plan launch/plan/options.c <<'M'
- .sockets = !o->rdma,
+ .sockets = true,
M
mutation servers_apart_is_forgotten launch.plan launch/plan/options.c <<'M'
- .apart = o->apart,
+ .apart = false,
M
mutation nodes_of_one_machine_have_cores_of_their_own launch.plan launch/plan/options.c <<'M'
- .cores = o->cores,
+ .cores = 0,
M
mutation servers_apart_are_beside_workers launch.plan launch/plan/trial.c <<'M'
- host[s] = t->apart ? t->nodes + s : s % t->nodes;
+ host[s] = s % t->nodes;
M
mutation simulated_machine_has_a_core_for_each_rank e2e.plan launch/plan/sim/platform.c <<'M'
- if (s == PT_OK && t->cores > 0) pt_cost_share(sg_host_by_name(machine));
M
mutation answers_of_tcp_are_free e2e.plan launch/plan/sim/platform.c <<'M'
- return t->sockets ? t->link / (1 + answers) : t->link;
+ return t->sockets ? t->link : t->link / (1 + answers);
M
mutation what_is_sent_costs_no_thread e2e.plan launch/plan/sim/carrier.c <<'M'
- if (!is_near(k, peer)) pt_cost_owe(k->sim->costs.rates.send * (double)bytes);
M
mutation what_is_received_costs_no_thread e2e.plan launch/plan/sim/carrier.c <<'M'
- if (!is_near(k, peer)) pt_cost_owe(k->sim->costs.rates.receive * (double)bytes);
M
mutation rank_is_let_off_what_a_sleep_left launch.debts launch/plan/sim/cost.c <<'M'
- return s - (simgrid_get_clock() - start);
+ return 0 * start;
M
mutation receivers_share_a_mailbox launch.mailboxes launch/plan/sim/mailboxes.c <<'M'
- return 1 + ((uint64_t)from << 40 | (uint64_t)to << 20 | (uint64_t)tag);
+ return 1 + ((uint64_t)from << 40 | (uint64_t)tag);
M
mutation formula_is_the_bound_alone e2e.plan launch/plan/forecast.c <<'M'
- return rows[k].step_s / rows[k].bound_s;
+ return 1;
M
