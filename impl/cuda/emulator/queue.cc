/* queue.cc: launches, copies and zeros on the emulator: a graph of each call, run when the call ends, in random order.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/queue.h"

#include "impl/cuda/device.hpp"
#include "impl/common/cuda/kernels.h"

#include <new>
#include <stdlib.h>
#include <string.h>

#define KERNEL_ROW(name, type, threads) KERNEL_DECLARE(name, type);
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW

namespace
{

struct row {
    const char *name;
    void (*kernel)(const void *args);
    uint32_t threads, bytes; /* bytes: of its argument */
};

const row table[KERNELS] = {
#define KERNEL_ROW(name, type, threads) {#name, KERNEL_ADDRESS(name), threads, sizeof(type)},
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW
};

enum class what { launch, zero, copy };

struct node {
    what kind;
    int kernel;
    launch_shape shape;
    uint64_t args; /* where they stand in `bytes` of its graph */
    void *to;
    const void *from;
    uint64_t size;
    int lane;
    int64_t place, after; /* how many of its lane come before; a node of the other lane that has to, or -1 */
};

/* Grows by more than a half, so that the same call finds room at once when it comes again. */
template <class T> bool room(T **list, uint64_t *have, uint64_t want)
{
    if (want <= *have) return true;
    const uint64_t more = want + want / 2 + 64;
    T *got = static_cast<T *>(realloc(*list, more * sizeof(T)));
    if (!got) return false;
    *list = got;
    *have = more;
    return true;
}

} // namespace

struct graph {
    node *nodes;
    unsigned char *bytes;
    uint64_t count, used, nodes_had, bytes_had;
    int64_t anew; /* the node that queue_launch_anew() made, or -1 */
    uint64_t key_bytes;
    int complete; /* 1: `key` is that of a call that was sent to its end */
    unsigned char key[];
};

struct queue {
    emulator_machine *machine;
    assay_status status;
    emulator_fault fault; /* of the last call */
    const char *why;      /* what is wrong with a call as a whole, or NULL */
    uint64_t launches, calls;
    graph *own, *g; /* for calls that nobody keeps; of this call */
    int replays, lane;
    int64_t last[2], count[2], after[2], joined; /* by lane; the last node of lane 1 that lane 0 waits for */
};

const char *queue_plugin_name(void)
{
    return EMULATOR_PLUGIN;
}

const char *queue_version(void)
{
    return "1, kernels of impl/cuda on fibers: a test device, never timed";
}

int32_t queue_place(void)
{
    return ASSAY_HOST;
}

const char *queue_untimed(void)
{
    return "an emulator of a GPU: a test device, never timed";
}

int queue_allocates(void)
{
    return 0;
}

graph *queue_graph_make(uint64_t bytes)
{
    graph *g = static_cast<graph *>(calloc(1, sizeof *g + bytes));
    if (g) g->key_bytes = bytes;
    return g;
}

void queue_graph_free(graph *g)
{
    if (!g) return;
    free(g->nodes);
    free(g->bytes);
    free(g);
}

/* The queue whose call ended last, for queue_reason(), which is told of none. */
static const queue **last_queue()
{
    static thread_local const queue *last;
    return &last;
}

assay_status queue_open(int32_t, queue **out)
{
    queue *q = static_cast<queue *>(calloc(1, sizeof *q));
    if (q) q->machine = emulator_open();
    if (q) q->own = queue_graph_make(0);
    if (!q || !q->machine || !q->own) {
        queue_close(q);
        return ASSAY_NO_MEMORY;
    }
    *out = q;
    return ASSAY_OK;
}

void queue_close(queue *q)
{
    if (!q) return;
    if (*last_queue() == q) *last_queue() = nullptr;
    queue_graph_free(q->own);
    emulator_close(q->machine);
    free(q);
}

static void empty(queue *q, graph *g)
{
    q->g = g;
    g->count = g->used = 0;
    g->anew = -1;
    g->complete = 0;
}

void queue_begin(queue *q, assay_stream)
{
    q->status = ASSAY_OK;
    q->fault = EMULATOR_NONE;
    q->why = nullptr;
    q->replays = q->lane = 0;
    q->count[0] = q->count[1] = 0;
    q->last[0] = q->last[1] = q->after[0] = q->after[1] = q->joined = -1;
    empty(q, q->own);
}

int queue_record(queue *q, graph *g, const void *key)
{
    if (g->complete && memcmp(g->key, key, g->key_bytes) == 0) {
        q->g = g;
        q->replays = 1;
        return 1;
    }
    empty(q, g);
    memcpy(g->key, key, g->key_bytes);
    return 0;
}

void queue_lane(queue *q, int lane)
{
    q->lane = lane;
}

void queue_fork(queue *q)
{
    q->after[1] = q->last[0];
}

void queue_join(queue *q)
{
    q->after[0] = q->joined = q->last[1];
}

/* A node at the end of the lane that is being filled. */
static node *add(queue *q, what kind)
{
    graph *g = q->g;
    if (q->status != ASSAY_OK) return nullptr;
    if (q->replays || !room(&g->nodes, &g->nodes_had, g->count + 1)) {
        q->status = q->replays ? ASSAY_FAILED : ASSAY_NO_MEMORY;
        q->why = q->replays ? "a call that is sent again sends something new" : "no memory for what a call sends";
        return nullptr;
    }
    node *n = &g->nodes[g->count];
    *n = node{};
    n->kind = kind;
    n->lane = q->lane;
    n->place = q->count[q->lane]++;
    n->after = q->after[q->lane];
    q->after[q->lane] = -1;
    q->last[q->lane] = static_cast<int64_t>(g->count++);
    return n;
}

void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    const uint64_t size = (table[kernel].bytes + 15) / 16 * 16;
    graph *g = q->g;
    node *n = add(q, what::launch);
    if (!n) return;
    if (!room(&g->bytes, &g->bytes_had, g->used + size)) {
        q->status = ASSAY_NO_MEMORY;
        return;
    }
    n->kernel = kernel;
    n->shape = *shape;
    n->args = g->used;
    memcpy(g->bytes + n->args, args, table[kernel].bytes);
    g->used += size;
}

void queue_launch_anew(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    graph *g = q->g;
    if (q->replays && g->anew >= 0) {
        memcpy(g->bytes + g->nodes[g->anew].args, args, table[kernel].bytes);
        return;
    }
    queue_launch(q, kernel, shape, args);
    g->anew = static_cast<int64_t>(g->count) - 1;
}

void queue_zero(queue *q, void *to, uint64_t bytes)
{
    node *n = bytes ? add(q, what::zero) : nullptr;
    if (!n) return;
    n->to = to;
    n->size = bytes;
}

void queue_copy(queue *q, void *to, const void *from, uint64_t bytes)
{
    node *n = bytes ? add(q, what::copy) : nullptr;
    if (!n) return;
    n->to = to;
    n->from = from;
    n->size = bytes;
}

static void run_node(queue *q, const node *n)
{
    if (n->kind == what::zero) memset(n->to, 0, n->size);
    if (n->kind == what::copy) memcpy(n->to, n->from, n->size);
    if (n->kind != what::launch) return;
    const row *k = &table[n->kernel];
    const launch_shape *s = &n->shape;
    const emulator_launch launch = {k->name,
                                    k->kernel,
                                    q->g->bytes + n->args,
                                    {s->x, s->y, 1},
                                    s->threads,
                                    s->cluster,
                                    s->shared,
                                    ++q->launches * 0x9e3779b97f4a7c15u};
    q->fault = s->threads > k->threads ? EMULATOR_BOUNDS : emulator_run(q->machine, &launch);
    if (q->fault != EMULATOR_NONE) q->status = ASSAY_FAILED;
}

/* The next node of a lane; NULL: there is none, or it has to wait for the other lane. */
static const node *next_of(const graph *g, int lane, uint64_t *at, const int64_t *done)
{
    while (*at < g->count && g->nodes[*at].lane != lane)
        ++*at;
    const node *n = *at < g->count ? &g->nodes[*at] : nullptr;
    if (!n || n->after < 0) return n;
    const node *first = &g->nodes[n->after];
    return done[first->lane] > first->place ? n : nullptr;
}

/* All nodes, in an order that the lanes allow: in one call of four lane 0 as early as it may, in one of them lane 1. */
static void run_graph(queue *q)
{
    const graph *g = q->g;
    uint64_t at[2] = {0, 0}, random = ++q->calls * 0x9e3779b97f4a7c15u;
    int64_t done[2] = {0, 0};
    const uint64_t way = (random ^ random >> 31) >> 7 & 3;
    while (q->status == ASSAY_OK) {
        const node *n[2] = {next_of(g, 0, &at[0], done), next_of(g, 1, &at[1], done)};
        if (!n[0] && !n[1]) return;
        random = random * 6364136223846793005u + 1442695040888963407u;
        const int first = way < 2 ? static_cast<int>(way) : static_cast<int>(random >> 40 & 1);
        const int lane = n[first] ? first : 1 - first;
        run_node(q, n[lane]);
        done[lane]++;
        at[lane]++;
    }
}

const char *queue_reason(void)
{
    const queue *q = *last_queue();
    return q ? queue_why(q) : "";
}

assay_status queue_end(queue *q)
{
    *last_queue() = q;
    if (q->status == ASSAY_OK && !q->replays && q->joined != q->last[1]) {
        q->status = ASSAY_FAILED;
        q->why = "a call ends, and nobody waits for lane 1";
    }
    run_graph(q);
    q->g->complete = q->status == ASSAY_OK;
    return q->status;
}

uint32_t queue_width(const queue *)
{
    return 2; /* blocks run one after another: more of them only cost more fibers */
}

uint32_t queue_shared(const queue *)
{
    return 227 * 1024;
}

uint32_t queue_resident(queue *, int, const launch_shape *shape)
{
    return 132 / shape->cluster; /* layouts are chosen as for an H200, were its multiprocessors free to meet */
}

#ifndef EMULATOR_CLUSTER
#define EMULATOR_CLUSTER 0
#endif

uint32_t queue_only_cluster(const queue *)
{
    return EMULATOR_CLUSTER;
}

emulator_fault queue_fault(const queue *q)
{
    return q->fault;
}

const char *queue_why(const queue *q)
{
    return q->why ? q->why : q->fault == EMULATOR_NONE ? "" : emulator_why(q->machine);
}
