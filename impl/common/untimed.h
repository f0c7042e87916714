/* untimed.h: the ability of a plugin to say that it is a test device: checked like any other, timed by nobody.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_UNTIMED_H
#define ASSAY_UNTIMED_H

/* Id of assay_impl.extension(): `assay bench` and `assay run` leave it out. Returned as const char *, the reason in one
 * line. */
#define ASSAY_EXT_UNTIMED "assay.untimed/1"

#endif
