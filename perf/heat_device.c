/* heat_device.c: entrants whose memory is a device's: their roof, their calibration, what a record says of the device.
 * SPDX-License-Identifier: MIT */
#include "perf/heat.h"

#include "conformance/arithmetic.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROOF_SECONDS 0.4

static void none(assay_device_roof *r)
{
    *r = (assay_device_roof){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, "", "", "", "", ""};
}

void assay_heat_device_measure(assay_bench *b, assay_device_roof *now)
{
    char why[192] = "";
    const assay_status st = assay_device_roof_measure(b->o->device_roof, 0, ROOF_SECONDS, now, why, sizeof why);
    if (st != ASSAY_OK) {
        none(now);
        if (!b->device_known) b->device_known = -1;
        snprintf(b->device_why, sizeof b->device_why, "%s", why);
        assay_bench_say(b, "the device was not measured: %s", why);
        return;
    }
    if (b->device_known == 1)
        assay_device_roof_raise(&b->device, now);
    else
        b->device = *now;
    b->device_known = 1;
}

void assay_heat_device_admit(assay_bench *b, assay_entrant *e)
{
    const char *device = e->rig.about.device, *format = assay_format_name(e->problem->arithmetic);
    assay_device_roof now;
    if (!b->device_known) {
        assay_heat_device_measure(b, &now);
        if (b->device_known == 1)
            assay_bench_say(
                b, "%s: %.4g GFLOP/s of multiply-adds, %.4g in tf32, %.4g in bf16 by %s, copies at %.4g GB/s%s%s",
                now.device, now.fma_fp32, now.tensor_tf32, now.tensor_bf16,
                now.tensor_by[0] ? now.tensor_by : "nothing", now.copy_gb_per_s,
                now.nvml_missing[0] ? "; clocks and temperature unknown: " : "", now.nvml_missing);
    }
    if (b->device_known < 0)
        assay_rig_fail(&e->rig, ASSAY_VERDICT_UNSUPPORTED,
                       "runs on a device whose roof was not measured, so that no time of it could be believed: %s",
                       b->device_why);
    else if (strcmp(b->device.device, device) != 0)
        assay_rig_fail(&e->rig, ASSAY_VERDICT_UNSUPPORTED, "runs on '%s', the roof is that of '%s'", device,
                       b->device.device);
    else if (isnan(assay_device_roof_of(&b->device, e->problem->arithmetic)))
        assay_rig_fail(&e->rig, ASSAY_VERDICT_UNSUPPORTED,
                       "no kernel here reaches the peak of %s in %s, so that no time of it could be believed", device,
                       format);
}

void assay_heat_device_outcome(const assay_bench *b, const assay_device_roof *before, const assay_device_roof *after,
                               assay_outcome_of *of)
{
    of->device = &b->device;
    of->device_before = before;
    of->device_after = after;
    of->calibration_before = before->fma_fp32;
    of->calibration_after = after->fma_fp32;
    of->peak = assay_device_roof_of(&b->device, of->problem->arithmetic);
    of->sgemm = 0;
    of->sgemm_by = NULL;
}

/* ---- records ---- */

#define SET(to, from) snprintf(to, sizeof(to), "%s", from)

void assay_outcome_device(const assay_outcome_of *of, assay_record *r)
{
    assay_record_device *d = &r->device;
    const assay_device_roof *a = of->device_before, *z = of->device_after;
    d->copy_gb_per_s = d->sm_mhz_before = d->sm_mhz_after = d->sm_mhz_most = d->memory_mhz = NAN;
    d->temperature_c_before = d->temperature_c_after = d->power_w = d->power_limit_w = NAN;
    if (!of->device) return;
    SET(d->name, of->device->device);
    SET(d->driver, a->driver);
    SET(d->tensor_by, of->problem->arithmetic == ASSAY_FP32 ? "" : of->device->tensor_by);
    SET(d->nvml_missing, z->nvml_missing);
    SET(d->throttle_before, a->throttle);
    SET(d->throttle_after, z->throttle);
    d->copy_gb_per_s = of->device->copy_gb_per_s;
    d->sm_mhz_before = a->sm_mhz;
    d->sm_mhz_after = z->sm_mhz;
    d->sm_mhz_most = a->sm_mhz_most;
    d->memory_mhz = a->memory_mhz;
    d->temperature_c_before = a->temperature_c;
    d->temperature_c_after = z->temperature_c;
    d->power_w = z->power_w;
    d->power_limit_w = z->power_limit_w;
    r->peak_mib = NAN; /* of the worker's memory on the host, where none of this lies */
    if (of->problem->arithmetic != ASSAY_FP32 && r->gflop > 0) SET(r->limit, "tensor product");
}
