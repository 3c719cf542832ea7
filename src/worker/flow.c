// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/flow.h"

#include <assert.h>

#include "base/mem.h"

enum { WAIT_MS = 1000 };

struct flow {
    struct loop *loop;
    struct jobs *jobs;
    struct flow_turn *first, *last; // waiting
    size_t passing;                 // that are no jobs yet
    bool is_open;
    struct loop_deferred later;
    struct loop_timer *timer;
};

static bool
has_room(const struct flow *flow)
{
    return flow->is_open || jobs_room(flow->jobs) > flow->passing;
}

static void
list_add(struct flow *flow, struct flow_turn *turn)
{
    turn->next = NULL;
    turn->prev = flow->last;
    if (flow->last == NULL)
        flow->first = turn;
    else
        flow->last->next = turn;
    flow->last = turn;
}

static void
list_remove(struct flow *flow, struct flow_turn *turn)
{
    if (turn->prev == NULL)
        flow->first = turn->next;
    else
        turn->prev->next = turn->next;
    if (turn->next == NULL)
        flow->last = turn->prev;
    else
        turn->next->prev = turn->prev;
}

static void
let_pass(struct flow *flow, struct flow_turn *turn)
{
    list_remove(flow, turn);
    turn->is_waiting = false;
    flow->passing++;
    turn->go(turn->arg);
}

static void
look(void *arg)
{
    struct flow *flow = arg;
    uint64_t now = loop_now_ms(flow->loop);

    while (flow->first != NULL && (has_room(flow) || flow->first->until_ms <= now))
        let_pass(flow, flow->first);
    if (flow->first != NULL)
        loop_timer_start(flow->timer, flow->first->until_ms - now);
}

static void
look_later(void *arg)
{
    struct flow *flow = arg;

    if (flow->first != NULL)
        loop_defer(flow->loop, &flow->later);
}

bool
flow_enter(struct flow *flow, struct flow_turn *turn, loop_callback *go, void *arg)
{
    bool is_next = flow->first == NULL && has_room(flow);

    assert(turn->flow == NULL);
    *turn = (struct flow_turn){.flow = flow,
                               .is_waiting = !is_next,
                               .until_ms = loop_now_ms(flow->loop) + WAIT_MS,
                               .go = go,
                               .arg = arg};
    if (is_next) {
        flow->passing++;
        return true;
    }
    if (flow->first == NULL)
        loop_timer_start(flow->timer, WAIT_MS);
    list_add(flow, turn);
    return false;
}

void
flow_leave(struct flow_turn *turn)
{
    struct flow *flow = turn->flow;

    if (flow == NULL)
        return;
    turn->flow = NULL;
    if (turn->is_waiting)
        list_remove(flow, turn);
    else
        flow->passing--;
    look_later(flow);
}

void
flow_open(struct flow *flow)
{
    flow->is_open = true;
    look_later(flow);
}

struct flow *
flow_new(struct loop *loop, struct jobs *jobs)
{
    struct flow *flow = mem_zalloc(sizeof *flow);

    flow->loop = loop;
    flow->jobs = jobs;
    flow->later = (struct loop_deferred){.run = look, .arg = flow};
    flow->timer = loop_timer_new(loop, look, flow);
    jobs_watch_room(jobs, look_later, flow);
    return flow;
}

void
flow_free(struct flow **flow)
{
    if (*flow == NULL)
        return;
    assert((*flow)->first == NULL && (*flow)->passing == 0);
    jobs_watch_room((*flow)->jobs, NULL, NULL);
    loop_undefer((*flow)->loop, &(*flow)->later);
    loop_timer_free(&(*flow)->timer);
    mem_free(flow);
}
