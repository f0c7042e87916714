/* certificate.h: the record that lets an implementation be timed: what was proved, for which bytes, where, by which
 * suite. SPDX-License-Identifier: MIT */
#ifndef ASSAY_CERTIFICATE_H
#define ASSAY_CERTIFICATE_H

#include "conformance/session.h"
#include "conformance/suite.h"

#define ASSAY_CERTIFICATE_KEYS 64

typedef struct assay_certificate {
    char impl[48], version[192];
    char plugin_hash[65], mapped_hash[65]; /* the plugin's file; every library that its worker maps */
    char suite[32], reference[65];         /* version of the suite; hash of the reference's sources */
    char device[128];                      /* CPU model, or the GPU's name */
    char hash[65];                         /* of this certificate's text; set by read and write */
    int32_t arithmetic, level;             /* assay_format, assay_level */
    uint64_t seed;
    int count;
    struct {
        char key[32]; /* assay_dialect_key() */
        int passed, not_passed;
        double worst_margin;
    } covers[ASSAY_CERTIFICATE_KEYS];
} assay_certificate;

/* An empty one for this worker's plugin. */
void assay_certificate_begin(const assay_session_info *about, const char *device, int arithmetic, assay_level level,
                             uint64_t seed, assay_certificate *out);
/* Counts a result of the same arithmetic under its dialect's key. UNSUPPORTED counts for nothing. */
void assay_certificate_note(assay_certificate *c, const assay_result *r);

/* 1 if everything that p is made of was proved (its dialect as a stack, as a network, and its loss) and nothing of it
 * failed; else 0 and one line in why. */
int assay_certificate_covers(const assay_certificate *c, const assay_problem *p, char *why, size_t why_size);

/* <folder>/<impl>.<arithmetic>.<start of mapped_hash>.json, written whole or not at all. */
assay_status assay_certificate_write(const char *folder, assay_certificate *c, char *why, size_t why_size);
/* 1 if the folder holds a valid one for these very bytes, this device, suite and reference, at this level or a higher.
 */
int assay_certificate_read(const char *folder, const assay_session_info *about, const char *device, int arithmetic,
                           assay_level level, assay_certificate *out);

/* ---- the gate ---- */

typedef struct assay_gate {
    const char *plugin, *label; /* path; as the user named it */
    const char *folder;         /* of certificates */
    const char *device;
    assay_suite_options
        suite; /* level, seed, cache, worker, threads, callbacks; plugins, op, check, glob are the gate's */
} assay_gate;

/* Reads the certificate, or runs the conformance suite and writes one. ASSAY_OK: *out covers p. ASSAY_FAILED: it does
 * not conform, and why says what broke; no number may be printed. ASSAY_BAD_ARGUMENT: not a plugin. ASSAY_NO_DEVICE. */
assay_status assay_gate_open(const assay_gate *g, const assay_problem *p, assay_certificate *out, char *why,
                             size_t why_size);

#endif
