/* chart.c: axes, ticks, lines, a band, levels.
 * SPDX-License-Identifier: MIT */
#include "perf/chart.h"

#include "perf/escape.h"

#include <math.h>
#include <string.h>

#define LEFT   64.
#define RIGHT  170. /* for the names */
#define TOP    28.
#define BOTTOM 34.
#define MOST   600 /* points drawn of a line: of several that fall together the largest */

static const char style[] =
    "<style>.ac-t{font:12px system-ui,sans-serif;fill:#1b1f24}.ac-s{fill:#59636e}.ac-g{stroke:#d8dee4}.ac-l{fill:none;"
    "stroke-width:1.6}.ac-v{stroke:#59636e;stroke-dasharray:4 3}.ac-m{stroke:#c2410c;stroke-dasharray:2 3}.ac-b{fill:"
    "#94a3b8;fill-opacity:.35}.ac-0{stroke:#c2410c}.ac-1{stroke:#2f6fb7}.ac-2{stroke:#1f8a70}.ac-3{stroke:#b4568f}"
    ".ac-4{stroke:#d29922}.ac-5{stroke:#7c5cbf}.ac-6{stroke:#0e7490}.ac-7{stroke:#64748b}.ac-8{stroke:#84761a}.ac-9{"
    "stroke:#be123c}@media(prefers-color-scheme:dark){.ac-t{fill:#e6edf3}.ac-s{fill:#9aa6b2}.ac-g{stroke:#2d353e}.ac-0"
    "{stroke:#ff9d5c}.ac-1{stroke:#6aa9ee}.ac-2{stroke:#4cc2a0}.ac-3{stroke:#e08bc0}.ac-4{stroke:#e3b341}.ac-5{stroke:"
    "#b79cf0}.ac-6{stroke:#67c7dd}.ac-7{stroke:#a3b1c2}.ac-8{stroke:#cfc06a}.ac-9{stroke:#fb7185}}</style>\n";

typedef struct frame {
    const assay_chart *c;
    double low, high; /* of y, or of its log10 */
    double top;
} frame;

static double scaled(const assay_chart *c, double y)
{
    if (!c->logarithmic) return y;
    return y > 0 ? log10(y) : NAN;
}

static double x_at(const frame *f, double x)
{
    return LEFT + (ASSAY_CHART_WIDTH - LEFT - RIGHT) * x / (f->c->count > 1 ? f->c->count - 1 : 1);
}

static double y_at(const frame *f, double y)
{
    return f->top + TOP + (ASSAY_CHART_HEIGHT - TOP - BOTTOM) * (f->high - scaled(f->c, y)) / (f->high - f->low);
}

static void widen(frame *f, double y)
{
    const double v = scaled(f->c, y);
    if (!isfinite(v)) return;
    f->low = fmin(f->low, v);
    f->high = fmax(f->high, v);
}

static frame frame_of(const assay_chart *c, int index)
{
    frame f = {.c = c, .low = INFINITY, .high = -INFINITY, .top = (double)index * ASSAY_CHART_HEIGHT};
    for (int k = 0; k < c->line_count; k++)
        for (int i = 0; i < c->count; i++)
            widen(&f, c->line[k].y[i]);
    for (int i = 0; c->band_low && i < c->count; i++) {
        widen(&f, c->band_low[i]);
        widen(&f, c->band_high[i]);
    }
    for (int k = 0; k < c->level_count; k++)
        widen(&f, c->level[k].y);
    if (!(f.high >= f.low)) f.low = f.high = c->logarithmic ? 0 : 1;
    const double room = fmax(0.06 * (f.high - f.low), c->logarithmic ? 0.2 : 1e-9 + 0.01 * fabs(f.high));
    f.low -= room;
    f.high += room;
    return f;
}

static void text(FILE *out, double x, double y, const char *anchor, const char *words)
{
    fprintf(out, "<text class=\"ac-t%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
            strcmp(anchor, "start") ? " ac-s" : "", x, y, anchor);
    assay_escape(out, words);
    fputs("</text>\n", out);
}

/* The next of 1, 2, 5 times a power of ten that cuts `range` into at most `most` pieces. */
static double tick_of(double range, int most)
{
    static const double steps[] = {1, 2, 5, 10};
    const double decade = pow(10, floor(log10(range / most)));
    for (int k = 0; k < 3; k++)
        if (range / (decade * steps[k]) <= most) return decade * steps[k];
    return decade * steps[3];
}

static void grid(FILE *out, const frame *f)
{
    const double right = ASSAY_CHART_WIDTH - RIGHT, bottom = f->top + ASSAY_CHART_HEIGHT - BOTTOM;
    const double step = f->c->logarithmic ? fmax(1, ceil((f->high - f->low) / 6)) : tick_of(f->high - f->low, 6);
    char words[32];
    for (double v = ceil(f->low / step) * step; v <= f->high; v += step) {
        const double value = f->c->logarithmic ? pow(10, v) : v, y = y_at(f, value);
        fprintf(out, "<line class=\"ac-g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, right, y, y);
        snprintf(words, sizeof words, f->c->logarithmic ? "%.0e" : "%.4g", fabs(value) < 1e-12 * step ? 0 : value);
        text(out, LEFT - 6, y + 4, "end", words);
    }
    const double along = fmax(1, tick_of(f->c->count > 1 ? f->c->count - 1 : 1, 8));
    for (double x = 0; x < f->c->count; x += along) {
        snprintf(words, sizeof words, "%g", x);
        text(out, x_at(f, x), bottom + 16, "middle", words);
    }
    text(out, (LEFT + right) / 2, bottom + 30, "middle", f->c->x_name);
}

static void band(FILE *out, const frame *f)
{
    const assay_chart *c = f->c;
    if (!c->band_low) return;
    fputs("<path class=\"ac-b\" d=\"", out);
    for (int k = 0; k < 2 * c->count; k++) {
        const int i = k < c->count ? k : 2 * c->count - 1 - k;
        double y = k < c->count ? c->band_high[i] : c->band_low[i];
        if (!isfinite(scaled(c, y))) y = c->logarithmic ? pow(10, f->low) : f->low;
        fprintf(out, "%c%.1f %.1f", k ? 'L' : 'M', x_at(f, i), y_at(f, y));
    }
    fputs("Z\"/>\n", out);
}

static void line(FILE *out, const frame *f, int index)
{
    const assay_chart *c = f->c;
    const double *y = c->line[index].y;
    const int stride = (c->count + MOST - 1) / MOST;
    int pen = 0;
    fprintf(out, "<path class=\"ac-l ac-%d\" d=\"", index);
    for (int i = 0; i < c->count; i += stride) {
        double most = NAN;
        for (int k = i; k < i + stride && k < c->count; k++)
            if (isfinite(scaled(c, y[k])) && !(most >= y[k])) most = y[k];
        if (isnan(most))
            pen = 0;
        else
            fprintf(out, "%c%.1f %.1f", pen++ ? 'L' : 'M', x_at(f, i), y_at(f, most));
    }
    fputs("\"/>\n", out);
}

static void key(FILE *out, const frame *f)
{
    const double x = ASSAY_CHART_WIDTH - RIGHT + 10;
    double y = f->top + TOP + 8;
    for (int k = 0; k < f->c->line_count; k++, y += 17) {
        fprintf(out, "<path class=\"ac-l ac-%d\" d=\"M%.1f %.1fh18\"/>", k, x, y - 4);
        text(out, x + 24, y, "start", f->c->line[k].name);
    }
    if (!f->c->band_low) return;
    fprintf(out, "<rect class=\"ac-b\" x=\"%.1f\" y=\"%.1f\" width=\"18\" height=\"8\"/>", x, y - 8);
    text(out, x + 24, y, "start", f->c->band_name);
}

void assay_chart_style(FILE *f)
{
    fputs(style, f);
}

void assay_chart_begin(FILE *f, int charts, int alone)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "style=\"width:100%%;max-width:%dpx\">\n",
            ASSAY_CHART_WIDTH, charts * ASSAY_CHART_HEIGHT, ASSAY_CHART_WIDTH);
    if (alone) assay_chart_style(f);
}

void assay_chart_put(FILE *out, const assay_chart *c, int index)
{
    const frame f = frame_of(c, index);
    const double right = ASSAY_CHART_WIDTH - RIGHT;
    text(out, LEFT, f.top + 16, "start", c->title);
    grid(out, &f);
    band(out, &f);
    for (int k = 0; k < c->level_count; k++) {
        if (!isfinite(scaled(c, c->level[k].y))) continue;
        const double y = y_at(&f, c->level[k].y);
        fprintf(out, "<line class=\"ac-v\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, right, y, y);
        text(out, right - 4, y - 4, "end", c->level[k].name);
    }
    if (c->mark >= 0) {
        const double x = x_at(&f, c->mark);
        fprintf(out, "<line class=\"ac-m\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, f.top + TOP,
                f.top + ASSAY_CHART_HEIGHT - BOTTOM);
        text(out, x + 4, f.top + TOP + 10, "start", c->mark_name);
    }
    for (int k = 0; k < c->line_count; k++)
        line(out, &f, k);
    key(out, &f);
}

void assay_chart_end(FILE *f)
{
    fputs("</svg>\n", f);
}
