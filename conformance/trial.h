/* trial.h: one check on one case against one implementation: run its passes in the worker, compare, collect findings.
 * SPDX-License-Identifier: MIT
 *
 * What a check's author uses. Every function does nothing once the trial is over (the worker died, a call failed), so
 * checks read as a list of steps. */
#ifndef ASSAY_TRIAL_H
#define ASSAY_TRIAL_H

#include "conformance/compare.h"
#include "conformance/session.h"
#include "conformance/subject.h"
#include "conformance/suite.h"

/* What is run. Between passes workspace is refilled with NaN; before the first all four blocks are. */
typedef enum assay_routine {
    ASSAY_ROUTINE_INFER,    /* pack, INFER */
    ASSAY_ROUTINE_FORWARD,  /* pack, TRAIN */
    ASSAY_ROUTINE_TRAIN,    /* pack, TRAIN (network: LOSS_PASS too) */
    ASSAY_ROUTINE_BACKWARD, /* ... BACKWARD, unpack */
    ASSAY_ROUTINE_UPDATE,   /* ... BACKWARD, UPDATE, unpack */
    ASSAY_ROUTINE_STEP,     /* pack, STEP, unpack */
    ASSAY_ROUTINE_RELOAD,   /* pack, unpack */
    /* These go on from the blocks as the run before left them, and never pack: that run must have packed. */
    ASSAY_ROUTINE_BACKWARD_AGAIN, /* BACKWARD on the same reserve, overwriting, unpack */
    ASSAY_ROUTINE_BACKWARD_ALONE, /* the same, and outputs are there but hold NaN: to be dropped, not judged */
    ASSAY_ROUTINE_BACKWARD_ADD,   /* BACKWARD on the same reserve, accumulating, unpack */
    ASSAY_ROUTINE_TRAIN_ADD,      /* TRAIN, (LOSS_PASS,) BACKWARD accumulating, unpack */
    ASSAY_ROUTINE_INFER_ON,       /* INFER */
    ASSAY_ROUTINE_UPDATE_ON,      /* TRAIN, (LOSS_PASS,) BACKWARD, UPDATE, unpack */
    ASSAY_ROUTINE_STEP_ON,        /* STEP, unpack */
    ASSAY_ROUTINE_INFER_BETWEEN,  /* INFER, reserve as it is */
    ASSAY_ROUTINE_LOSS_ON,        /* network: LOSS_PASS */
    ASSAY_ROUTINE_UNPACK_ON,      /* unpack */
    ASSAY_ROUTINE_STEP_ADD,       /* STEP with accumulate = 1, unpack */
    ASSAY_ROUTINE_UPDATE_AGAIN,   /* UPDATE from the same gradients, unpack */
    ASSAY_ROUTINE_UPDATE_SUM      /* TRAIN, LOSS_PASS, BACKWARD, the same again accumulating, UPDATE, unpack */
} assay_routine;

typedef struct assay_trial {
    assay_subject *subject;
    assay_session *session;
    const assay_check *check;
    assay_arithmetic declared;
    assay_placement placement;        /* of tensors and blocks from the next run on */
    int planned;                      /* the session holds a plan for this subject at this placement */
    assay_tensor list[ASSAY_TENSORS]; /* the plan's tensors */
    int list_count;
    assay_memory memory[ASSAY_TENSORS]; /* made when first needed */
    unsigned char bound[ASSAY_TENSORS];
    int64_t updates;         /* UPDATEs and STEPs since the last pack: they count on from the subject's step */
    assay_timing timing;     /* of the last run */
    assay_finding *findings; /* [ASSAY_MAX_FINDINGS], the suite's */
    int finding_count;
    int alive_truths; /* judged tensors whose truth was not all zero */
    int full;         /* 1: the full level, where a sweep may be long */
    int lenient;      /* 1: what a floor above its bound cannot decide is held to exact contracts alone, and counted */
    int undecided;    /* tensors so counted */
    assay_verdict verdict;
    int over;
    char why[256];
    struct assay_beside *beside; /* a second plan in the same worker; NULL: none. Owned */
    int diagnose;                /* 1: the first failing comparison is looked into */
    char cause[400];             /* what it showed, one line; "" */
} assay_trial;

/* Runs a routine on given data (of the subject's problem), and makes *got with the tensors of the roles in `wanted`,
 * filled with what came back; before the run they hold NaN. skip: array [ASSAY_TENSORS], 1 = not wanted (NULL is
 * passed); may be NULL. 1 if it worked; then the caller frees *got. Else the trial is over and *got is empty. */
int assay_trial_run(assay_trial *t, assay_routine routine, const assay_values *given, unsigned wanted,
                    const unsigned char *skip, assay_values *got);

/* From here on problem *p is in the place of the subject's own: fewer samples or steps, other sizes. Whether the
 * implementation supports it is asked first: where not, a finding says so and 0 is returned though the trial isn't
 * over. After 1, runs share one plan until assay_trial_leave() with the same *whole. */
int assay_trial_enter(assay_trial *t, const char *label, const assay_problem *p, assay_subject **whole);
void assay_trial_leave(assay_trial *t, assay_subject *whole);

/* From here on the plan is not the only one: beside it is one of another cell, other options or other sizes, whatever
 * of that the implementation takes, on data of its own. Nothing happens where it takes none. */
void assay_trial_beside(assay_trial *t);
/* Between two runs of the first plan the second one runs: pack, TRAIN (network: LOSS_PASS too), unjudged. */
void assay_trial_run_beside(assay_trial *t);
/* What a run of the second plan's trial, which began with the findings and the verdict of t, means for t. */
void assay_trial_take_back(assay_trial *t, const assay_trial *second);
/* The second plan goes, and the first one stays. */
void assay_trial_part(assay_trial *t);
void assay_trial_forget_beside(assay_trial *t); /* what the parent holds of it; assay_trial_release() does so, too */

/* The next run, which has to be on these data, finds its inputs at other addresses: at the other end of their pages. */
void assay_trial_move_inputs(assay_trial *t, const assay_values *given);

/* One run between these two. */
int assay_trial_run_as(assay_trial *t, const char *label, const assay_problem *p, assay_routine routine,
                       const assay_values *given, unsigned wanted, assay_values *got);

/* Judges every tensor of got that o has the truth of. label goes in front of the tensor's name ("", "dy alone: "). */
void assay_trial_judge(assay_trial *t, const char *label, const assay_problem *p, const assay_values *given,
                       const assay_values *got, const assay_oracle *o);
/* Tensors of a and b (given roles) must be the same bits. scale: b must be a times this (1, 2: exact in binary). */
void assay_trial_expect_same(assay_trial *t, const char *label, unsigned roles, const assay_values *a, double scale,
                             const assay_values *b);
/* All tensors with these roles must be exactly 0. */
void assay_trial_expect_zero(assay_trial *t, const char *label, unsigned roles, const assay_values *got);
/* Adds a finding as it is; the verdict follows. */
void assay_trial_add(assay_trial *t, const assay_finding *f);
/* Ends the trial with a verdict and one line. A worse verdict from before stands, with its own line. */
void assay_trial_end(assay_trial *t, assay_verdict v, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The subject's oracle for a variant, or NULL and the trial is over. */
const assay_oracle *assay_trial_oracle(assay_trial *t, int variant, unsigned roles);

/* 1: the session has a plan for the subject. */
int assay_trial_plan(assay_trial *t);
/* What a reply to a request means for the trial: 1 = go on, else it is over, and says what it was doing. */
int assay_trial_goes_on(assay_trial *t, const assay_reply *r, const char *doing);

void assay_trial_release(assay_trial *t); /* frees memory; the session and subject stay */

#define ASSAY_FORWARD_ROLE  (1u << ASSAY_ROLE_FORWARD)
#define ASSAY_GRADIENT_ROLE (1u << ASSAY_ROLE_GRADIENT)
#define ASSAY_UPDATED_ROLE  (1u << ASSAY_ROLE_UPDATED)

#endif
