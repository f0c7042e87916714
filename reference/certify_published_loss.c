/* certify_published_loss.c: CTC and cross-entropy against numbers that other frameworks published, and their
 * recomputation in double by an independent program. docs/semantics.md 13.1, 13.2, 13.6, I4
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <string.h>

static const double bound = 1e-13;

/* One sample and its CTC loss. rows: (t, k). */
static int run_ctc(assay_proofs *c, int t, int frames, int k, int blank, const double *rows, const int32_t *labels,
                   int count, assay_specimen *s)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.t = t, p.n = 1, p.classes = k;
    p.max_label = p.labels = count;
    p.dialect.ctc_blank = blank;
    p.dialect.ctc_reduction = ASSAY_REDUCE_SUM;
    c->op = "ctc";
    if (!assay_specimen_make(c, &p, s)) return 0;
    memcpy(s->d[ASSAY_X], rows, (size_t)t * (size_t)k * sizeof *rows);
    for (int j = 0; j < count; j++)
        ((int32_t *)s->d[ASSAY_LABELS])[j] = labels[j];
    ((int32_t *)s->d[ASSAY_LABEL_LENS])[0] = count;
    ((int32_t *)s->d[ASSAY_LENS])[0] = frames;
    ((double *)s->d[ASSAY_DLOSS])[0] = 1;
    return assay_specimen_run(c, s);
}

static double loss_error(const assay_specimen *s, double want)
{
    return fabs(*(const double *)s->d[ASSAY_LOSS] - want) / fabs(want);
}

/* 13.1: probabilities as logits' exponentials; two frames of NaN past the length. Only one alignment exists, so the
 * gradient is softmax less one along it. */
static void graves(assay_proofs *c)
{
    static const struct {
        const char *name;
        double p[5][6], loss, on_path[5];
        int32_t labels[5], count, path[5];
    } examples[] = {
        {"graves-a",
         {{0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553},
          {0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436},
          {0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688},
          {0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533},
          {0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107}},
         3.342112585098438,
         {-0.366234, -0.411608, -0.678582, -0.356151, -0.541765},
         {0, 1, 2, 1, 0},
         5,
         {0, 1, 2, 1, 0}},
        {"graves-b",
         {{0.30176, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508},
          {0.24082, 0.397533, 0.0557226, 0.0546814, 0.0557528, 0.19549},
          {0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, 0.202456},
          {0.280884, 0.429522, 0.0326593, 0.0339046, 0.0326856, 0.190345},
          {0.423286, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046}},
         5.422621730988235,
         {-0.69824, -0.602467, -0.797544, -0.570478, -0.576714},
         {0, 1, 1, 0},
         4,
         {0, 1, 5, 1, 0}},
    };
    for (int k = 0; k < 2; k++) {
        double logits[7][6], off_path = 0, on_path = 0, past = 0;
        assay_specimen s;
        for (int t = 0; t < 7; t++)
            for (int j = 0; j < 6; j++)
                logits[t][j] = t < 5 ? log(examples[k].p[t][j]) : NAN;
        strcpy(c->dialect, examples[k].name);
        if (run_ctc(c, 7, 5, 6, 5, &logits[0][0], examples[k].labels, examples[k].count, &s)) {
            const double *g = s.d[ASSAY_DX];
            for (int t = 0; t < 7; t++)
                for (int j = 0; j < 6; j++) {
                    const double got = g[t * 6 + j];
                    if (t >= 5)
                        past = fmax(past, got == 0 ? 0 : 1);
                    else if (j == examples[k].path[t])
                        on_path = fmax(on_path, fabs(got - examples[k].on_path[t]));
                    else
                        off_path = fmax(off_path, fabs(got - examples[k].p[t][j]));
                }
            assay_prove(c, "loss", "TensorFlow's test, recomputed", loss_error(&s, examples[k].loss), bound);
            assay_prove(c, "dx", "TensorFlow's test, on the path, absolute", on_path, 1e-6);
            assay_prove(c, "dx", "TensorFlow's test, off the path, absolute", off_path, 1e-6);
            assay_prove(c, "dx", "zero past the length", past, 0);
        }
        assay_specimen_free(&s);
    }
}

/* 13.2, where several paths exist. */
static void several_paths(assay_proofs *c)
{
    static const double a[] = {1.2, 3.4, 1.2, -0.1, -2.34, 0.1, 0.2, 0.3, 0.22, 0.123, -15, -14, -13, -12, -11};
    static const double b[] = {-5, -4, -3, -2, -1, -10, -9, -8, -7, -6, -15, -14, -13, -12, -11};
    static const double d[] = {1.2,  3.4,   1.2, -0.1,  -2.34, 0.1,   0.2,   0.3,
                               0.22, 0.123, -15, -14.2, -13.5, -12.2, -11.22};
    static const double warp[] = {0.1, .6, .1, .1, .1, .1, .1, .6, .1, .1}, steps[] = {0, 1, 0, 0, 0, 1, 0, 1, 0};
    static const struct {
        const char *name;
        int t, k;
        const double *rows;
        int count;
        int32_t labels[3];
        double loss;
    } examples[] = {
        {"mxnet-1", 3, 5, a, 2, {2, 3}, 4.047896676862168},
        {"mxnet-2", 3, 5, b, 3, {2, 3, 1}, 7.355743187812781},
        {"mxnet-3", 3, 5, d, 1, {2}, 5.409105167705559},
        {"warp-ctc", 2, 5, warp, 2, {1, 2}, 2.4628583915467424},
        {"three-121", 3, 3, steps, 3, {1, 2, 1}, 1.6543341417961532},
        {"three-11", 3, 3, steps, 2, {1, 1}, 2.654334141796153},
        {"three-empty", 3, 3, steps, 0, {0}, 4.654334141796153},
    };
    static const double gradient[] = {0.21194155761708544,  -0.42388311523417090, 0.21194155761708544,
                                      -0.78805844238291460, 0.21194155761708544,  0.57611688476582910,
                                      0.21194155761708544,  -0.42388311523417090, 0.21194155761708544};
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++) {
        assay_specimen s;
        strcpy(c->dialect, examples[k].name);
        if (run_ctc(c, examples[k].t, examples[k].t, examples[k].k, 0, examples[k].rows, examples[k].labels,
                    examples[k].count, &s)) {
            assay_prove(c, "loss", "published, recomputed", loss_error(&s, examples[k].loss), bound);
            double error = 0;
            for (int j = 0; strcmp(examples[k].name, "three-11") == 0 && j < 9; j++)
                error = fmax(error, fabs(((double *)s.d[ASSAY_DX])[j] - gradient[j]));
            assay_prove(c, "dx", "published, recomputed, absolute", error, bound);
        }
        assay_specimen_free(&s);
    }
    assay_specimen s;
    const int32_t three[] = {1, 1, 1};
    strcpy(c->dialect, "three-111");
    if (run_ctc(c, 3, 3, 3, 0, steps, three, 3, &s)) {
        const double loss = *(double *)s.d[ASSAY_LOSS];
        assay_prove(c, "loss", "no alignment: infinite", isinf(loss) && loss > 0 ? 0 : 1, 0);
    }
    assay_specimen_free(&s);
}

/* I4: equal logits: loss = T ln K - ln C(T + U - R, 2U). MXNet publishes two of them. */
static void uniform(assay_proofs *c)
{
    static const struct {
        const char *name;
        int32_t labels[3];
        int count, repeats;
        double loss;
    } examples[] = {{"uniform-12", {1, 2}, 2, 0, 18.82820490894359},
                    {"uniform-211", {2, 1, 1}, 3, 1, 16.50581718865336}};
    double ones[20 * 4];
    for (int j = 0; j < 80; j++)
        ones[j] = 1;
    for (int k = 0; k < 2; k++) {
        const double closed =
            20 * log(4) - (lgamma(21 + examples[k].count - examples[k].repeats) - lgamma(2 * examples[k].count + 1) -
                           lgamma(21 - examples[k].count - examples[k].repeats));
        assay_specimen s;
        strcpy(c->dialect, examples[k].name);
        if (run_ctc(c, 20, 20, 4, 0, ones, examples[k].labels, examples[k].count, &s)) {
            assay_prove(c, "loss", "MXNet's test, recomputed", loss_error(&s, examples[k].loss), bound);
            assay_prove(c, "loss", "closed form", loss_error(&s, closed), bound);
        }
        assay_specimen_free(&s);
    }
}

/* 13.2, the large alphabet: column c of 16 is 0..5999 rotated by c, over 13; the table is read as (8, 2, 6000). */
static void large_alphabet(assay_proofs *c)
{
    static const int32_t labels[2][5] = {{100, 200, 300, 400, 500}, {1000, 2000, 3000, 4000, 0}};
    static const double loss[] = {688.0282271761433, 145.34458926573103};
    for (int n = 0; n < 2; n++) {
        double rows[8 * 6000];
        for (int t = 0; t < 8; t++)
            for (int k = 0; k < 6000; k++) {
                const int at = (t * 2 + n) * 6000 + k, row = at / 16, column = at % 16;
                rows[t * 6000 + k] = (row - column + 6000) % 6000 / 13.0;
            }
        assay_specimen s;
        strcpy(c->dialect, n ? "mxnet-6000-b" : "mxnet-6000-a");
        if (run_ctc(c, 8, 8, 6000, 0, rows, labels[n], n ? 4 : 5, &s))
            assay_prove(c, "loss", "MXNet's test, recomputed", loss_error(&s, loss[n]), bound);
        assay_specimen_free(&s);
    }
}

/* 13.6: four rows, the third past its sequence. */
static void cross_entropy(assay_proofs *c)
{
    static const double logits[] = {1, 2, 3, 1, -1, 0, .5, .25, -.75, 2, 2, 2};
    static const double rows[] = {.4076059644443806, .40760596444438035, 0, 1.09861228866811};
    static const int32_t labels[] = {2, 0, 7, 1}, lens[] = {1, 2};
    static const double loss[] = {1.913824217556871, .6379414058522903};
    c->op = "xent";
    for (int mean = 0; mean < 2; mean++) {
        assay_problem p;
        assay_specimen s;
        memset(&p, 0, sizeof p);
        p.op = ASSAY_OP_XENT;
        p.t = 2, p.n = 2, p.classes = 3;
        p.dialect.xent_reduction = mean ? ASSAY_REDUCE_MEAN : ASSAY_REDUCE_SUM;
        strcpy(c->dialect, mean ? "mean" : "sum");
        if (assay_specimen_make(c, &p, &s)) {
            memcpy(s.d[ASSAY_X], logits, sizeof logits);
            memcpy(s.d[ASSAY_LABELS], labels, sizeof labels);
            memcpy(s.d[ASSAY_LENS], lens, sizeof lens);
            if (assay_specimen_run(c, &s)) {
                double error = 0;
                for (int k = 0; k < 4; k++)
                    error = fmax(error, fabs(((double *)s.d[ASSAY_LOSS_ROWS])[k] - rows[k]));
                assay_prove(c, "loss_rows", "recomputed, absolute", error, bound);
                assay_prove(c, "loss", "recomputed", loss_error(&s, loss[mean]), bound);
            }
        }
        assay_specimen_free(&s);
    }
}

void assay_certify_published_loss(assay_proofs *c)
{
    graves(c);
    several_paths(c);
    uniform(c);
    large_alphabet(c);
    cross_entropy(c);
}
