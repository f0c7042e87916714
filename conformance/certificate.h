/* certificate.h: the record that lets an implementation be timed: what was proved, for which bytes, where, with how
 * many threads, by which suite. SPDX-License-Identifier: MIT */
#ifndef ASSAY_CERTIFICATE_H
#define ASSAY_CERTIFICATE_H

#include "conformance/session.h"
#include "conformance/suite.h"

#define ASSAY_CERTIFICATE_GROUPS 512 /* the full set has 225; a test holds that they fit */
#define ASSAY_CERTIFICATE_CHECKS 16

/* Version of the suite and a hash of its sources: cases, checks, worker, reference. */
extern const char assay_suite_version[];

/* Verdicts of one check. */
typedef struct assay_tally {
    int32_t passed, unsupported, not_passed;
} assay_tally;

/* Cases of one dialect that use the same features. */
typedef struct assay_group {
    char key[32];      /* assay_dialect_key() */
    uint64_t features; /* assay_features_of() */
    double worst_margin;
    assay_tally by[ASSAY_CERTIFICATE_CHECKS]; /* index: assay_check_get() */
} assay_group;

typedef struct assay_certificate {
    char impl[48], version[192];
    char plugin_hash[65], mapped_hash[65]; /* the plugin's file; every library that its worker maps */
    char suite[32], reference[65];         /* assay_suite_version; hash of the reference's sources */
    char device[128];                      /* CPU model, or the GPU's name */
    char hash[65];                         /* of this certificate's text; set by read and write */
    int32_t arithmetic, level;             /* assay_format, assay_level */
    int32_t threads;                       /* that the implementation was given */
    uint64_t seed;
    int32_t changed; /* 1: some result was another file's: the plugin was replaced meanwhile. Covers nothing */
    int32_t lost;    /* results for which there was no room: covers nothing */
    int32_t count;
    assay_group groups[ASSAY_CERTIFICATE_GROUPS];
} assay_certificate;

/* What is to be timed, and with how many threads. */
typedef struct assay_need {
    const assay_problem *problem;
    int32_t ragged; /* 1: some row is shorter than T */
    int32_t threads;
} assay_need;

/* An empty one for this worker's plugin. `device` names the host's processor: a plugin on another device has that. */
void assay_certificate_begin(const assay_session_info *about, const char *device, int arithmetic, assay_level level,
                             int threads, uint64_t seed, assay_certificate *out);
/* Counts a result of the same arithmetic under its dialect, features and check. */
void assay_certificate_note(assay_certificate *c, const assay_result *r);

/* 1 if everything that the problem is made of was proved with that number of threads: its dialect as a stack, as a
 * network, and its loss. Of each of them nothing may have failed, every check that applies must have passed with every
 * feature that the problem uses, and nothing that the problem's own features contain may be UNSUPPORTED
 * (docs/performance.md). Else 0 and one line in why that names what lacks a pass. */
int assay_certificate_covers(const assay_certificate *c, const assay_need *need, char *why, size_t why_size);

/* <folder>/<impl>.<arithmetic>.t<threads>.<start of mapped_hash>.json, written whole or not at all.
 * ASSAY_FAILED for one that covers nothing, whatever it counts. */
assay_status assay_certificate_write(const char *folder, assay_certificate *c, char *why, size_t why_size);
/* 1 if the folder holds a valid one for these very bytes, this device, suite, reference and number of threads, at this
 * level or a higher. */
int assay_certificate_read(const char *folder, const assay_session_info *about, const char *device, int arithmetic,
                           assay_level level, int threads, assay_certificate *out);

/* ---- the gate ---- */

typedef struct assay_gate {
    const char *plugin, *label; /* path; as the user named it */
    const char *folder;         /* of certificates */
    const char *device;
    assay_suite_options suite; /* level, seed, cache, worker, callbacks; plugins, op, check, glob, threads are the
                                  gate's */
} assay_gate;

/* Reads the certificate, or runs the conformance suite with the needed number of threads and writes one. ASSAY_OK: *out
 * covers the need. ASSAY_FAILED: it does not conform, and why says what broke or lacks a pass; no number may be
 * printed. ASSAY_BAD_ARGUMENT: not a plugin. ASSAY_NO_DEVICE. */
assay_status assay_gate_open(const assay_gate *g, const assay_need *need, assay_certificate *out, char *why,
                             size_t why_size);

#endif
