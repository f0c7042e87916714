/* test_hosted.c: sessions with a module in Python: the host, its errors, what it costs when something is missing.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/file.h"
#include "conformance/hosted.h"
#include "conformance/session.h"
#include "impl/impl.h"
#include "reference/tensors.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLASSES = 3, REFUSED = 2001, RAISES, NO_MEMORY, CRASHES, PLANS_SLOWLY, RUNS_SLOWLY }; /* as in plain.py */

static assay_reply start(const char *module, assay_session **out)
{
    const assay_session_options o = {.threads = 1, .time_limit = 60};
    return assay_session_start(module, &o, out);
}

/* One row of logits. */
static assay_problem problem(int classes)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_XENT;
    p.arithmetic = ASSAY_FP64;
    p.t = p.n = 1;
    p.classes = classes;
    p.dialect.xent_reduction = ASSAY_REDUCE_SUM;
    return p;
}

typedef struct bench {
    assay_session *session;
    assay_memory x, labels, loss;
} bench;

static void bind(bench *b, int id, size_t bytes, int input, assay_memory *m)
{
    assert_int_equal(assay_memory_make(bytes, ASSAY_PLACE_START, input, m), ASSAY_OK);
    if (input) memset(assay_memory_data(m), 0, bytes);
    assert_string_equal(assay_session_bind(b->session, &(assay_binding){id, m}, 1).what, "");
}

/* Logits 0, label 0: the loss is the logarithm of their number. limit: of a request, in seconds. */
static assay_reply run_within(bench *b, int classes, double limit)
{
    const assay_problem p = problem(classes);
    const assay_call call = {.kind = ASSAY_CALL_RUN, .pass = ASSAY_INFER};
    assay_sizes sizes;
    memset(b, 0, sizeof *b);
    assert_string_equal(start(ASSAY_PLAIN, &b->session).what, "");
    assay_session_limit(b->session, limit);
    assert_string_equal(assay_session_plan(b->session, &p, ASSAY_PLACE_START, &sizes).what, "");
    bind(b, ASSAY_X, (size_t)classes * sizeof(double), 1, &b->x);
    bind(b, ASSAY_LABELS, sizeof(int32_t), 1, &b->labels);
    bind(b, ASSAY_LOSS, sizeof(double), 0, &b->loss);
    return assay_session_run(b->session, &call, 1, 1, 0, NULL, NULL);
}

static assay_reply run(bench *b, int classes)
{
    return run_within(b, classes, 60);
}

static void done(bench *b)
{
    assay_memory_free(&b->x);
    assay_memory_free(&b->labels);
    assay_memory_free(&b->loss);
    assay_session_end(b->session);
}

static void a_module_computes(void **state)
{
    bench b;
    (void)state;
    assert_string_equal(run(&b, CLASSES).what, "");
    assert_true(fabs(*(double *)assay_memory_data(&b.loss) - log(CLASSES)) < 1e-15);
    assert_string_equal(assay_session_about(b.session)->name, "plain");
    assert_true(assay_session_about(b.session)->sandbox <= 1);
    assert_int_equal(assay_session_about(b.session)->allocates, 1);
    done(&b);
}

static void a_refusal_has_its_reason(void **state)
{
    const assay_problem p = problem(REFUSED);
    assay_session *s = NULL;
    assay_arithmetic declared;
    char why[64];
    (void)state;
    assert_string_equal(start(ASSAY_PLAIN, &s).what, "");
    assert_int_equal(assay_session_supports(s, &p, &declared, why, sizeof why).status, ASSAY_UNSUPPORTED);
    assert_string_equal(why, "dialect: plain rows only");
    assay_session_end(s);
}

static void what_a_module_lacks_has_its_reason(void **state)
{
    assay_session *s = NULL;
    (void)state;
    assert_string_equal(start(ASSAY_PLAIN, &s).what, "");
    assert_string_equal(assay_session_about(s)->full_rows, "plain knows no lengths");
    assert_string_equal(assay_session_about(s)->infer_only, "");
    assay_session_end(s);
}

static void an_exception_becomes_a_status_and_a_line(void **state)
{
    bench b;
    (void)state;
    assay_reply r = run(&b, RAISES);
    assert_int_equal(r.outcome, ASSAY_ANSWERED);
    assert_int_equal(r.status, ASSAY_FAILED);
    assert_non_null(strstr(r.what, "run (infer) returned ASSAY_FAILED"));
    assert_non_null(strstr(r.what, "ValueError: too many classes"));
    done(&b);
    r = run(&b, NO_MEMORY);
    assert_int_equal(r.status, ASSAY_NO_MEMORY);
    done(&b);
}

static void a_crash_is_told(void **state)
{
    bench b;
    (void)state;
    assay_reply r = run(&b, CRASHES);
    assert_int_equal(r.outcome, ASSAY_DIED);
    assert_int_equal(r.signal, SIGSEGV);
    assert_non_null(strstr(r.what, "a null pointer"));
    done(&b);
}

/* Frameworks compile in plan(), for seconds where the processor is shared; a run has no such excuse. */
static void a_plan_of_a_host_has_time_to_compile(void **state)
{
    bench b;
    (void)state;
    assert_string_equal(run_within(&b, PLANS_SLOWLY, 1.5).what, "");
    done(&b);
    assert_int_equal(run_within(&b, RUNS_SLOWLY, 1.5).outcome, ASSAY_TIMED_OUT);
    done(&b);
}

/* Starts a module of one's own making. The session is ended; mapped (65 bytes) may be NULL. */
static assay_reply start_text(const char *text, char *mapped)
{
    char folder[] = "/tmp/assay-hosted-XXXXXX", path[64], why[256];
    assay_session *s = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/own.py", folder);
    assert_int_equal(assay_file_write(path, text, strlen(text), why, sizeof why), ASSAY_OK);
    assay_reply r = start(path, &s);
    if (s && mapped) snprintf(mapped, 65, "%s", assay_session_libraries(s));
    assay_session_end(s);
    unlink(path);
    rmdir(folder);
    return r;
}

static const char empty_module[] = "NAME, VERSION = 'own', '1'\nsupports = plan = None\n";

static void what_is_missing_is_skipped(void **state)
{
    const char *chosen = getenv("ASSAY_PYTHON");
    char *kept = chosen ? strdup(chosen) : NULL;
    (void)state;
    assay_reply r = start_text("import assay_no_such_module\n", NULL);
    assert_int_equal(r.outcome, ASSAY_ANSWERED);
    assert_int_equal(r.status, ASSAY_NO_DEVICE);
    assert_non_null(strstr(r.what, "own.py: python: no module assay_no_such_module in /"));
    setenv("ASSAY_PYTHON", "/nowhere/python", 1);
    r = start_text(empty_module, NULL);
    assert_int_equal(r.outcome, ASSAY_ANSWERED);
    assert_int_equal(r.status, ASSAY_NO_DEVICE);
    assert_non_null(strstr(r.what, "/nowhere/python: could not be started"));
    if (kept)
        setenv("ASSAY_PYTHON", kept, 1);
    else
        unsetenv("ASSAY_PYTHON");
    free(kept);
}

/* A folder of environments: each module has its own, a row of a framework that of its framework, others the default. */
static void a_module_has_an_environment_of_its_own(void **state)
{
    char folder[] = "/tmp/assay-peers-XXXXXX", program[512], expected[600], text[600];
    const char *chosen = getenv("ASSAY_PYTHON");
    char *kept = chosen ? strdup(chosen) : NULL;
    (void)state;
    unsetenv("ASSAY_PYTHON");
    assay_hosted_interpreter("/x/torch.py", program, sizeof program);
    const char *own = strdup(program);
    assert_non_null(own);
    assert_non_null(mkdtemp(folder));
    snprintf(text, sizeof text, "mkdir -p %s/torch/bin && ln -s /bin/true %s/torch/bin/python", folder, folder);
    assert_int_equal(system(text), 0);
    setenv("ASSAY_PYTHON", folder, 1);
    snprintf(expected, sizeof expected, "%s/torch/bin/python", folder);
    const char *const there[] = {"/x/torch.py", "/x/torch-cell.py", "torch.py"};
    for (size_t k = 0; k < sizeof there / sizeof *there; k++) {
        assay_hosted_interpreter(there[k], program, sizeof program);
        assert_string_equal(program, expected);
    }
    const char *const absent[] = {"/x/jax.py", "/x/jax-torch.py", "/torch/x.py", "/x/torchlike.py"};
    for (size_t k = 0; k < sizeof absent / sizeof *absent; k++) {
        assay_hosted_interpreter(absent[k], program, sizeof program);
        assert_string_equal(program, own);
    }
    snprintf(text, sizeof text, "rm -r %s", folder);
    assert_int_equal(system(text), 0);
    if (kept)
        setenv("ASSAY_PYTHON", kept, 1);
    else
        unsetenv("ASSAY_PYTHON");
    free(kept);
    free((void *)own);
}

static void what_is_wrong_is_no_plugin(void **state)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {{"NAME = (\n", "SyntaxError"},
                 {"NAME = 'own'\n", "AttributeError: module 'hosted' has no attribute 'VERSION'"},
                 {"raise SystemExit('no')\n", "SystemExit: no"},
                 {"NAME, VERSION = 'Not a name', '1'\n", "its name is not of the form [a-z0-9-]+"},
                 {"NAME, VERSION = 48 * 'a', '1'\n", "its name is longer than 47 letters"}};
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        assay_reply r = start_text(wrong[k].text, NULL);
        assert_int_equal(r.outcome, ASSAY_ANSWERED);
        assert_int_equal(r.status, ASSAY_BAD_ARGUMENT);
        assert_non_null(strstr(r.what, wrong[k].reason));
    }
}

/* A certificate names host, module and what they import, not the interpreter alone. */
static void the_hash_covers_the_module(void **state)
{
    char one[65] = "", same[65] = "", other[65] = "", text[128];
    (void)state;
    snprintf(text, sizeof text, "%s# another\n", empty_module);
    assert_string_equal(start_text(empty_module, one).what, "");
    assert_string_equal(start_text(empty_module, same).what, "");
    assert_string_equal(start_text(text, other).what, "");
    assert_int_equal(strlen(one), 64);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
}

/* What a module tries in open(), after its imports; the first thing that works is told. */
static const char escaping_module[] =
    "import os, socket\n"
    "NAME, VERSION = 'own', '1'\n"
    "supports = plan = None\n"
    "parent = os.getppid()\n"
    "attempts = {\n"
    "    'fork': lambda: os.fork() or os._exit(0),\n"
    "    'exec': lambda: os.execv('/bin/true', ['true']),\n"
    "    'network': lambda: socket.socket(socket.AF_INET),\n"
    "    'signal': lambda: os.kill(parent, 0),\n"
    "    'memory': lambda: os.open('/proc/%d/mem' % parent, os.O_RDONLY),\n"
    "    'group': lambda: os.setpgid(0, os.getpgid(parent)),\n"
    "    'root': lambda: os.setuid(0),\n"
    "}\n"
    "def open(threads):\n"
    "    for name, attempt in attempts.items():\n"
    "        try:\n"
    "            attempt()\n"
    "        except OSError:\n"
    "            continue\n"
    "        if name != 'root' or os.getuid() == 0: raise RuntimeError(name + ' works')\n";

static void a_module_gets_nowhere(void **state)
{
    assay_session *s = NULL;
    (void)state;
    assay_parent_seal();
    assert_string_equal(start(ASSAY_PLAIN, &s).what, "");
    const int level = assay_session_about(s)->sandbox;
    assay_session_end(s);
    if (level == 0) skip(); /* no seccomp here */
    assert_string_equal(start_text(escaping_module, NULL).what, "");
}

/* The structs that Python read out of the headers are those of the compiler. */
static void structs_are_the_compilers(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    fprintf(out, "import abi, ctypes\n%s", empty_module);
#define SIZE(type) fprintf(out, "assert ctypes.sizeof(abi." #type ") == %zu, '" #type "'\n", sizeof(type))
#define AT(type, member)                                                                                               \
    fprintf(out, "assert abi." #type "." #member ".offset == %zu, '" #member "'\n", offsetof(type, member))
#define NUMBER(name) fprintf(out, "assert abi." #name " == %d, '" #name "'\n", (int)(name))
    SIZE(assay_problem);
    SIZE(assay_dialect);
    SIZE(assay_arithmetic);
    SIZE(assay_args);
    SIZE(assay_sizes);
    SIZE(assay_impl);
    SIZE(assay_open_args);
    SIZE(assay_made_of);
    SIZE(assay_waives);
    AT(assay_problem, lr);
    AT(assay_problem, y_stride);
    AT(assay_dialect, xent_smoothing);
    AT(assay_args, step);
    AT(assay_args, class_weights);
    AT(assay_args, dc0);
    AT(assay_args, v);
    AT(assay_args, dparam);
    AT(assay_args, v_1);
    AT(assay_impl, extension);
    NUMBER(ASSAY_MAX_PARAMS);
    NUMBER(ASSAY_TENSORS);
    NUMBER(ASSAY_ABI_VERSION);
    NUMBER(ASSAY_REDUCE_MEAN_TARGETS);
    NUMBER(ASSAY_FAILED);
    NUMBER(ASSAY_STEP);
#undef SIZE
#undef AT
#undef NUMBER
    assert_int_equal(fclose(out), 0);
    assert_string_equal(start_text(text, NULL).what, "");
    free(text);
}

/* The host's other half is an interpreter: without one nothing here can be tested. */
static int is_there(void)
{
    char command[600], program[512];
    assay_hosted_interpreter("own.py", program, sizeof program);
    snprintf(command, sizeof command, "'%s' -c 'import ctypes' >/dev/null 2>&1", program);
    return system(command) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_computes),
        cmocka_unit_test(a_refusal_has_its_reason),
        cmocka_unit_test(what_a_module_lacks_has_its_reason),
        cmocka_unit_test(an_exception_becomes_a_status_and_a_line),
        cmocka_unit_test(a_crash_is_told),
        cmocka_unit_test(a_plan_of_a_host_has_time_to_compile),
        cmocka_unit_test(what_is_missing_is_skipped),
        cmocka_unit_test(a_module_has_an_environment_of_its_own),
        cmocka_unit_test(what_is_wrong_is_no_plugin),
        cmocka_unit_test(the_hash_covers_the_module),
        cmocka_unit_test(structs_are_the_compilers),
        cmocka_unit_test(a_module_gets_nowhere),
    };
    if (!is_there()) {
        printf("no interpreter, or it has no ctypes\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
