/* machine.c: facts from /proc, /sys and uname().
 * SPDX-License-Identifier: MIT */
#include "perf/machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* First line of a small file, without its end; "" if it can't be read. */
static void first_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    out[0] = 0;
    if (!f) return;
    if (!fgets(out, (int)size, f)) out[0] = 0;
    out[strcspn(out, "\n")] = 0;
    fclose(f);
}

/* Value of the first line "key<separator>value" in a file, quotes and blanks around it removed; "" if there is none. */
static void value_of(const char *path, const char *key, char separator, char *out, size_t size)
{
    char line[4096];
    FILE *f = fopen(path, "r");
    out[0] = 0;
    while (f && !out[0] && fgets(line, sizeof line, f)) {
        char *at = strchr(line, separator);
        size_t length = strcspn(line, " \t:=");
        if (!at || strncmp(line, key, strlen(key)) || (length < strlen(key) && !strchr(key, ' '))) continue;
        at += 1 + strspn(at + 1, " \t\"");
        at[strcspn(at, "\"\n")] = 0;
        snprintf(out, size, "%.*s", (int)size - 1, at);
    }
    if (f) fclose(f);
}

static int has_word(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return 1;
    return 0;
}

static void read_isa(assay_machine *m)
{
    static const char *const wanted[] = {"avx",         "avx2",     "fma",   "avx512f", "avx512bw", "avx512_vnni",
                                         "avx512_bf16", "amx_bf16", "asimd", "sve",     "sve2"};
    char flags[4096];
    value_of("/proc/cpuinfo", "flags", ':', flags, sizeof flags);
    if (!flags[0]) value_of("/proc/cpuinfo", "Features", ':', flags, sizeof flags);
    for (size_t k = 0, used = 0; k < sizeof wanted / sizeof *wanted; k++)
        if (has_word(flags, wanted[k]) && used + strlen(wanted[k]) + 2 < sizeof m->isa)
            used += (size_t)snprintf(m->isa + used, sizeof m->isa - used, "%s%s", used ? " " : "", wanted[k]);
    if (has_word(flags, "hypervisor")) snprintf(m->hypervisor, sizeof m->hypervisor, "yes");
}

/* Cores of which this process may use at least one thread: a core is named by the first of its thread siblings. */
static void read_cores(assay_machine *m)
{
    cpu_set_t mine, seen;
    CPU_ZERO(&seen);
    if (sched_getaffinity(0, sizeof mine, &mine)) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        char path[96], siblings[64];
        if (!CPU_ISSET(cpu, &mine)) continue;
        m->threads++;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
        first_line(path, siblings, sizeof siblings);
        int first = siblings[0] ? atoi(siblings) : cpu;
        if (first < 0 || first >= CPU_SETSIZE || CPU_ISSET(first, &seen)) continue;
        CPU_SET(first, &seen);
        m->cores++;
    }
}

static int32_t cache_kib(int level)
{
    for (int index = 0; index < 6; index++) {
        char path[96], text[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
        first_line(path, text, sizeof text);
        if (atoi(text) != level) continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
        first_line(path, text, sizeof text);
        return atoi(text);
    }
    return 0;
}

void assay_machine_read(assay_machine *m)
{
    char text[64];
    struct utsname u;
    memset(m, 0, sizeof *m);
    value_of("/proc/cpuinfo", "model name", ':', m->cpu, sizeof m->cpu);
    read_isa(m);
    read_cores(m);
    m->l2_kib = cache_kib(2);
    m->l3_kib = cache_kib(3);
    value_of("/proc/meminfo", "MemTotal", ':', text, sizeof text);
    m->memory_gib = strtod(text, NULL) / (1 << 20);
    first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor, sizeof m->governor);
    value_of("/etc/os-release", "PRETTY_NAME", '=', m->os, sizeof m->os);
    if (uname(&u) == 0) snprintf(m->kernel, sizeof m->kernel, "%.20s %.60s", u.sysname, u.release);
    const char *node = getenv("ASSAY_NODE"); /* never the host's own name: records are published */
    if (node) snprintf(m->node, sizeof m->node, "%s", node);
    if (!m->cpu[0] && uname(&u) == 0) snprintf(m->cpu, sizeof m->cpu, "%.60s", u.machine);
}
