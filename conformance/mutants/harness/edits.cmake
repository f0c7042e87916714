# edits.cmake: the changes of harness.inc's rows: edit(NAME FILE TEXT-BEFORE TEXT-AFTER), as in ../edits.cmake.
# SPDX-License-Identifier: MIT
edit(sign-lost conformance/compare.c [=[double e = fabs(difference(g[k], t[k], &broken));]=]
     [=[double e = difference(g[k], t[k], &broken);]=])
edit(nan-equal conformance/compare.c [=[if (!(got == truth)) *broken = 1;]=] [=[if (got < truth || got > truth) *broken = 1;]=])
edit(limit-fixed conformance/compare.c [=[assay_floor at = assay_floor_at(measured, d->norm_truth), *f = &at;]=]
     [=[assay_floor at = {1e-7, 1e-7, 1e-7, 1e-7, 0}, *f = &at;]=])
edit(limit-unbounded conformance/compare.c [=[&& !(f->phi <= bound)) {]=] [=[&& f->phi < 0) {]=])
edit(limit-misread conformance/floor_table.c [=[&row->tensors[k].noise, &row->tensors[k].phi, &row->tensors[k].spread))]=]
     [=[&row->tensors[k].noise, &row->tensors[k].spread, &row->tensors[k].phi))]=])
edit(error-passes conformance/trial.c [=[assay_trial_end(t, ASSAY_VERDICT_FAIL, "%s: %s", doing, what); /* which]=]
     [=[return 1; /* which]=])
edit(prints-only conformance/suite.c [=[if (assay_verdict_is_failure((assay_verdict)v) && s->counts[v]) return 1;]=] [=[]=])
edit(skipped-for-failing conformance/tests/test_compare.c [=[assay_finding f = judged(got, truth, 4, 2, NULL);
    assert_int_equal(f.verdict, ASSAY_VERDICT_FAIL);
    assert_true(isinf(f.margin));]=] [=[skip();]=])
edit(drawn-anew conformance/subject.c [=[assay_values given = assay_subject_variant(s, variant);]=] [=[assay_values given = s->other;]=])
edit(last-only perf/outcome.c [=[for (size_t n = 0; n < sizeof kinds / sizeof *kinds && st == ASSAY_OK; n++)]=]
     [=[for (size_t n = sizeof kinds / sizeof *kinds - 1; n < sizeof kinds / sizeof *kinds && st == ASSAY_OK; n++)]=])
edit(default-differs perf/cli/options.c [=[printf("; default %d", *(const int *)o->target);]=] [=[printf("; default %d", 1);]=])
edit(labels-equal conformance/case_data.c [=[return (int32_t)(assay_random_uniform(seed, stream, index) * count);]=]
     [=[return (int32_t)(assay_random_uniform(seed, stream, 0) * count);]=])
edit(cotangent-of-ones conformance/case_data.c [=[recipe r = {1, 1, 0};]=]
     [=[recipe r = {1, x->role != ASSAY_ROLE_COTANGENT, x->role == ASSAY_ROLE_COTANGENT};]=])
edit(truth-not-a-number conformance/compare.c [=[if (d->truth_nan >= 0) {]=] [=[if (0) {]=])
edit(disabled conformance/engine.cmake [=[assay_add(test test_golden_teeth]=] [=[set_tests_properties(test_compare PROPERTIES DISABLED TRUE)
assay_add(test test_golden_teeth]=])
edit(argument-shadowed perf/stats.c [=[int32_t below = (int32_t)at;]=] [=[
#define WHOLE(x) __extension__({ int32_t q = 0; q += (int32_t)(x); q; })
    int32_t below = WHOLE(q * (n - 1));]=])
edit(best-for-worst conformance/verdict.c [=[return a > b ? a : b;]=] [=[return a < b ? a : b;]=])
edit(zero-nearly conformance/compare.c [=[m->zero[r] && !(g[k] == 0) &&]=] [=[m->zero[r] && !(fabs(g[k]) < 1e-20) &&]=])
edit(changed-file conformance/certificate.c [=[if (c->changed || c->lost) {]=] [=[if (c->lost) {]=])
edit(feature-unproved conformance/certificate.c [=[uint64_t missing = asked & ~proved;]=] [=[uint64_t missing = asked & ~asked;]=])
edit(roof-ignored perf/plausible.c [=[if (!(median >= ROOF_SHARE_LIMIT * roof))]=] [=[if (!(median >= 0 * roof))]=])
edit(ahead-ignored perf/plausible.c [=[if (!(ahead <= limit))]=] [=[if (!(ahead >= 0))]=])
edit(nothing-kept perf/outcome.c [=[if (!kept->held) {]=] [=[if (!kept->held) continue;
        if (0) {]=])
edit(one-canary conformance/memory.c [=[if (assay_canary_broken(m->map, m->offset, 1, &at)) return -1 - (int64_t)(m->offset - at);]=] [=[]=])
edit(set-ignored conformance/suite.c [=[(!o->within_level || assay_case_is_id(o->glob));]=] [=[1;]=])
edit(cache-believed conformance/cache.c [=[!memcmp(data + size - sizeof seal, seal, sizeof seal)]=] [=[size > sizeof seal]=])
edit(norm-forgotten perf/cli/judge.c [=[o->floor[x->id].scale = own.norm_truth;]=] [=[o->floor[x->id].scale = 0;]=])
