/* chart.h: lines against a count (steps of time, updates) as SVG: nothing is loaded from elsewhere, light and dark.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CHART_H
#define ASSAY_CHART_H

#include <stdio.h>

#define ASSAY_CHART_WIDTH  760
#define ASSAY_CHART_HEIGHT 240 /* of one chart, its title and its axis included */
#define ASSAY_CHART_LINES  10
#define ASSAY_CHART_LEVELS 4

/* What does not stand is not drawn: NaN, and on a logarithmic axis what is not above 0. */
typedef struct assay_chart {
    const char *title, *x_name;
    int logarithmic; /* of y */
    int count;       /* points of each line and of the band: x = 0 .. count-1 */
    struct {
        const char *name;
        const double *y;
    } line[ASSAY_CHART_LINES];
    int line_count;
    const double *band_low, *band_high; /* NULL: no band */
    const char *band_name;
    struct {
        const char *name;
        double y;
    } level[ASSAY_CHART_LEVELS];
    int level_count;
    int mark; /* a vertical line at this x; -1: none */
    const char *mark_name;
} assay_chart;

/* An SVG of charts below one another. alone: a file of its own, else a part of a page that has the style in its head.
 */
void assay_chart_style(FILE *f);
void assay_chart_begin(FILE *f, int charts, int alone);
void assay_chart_put(FILE *f, const assay_chart *c, int index);
void assay_chart_end(FILE *f);

#endif
