/* suite.c: cases outer, implementations inner, workers kept alive; every verdict is delivered.
 * SPDX-License-Identifier: MIT */
#include "conformance/suite.h"

#include "conformance/case_parse.h"
#include "conformance/checks/checks.h"
#include "conformance/clock.h"
#include "conformance/names.h"
#include "conformance/refusal.h"
#include "conformance/session.h"
#include "conformance/subject.h"
#include "conformance/trial.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CHECKS 64
#define DRAWS       3 /* sets of data at most, for a check that could not decide on the one before */

/* One implementation under test. */
typedef struct candidate {
    const char *path, *label;
    assay_session *session;        /* NULL when dead or not started */
    char name[48], hash[65];       /* of what was loaded last */
    int no_device, hopeless, told; /* nothing to run on; can't be started any more; and that was delivered */
    assay_verdict end;             /* when hopeless: how it ended */
    int diagnosed[MOST_CHECKS];    /* failures of each check whose cause was looked for */
    char why[256];
} candidate;

typedef struct run_state {
    const assay_suite_options *o;
    assay_summary *summary;
    candidate *candidates;
    assay_finding *findings;
    int selected, done;    /* cases */
    char ill_posed_at[96]; /* the last committed case that was */
} run_state;

/* ---- selection ---- */

static int op_by_name(const char *name)
{
    for (int op = ASSAY_OP_RNN; op <= ASSAY_OP_NETWORK; op++)
        if (!strcmp(assay_op_name(op), name)) return op;
    return -1;
}

/* The first of the list that is no check; its length in *length. NULL: all are. */
static const char *unknown_check(const char *list, int *length)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        *length = (int)strcspn(at, ",");
        int known = 0;
        for (int k = 0; k < assay_check_count(); k++) {
            const char *name = assay_check_get(k)->name;
            known |= (int)strlen(name) == *length && !strncmp(name, at, (size_t)*length);
        }
        if (!known) return at;
    }
    return NULL;
}

static int is_selected(const assay_suite_options *o, const assay_case *c)
{
    if (o->op && op_by_name(o->op) != c->problem.op) return 0;
    if (o->glob && fnmatch(o->glob, c->id, 0) != 0) return 0;
    const int from_all = o->glob && (!o->within_level || assay_case_is_id(o->glob));
    if (from_all || o->level == ASSAY_LEVEL_FULL) return 1;
    return o->level == ASSAY_LEVEL_QUICK ? c->flags & ASSAY_CASE_QUICK : !(c->flags & ASSAY_CASE_FULL);
}

static int applies(const assay_suite_options *o, const assay_check *k, const assay_case *c)
{
    if (o->check && !assay_names_hold(o->check, ',', k->name)) return 0;
    return !k->applies || k->applies(c);
}

/* A parameter of one element that an optimizer moves. Where it is near 0 its new value shows, in fp64, what is lost in
 * 1 - beta^t, which no run of a floor rounds. */
static int has_lone_parameter(const assay_problem *p)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = p->optimizer == ASSAY_OPT_NONE ? 0 : assay_tensors_of(p, list);
    int any = 0;
    for (int k = 0; k < count; k++)
        any |= list[k].role == ASSAY_ROLE_UPDATED && list[k].count == 1;
    return any;
}

/* The full level takes every small case through more: each cotangent, every placement, fp64. Differences stay with the
 * rows that were chosen for them, away from kinks and saturation. Rows of the full set alone are there for their sizes
 * or data: of those the smaller ones are taken further, and no cotangent is singled out. */
static void widen(const assay_suite_options *o, assay_case *c)
{
    const assay_problem *p = &c->problem;
    const int rare = (c->flags & ASSAY_CASE_FULL) != 0;
    const double small = rare ? 5e4 : 3e5, few = 1e5; /* multiply-adds; logits and states of CTC */
    const double elements = (double)p->t * p->n * (p->classes + 2.0 * p->max_label);
    if (o->level != ASSAY_LEVEL_FULL || c->documented) return;
    c->flags |= rare ? ASSAY_CASE_MEMORY : 0;
    if (assay_macs_forward(p, NULL) > small || elements > few) return;
    c->flags |= ASSAY_CASE_MEMORY | (rare ? 0 : ASSAY_CASE_EACH);
    if (!has_lone_parameter(p)) c->flags |= ASSAY_CASE_FP64;
}

static int total_cases(const assay_suite_options *o)
{
    return assay_case_count() + o->extra_count;
}

static void get_case(const assay_suite_options *o, int index, assay_case *c)
{
    if (index < assay_case_count())
        assay_case_get(index, c);
    else
        *c = o->extra[index - assay_case_count()];
    widen(o, c);
}

/* Selected, and some selected check applies to it. */
static int takes_part(const assay_suite_options *o, const assay_case *c)
{
    int any = 0;
    for (int i = 0; i < assay_check_count(); i++)
        any |= applies(o, assay_check_get(i), c);
    return any && is_selected(o, c);
}

static int count_selected(const assay_suite_options *o)
{
    int count = 0;
    for (int k = 0; k < total_cases(o); k++) {
        assay_case c;
        get_case(o, k, &c);
        count += takes_part(o, &c);
    }
    return count;
}

/* ---- delivery ---- */

static double worst_margin(const assay_trial *t)
{
    double worst = 0;
    for (int k = 0; k < t->finding_count; k++)
        if (strcmp(t->findings[k].rule, ASSAY_RULE_POWER) != 0) worst = fmax(worst, t->findings[k].margin);
    return worst;
}

static void deliver(run_state *s, const candidate *c, const assay_case *k, const char *check, int arithmetic,
                    const assay_trial *t, double seconds)
{
    assay_result r;
    memset(&r, 0, sizeof r);
    r.impl = c->name[0] ? c->name : c->label;
    r.plugin = c->path;
    r.plugin_hash = c->hash;
    r.case_id = k->id;
    r.notes = c->session ? assay_session_about(c->session)->notes : "";
    r.check = check;
    r.problem = &k->problem;
    r.ragged = k->ragged;
    r.arithmetic = arithmetic;
    r.seed = s->o->seed;
    r.verdict = t->verdict;
    r.margin = worst_margin(t);
    r.findings = t->findings;
    r.finding_count = t->finding_count;
    r.seconds = seconds;
    if (t->verdict != ASSAY_VERDICT_PASS) snprintf(r.why, sizeof r.why, "%s", t->why);
    if (t->verdict == ASSAY_VERDICT_FAIL) snprintf(r.cause, sizeof r.cause, "%s", t->cause);
    int is_check = strcmp(check, ASSAY_CHECK_LOAD) != 0; /* nobody can ask for "load" */
    snprintf(r.reproducer, sizeof r.reproducer, "assay check --impl %s --case '%s'%s%s --seed 0x%llx --threads %d%s",
             c->label, k->id, is_check ? " --check " : "", is_check ? check : "", (unsigned long long)s->o->seed,
             s->o->threads, s->o->level == ASSAY_LEVEL_FULL ? " --full" : "");
    s->summary->counts[t->verdict]++;
    if (t->verdict == ASSAY_VERDICT_ILL_POSED && !(k->flags & ASSAY_CASE_DIAGNOSTIC) &&
        strcmp(s->ill_posed_at, k->id) != 0 && assay_case_is_in_table(k->id)) {
        snprintf(s->ill_posed_at, sizeof s->ill_posed_at, "%s", k->id);
        s->summary->ill_posed_committed++;
    }
    if (t->verdict == ASSAY_VERDICT_PASS) s->summary->worst_margin = fmax(s->summary->worst_margin, r.margin);
    if (s->o->on_result) s->o->on_result(s->o->user, &r);
}

/* A verdict without a run. */
static void deliver_plain(run_state *s, const candidate *c, const assay_case *k, const char *check, int arithmetic,
                          assay_verdict v, const char *why)
{
    assay_trial t;
    memset(&t, 0, sizeof t);
    t.verdict = v;
    snprintf(t.why, sizeof t.why, "%s", why);
    deliver(s, c, k, check, arithmetic, &t, 0);
}

/* ---- candidates ---- */

/* Starts the worker if it isn't there. 1 = ready. A plugin that is none is the caller's error: *bad. */
static int revive(run_state *s, candidate *c, int *bad)
{
    assay_session_options o = {s->o->threads, 0, s->o->time_limit > 0 ? s->o->time_limit : 30, s->o->worker};
    if (c->session && assay_session_alive(c->session)) return 1;
    if (c->no_device || c->hopeless) return 0;
    assay_session_end(c->session);
    c->session = NULL;
    assay_reply r = assay_session_start(c->path, &o, &c->session);
    if (c->session) {
        snprintf(c->name, sizeof c->name, "%s", assay_session_about(c->session)->name);
        snprintf(c->hash, sizeof c->hash, "%s", assay_session_about(c->session)->plugin_hash);
        return 1;
    }
    snprintf(c->why, sizeof c->why, "%s", r.what);
    c->no_device = r.outcome == ASSAY_ANSWERED && r.status == ASSAY_NO_DEVICE;
    c->hopeless = !c->no_device;
    c->end = r.outcome == ASSAY_TIMED_OUT   ? ASSAY_VERDICT_TIMEOUT
             : r.outcome == ASSAY_UNSTARTED ? ASSAY_VERDICT_BROKEN
                                            : ASSAY_VERDICT_CRASHED;
    if (bad) *bad = r.outcome == ASSAY_ANSWERED && r.status == ASSAY_BAD_ARGUMENT;
    return 0;
}

static double limit_for(const assay_suite_options *o, const assay_problem *p)
{
    const double patience = 10, slowest = 1e8; /* seconds; multiply-adds a second of the slowest honest plugin */
    if (o->time_limit > 0) return o->time_limit;
    return patience + (assay_macs_forward(p, NULL) + assay_macs_backward(p, NULL, 1)) / slowest;
}

/* A check on one set of data. The caller releases nothing: findings are the suite's, the rest is freed here. */
static void try_check(run_state *s, candidate *c, assay_subject *subject, const assay_arithmetic *declared,
                      const assay_check *k, assay_trial *t)
{
    memset(t, 0, sizeof *t);
    t->subject = subject;
    t->session = c->session;
    t->check = k;
    t->declared = *declared;
    t->findings = s->findings;
    const int check = (int)(k - assay_check_get(0));
    t->diagnose = check < MOST_CHECKS && c->diagnosed[check] < s->o->diagnose;
    t->full = s->o->level == ASSAY_LEVEL_FULL;
    k->run(t);
    if (t->cause[0]) c->diagnosed[check]++;
    assay_trial_release(t);
}

/* Now and then a gradient cancels nearly to nothing at a seed, and honest arithmetic can't decide there. Such a trial
 * is repeated on other data of the same case. Only ILL_POSED is: any other verdict stands. What a workload's shape
 * costs forbids it there. */
static void run_check(run_state *s, candidate *c, assay_subject *subject, const assay_arithmetic *declared,
                      const assay_check *k)
{
    const assay_case *of = subject->c;
    const int draws = of->documented || of->flags & ASSAY_CASE_DIAGNOSTIC ? 1 : DRAWS;
    assay_trial t;
    double start = assay_clock();
    try_check(s, c, subject, declared, k, &t);
    for (int draw = 1; draw < draws && t.verdict == ASSAY_VERDICT_ILL_POSED; draw++) {
        assay_subject other;
        uint64_t seed = subject->seed + ((uint64_t)draw << 32);
        if (assay_subject_make(of, subject->p.arithmetic, seed, s->o->cache, s->o->floors, &other) != ASSAY_OK) {
            t.verdict = ASSAY_VERDICT_BROKEN;
            snprintf(t.why, sizeof t.why, "no memory for other data");
            break;
        }
        try_check(s, c, &other, declared, k, &t);
        assay_subject_free(&other);
    }
    t.subject = subject;
    if (t.verdict == ASSAY_VERDICT_PASS && t.alive_truths == 0 && !(of->flags & ASSAY_CASE_DIAGNOSTIC)) {
        t.verdict = ASSAY_VERDICT_MISTRUSTED;
        snprintf(t.why, sizeof t.why, "nothing that was compared differs from 0");
    }
    deliver(s, c, of, k->name, subject->p.arithmetic, &t, assay_clock() - start);
}

/* What supports() said of a subject: asked once, so that an implementation can't withdraw where it would fail. */
typedef struct standing {
    assay_verdict verdict; /* PASS: supported, and it declares what was asked for */
    assay_arithmetic declared;
    char why[256];
} standing;

static standing ask(run_state *s, candidate *c, const assay_subject *subject)
{
    standing out;
    char why[256] = "";
    memset(&out, 0, sizeof out);
    if (c->no_device) {
        out.verdict = ASSAY_VERDICT_SKIPPED;
        snprintf(out.why, sizeof out.why, "%s", c->why);
        return out;
    }
    const char *full_rows = assay_session_about(c->session)->full_rows;
    const int op = subject->p.op;
    if (subject->c->ragged && full_rows[0] && (op == ASSAY_OP_RNN || op == ASSAY_OP_NETWORK)) {
        out.verdict = ASSAY_VERDICT_UNSUPPORTED;
        snprintf(out.why, sizeof out.why, "%s", full_rows);
        return out;
    }
    assay_session_limit(c->session, limit_for(s->o, &subject->p));
    assay_reply r = assay_refusal_ask(c->session, &subject->p, &out.declared, why, sizeof why);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK) {
        int honours = assay_arithmetic_honours(subject->p.arithmetic, &out.declared, out.why, sizeof out.why);
        out.verdict = honours ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_FAIL;
    } else if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED) {
        out.verdict = ASSAY_VERDICT_UNSUPPORTED;
        snprintf(out.why, sizeof out.why, "%s", why);
    } else {
        out.verdict = r.outcome == ASSAY_TIMED_OUT  ? ASSAY_VERDICT_TIMEOUT
                      : r.outcome == ASSAY_ANSWERED ? ASSAY_VERDICT_FAIL
                                                    : ASSAY_VERDICT_CRASHED;
        snprintf(out.why, sizeof out.why, "%s", r.what);
    }
    return out;
}

/* One verdict for all that it can't be asked any more, with their number: once, not once a case. */
static void give_up(run_state *s, candidate *c, const assay_case *k)
{
    char why[256];
    if (c->told++) return;
    snprintf(why, sizeof why, "%d of %d cases could not be run to their end: %.200s", s->selected - s->done,
             s->selected, c->why);
    deliver_plain(s, c, k, ASSAY_CHECK_LOAD, ASSAY_FP32, c->end, why);
}

static void run_candidate(run_state *s, candidate *c, assay_subject *subject)
{
    standing said = {ASSAY_VERDICT_PASS, {0}, ""};
    int asked = 0;
    for (int i = 0; i < assay_check_count(); i++) {
        const assay_check *k = assay_check_get(i);
        if (!applies(s->o, k, subject->c)) continue;
        if (!revive(s, c, NULL) && c->hopeless) { /* at load, or it died in the check before */
            give_up(s, c, subject->c);
            return;
        }
        if (!asked++) said = ask(s, c, subject);
        if (said.verdict != ASSAY_VERDICT_PASS) {
            deliver_plain(s, c, subject->c, k->name, subject->p.arithmetic, said.verdict, said.why);
        } else {
            assay_session_limit(c->session, limit_for(s->o, &subject->p));
            run_check(s, c, subject, &said.declared, k);
        }
    }
}

static assay_status run_case(run_state *s, const assay_case *c, int arithmetic)
{
    assay_subject subject;
    assay_status st = assay_subject_make(c, arithmetic, s->o->seed, s->o->cache, s->o->floors, &subject);
    for (int k = 0; st == ASSAY_OK && k < s->o->plugin_count; k++) {
        run_candidate(s, &s->candidates[k], &subject);
        if (!c->documented) continue;
        /* It would hold the shape's blocks until its next plan, gigabytes that the next implementation needs. */
        assay_session_end(s->candidates[k].session);
        s->candidates[k].session = NULL;
    }
    if (st == ASSAY_OK) assay_subject_free(&subject);
    return st;
}

static int is_anyone_left(const run_state *s)
{
    for (int k = 0; k < s->o->plugin_count; k++)
        if (!s->candidates[k].told) return 1;
    return 0;
}

static assay_status run_all(run_state *s, char *why, size_t why_size)
{
    for (int k = 0; k < total_cases(s->o) && is_anyone_left(s); k++) {
        assay_case c;
        get_case(s->o, k, &c);
        if (!takes_part(s->o, &c)) continue;
        if (s->o->stop && s->o->stop(s->o->user)) {
            s->summary->stopped = 1;
            break;
        }
        if (s->o->on_progress) s->o->on_progress(s->o->user, s->done, s->selected, c.id);
        assay_status st = run_case(s, &c, ASSAY_FP32);
        if (st == ASSAY_OK && (c.flags & ASSAY_CASE_FP64)) st = run_case(s, &c, ASSAY_FP64);
        if (c.flags & ASSAY_CASE_NARROW) c.flags &= ~(unsigned)ASSAY_CASE_GRADCHECK;
        for (int format = ASSAY_TF32; st == ASSAY_OK && c.flags & ASSAY_CASE_NARROW && format <= ASSAY_FP16; format++)
            st = run_case(s, &c, format);
        if (st != ASSAY_OK) {
            snprintf(why, why_size, "%s: its data could not be made (status %d)", c.id, (int)st);
            return st == ASSAY_BAD_ARGUMENT ? ASSAY_FAILED : st; /* the caller gave no bad argument */
        }
        s->done++;
    }
    return ASSAY_OK;
}

const char *assay_level_name(assay_level l)
{
    static const char *const names[] = {"quick", "ordinary", "full"};
    return names[l];
}

/* "--op xent --check update --quick" */
static void name_filters(const assay_suite_options *o, char *text, size_t size)
{
    const struct {
        const char *option, *value;
    } filters[] = {{"--op ", o->op}, {"--check ", o->check}, {"--case ", o->glob}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < sizeof filters / sizeof *filters; k++) {
        if (!filters[k].value || used >= size) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s%.100s", used ? " " : "", filters[k].option,
                                 filters[k].value);
    }
    if (o->level == ASSAY_LEVEL_QUICK && (!o->glob || o->within_level) && used < size)
        snprintf(text + used, size - used, "%s--quick", used ? " " : "");
}

static assay_status check_names(const assay_suite_options *o, int selected, char *why, size_t why_size)
{
    if (o->op && op_by_name(o->op) < 0) {
        snprintf(why, why_size, "op '%s' is unknown: expected rnn, xent, ctc or network", o->op);
        return ASSAY_BAD_ARGUMENT;
    }
    int length = 0;
    const char *unknown = o->check ? unknown_check(o->check, &length) : NULL;
    if (unknown) {
        snprintf(why, why_size, "check '%.*s' is unknown: 'assay list checks' names them", length, unknown);
        return ASSAY_BAD_ARGUMENT;
    }
    if (selected == 0) {
        char filters[384], others[96] = "'assay list cases' names them";
        assay_suite_options all = *o;
        all.within_level = 0;
        const int outside = o->glob && o->level == ASSAY_LEVEL_QUICK ? count_selected(&all) : 0;
        if (outside) snprintf(others, sizeof others, "the quick set has none of them, the other sets have %d", outside);
        name_filters(o, filters, sizeof filters);
        snprintf(why, why_size, "no case is selected by %s: %s", filters, others);
        return ASSAY_BAD_ARGUMENT;
    }
    return ASSAY_OK;
}

assay_status assay_suite_run(const assay_suite_options *o, assay_summary *out, char *why, size_t why_size)
{
    run_state s = {.o = o, .summary = out, .selected = count_selected(o)};
    memset(out, 0, sizeof *out);
    assay_status st = check_names(o, s.selected, why, why_size);
    if (st != ASSAY_OK) return st;
    s.candidates = calloc((size_t)o->plugin_count + 1, sizeof *s.candidates);
    s.findings = calloc(ASSAY_MAX_FINDINGS, sizeof *s.findings);
    if (!s.candidates || !s.findings) {
        snprintf(why, why_size, "no memory to begin with");
        st = ASSAY_NO_MEMORY;
    }
    for (int k = 0; k < o->plugin_count && st == ASSAY_OK; k++) {
        candidate *c = &s.candidates[k];
        int bad = 0;
        c->path = o->plugins[k];
        c->label = o->labels ? o->labels[k] : o->plugins[k];
        if (!revive(&s, c, &bad) && bad) {
            snprintf(why, why_size, "%s", c->why);
            st = ASSAY_BAD_ARGUMENT;
        }
    }
    if (st == ASSAY_OK) st = run_all(&s, why, why_size);
    for (int k = 0; s.candidates && k < o->plugin_count; k++)
        assay_session_end(s.candidates[k].session);
    free(s.candidates);
    free(s.findings);
    return st;
}

int assay_summary_exit(const assay_summary *s)
{
    int total = 0;
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
        total += s->counts[v];
        if (assay_verdict_is_failure((assay_verdict)v) && s->counts[v]) return 1;
    }
    if (s->counts[ASSAY_VERDICT_BROKEN] || s->ill_posed_committed) return 3;
    if (total > 0 && s->counts[ASSAY_VERDICT_SKIPPED] == total) return 77;
    return s->counts[ASSAY_VERDICT_PASS] ? 0 : 1;
}
