/* certify.h: why the reference deserves to be called the truth: what is proved of it, with the error that was found.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CERTIFY_H
#define ASSAY_CERTIFY_H

#ifdef __cplusplus
extern "C" {
#endif

/* One thing proved. It holds if error <= bound (a NaN doesn't). */
typedef struct assay_proof {
    const char *op;      /* "rnn", "ctc", "philox" ... */
    const char *dialect; /* "lstm.b2.bi.l2.ragged"; "" where there is none */
    const char *tensor;  /* "dW.l0.f"; a quantity's name where it is no tensor */
    const char *what;    /* by what it is proved: "double against quad", "central differences" ... */
    double error, bound; /* relative, normwise, unless `what` says otherwise */
} assay_proof;

/* Receives each proof, on the calling thread, in an order that does not change; the strings live for the call. */
typedef void (*assay_proof_sink)(void *user, const assay_proof *proof);

/* Proves: every op and dialect in double against quad; every gradient in quad against central differences; CTC against
 * all paths; identities (docs/semantics.md 1.10); published values of other frameworks; the generators against
 * published vectors (docs/tolerance.md 3.8, docs/semantics.md 13). full = 1 takes the whole product of dialects and
 * longer CTC paths. Returns how many do not hold; no memory counts as one. sink may be NULL. Any thread; about 6 s,
 * full 90 s, on one core. */
int assay_certify(int full, assay_proof_sink sink, void *user);

#ifdef __cplusplus
}
#endif
#endif
